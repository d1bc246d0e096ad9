import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileModel, disposeModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import type { BuildOptions } from '../../zoo/build-options.ts';
import { findModel, listCards } from '../../zoo/registry.ts';
import type { Variant } from '../../zoo/variants.ts';
import { featureLayerOfVariant, variantOf, variantTitle, variantsOf } from '../../zoo/variants.ts';
import { withNetwork } from '../support/describe-family.ts';
import { rootFolder } from '../support/dist.ts';
import { parityModule, shapeDigest } from '../support/keras-parity.ts';
import { seededImage } from '../support/seeded.ts';
import { shared } from '../support/shared.ts';

const { fillWithSeededWeights } = await parityModule('seeded-weights.mjs');
/** Keeps activations sane; see tests/oracle/zoo_weights.py. */
const GAIN = 0.85;
const names = ['mobilenet', 'mobilenetv2', 'mobilenetv3small', 'mobilenetv3large'] as const;
const widths = names.flatMap((name) => {
  const { card } = findModel(name);
  return variantsOf(card).map((variant) => ({ title: variantTitle(card, variant), name, card, variant }));
});

beforeAll(async () => {
  await platform().prepareTfjs();
});

const optionsOf = ({ alpha, minimalistic }: Variant): BuildOptions => ({
  alpha,
  // Not every network takes it.
  ...(minimalistic ? { minimalistic } : undefined),
});

/** What a network with seeded weights says of one picture, on both engines. */
async function outputsOf(name: string, options: BuildOptions, picture: Float32Array, size: [number, number]) {
  const { card, build } = findModel(name);
  const model = build(card, { inputShape: [...size, 3], ...options }, { kernel: 'zeros' });
  try {
    fillWithSeededWeights(tf, model, GAIN);
    const outputs = [];
    for (const engine of ['onnx', 'tfjs'] as const) {
      const compiled = await compileModel(model, { engine });
      const [output] = await compiled.run(picture, [1, ...size, 3]);
      outputs.push(output!);
      await compiled.dispose();
    }
    return { onnx: outputs[0]!, tfjs: outputs[1]! };
  } finally {
    await disposeModel(model);
  }
}

function differenceOf(one: Float32Array, other: Float32Array): number {
  expect(one).toHaveLength(other.length);
  const range = Math.max(...one) - Math.min(...one);
  expect(range).toBeGreaterThan(0);
  return Math.max(...one.map((value, index) => Math.abs(value - other[index]!))) / range;
}

describe.each(widths)('the card of $title', ({ name, card, variant }) => {
  it('states the parameters of the network that is built, and names layers that it has', async () => {
    await withNetwork(name, optionsOf(variant), (model) => {
      expect(model.countParams()).toBe(variant.parameters.top);
      expect(model.outputShape).toEqual([null, 1000]);
      const bearing = model.layers.filter((layer) => layer.weights.length > 0);
      expect(bearing[0]!.name).toBe(card.firstConvolution);
      expect(bearing.at(-1)!.name).toBe(card.classifier);
      expect(model.getLayer(variant.features.layer).outputShape).toEqual([
        null,
        7,
        7,
        variant.features.width,
      ]);
    });
    await withNetwork(name, { ...optionsOf(variant), includeTop: false }, (model) => {
      expect(model.countParams()).toBe(variant.parameters.noTop);
      expect(model.layers.at(-1)!.name).toBe(variant.features.layer);
      expect(model.outputShape).toEqual([null, 7, 7, variant.features.width]);
      expect(model.layers.some((layer) => layer.name === card.classifier)).toBe(false);
    });
  });

  it('is found by its options, and its feature layer too', () => {
    expect(variantOf(card, optionsOf(variant))).toEqual(variant);
    expect(featureLayerOfVariant(card, optionsOf(variant))).toBe(variant.features.layer);
  });

  it('has a file with and one without top for each size, the default first', () => {
    expect(variant.weights[0]).toMatchObject({ variant: 'top', inputSize: card.inputSize.default });
    for (const part of ['top', 'noTop'] as const) {
      const sizes = variant.weights.filter((each) => each.variant === part).map((each) => each.inputSize!);
      expect(new Set(sizes).size).toBe(sizes.length);
      expect(sizes).toContain(224);
    }
    const urls = variant.weights.map(({ url, fileName }) => {
      expect(url.endsWith(`/${fileName}`)).toBe(true);
      return url;
    });
    expect(new Set(urls).size).toBe(urls.length);
  });
});

