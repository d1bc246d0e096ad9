import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../converters/index.ts';
import {
  convertKeras,
  readKerasHdf5,
  readModelFile,
  readTfjsModel,
  writeTfjsModel,
  type JsonObject,
  type NamedTensor,
  type Quantization,
  type TfjsArtifacts,
} from '../../converters/index.ts';
import { halfToNumber } from '../../converters/hdf5/numbers.ts';
import { toFloat16Bits } from '../../converters/tfjs/float16.ts';
import { difference, goldens } from './golden-models.ts';
import { codeOf, golden, toTensorflow } from './support.ts';

const shardsOf = (artifacts: TfjsArtifacts) => (name: string) => {
  const shard = artifacts.shards.find((item) => item.name === name);
  return shard === undefined ? Promise.reject(new Error(`no ${name}`)) : Promise.resolve(shard.bytes);
};
const numbers = (values: number[], shape = [1, values.length], name = 'w/kernel'): NamedTensor => ({
  name,
  shape,
  dtype: 'float32',
  data: Float32Array.from(values),
});
const write = (tensors: NamedTensor[], quantize?: Quantization, shardSizeBytes?: number) =>
  writeTfjsModel({
    topology: { class_name: 'Sequential', config: [] },
    weights: [tensors],
    quantize,
    shardSizeBytes,
  });
async function roundTrip(tensor: NamedTensor, quantize: Quantization): Promise<number[]> {
  const artifacts = write([tensor], quantize);
  const file = await readTfjsModel(artifacts.modelJson, shardsOf(artifacts));
  return Array.from(numbersOf(file.layers[0]!.weights[0]!));
}

describe('half precision', () => {
  it('every one of the 65,536 numbers survives the way there and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfToNumber(bits);
      if (Number.isNaN(value)) expect(Number.isNaN(halfToNumber(toFloat16Bits(value)))).toBe(true);
      else if (toFloat16Bits(value) !== bits)
        expect.fail(`${bits.toString(16)} became ${toFloat16Bits(value).toString(16)}`);
    }
  });

  it('rounds to nearest, ties to even, into subnormals and infinity', () => {
    expect(toFloat16Bits(1 + 2 ** -11)).toBe(0x3c00);
    expect(toFloat16Bits(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(toFloat16Bits(2 ** -25)).toBe(0);
    expect(toFloat16Bits(1.5 * 2 ** -25)).toBe(1);
    expect(toFloat16Bits(3 * 2 ** -25)).toBe(2);
    expect(toFloat16Bits(65519)).toBe(0x7bff);
    expect(toFloat16Bits(65520)).toBe(0x7c00);
    expect(toFloat16Bits(-0)).toBe(0x8000);
  });
});

