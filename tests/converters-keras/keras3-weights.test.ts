import { File as Hdf5, ready } from 'h5wasm/node';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemorySink } from '../../converters/byte-sink.ts';
import { sourceOf } from '../../converters/byte-source.ts';
import { writeHdf5, type GroupToWrite } from '../../converters/hdf5-writer/write-hdf5.ts';
import { numbersOf, parseKerasConfig, readKerasHdf5, type WeightTensor } from '../../converters/index.ts';
import { layerTensors } from '../../converters/keras3-weights/layer-tensors.ts';
import { readKeras3, readKeras3Weights } from '../../converters/keras3-weights/read-keras3.ts';
import { snakeCase } from '../../converters/keras3-weights/snake-case.ts';
import { readLimits } from '../../converters/model-file.ts';
import { openArchive } from '../../converters/zip/archive.ts';
import { codeOf } from '../converters/support.ts';
import { CORPUS_FILES, corpusFile, hasCorpusFile } from './corpus-files.ts';
import { zipOf } from './zip-files.ts';

const content = ({ shape, dtype, ...tensor }: WeightTensor) => ({
  shape,
  dtype,
  numbers: Array.from(numbersOf({ shape, dtype, ...tensor })),
});

/** The weight file within a `.keras` file. */
async function weightFile(name: string): Promise<Uint8Array> {
  const bytes = corpusFile(name);
  const archive = await openArchive(sourceOf(bytes), { fileName: name, limits: readLimits(bytes.length) });
  return archive.bytes('model.weights.h5', 'tensorBytes');
}

async function hdf5(groups: readonly GroupToWrite[]): Promise<Uint8Array> {
  const sink = new MemorySink();
  await writeHdf5(groups, sink);
  return sink.bytes();
}

const tensor = (...numbers: number[]): WeightTensor => ({
  name: 'x',
  shape: [numbers.length],
  dtype: 'float32',
  data: Float32Array.from(numbers),
});

const vars = (path: string, ...tensors: WeightTensor[]): GroupToWrite => ({
  path: `${path}/vars`,
  tensors: tensors.map((item, i) => ({ name: String(i), tensor: item })),
});

/** Keras 3 stores the weights of a frozen model in another order in `.h5` files than Keras 2 and than `.keras` files. */
const OTHER_ORDER = new Set(['frozen_layers.keras3.keras']);
const PAIRS = CORPUS_FILES.filter(
  ({ model, keras, ending }) => ending === 'keras' && hasCorpusFile(`${model}.keras${keras}.h5`),
).map(({ file }) => file);

describe('a .keras file has the same weights as the .h5 file that the same Keras wrote of the same model', () => {
  it.each(PAIRS)('%s', async (file) => {
    const archive = await readKeras3(corpusFile(file), { fileName: file });
    const whole = await readKerasHdf5(corpusFile(file.replace(/keras$/, 'h5')));
    if (archive.refusal !== undefined) throw archive.refusal;
    expect(archive.kind).toBe('keras-v3');
    const found = archive.layers.filter(({ weights }) => weights.length > 0);
    const expected = whole.layers.filter(({ weights }) => weights.length > 0);
    expect(found.map(({ layer }) => layer)).toEqual(expected.map(({ layer }) => layer));
    const order = (list: readonly unknown[]) =>
      OTHER_ORDER.has(file) ? list.map((item) => JSON.stringify(item)).sort() : list;
    found.forEach(({ weights }, i) => {
      expect(order(weights.map(content))).toEqual(order(expected[i]!.weights.map(content)));
    });
  });
});

