import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { matchWeights } from '../../converters/index.ts';
import { writeSafetensors } from '../../converters/safetensors/write-safetensors.ts';
import { WeightsError } from '../../src/base/errors.ts';
import type { LayerWeights } from '../../src/base/types.ts';
import { convertBytes } from '../../src/models/convert-bytes.ts';
import { expectedWeightsOf } from '../../src/models/expected-weights.ts';
import { metadataIn } from '../../src/models/metadata.ts';
import { publishedWeights } from '../../src/models/published-weights.ts';
import { mismatchOf } from '../../src/models/recognise.ts';
import type { LoadModelOptions, Prediction } from '../../src/node.ts';
import {
  classify,
  convert,
  disposeModel,
  extractFeatures,
  fineTune,
  getMetadata,
  loadArchitecture,
  loadModel,
  saveModel,
} from '../../src/node.ts';
import { findModel } from '../../zoo/registry.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { startFaultServer } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import { noisyPicture } from '../support/tiny-model.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-variants-'));
});
afterAll(() => rm(root, { recursive: true }));

const square = (side: number) => [side, side] as const;
const fileOf = (name: string, options: Partial<Parameters<typeof publishedWeights>[1]>) =>
  publishedWeights(findModel(name).card, { inputSize: square(224), ...options }).fileName;

/** Weights of a network, by their names, as bytes of a safetensors file. */
async function bytesOf(name: string, options: LoadModelOptions = {}): Promise<Uint8Array> {
  const model = await loadModel(name, { ...options, weights: null, seed: 7 });
  const tensors = model.layers.flatMap((layer) =>
    layer.weights.map((weight) => {
      const data = weight.read().dataSync<'float32'>();
      const { shape } = weight;
      return {
        name: `${layer.name}/${weight.originalName.split('/').at(-1)!}`,
        shape: shape as number[],
        data,
      };
    }),
  );
  const bytes = writeSafetensors(tensors.map((tensor) => ({ ...tensor, dtype: 'float32' as const })));
  await disposeModel(model);
  return bytes;
}

describe('the published file', () => {
  it('is that of the width, with or without top', () => {
    expect(fileOf('mobilenet', { alpha: 0.25 })).toBe('mobilenet_2_5_224_tf.h5');
    expect(fileOf('mobilenet', { alpha: 0.5, includeTop: false })).toBe('mobilenet_5_0_224_tf_no_top.h5');
    expect(fileOf('mobilenet', { alpha: 0.75, includeTop: 'auto' })).toBe('mobilenet_7_5_224_tf_no_top.h5');
    expect(fileOf('mobilenet', {})).toBe('mobilenet_1_0_224_tf.h5');
    expect(fileOf('mobilenetv2', { alpha: 1.4 })).toBe(
      'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.4_224.h5',
    );
    expect(fileOf('mobilenetv2', { alpha: 1 })).toBe(
      'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5',
    );
    expect(fileOf('mobilenetv3large', { minimalistic: true })).toBe(
      'weights_mobilenet_v3_large_minimalistic_224_1.0_float.h5',
    );
    expect(fileOf('mobilenetv3small', { alpha: 0.75, includeTop: false })).toBe(
      'weights_mobilenet_v3_small_224_0.75_float_no_top_v2.h5',
    );
    expect(fileOf('vgg16', { includeTop: false, inputSize: square(64) })).toBe(
      'vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5',
    );
  });

  it('is that of the size where there is one for the size, else that of the default size', () => {
    const sizeIn = (name: string, inputSize: readonly [number, number]) =>
      Number(/_(\d+)(_tf)?\.h5$/.exec(fileOf(name, { inputSize }))![1]);
    for (const side of [128, 160, 192, 224]) {
      expect(sizeIn('mobilenet', square(side))).toBe(side);
      expect(sizeIn('mobilenetv2', square(side))).toBe(side);
    }
    expect(sizeIn('mobilenetv2', square(96))).toBe(96);
    expect(sizeIn('mobilenet', square(96))).toBe(224);
    expect(sizeIn('mobilenet', square(200))).toBe(224);
    expect(sizeIn('mobilenetv2', [128, 160])).toBe(224);
    expect(fileOf('mobilenetv3small', { inputSize: square(96) })).toContain('_224_');
  });

  it('is refused for widths and makes that nobody publishes, with those that there are', () => {
    const refused = (name: string, options: Partial<Parameters<typeof publishedWeights>[1]>) => {
      try {
        fileOf(name, options);
      } catch (error) {
        return error as WeightsError;
      }
      throw new Error('it was found');
    };
    expect(refused('mobilenet', { alpha: 0.3 })).toMatchObject({
      code: 'WEIGHTS_UNAVAILABLE',
      given: 'alpha: 0.3',
      expected: 'alpha: one of 0.25, 0.5, 0.75, 1',
    });
    expect(refused('mobilenetv2', { alpha: 0.25 }).expected).toBe(
      'alpha: one of 0.35, 0.5, 0.75, 1, 1.3, 1.4',
    );
    expect(refused('mobilenetv3large', { alpha: 0.75, minimalistic: true })).toMatchObject({
      code: 'WEIGHTS_UNAVAILABLE',
      given: 'alpha: 0.75, minimalistic: true',
      expected: 'alpha: one of 0.75, 1; with minimalistic: 1',
    });
    expect(refused('mobilenet', { depthMultiplier: 2 })).toMatchObject({
      code: 'WEIGHTS_UNAVAILABLE',
      given: 'depthMultiplier: 2',
    });
    expect(refused('efficientnet-lite4', {}).message).toContain('Nobody publishes');
  });
});

