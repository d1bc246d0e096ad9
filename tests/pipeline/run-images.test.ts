import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Pixels } from '../../src/base/types.ts';
import type { CompiledModel } from '../../src/engines/compiled-model.ts';
import { inDecodeRoom } from '../../src/images/decode-room.node.ts';
import { runImages } from '../../src/pipeline/run-images.ts';
import '../../src/node.ts';

const recipe = {
  inputSize: [2, 2],
  resize: { mode: 'fill', filter: 'bilinear' },
  preprocessing: 'none',
} as unknown as Parameters<typeof runImages>[2];

/** Gives back the first number of each picture, and counts how often it runs at the same time. */
function firstNumbers(busy: { now: number; most: number }): CompiledModel {
  return {
    engine: 'onnx',
    inputShape: [null, 2, 2, 3],
    inputType: 'uint8',
    outputs: [{ name: 'first', shape: [null, 1] }],
    async run(data, [count = 0]) {
      busy.most = Math.max(busy.most, ++busy.now);
      await wait(2);
      busy.now--;
      const values = Float32Array.from({ length: count }, (_, row) => data[row * 12]!);
      return [{ data: values, shape: [count, 1] }];
    },
    dispose: () => Promise.resolve(),
  };
}

const numbered = (index: number): Pixels => ({ data: new Uint8Array(12).fill(index), width: 2, height: 2 });
const names = (count: number) => Array.from({ length: count }, (_, index) => `${index}.jpg`);

describe('a folder through a network', () => {
  it('keeps the order, whatever takes longer, with two batches in the network at most', async () => {
    const busy = { now: 0, most: 0 };
    const decode = async (_: unknown, index: number) => {
      await wait((index * 7) % 5);
      return numbered(index);
    };
    const results = [];
    for await (const { index, output } of runImages(names(40), firstNumbers(busy), recipe, {
      batchSize: 4,
      decode,
    })) {
      results.push([index, output?.[0]]);
    }
    expect(results).toEqual(names(40).map((_, index) => [index, index]));
    expect(busy.most).toBeLessThanOrEqual(2);
  });

  it('decodes no more than a few batches ahead of who takes the results', async () => {
    let decoded = 0;
    const decode = (_: unknown, index: number) => {
      decoded++;
      return Promise.resolve(numbered(index));
    };
    const batchSize = 4;
    const network = firstNumbers({ now: 0, most: 0 });
    let taken = 0;
    for await (const { index } of runImages(names(100), network, recipe, { batchSize, decode })) {
      taken++;
      expect(index).toBe(taken - 1);
      // A slow reader: whatever is going to be decoded meanwhile is.
      if (taken % 10 === 1) {
        await wait(20);
        expect(decoded - taken).toBeLessThanOrEqual(4 * batchSize);
      }
    }
    expect(decoded).toBe(100);
  });

  it('tells of pictures that cannot be decoded in their place', async () => {
    const decode = (_: unknown, index: number) =>
      index % 3 === 1 ? Promise.reject(new Error('torn')) : Promise.resolve(numbered(index));
    const results = [];
    const network = firstNumbers({ now: 0, most: 0 });
    for await (const result of runImages(names(11), network, recipe, { batchSize: 4, decode })) {
      results.push(result.output?.[0] ?? (result.error as Error).message);
    }
    expect(results).toEqual([0, 'torn', 2, 3, 'torn', 5, 6, 'torn', 8, 9, 'torn']);
  });
});

describe('room for decoded pictures', () => {
  const megabytes = 2 ** 20;

  it('lets those start that fit, in their order, also when one fails', async () => {
    let held = 0;
    let most = 0;
    const order: number[] = [];
    const sizes = [100, 80, 60, 500, 10, 190, 20, 20];
    const works = sizes.map((size, index) =>
      inDecodeRoom(size * megabytes, async () => {
        order.push(index);
        held += Math.min(size, 192);
        most = Math.max(most, held);
        await wait(3);
        held -= Math.min(size, 192);
        if (index === 2) throw new Error('torn');
        return index;
      }),
    );
    const settled = await Promise.allSettled(works);
    expect(settled.map(({ status }) => status)).toEqual(
      sizes.map((_, index) => (index === 2 ? 'rejected' : 'fulfilled')),
    );
    expect(order).toEqual(sizes.map((_, index) => index));
    expect(most).toBeLessThanOrEqual(192);
    expect(most).toBeGreaterThan(100);
  });
});