describe('groups are found by class and number', () => {
  it.each([
    ['Conv2D', 'conv2d'],
    ['MaxPooling2D', 'max_pooling2d'],
    ['PReLU', 'p_re_lu'],
    ['LSTM', 'lstm'],
    ['ConvLSTM2D', 'conv_lstm2d'],
    ['GroupedQueryAttention', 'grouped_query_attention'],
    ['RMSNormalization', 'rms_normalization'],
  ])('%s is stored as %s', (className, group) => {
    expect(snakeCase(className)).toBe(group);
  });

  const dense = (name: string) => ({
    class_name: 'Dense',
    config: { name, units: 1, batch_input_shape: [null, 1] },
  });
  const graph = parseKerasConfig({
    class_name: 'Sequential',
    config: { name: 'm', layers: [dense('first'), dense('second')] },
  });
  const one = { ...tensor(1), shape: [1, 1] };
  const two = { ...tensor(2), shape: [1, 1] };
  const first = async (groups: readonly GroupToWrite[]) => {
    const { weightTree } = await readKeras3Weights(await hdf5(groups));
    const { layers } = layerTensors(graph, weightTree, { fileName: 'a.weights.h5' });
    return layers.map(({ layer, weights }) => [layer, ...weights.map((weight) => numbersOf(weight)[0])]);
  };

  it('as Keras 3 counts them', async () => {
    const groups = [vars('layers/dense_1', two, tensor(20)), vars('layers/dense', one, tensor(10))];
    expect(await first(groups)).toEqual([['first_input'], ['first', 1, 10], ['second', 2, 20]]);
  });

  it('as Keras 2.12 counted them: each twice, and in another group', async () => {
    const root = '_layer_checkpoint_dependencies';
    const groups = [vars(`${root}/dense_2`, two, tensor(20)), vars(`${root}/dense`, one, tensor(10))];
    expect(await first(groups)).toEqual([['first_input'], ['first', 1, 10], ['second', 2, 20]]);
  });

  it('a layer without its variables is refused by name', async () => {
    const { weightTree } = await readKeras3Weights(await hdf5([vars('layers/dense', one)]));
    const read = () => layerTensors(graph, weightTree, { fileName: 'a.weights.h5' });
    expect(await codeOf(read)).toBe('WEIGHTS_COUNT');
    expect(read).toThrow('The layer first of a.weights.h5 has 1 variables; 2 are expected.');
  });

  it('a variable that is left out is damage', async () => {
    const groups = [{ path: 'layers/dense/vars', tensors: [{ name: '1', tensor: one }] }];
    expect(await codeOf(async () => readKeras3Weights(await hdf5(groups)))).toBe('FORMAT_DAMAGED');
  });

  it('groups that lead back to themselves end in an error', async () => {
    await ready;
    const folder = mkdtempSync(join(tmpdir(), 'dovecote-'));
    try {
      const path = join(folder, 'loop.h5');
      const file = new Hdf5(path, 'w');
      file.create_group('layers').create_group('dense').create_hard_link('/layers', 'again');
      file.close();
      expect(await codeOf(() => readKeras3Weights(new Uint8Array(readFileSync(path))))).toBe(
        'FORMAT_DAMAGED',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('the variables of the optimizer and of metrics are left out, with a note', async () => {
    const file = await readKeras3(corpusFile('compiled_with_optimizer.keras3.keras'));
    expect(file.layers.flatMap(({ weights }) => weights)).toHaveLength(4);
    expect(file.notes).toEqual(['what belongs to training (optimizer, metrics) was left out']);
    expect(file.trainingConfig).toBeDefined();
  });
});

describe('a .weights.h5 file alone', () => {
  it('gives its weights by the names that it states', async () => {
    const file = await readKeras3Weights(await weightFile('mnist_cnn.keras3.keras'));
    expect(file).toMatchObject({ kind: 'keras-v3-weights' });
    expect(file.config).toBeUndefined();
    const shapes = file.layers.map(({ layer, weights }) => [layer, ...weights.map(({ shape }) => shape)]);
    expect(shapes).toEqual([
      ['conv2d', [3, 3, 1, 4], [4]],
      ['conv2d_1', [3, 3, 4, 5], [5]],
      ['dense', [45, 10], [10]],
      ['dropout'],
      ['flatten'],
      ['max_pooling2d'],
    ]);
  });

  it('gives a model all that it gives in the archive', async () => {
    const name = 'nested_models.keras3.keras';
    const whole = await readKeras3(corpusFile(name));
    const { weightTree } = await readKeras3Weights(await weightFile(name));
    const graph = parseKerasConfig(whole.config!, { kerasVersion: whole.kerasVersion });
    const { layers } = layerTensors(graph, weightTree, { fileName: name });
    expect(layers.map(({ weights }) => weights.map(content))).toEqual(
      whole.layers.map(({ weights }) => weights.map(content)),
    );
  });

  it('of Keras 2 is not one', async () => {
    expect(await codeOf(() => readKeras3Weights(corpusFile('mnist_cnn.keras3.h5')))).toBe('FORMAT_UNKNOWN');
  });
});

describe('what is no .keras file of Keras', () => {
  it.each([
    ['no config', [{ name: 'a.txt', data: 'x' }], 'FORMAT_UNKNOWN'],
    [
      "weights in NumPy's format",
      [
        { name: 'metadata.json', data: '{}' },
        { name: 'config.json', data: '{}' },
        { name: 'model.weights.npz', data: 'x' },
      ],
      'FORMAT_UNSUPPORTED',
    ],
    [
      'a config that is no JSON',
      [
        { name: 'metadata.json', data: '{}' },
        { name: 'config.json', data: '{' },
        { name: 'model.weights.h5', data: 'x' },
      ],
      'FORMAT_DAMAGED',
    ],
    [
      'weights that are no HDF5',
      [
        { name: 'metadata.json', data: '{}' },
        { name: 'config.json', data: '{}' },
        { name: 'model.weights.h5', data: 'x'.repeat(1000) },
      ],
      'FORMAT_UNKNOWN',
    ],
  ])('%s', async (_, entries, code) => {
    expect(await codeOf(() => readKeras3(zipOf(entries)))).toBe(code);
  });

  it('a weight file that is cut off, wherever it is cut: a coded error', async () => {
    const weights = await weightFile('mnist_cnn.keras3.keras');
    const config = JSON.stringify((await readKeras3(corpusFile('mnist_cnn.keras3.keras'))).config);
    const codes = new Set<string>();
    for (let percent = 1; percent < 100; percent += 4) {
      const cut = weights.slice(0, Math.floor((weights.length * percent) / 100));
      const bytes = zipOf([
        { name: 'metadata.json', data: '{"keras_version":"3.15.1"}' },
        { name: 'config.json', data: config },
        { name: 'model.weights.h5', data: cut },
      ]);
      codes.add(
        await codeOf(async () => {
          const { layers } = await readKeras3(bytes);
          for (const { weights: list } of layers) list.forEach(numbersOf);
        }),
      );
    }
    expect([...codes]).toEqual(['FORMAT_DAMAGED']);
  });

  it('a deflated weight file is read all the same', async () => {
    const name = 'mnist_cnn.keras3.keras';
    const bytes = corpusFile(name);
    const archive = await openArchive(sourceOf(bytes), { fileName: name, limits: readLimits(bytes.length) });
    const entries = await Promise.all(
      archive.names.map(async (member) => ({
        name: member,
        data: await archive.bytes(member, 'tensorBytes'),
        deflated: true,
      })),
    );
    const packed = await readKeras3(zipOf(entries));
    const plain = await readKeras3(bytes);
    expect(packed.layers.map(({ weights }) => weights.map(content))).toEqual(
      plain.layers.map(({ weights }) => weights.map(content)),
    );
  });
});
