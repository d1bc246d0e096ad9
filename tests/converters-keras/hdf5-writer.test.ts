import { File as Hdf5, ready, type Dataset, type Group } from 'h5wasm/node';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { MemorySink } from '../../converters/byte-sink.ts';
import { writeHdf5, type GroupToWrite } from '../../converters/hdf5-writer/write-hdf5.ts';
import { numbersOf, readKerasHdf5, type StoredTensor, type WeightTensor } from '../../converters/index.ts';
import { FileError } from '../../src/base/errors.ts';
import { codeOf } from '../converters/support.ts';
import { corpusFile } from './corpus-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'dovecote-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function written(groups: readonly GroupToWrite[]): Promise<Uint8Array> {
  const sink = new MemorySink();
  await writeHdf5(groups, sink);
  return sink.bytes();
}

/** What the library's own reader finds in a file. */
async function opened<T>(groups: readonly GroupToWrite[], look: (file: Group) => T): Promise<T> {
  await ready;
  const path = join(folder, 'a.h5');
  writeFileSync(path, await written(groups));
  const file = new Hdf5(path, 'r');
  try {
    return look(file);
  } finally {
    file.close();
  }
}

const float = (name: string, shape: number[], data: number[]): WeightTensor => ({
  name,
  shape,
  dtype: 'float32',
  data: Float32Array.from(data),
});

/** A tensor whose numbers are its places, made when they are asked for. */
function counted(shape: number[], asked: [number, number][] = []): StoredTensor {
  const read = (from: number, to: number) => {
    asked.push([from, to]);
    return Float32Array.from({ length: to - from }, (_, i) => from + i);
  };
  return { name: 'counted', shape, dtype: 'float32', read };
}