interface ReferenceVariant {
  alpha: number;
  minimalistic?: boolean;
  inputSize: number;
  weights: Record<'top' | 'noTop', { url: string; file: string; hash: { value: string } | null }>;
  params: { top: number; noTop: number };
  featureChannels: number;
  accuracy: {
    sourceTable: { top1: number; top5?: number } | null;
    kerasApplicationsReadme?: { top1: number; top5: number } | null;
  };
}
interface ReferenceNetwork {
  name: string;
  batchNorm: { epsilon: number[]; momentum: number[]; layers: number };
  convLayers: { total: number; withBias: number };
  variants: ReferenceVariant[];
  params: Record<'top' | 'noTop', { total: number; trainable: number; tensorShapeDigest: string }>;
}

// tests/support/zoo-reference.ts prints why, where it is missing.
const path = shared('zoo-reference.json');
const reference = existsSync(path)
  ? (JSON.parse(readFileSync(path, 'utf8')) as { models: ReferenceNetwork[] }).models
  : undefined;

describe.skipIf(reference === undefined).each(names)('%s in the reference', (name) => {
  const { card } = findModel(name);
  const network = reference?.find((each) => each.name === card.title) as ReferenceNetwork;

  it('has the widths, files, hashes, parameters and features of the cards, and no others', () => {
    const stated = variantsOf(card).flatMap(({ alpha, minimalistic, weights, parameters, features }) => {
      const sizes = [...new Set(weights.map((file) => file.inputSize!))];
      return sizes.map((inputSize) => {
        const fileOf = (part: 'top' | 'noTop') => {
          const file = weights.find((each) => each.variant === part && each.inputSize === inputSize)!;
          return { url: file.url, file: file.fileName, md5: file.md5 ?? null };
        };
        const files = { top: fileOf('top'), noTop: fileOf('noTop') };
        return { alpha, minimalistic, inputSize, parameters, width: features.width, ...files };
      });
    });
    const expected = network.variants.map((each) => {
      const fileOf = ({ url, file, hash }: ReferenceVariant['weights']['top']) => ({
        url,
        file,
        md5: hash?.value ?? null,
      });
      return {
        alpha: each.alpha,
        minimalistic: each.minimalistic ?? false,
        inputSize: each.inputSize,
        parameters: each.params,
        width: each.featureChannels,
        top: fileOf(each.weights.top),
        noTop: fileOf(each.weights.noTop),
      };
    });
    const byFile = (a: { top: { file: string } }, b: { top: { file: string } }) =>
      a.top.file.localeCompare(b.top.file);
    expect(stated.sort(byFile)).toEqual(expected.sort(byFile));
  });

  it('has the accuracies of the cards of other widths, at the default size', () => {
    for (const variant of card.variants!) {
      const { accuracy } = network.variants.find(
        (each) =>
          each.alpha === variant.alpha &&
          (each.minimalistic ?? false) === (variant.minimalistic ?? false) &&
          each.inputSize === card.inputSize.default,
      )!;
      expect(variant.accuracy).toEqual(accuracy.kerasApplicationsReadme ?? accuracy.sourceTable);
    }
  });

  it.each(['top', 'noTop'] as const)('has its weights in the same order, %s', async (part) => {
    const { total, trainable, tensorShapeDigest } = network.params[part];
    await withNetwork(name, { includeTop: part === 'top' }, (model) => {
      expect(model.countParams()).toBe(total);
      const trained = model.trainableWeights.map(({ shape }) =>
        shape.reduce<number>((n, side) => n * side!, 1),
      );
      expect(trained.reduce((sum, size) => sum + size, 0)).toBe(trainable);
      expect(shapeDigest(model)).toBe(tensorShapeDigest);
    });
  });

  it('has as many BatchNormalizations, of the same epsilon and momentum, and as many biases', async () => {
    await withNetwork(name, {}, (model) => {
      const configs = model.layers.map((layer) => ({
        kind: layer.getClassName(),
        config: layer.getConfig(),
      }));
      const norms = configs.filter(({ kind }) => kind === 'BatchNormalization');
      expect(norms).toHaveLength(network.batchNorm.layers);
      for (const { config } of norms) {
        expect([config['epsilon']]).toEqual(network.batchNorm.epsilon);
        expect([config['momentum']]).toEqual(network.batchNorm.momentum);
      }
      const convolutions = configs.filter(({ kind }) => /Conv2D/.test(kind));
      expect(convolutions).toHaveLength(network.convLayers.total);
      expect(convolutions.filter(({ config }) => config['useBias'] === true)).toHaveLength(
        network.convLayers.withBias,
      );
    });
  });
});

