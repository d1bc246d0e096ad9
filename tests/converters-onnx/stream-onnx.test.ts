import { describe, expect, it } from 'vitest';
import type { StoredTensor, WeightTensor } from '../../src/base/types.ts';
import { buildOnnxModel, streamOnnxModel } from '../../converters/onnx/index.ts';
import { codeOf } from '../converters/support.ts';
import { graphOf, tensor } from './support.ts';

/** Numbers that the writer takes at once at most. */
const PIECE = 2 * 1024 * 1024;

interface Reads {
  count: number;
  largest: number;
  numbers: number;
}

/** A tensor in a file, of numbers that tell their own place, and what was read of it. */
function stored(shape: number[], missing = 0): { tensor: StoredTensor; reads: Reads } {
  const reads: Reads = { count: 0, largest: 0, numbers: 0 };
  const read = (from: number, to: number) => {
    reads.count++;
    reads.largest = Math.max(reads.largest, to - from);
    reads.numbers += to - from;
    const numbers = new Float32Array(to - from - missing);
    for (let index = 0; index < numbers.length; index++) numbers[index] = ((from + index) % 1001) / 1000;
    return numbers;
  };
  return { tensor: { name: 'stored', shape, dtype: 'float32', read }, reads };
}

const dense = graphOf([2500], [{ className: 'Dense', name: 'dense', config: { units: 2000 } }]);

function joined(chunks: Iterable<Uint8Array>): Buffer {
  // Chunks may show memory that is used again.
  return Buffer.concat(Array.from(chunks, (chunk) => Uint8Array.from(chunk)));
}

describe('an ONNX file in chunks', () => {
  it('has the bytes of the file that is made at once, and as many as it says', () => {
    const graph = graphOf(
      [8, 8, 3],
      [
        { className: 'Conv2D', name: 'conv', config: { filters: 4, kernel_size: 3, use_bias: false } },
        { className: 'BatchNormalization', name: 'norm' },
        { className: 'Flatten', name: 'flat' },
        { className: 'Dense', name: 'dense', config: { units: 5 } },
      ],
    );
    const weights = new Map([
      ['conv', [tensor(3, 3, 3, 4)]],
      ['norm', [tensor(4), tensor(4), tensor(4), { ...tensor(4), data: Float32Array.of(1, 2, 3, 4) }]],
      ['dense', [tensor(144, 5), tensor(5)]],
    ]);
    const stream = streamOnnxModel(graph, weights);
    const bytes = joined(stream.chunks);
    expect(bytes.length).toBe(stream.size);
    expect(bytes.equals(buildOnnxModel(graph, weights).bytes)).toBe(true);
  });

  it('is the same whether weights lie in memory or in a file', () => {
    const { tensor: kernel } = stored([2500, 2000]);
    const inMemory = { ...kernel, data: kernel.read(0, 2500 * 2000) };
    const bias = tensor(2000);
    const fromFile = joined(streamOnnxModel(dense, new Map([['dense', [kernel, bias]]])).chunks);
    const fromMemory = joined(streamOnnxModel(dense, new Map([['dense', [inMemory, bias]]])).chunks);
    expect(fromFile.equals(fromMemory)).toBe(true);
  });

  it('reads a large kernel when its turn comes, once and piece by piece', () => {
    const { tensor: kernel, reads } = stored([2500, 2000]);
    const { chunks } = streamOnnxModel(dense, new Map([['dense', [kernel, tensor(2000)]]]));
    expect(reads.count).toBe(0);
    for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(4 * PIECE);
    expect(reads).toEqual({ count: 3, largest: PIECE, numbers: 2500 * 2000 });
  });

  it('scales a kernel piece by piece too, where a BatchNormalization follows', () => {
    const graph = graphOf(
      [2500],
      [
        { className: 'Dense', name: 'dense', config: { units: 2000, use_bias: false } },
        { className: 'BatchNormalization', name: 'norm', config: { scale: false, center: false } },
      ],
    );
    const { tensor: kernel, reads } = stored([2500, 2000]);
    const variance = Float32Array.from({ length: 2000 }, (_, index) => 1 + (index % 7));
    const streamed = (weight: WeightTensor) => {
      const norm = [tensor(2000), { ...tensor(2000), data: variance }];
      const weights = new Map<string, WeightTensor[]>([
        ['dense', [weight]],
        ['norm', norm],
      ]);
      return joined(streamOnnxModel(graph, weights).chunks);
    };
    const fromFile = streamed(kernel);
    expect(reads).toEqual({ count: 3, largest: PIECE, numbers: 2500 * 2000 });
    expect(fromFile.equals(streamed({ ...kernel, data: kernel.read(0, 2500 * 2000) }))).toBe(true);
  });

  it('reads the table of an Embedding piece by piece', () => {
    const config = { input_dim: 50_000, output_dim: 100 };
    const graph = graphOf([7], [{ className: 'Embedding', name: 'embedding', config }]);
    const { tensor: table, reads } = stored([50_000, 100]);
    const { size, chunks } = streamOnnxModel(graph, new Map([['embedding', [table]]]));
    expect(joined(chunks).length).toBe(size);
    expect(reads).toEqual({ count: 3, largest: PIECE, numbers: 5_000_000 });
  });

  it('is refused above 2 GiB before anything is read', async () => {
    const config = { input_dim: 6_000_000, output_dim: 100 };
    const graph = graphOf([7], [{ className: 'Embedding', name: 'embedding', config }]);
    const { tensor: table, reads } = stored([6_000_000, 100]);
    const weights = new Map([['embedding', [table]]]);
    expect(await codeOf(() => streamOnnxModel(graph, weights))).toBe('FORMAT_LIMIT');
    expect(reads.count).toBe(0);
  });

  it('stops where a tensor has fewer numbers than its shape says', async () => {
    const { tensor: kernel } = stored([2500, 2000], 1);
    const { chunks } = streamOnnxModel(dense, new Map([['dense', [kernel, tensor(2000)]]]));
    expect(await codeOf(() => joined(chunks))).toBe('FORMAT_DAMAGED');
  });
});
