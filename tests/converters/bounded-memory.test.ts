import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File as Hdf5, ready } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numbersOf, readKerasHdf5 } from '../../converters/index.ts';

const MIB = 2 ** 20;
const count = 12 * MIB;

/** A small file whose only tensor is one compressed chunk of 48 MiB. */
let bytes: Uint8Array;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dovecote-bounded-'));
  const path = join(folder, 'chunk.h5');
  await ready;
  const file = new Hdf5(path, 'w');
  file.create_attribute('layer_names', ['dense'], null, 'S5');
  file.create_group('dense').create_attribute('weight_names', ['kernel'], null, 'S6');
  (file.get('dense') as Hdf5).create_dataset({
    name: 'kernel',
    data: new Float32Array(count),
    shape: [count],
    chunks: [count],
    compression: 'gzip',
    dtype: '<f',
  });
  file.close();
  bytes = new Uint8Array(readFileSync(path));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the memory of the HDF5 library', () => {
  it('is bounded: a file that asks for more is refused with a code, and the next one is read', async () => {
    const growing = () =>
      Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, 'grow')?.value as unknown;
    const grow = growing();
    expect(grow).toBeTypeOf('function');
    expect(bytes.length).toBeLessThan(MIB);
    const bounded = await readKerasHdf5(bytes, { limits: { libraryBytes: 32 * MIB } });
    expect(() => numbersOf(bounded.layers[0]!.weights[0]!)).toThrow(
      expect.objectContaining({
        code: 'FORMAT_LIMIT',
        nextStep: expect.stringContaining('libraryBytes') as string,
      }),
    );
    expect(growing()).toBe(grow);
    const free = await readKerasHdf5(bytes);
    expect(numbersOf(free.layers[0]!.weights[0]!)).toHaveLength(count);
    expect(growing()).toBe(grow);
  });
});