describe('README', () => {
  it('lists the widths, the options and the sizes of the cards', () => {
    const readme = readFileSync(join(rootFolder, 'README.md'), 'utf8').replaceAll('**', '');
    const lines = readme.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const name of names) {
      const { card } = findModel(name);
      const rows = lines.filter((cells) => cells[1] === `\`${name}\`` && cells.length === 6);
      expect(rows, name).toHaveLength(1);
      const [, , alphas, options, sizes] = rows[0]!;
      const wanted = variantsOf(card).filter(({ minimalistic }) => !minimalistic);
      const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b).join(', ');
      expect(alphas).toBe(ascending(wanted.map(({ alpha }) => alpha)));
      expect(sizes).toBe(ascending(card.weights.map(({ inputSize }) => inputSize!)));
      const others = card.options!.filter((option) => option !== 'alpha');
      expect(options!.replaceAll('`', '').split(', ').filter(Boolean).sort()).toEqual([...others].sort());
    }
  });
});

describe('addresses of weights', () => {
  it("are those of Keras's own storage and of the authors' repositories, and never tfhub.dev", () => {
    const urls = listCards().flatMap((card) =>
      variantsOf(card).flatMap(({ weights }) => weights.map(({ url }) => new URL(url))),
    );
    expect(urls.length).toBeGreaterThan(90);
    const hosts = new Set(urls.map((url) => url.hostname));
    expect([...hosts].sort()).toEqual(['github.com', 'storage.googleapis.com']);
    expect(urls.filter((url) => url.protocol !== 'https:')).toEqual([]);
    expect(urls.filter((url) => /tfhub|kaggle/.test(url.href))).toEqual([]);
  });
});