describe('loading by width', () => {
  let server: FaultServer;
  beforeEach(async () => {
    server = await startFaultServer();
    vi.stubEnv('DOVECOTE_CACHE', join(root, 'cache'));
    vi.stubEnv('DOVECOTE_MIRROR', server.url);
    vi.stubEnv('DOVECOTE_OFFLINE', '');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await server.close();
  });

  itOnLoopback('asks for the published file of the width and size, and for nothing else', async () => {
    const before = tf.memory().numTensors;
    const calls: [string, LoadModelOptions, string][] = [
      ['mobilenet', { alpha: 0.25 }, 'mobilenet/mobilenet_2_5_224_tf.h5'],
      ['mobilenet', { alpha: 0.25, inputShape: [128, 128, 3] }, 'mobilenet/mobilenet_2_5_128_tf.h5'],
      [
        'mobilenetv3small',
        { minimalistic: true, includeTop: false },
        'mobilenet_v3/weights_mobilenet_v3_small_minimalistic_224_1.0_float_no_top_v2.h5',
      ],
    ];
    for (const [name, options, path] of calls) {
      const seen = server.requests().length;
      await expect(loadModel(name, options)).rejects.toMatchObject({ code: 'NETWORK_STATUS' });
      const asked = server
        .requests()
        .slice(seen)
        .map((request) => request.path);
      expect(new Set(asked)).toEqual(
        new Set([`/storage.googleapis.com/tensorflow/keras-applications/${path}`]),
      );
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  itOnLoopback('asks for nothing where nobody publishes the width', async () => {
    for (const options of [{ alpha: 0.3 }, { depthMultiplier: 2 }]) {
      await expect(loadModel('mobilenet', options)).rejects.toMatchObject({ code: 'WEIGHTS_UNAVAILABLE' });
    }
    expect(server.requests()).toEqual([]);
  });
});

describe('a network of another width', () => {
  it('carries its width and make along, and how its pictures are prepared', async () => {
    const of = async (name: string, options: LoadModelOptions) => {
      const model = await loadModel(name, { ...options, weights: null, inputShape: [32, 32, 3] });
      const metadata = getMetadata(model)!;
      await disposeModel(model);
      return [metadata.architecture, metadata.variant, metadata.preprocessing];
    };
    expect(await of('mobilenet', { alpha: 0.25 })).toEqual(['mobilenet', { alpha: 0.25 }, 'tf']);
    expect(await of('mobilenet', { alpha: 1 })).toEqual(['mobilenet', undefined, 'tf']);
    expect(await of('mobilenetv3small', {})).toEqual(['mobilenetv3small', undefined, 'none']);
    expect(await of('mobilenetv3small', { minimalistic: true, includePreprocessing: false })).toEqual([
      'mobilenetv3small',
      { minimalistic: true },
      'tf',
    ]);
    expect(await of('efficientnetv2b0', { includePreprocessing: false })).toEqual([
      'efficientnetv2b0',
      undefined,
      'torch',
    ]);
  });

  it('says the same of a photo with its preprocessing inside and outside', async () => {
    const weights = await bytesOf('mobilenetv3small', { inputShape: [64, 64, 3], minimalistic: true });
    const picture = (await noisyPicture([200, 110, 60], 3)) as Uint8Array;
    const answers: Prediction[][] = [];
    for (const includePreprocessing of [true, false]) {
      const model = await loadModel('mobilenetv3small', {
        weights,
        minimalistic: true,
        includePreprocessing,
        inputShape: [64, 64, 3],
      });
      answers.push([...(await classify(picture, { model, topK: 5 })).predictions]);
      await disposeModel(model);
    }
    expect(answers[1]!.map(({ index }) => index)).toEqual(answers[0]!.map(({ index }) => index));
    answers[1]!.forEach(({ probability }, rank) =>
      expect(probability).toBeCloseTo(answers[0]![rank]!.probability, 5),
    );
  });

  it('gives its features: 256 of MobileNet with alpha 0.25, 576 of a minimalistic MobileNetV3', async () => {
    const picture = await noisyPicture([200, 110, 60], 4);
    const widthOf = async (name: string, options: LoadModelOptions) => {
      const model = await loadModel(name, { ...options, weights: null, inputShape: [64, 64, 3] });
      const { width, rows } = await extractFeatures(model, [picture]);
      await disposeModel(model);
      expect(rows).toEqual([0]);
      return width;
    };
    expect(await widthOf('mobilenet', { alpha: 0.25 })).toBe(256);
    expect(await widthOf('mobilenetv3small', { minimalistic: true })).toBe(576);
    expect(await widthOf('mobilenetv3small', { alpha: 0.5 })).toBe(288);
    expect(await widthOf('mobilenetv3large', { alpha: 0.75 })).toBe(720);
  });

  it('is trained on by its name and options, and its successor can be trained on again', async () => {
    const base = await loadModel('mobilenet', { weights: null, alpha: 0.25, seed: 2 });
    const weights = join(root, 'quarter');
    await saveModel(base, weights, { quantize: 'float16' });
    await disposeModel(base);
    const data = [];
    for (let seed = 0; seed < 3; seed++) {
      data.push({ label: 'warm', image: await noisyPicture([200, 110, 60], seed) });
      data.push({ label: 'cold', image: await noisyPicture([60, 90, 190], seed) });
    }
    const quick = { epochs: 2, validationSplit: 0.34 };
    const result = await fineTune('mobilenet', data, { ...quick, weights, alpha: 0.25 });
    expect(getMetadata(result.model)).toMatchObject({ architecture: 'mobilenet', variant: { alpha: 0.25 } });
    const again = await fineTune(result.model, data, quick);
    expect(again.classes).toEqual(['cold', 'warm']);
    await expect(fineTune(result.model, data, { ...quick, alpha: 0.25 })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
      given: expect.stringContaining('alpha') as string,
    });
    await disposeModel(again.model);
    await disposeModel(result.model);
  });

  it('cannot be had from a model that is finished, or loaded already', async () => {
    const picture = await noisyPicture([200, 110, 60], 4);
    const model = await loadModel('mobilenet', { weights: null, alpha: 0.25, inputShape: [32, 32, 3] });
    await expect(classify(picture, { model, alpha: 0.5 })).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    await saveModel(model, join(root, 'finished'));
    await disposeModel(model);
    await expect(loadModel(join(root, 'finished'), { alpha: 0.25 })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
      message: expect.stringContaining('alpha cannot be used with a finished model') as string,
    });
    const again = await loadModel(join(root, 'finished'));
    expect(getMetadata(again)).toMatchObject({ architecture: 'mobilenet', variant: { alpha: 0.25 } });
    await disposeModel(again);
  });
});

describe('weights of another width', () => {
  it('are told by the options that they need', async () => {
    const before = tf.memory().numTensors;
    const quarter = await bytesOf('mobilenet', { alpha: 0.25 });
    await expect(loadModel('mobilenet', { weights: quarter })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      summary: 'the given bytes holds weights of MobileNet (alpha 0.25), not of MobileNet.',
      nextStep: expect.stringContaining('`--model mobilenet --alpha 0.25`') as string,
    });
    await expect(loadModel('mobilenet', { weights: quarter, alpha: 0.5 })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
    });
    const model = await loadModel('mobilenet', { weights: quarter, alpha: 0.25 });
    expect(model.countParams()).toBe(475_544);
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are not called those of another network where only the top is missing', async () => {
    const noTop = await bytesOf('mobilenet', { alpha: 0.25, includeTop: false });
    await expect(loadModel('mobilenet', { weights: noTop, alpha: 0.25 })).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING',
      summary: 'the given bytes has no weights for conv_preds.',
    });
  });

  it('are recognised and converted, with and without being named', async () => {
    const bytes = await bytesOf('mobilenetv3small', { minimalistic: true, includeTop: false });
    for (const options of [{}, { architecture: 'mobilenetv3small', minimalistic: true }]) {
      const converted = await convertBytes(bytes, options);
      expect(converted).toMatchObject({ architecture: 'mobilenetv3small', variant: { minimalistic: true } });
      const { userDefinedMetadata } = converted.modelJson as { userDefinedMetadata?: unknown };
      expect(metadataIn(userDefinedMetadata)).toMatchObject({
        architecture: 'mobilenetv3small',
        variant: { minimalistic: true },
        preprocessing: 'none',
      });
    }
    await expect(convertBytes(bytes, { architecture: 'mobilenetv3small' })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      nextStep: expect.stringContaining('`--architecture mobilenetv3small --minimalistic`') as string,
    });
    await expect(convertBytes(bytes, { minimalistic: true })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
      nextStep: expect.stringContaining('--architecture') as string,
    });
    await expect(convertBytes(bytes, { architecture: 'vgg16', alpha: 0.5 })).rejects.toMatchObject({
      code: 'MODEL_OPTION',
    });
  });

  it('in a whole model are recognised, and whether it prepares its pictures itself', async () => {
    for (const includePreprocessing of [true, false]) {
      const options = { alpha: 0.75, includePreprocessing, includeTop: false } as const;
      const model = await loadModel('mobilenetv3small', { ...options, weights: null });
      model.setUserDefinedMetadata({});
      const folder = join(root, `whole-${includePreprocessing}`);
      await model.save(
        tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
          const { mkdir, writeFile } = await import('node:fs/promises');
          await mkdir(folder);
          await writeFile(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
          const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
          const json = { format: 'layers-model', modelTopology, weightsManifest };
          await writeFile(join(folder, 'model.json'), JSON.stringify(json));
          return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
        }),
      );
      await disposeModel(model);
      const expected = {
        architecture: 'mobilenetv3small',
        variant: { alpha: 0.75 },
        preprocessing: includePreprocessing ? 'none' : 'tf',
      };
      const loaded = await loadModel(folder);
      expect(getMetadata(loaded)).toMatchObject(expected);
      await disposeModel(loaded);
      const out = join(root, `converted-${includePreprocessing}`);
      await convert(folder, out);
      const converted = await loadModel(out);
      expect(getMetadata(converted)).toMatchObject(expected);
      await disposeModel(converted);
    }
  });
});