describe('a layers model is written and read back', () => {
  it('without quantization bit for bit, whatever the size of the shards', async () => {
    const source = await readKerasHdf5(golden('keras2_branches.h5'));
    const artifacts = await convertKeras(golden('keras2_branches.h5'), { shardSizeBytes: 1024 });
    expect(artifacts.shards.length).toBeGreaterThan(1);
    expect(artifacts.shards.every((shard) => shard.bytes.length <= 1024)).toBe(true);
    const file = await readTfjsModel(artifacts.modelJson, shardsOf(artifacts));
    expect(file.layers.map((layer) => layer.layer)).toContain('left');
    const [before, after] = [source, file].map((item) => item.layers.flatMap((layer) => layer.weights));
    expect(after!.map((weight) => Array.from(numbersOf(weight)))).toEqual(
      before!.map((weight) => Array.from(numbersOf(weight))),
    );
  });

  it('carries format, converter and user metadata, which tfjs gives back', async () => {
    const userDefinedMetadata = { labels: ['ant', 'bee'], card: { name: 'squeezenet' } };
    const artifacts = await convertKeras(golden('keras2_frozen.h5'), { userDefinedMetadata });
    expect(artifacts.modelJson).toMatchObject({
      format: 'layers-model',
      generatedBy: 'keras v2.18.0',
      convertedBy: 'dovecote',
    });
    const model = await toTensorflow(artifacts);
    expect(model.getUserDefinedMetadata()).toEqual(userDefinedMetadata);
    model.dispose();
    const file = await readTfjsModel(artifacts.modelJson, shardsOf(artifacts));
    expect(file.userDefinedMetadata).toEqual(userDefinedMetadata);
  });

  it('what tfjs itself saves is read', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'd' })] });
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler((artifacts) => {
        saved = artifacts;
        return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
      }),
    );
    const modelJson = {
      modelTopology: saved!.modelTopology,
      weightsManifest: [{ paths: ['weights.bin'], weights: saved!.weightSpecs }],
    };
    const bytes = new Uint8Array(saved!.weightData as ArrayBuffer);
    const file = await readTfjsModel(JSON.parse(JSON.stringify(modelJson)), () => Promise.resolve(bytes));
    expect(file.layers.find((layer) => layer.layer === 'd')!.weights.map((weight) => weight.shape)).toEqual([
      [3, 2],
      [2],
    ]);
    model.dispose();
  });
});

describe('quantization', () => {
  const values = Array.from({ length: 200 }, (_, i) => Math.sin(i) * 3);

  it.each([
    ['uint8', 255],
    ['uint16', 65535],
  ] as const)('%s is within one step, and zero is exact', async (how, levels) => {
    const back = await roundTrip(numbers([...values, 0]), how);
    const step = (Math.max(...values) - Math.min(...values)) / levels;
    values.forEach((value, i) => expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(step * 1.001));
    expect(back.at(-1)).toBe(0);
  });

  it('a constant tensor is exact', async () => {
    expect(await roundTrip(numbers([-2.5, -2.5, -2.5]), 'uint8')).toEqual([-2.5, -2.5, -2.5]);
  });

  it('float16 keeps NaN and infinity and cuts what is too large, saying so', async () => {
    const tensor = numbers([1, NaN, Infinity, 1e6, -1e6]);
    expect(await roundTrip(tensor, 'float16')).toEqual([1, NaN, Infinity, 65504, -65504]);
    expect(write([tensor], 'float16').notes.join()).toMatch(/2 values beyond/);
  });

  it('a tensor with NaN cannot be uint8 and stays float32, saying so', async () => {
    const artifacts = write([numbers([1, NaN])], 'uint8');
    expect(artifacts.notes.join()).toMatch(/NaN or infinity and stays float32/);
    expect(await roundTrip(numbers([1, NaN]), 'uint8')).toEqual([1, NaN]);
  });

  it('biases and statistics stay float32, integers stay integers', () => {
    const integers: NamedTensor = { name: 'n', shape: [2, 2], dtype: 'int32', data: new Int32Array(4) };
    const { modelJson } = write(
      [numbers([1, 2], [2], 'bias'), integers, numbers([1, 2], [1, 2], 'kernel')],
      'uint8',
    );
    const specs = (modelJson.weightsManifest as JsonObject[])[0]!.weights as JsonObject[];
    expect(specs.map((spec) => spec.quantization !== undefined)).toEqual([false, false, true]);
  });

  it.each([
    ['float16', 0.5, 2e-3],
    ['uint16', 0.5, 1e-3],
    ['uint8', 0.25, 0.05],
  ] as const)(
    'a model in %s is smaller, loads in plain tfjs, and stays close to Keras',
    async (quantize, share, tolerance) => {
      const plain = await convertKeras(golden('keras2_branches.h5'));
      const artifacts = await convertKeras(golden('keras2_branches.h5'), { quantize });
      const size = (item: TfjsArtifacts) => item.shards.reduce((sum, shard) => sum + shard.bytes.length, 0);
      expect(size(artifacts) / size(plain)).toBeLessThan(share + 0.05);
      const model = await toTensorflow(artifacts);
      expect(difference(model, goldens('keras2_goldens.json').branches!)).toBeLessThan(tolerance);
      model.dispose();
    },
  );

  it('bad options are usage errors', async () => {
    expect(await codeOf(() => write([], 'int4' as Quantization))).toBe('USAGE_OPTION');
    expect(await codeOf(() => write([], 'none', 10))).toBe('USAGE_OPTION');
    expect(await codeOf(() => write([numbers([1]), numbers([1])]))).toBe('WEIGHTS_COUNT');
  });
});

