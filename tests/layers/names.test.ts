import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

it('no layer of this package takes a name that tfjs has for one of its own classes, initialisers included', async () => {
  const table = (
    tf.serialization.SerializationMap as unknown as { getMap(): { classNameMap: Record<string, unknown[]> } }
  ).getMap().classNameMap;
  const before = { ...table };
  expect(Object.keys(before)).toContain('Identity');
  await import('../../src/layers/index.ts');
  await import('../../zoo/layers/index.ts');
  expect(Object.keys(table).length).toBeGreaterThan(Object.keys(before).length + 50);
  const taken = Object.keys(before).filter((name) => table[name]![0] !== before[name]![0]);
  expect(taken).toEqual([]);
});

it('a class that nobody registered is named with a code by the layers that hold one', async () => {
  const { layerOf } = await import('../../src/layers/registered.ts');
  const refused = expect.objectContaining({
    code: 'FORMAT_UNSUPPORTED',
    message: expect.stringContaining('"MyCell"') as string,
  }) as Error;
  expect(() => layerOf({ className: 'MyCell', config: {} })).toThrow(refused);
});