describe('a file without top of Keras before 2.8', () => {
  /** The layers of a network with its top but for the classifier, as those files hold them. */
  async function earlierFile(name: string, options: LoadModelOptions): Promise<LayerWeights[]> {
    const model = await loadArchitecture(name, options);
    const layers = expectedWeightsOf(model).map(({ layer, weights }) => ({
      layer: layer.replace('conv', 'Conv'),
      weights: weights.map(({ name: tensor, shape }) => {
        const size = shape!.reduce<number>((product, side) => product * side!, 1);
        return {
          name: tensor,
          shape: shape as number[],
          dtype: 'float32' as const,
          data: new Float32Array(size),
        };
      }),
    }));
    await disposeModel(model);
    return layers.slice(0, -1);
  }

  it.each([
    ['mobilenetv3small', {}, 'small_224_1.0_float_no_top_v2.h5'],
    ['mobilenetv3large', { alpha: 0.75 }, 'large_224_0.75_float_no_top_v2.h5'],
    ['mobilenetv3small', { minimalistic: true }, 'small_minimalistic_224_1.0_float_no_top_v2.h5'],
  ] as const)('is refused for %s %j, with the file to take', async (name, options, current) => {
    const layers = await earlierFile(name, options);
    const file = {
      kind: 'keras-h5-weights' as const,
      fileName: 'old_no_top.h5',
      kerasVersion: '2.4.0',
      layers,
      notes: [],
    };
    const model = await loadArchitecture(name, { ...options, includeTop: false });
    let error: unknown;
    try {
      matchWeights(expectedWeightsOf(model), file);
    } catch (caught) {
      error = caught;
    }
    await disposeModel(model);
    expect(error).toBeInstanceOf(WeightsError);
    const told = mismatchOf(
      error,
      file,
      { card: findModel(name).card, variant: options },
      {
        howToName: (other) => other,
      },
    );
    expect(told).toMatchObject({
      code: 'WEIGHTS_COUNT',
      summary: expect.stringMatching(/Keras before 2\.8.*conv_2/) as string,
      nextStep: expect.stringContaining(current) as string,
    });
  });
});