describe('an HDF5 file is written', () => {
  it('groups, tensors of every rank, and integers as int64', async () => {
    const groups: GroupToWrite[] = [
      {
        path: 'a/b',
        tensors: [
          { name: 'x/y:0', tensor: float('x', [2, 3], [1, 2, 3, 4, 5, 6]) },
          { name: 'scalar', tensor: float('s', [], [7]) },
          { name: 'none', tensor: float('n', [0, 4], []) },
          {
            name: 'count',
            tensor: { name: 'c', shape: [2], dtype: 'int32', data: Int32Array.from([-1, 2]) },
          },
        ],
      },
    ];
    const found = await opened(groups, (file) =>
      ['x/y:0', 'scalar', 'none', 'count'].map((name) => {
        const { shape, dtype, value } = file.get(`a/b/${name}`) as Dataset;
        return [shape, dtype, typeof value === 'number' ? value : Array.from(value as ArrayLike<unknown>)];
      }),
    );
    expect(found).toEqual([
      [[2, 3], '<f', [1, 2, 3, 4, 5, 6]],
      [[], '<f', 7],
      [[0, 4], '<f', []],
      [[2], '<q', [-1n, 2n]],
    ]);
  });

  it('texts of any length, lists of texts, empty lists as numbers', async () => {
    const long = 'ä'.repeat(100_000);
    const groups = [{ path: 'a', attributes: { long, names: ['conv1', 'b'], none: [] } }];
    const found = await opened(groups, (file) => {
      const { attrs } = file.get('a') as Group;
      return [
        attrs.long!.value,
        attrs.names!.value,
        attrs.names!.dtype,
        attrs.none!.dtype,
        attrs.none!.shape,
      ];
    });
    expect(found).toEqual([long, ['conv1', 'b'], 'A5', '<d', [0]]);
  });

  it('long lists of names in parts, as Keras does, and they are read again', async () => {
    const names = Array.from({ length: 5000 }, (_, i) => `a_layer_of_a_long_name_${i}`);
    const groups: GroupToWrite[] = [
      { path: '', attributes: { layer_names: names } },
      ...names.map((path) => ({ path, attributes: { weight_names: [] } })),
    ];
    const parts = await opened(groups, (file) => Object.keys(file.attrs));
    expect(parts.sort()).toEqual(['layer_names0', 'layer_names1', 'layer_names2']);
    const file = await readKerasHdf5(await written(groups));
    expect(file.layers.map(({ layer }) => layer)).toEqual(names);
  });

  it('tensors that lie elsewhere, piece by piece, in order, each number once', async () => {
    const asked: [number, number][] = [];
    const shape = [7, 701, 601];
    const groups: GroupToWrite[] = [
      { path: '', attributes: { layer_names: ['a'] } },
      {
        path: 'a',
        attributes: { weight_names: ['w'] },
        tensors: [{ name: 'w', tensor: counted(shape, asked) }],
      },
    ];
    const file = await readKerasHdf5(await written(groups));
    const numbers = numbersOf(file.layers[0]!.weights[0]!);
    expect(numbers.length).toBe(7 * 701 * 601);
    expect(numbers.every((number, i) => number === i)).toBe(true);
    expect(asked.length).toBe(2);
    expect(asked.map(([from]) => from)).toEqual([0, ...asked.slice(0, -1).map(([, to]) => to)]);
  });

  it('from another HDF5 file, which the library has open in turn', async () => {
    const large = await written([
      { path: '', attributes: { layer_names: ['a'] } },
      {
        path: 'a',
        attributes: { weight_names: ['w'] },
        tensors: [{ name: 'w', tensor: counted([100, 1000]) }],
      },
    ]);
    const { layers } = await readKerasHdf5(large);
    const [tensor] = layers[0]!.weights;
    expect('read' in tensor!).toBe(true);
    const copy = await written([
      { path: '', attributes: { layer_names: ['a'] } },
      { path: 'a', attributes: { weight_names: ['v'] }, tensors: [{ name: 'v', tensor: tensor! }] },
    ]);
    const again = await readKerasHdf5(copy);
    expect(numbersOf(again.layers[0]!.weights[0]!)).toEqual(numbersOf(tensor!));
  });

  it('the same bytes each time', async () => {
    const groups = [
      { path: 'a', attributes: { b: 'c' }, tensors: [{ name: 'd', tensor: float('d', [2], [1, 2]) }] },
    ];
    expect(await written(groups)).toEqual(await written(groups));
  });

  it('without a word of the library', async () => {
    const error = vi.spyOn(console, 'error');
    const stderr = vi.spyOn(process.stderr, 'write');
    await written([{ path: 'a', tensors: [{ name: 'b', tensor: float('b', [1], [1]) }] }]);
    expect(error).not.toHaveBeenCalled();
    expect(stderr).not.toHaveBeenCalled();
    error.mockRestore();
    stderr.mockRestore();
  });
});

describe('when writing fails', () => {
  const full = new FileError('OUTPUT_DISK_FULL', 'The disk is full.', {
    given: '',
    expected: '',
    nextStep: '',
  });
  const groups = [{ path: 'a', tensors: [{ name: 'b', tensor: counted([3_000_000]) }] }];

  it('the error of the sink comes through, and the library reads and writes on', async () => {
    class FullSink extends MemorySink {
      override write(bytes: Uint8Array, position: number): void {
        if (position + bytes.length > 1_000_000) throw full;
        super.write(bytes, position);
      }
    }
    expect(await codeOf(() => writeHdf5(groups, new FullSink()))).toBe('OUTPUT_DISK_FULL');
    const { layers } = await readKerasHdf5(corpusFile('dense_mlp.keras2.h5'));
    expect(layers.length).toBeGreaterThan(0);
    expect((await written(groups)).length).toBeGreaterThan(12_000_000);
  });

  it('it stops between two pieces when it is told to', async () => {
    const controller = new AbortController();
    const tensor = counted([5_000_000]);
    const stopping: StoredTensor = {
      ...tensor,
      read: (from, to) => {
        controller.abort();
        return tensor.read(from, to);
      },
    };
    const run = () =>
      writeHdf5([{ path: 'a', tensors: [{ name: 'b', tensor: stopping }] }], new MemorySink(), {
        signal: controller.signal,
      });
    expect(await codeOf(run)).toBe('ABORTED');
  });
});