describe('the options of the MobileNets', () => {
  const layersOf = (name: string, options: BuildOptions) =>
    withNetwork(name, options, (model) =>
      model.layers.map((layer) => ({ kind: layer.getClassName(), config: layer.getConfig() })),
    );
  const dropoutsOf = async (name: string, options: BuildOptions) =>
    (await layersOf(name, options))
      .filter(({ kind }) => kind === 'Dropout')
      .map(({ config }) => config['rate']);

  it('dropout is the rate before the classifier; by default it is that of Keras', async () => {
    expect(await dropoutsOf('mobilenet', {})).toEqual([0.001]);
    expect(await dropoutsOf('mobilenet', { dropout: 0.4 })).toEqual([0.4]);
    expect(await dropoutsOf('mobilenet', { dropout: 0 })).toEqual([0]);
    expect(await dropoutsOf('mobilenetv3small', {})).toEqual([0.2]);
    expect(await dropoutsOf('mobilenetv3large', { dropout: 0.5 })).toEqual([0.5]);
    // Keras leaves the layer out.
    expect(await dropoutsOf('mobilenetv3small', { dropout: 0 })).toEqual([]);
    expect(await dropoutsOf('mobilenetv3small', { includeTop: false })).toEqual([]);
  });

  it('depthMultiplier multiplies the filters of every depthwise convolution', async () => {
    await withNetwork('mobilenet', { depthMultiplier: 2 }, (model) => {
      expect(model.getLayer('conv_dw_1').outputShape).toEqual([null, 112, 112, 64]);
      expect(model.getLayer('conv_pw_1').outputShape).toEqual([null, 112, 112, 64]);
      expect(model.getLayer('conv_dw_2').outputShape).toEqual([null, 56, 56, 128]);
    });
  });

  it('alpha may be any width, published or not', async () => {
    const lastOf = (name: string, alpha: number) =>
      withNetwork(name, { alpha, includeTop: false }, (model) => (model.outputShape as number[])[3]);
    expect(await lastOf('mobilenet', 0.6)).toBe(614);
    expect(await lastOf('mobilenet', 1.5)).toBe(1536);
    expect(await lastOf('mobilenetv2', 0.1)).toBe(1280);
    expect(await lastOf('mobilenetv2', 2)).toBe(2560);
    expect(await lastOf('mobilenetv3small', 0.5)).toBe(288);
  });

  // Of real Keras 3: `count_params()` with weights=None.
  it.each([
    ['mobilenet', { alpha: 0.3 }, 615_542, 307_542],
    ['mobilenet', { alpha: 1.25, depthMultiplier: 2 }, 11_284_400, 10_003_400],
    ['mobilenetv2', { alpha: 1.1125 }, 4_153_464, 2_728_464],
    ['mobilenetv2', { alpha: 0.6 }, 2_239_176, 958_176],
    ['mobilenetv3small', { alpha: 1.25 }, 3_660_640, 1_456_760],
    ['mobilenetv3large', { alpha: 1.3, minimalistic: true }, 6_138_880, 2_395_544],
    ['mobilenetv3large', { alpha: 0.5 }, 2_702_512, 805_832],
  ] as [string, BuildOptions, number, number][])(
    '%s with %j, which nobody publishes, has as many parameters as in Keras',
    async (name, options, top, noTop) => {
      const count = (includeTop: boolean) =>
        withNetwork(name, { ...options, includeTop, inputShape: [96, 96, 3] }, (model) =>
          model.countParams(),
        );
      expect(await count(true)).toBe(top);
      expect(await count(false)).toBe(noTop);
    },
  );

  it('what is illegal, or the option of another network, is refused with what is legal', () => {
    const refused: [string, BuildOptions, string][] = [
      ['mobilenet', { alpha: 0 }, 'alpha'],
      ['mobilenet', { alpha: 0.01 }, 'alpha'],
      ['mobilenet', { alpha: NaN }, 'alpha'],
      ['mobilenetv2', { alpha: -1 }, 'alpha'],
      ['mobilenet', { alpha: '0.5' as unknown as number }, 'alpha'],
      ['mobilenet', { depthMultiplier: 1.5 }, 'depthMultiplier'],
      ['mobilenet', { depthMultiplier: 0 }, 'depthMultiplier'],
      ['mobilenet', { dropout: 1 }, 'dropout'],
      ['mobilenetv3small', { dropout: -0.1 }, 'dropout'],
      ['mobilenetv3small', { minimalistic: 'yes' as unknown as boolean }, 'minimalistic'],
      ['mobilenetv2', { dropout: 0.2 }, 'dropout'],
      ['mobilenetv2', { minimalistic: true }, 'minimalistic'],
      ['mobilenet', { includePreprocessing: false }, 'includePreprocessing'],
      ['mobilenetv3large', { depthMultiplier: 2 }, 'depthMultiplier'],
      ['vgg16', { alpha: 0.5 }, 'alpha'],
      ['mobilenetv2', { includeTop: 'no' as unknown as boolean }, 'includeTop: "no"'],
      ['mobilenet', { alpha: '0.25' as unknown as number }, 'alpha: "0.25"'],
      ['mobilenet', { classes: 10n as unknown as number }, 'classes: 10'],
      ['mobilenet', { classes: 2.5 }, 'classes: 2.5'],
    ];
    for (const [name, options, option] of refused) {
      const { card, build } = findModel(name);
      expect(() => build(card, options, { kernel: 'zeros' }), `${name} ${option}`).toThrow(
        expect.objectContaining({
          code: 'MODEL_OPTION',
          given: expect.stringContaining(option) as string,
        }),
      );
    }
  });

  it('without its preprocessing a MobileNetV3 takes what the layer would have made of the picture', async () => {
    const size: [number, number] = [64, 64];
    const picture = seededImage(...size, 3);
    const options = { includeTop: false, pooling: 'avg' } as const;
    const inside = await outputsOf('mobilenetv3small', options, picture, size);
    const prepared = picture.map((value) => value / 127.5 - 1);
    const bare = { ...options, includePreprocessing: false };
    const outside = await outputsOf('mobilenetv3small', bare, prepared, size);
    expect(differenceOf(inside.tfjs.data, outside.tfjs.data)).toBeLessThan(1e-5);
    expect(differenceOf(inside.onnx.data, outside.onnx.data)).toBeLessThan(1e-5);
    const kinds = async (opened: BuildOptions) =>
      (await layersOf('mobilenetv3small', { ...opened, minimalistic: true })).map(({ kind }) => kind);
    expect(await kinds({})).toContain('Rescaling');
    expect(await kinds({ includePreprocessing: false })).not.toContain('Rescaling');
  });

  it('a minimalistic MobileNetV3 has neither squeeze-and-excite, nor hard-swish, nor 5x5 kernels', async () => {
    for (const name of ['mobilenetv3small', 'mobilenetv3large']) {
      const describe = async (minimalistic: boolean) => {
        const layers = await layersOf(name, { minimalistic, includeTop: false });
        const of = (test: (layer: (typeof layers)[number]) => boolean) => layers.filter(test).length;
        return [
          of(({ kind }) => kind === 'Multiply'),
          of(({ config }) => config['activation'] === 'hardSwish'),
          of(({ config }) => JSON.stringify(config['kernelSize']) === '[5,5]'),
        ];
      };
      expect(await describe(true)).toEqual([0, 0, 0]);
      expect((await describe(false)).every((count) => count > 0)).toBe(true);
    }
  });

  it('the logits are what the probabilities are the softmax of', async () => {
    const size: [number, number] = [32, 32];
    const picture = seededImage(...size, 4).map((value) => value / 127.5 - 1);
    const options = { classes: 5 };
    for (const name of ['mobilenet', 'mobilenetv2', 'mobilenetv3small']) {
      const probabilities = await outputsOf(name, options, picture, size);
      const logits = await outputsOf(name, { ...options, classifierActivation: null }, picture, size);
      expect(probabilities.onnx.shape).toEqual([1, 5]);
      const powers = Array.from(logits.onnx.data, Math.exp);
      const sum = powers.reduce((all, power) => all + power, 0);
      powers.forEach((power, index) => expect(probabilities.onnx.data[index]!).toBeCloseTo(power / sum, 4));
    }
  });
});