describe('a bad model.json is refused', () => {
  const model = (path: string, more: JsonObject = {}): JsonObject => ({
    modelTopology: { class_name: 'Sequential', config: [] },
    weightsManifest: [
      { paths: [path], weights: [{ name: 'w/kernel', shape: [2], dtype: 'float32', ...more }] },
    ],
  });
  const read = (json: unknown, bytes = 8) =>
    codeOf(() => readTfjsModel(json, () => Promise.resolve(new Uint8Array(bytes))));

  it.each([
    '../secret.bin',
    '/etc/passwd',
    'a/../../b',
    'http://host/x.bin',
    'C:\\x',
    '..\\x',
    '%2e%2e/x',
    'a//b',
    './x',
    'x?y',
    'a\u0000b',
  ])('weights in %j', async (path) => {
    expect(await read(model(path))).toBe('FORMAT_UNSAFE');
  });

  it('a shard is not even asked for when another one is unsafe', async () => {
    let asked = 0;
    const json = {
      ...model('ok.bin'),
      weightsManifest: [
        ...(model('ok.bin').weightsManifest as JsonObject[]),
        { paths: ['../x'], weights: [] },
      ],
    };
    await readTfjsModel(json, () => Promise.resolve(new Uint8Array((asked += 1)))).catch(() => undefined);
    expect(asked).toBe(0);
  });

  it('names in a folder below are fine', async () => {
    expect(await read(model('weights/part 1.bin'))).toBe('no error');
  });

  it.each([
    ['bytes missing', model('w.bin'), 7, 'FORMAT_DAMAGED'],
    ['bytes too many', model('w.bin'), 9, 'FORMAT_DAMAGED'],
    [
      'a graph model without a graph',
      { format: 'graph-model', modelTopology: { node: [] } },
      0,
      'FORMAT_DAMAGED',
    ],
    ['text weights', model('w.bin', { dtype: 'string' }), 8, 'FORMAT_UNSUPPORTED'],
    ['a size beyond all limits', model('w.bin', { shape: [1e9, 1e9] }), 8, 'FORMAT_LIMIT'],
    ['no shape', model('w.bin', { shape: 'x' }), 8, 'FORMAT_DAMAGED'],
    ['an unknown quantization', model('w.bin', { quantization: { dtype: 'int4' } }), 8, 'FORMAT_DAMAGED'],
    ['something else', { hello: 1 }, 0, 'FORMAT_UNKNOWN'],
    ['no object', [1], 0, 'FORMAT_UNKNOWN'],
  ])('%s', async (_, json, bytes, code) => {
    expect(await read(json, bytes)).toBe(code);
  });

  it('readModelFile finds the format from the bytes', async () => {
    const artifacts = await convertKeras(golden('keras2_frozen.h5'));
    const bytes = new TextEncoder().encode(JSON.stringify(artifacts.modelJson));
    expect((await readModelFile(bytes, { readShard: shardsOf(artifacts) })).kind).toBe('tfjs-layers-model');
    expect(await codeOf(() => readModelFile(bytes))).toBe('USAGE_OPTION');
    expect(
      await codeOf(() => readModelFile(bytes.subarray(0, 100), { readShard: shardsOf(artifacts) })),
    ).toBe('FORMAT_DAMAGED');
  });
});