describe.each(names)('%s at other sizes', (name) => {
  const { card, build } = findModel(name);

  it.each([
    [32, 32],
    [33, 47],
    [64, 39],
    [96, 128],
  ] as [number, number][])('%i x %i is the same on both engines, with its top', async (height, width) => {
    const picture = seededImage(height, width, 5).map((value) => value / 127.5 - 1);
    const before = tf.memory().numTensors;
    const options = { classifierActivation: 'linear' } as const;
    const { onnx, tfjs } = await outputsOf(name, options, picture, [height, width]);
    expect(differenceOf(tfjs.data, onnx.data)).toBeLessThan(1e-5);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('below 32 is refused', () => {
    for (const inputShape of [
      [31, 32, 3],
      [224, 16, 3],
    ] as [number, number, number][]) {
      expect(() => build(card, { includeTop: false, inputShape }, { kernel: 'zeros' })).toThrow(
        expect.objectContaining({ code: 'MODEL_OPTION' }),
      );
    }
  });
});

describe('a saved MobileNetV3', () => {
  it('is read by plain tf.loadLayersModel and says the same', async () => {
    const { card, build } = findModel('mobilenetv3small');
    const model = build(card, { inputShape: [48, 48, 3] }, { kernel: 'zeros' });
    fillWithSeededWeights(tf, model, GAIN);
    const before = tf.memory().numTensors;
    let artifacts: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler((given) => {
        artifacts = given;
        return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
      }),
    );
    const again = await tf.loadLayersModel({ load: () => Promise.resolve(artifacts!) });
    const outputs = tf.tidy(() => {
      const picture = tf.tensor4d(seededImage(48, 48, 6), [1, 48, 48, 3]);
      return [model, again].map((each) => (each.predict(picture) as tf.Tensor).dataSync<'float32'>().slice());
    });
    expect(outputs[1]).toEqual(outputs[0]);
    again.dispose();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});
