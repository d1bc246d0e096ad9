import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Activation, ActivationOptions } from '../../src/node.ts';
import { activationSheet, compileModel, disposeModel, layerActivations, loadModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { parityModule } from '../support/keras-parity.ts';
import { seededPhoto, smallNetwork } from './models.ts';

const { fillWithSeededWeights } = await parityModule('seeded-weights.mjs');
const photo = seededPhoto(24, 30);

async function all(model: tf.LayersModel, options?: ActivationOptions): Promise<Activation[]> {
  const found: Activation[] = [];
  for await (const activation of layerActivations(model, photo, options)) found.push(activation);
  return found;
}

let tensors: number;
beforeAll(() => platform().prepareTfjs());
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

describe('layerActivations', () => {
  it.each(['onnx', 'tfjs'] as const)('gives what the layers give out, in order, on %s', async (engine) => {
    const model = smallNetwork();
    fillWithSeededWeights(tf, model, 1);
    const found = await all(model, { engine });
    expect(found.map(({ name, className, shape }) => [name, className, shape.join('x')])).toEqual([
      ['rescaling', 'Rescaling', '24x30x3'],
      ['conv1', 'Conv2D', '12x15x8'],
      ['bn1', 'BatchNormalization', '12x15x8'],
      ['relu1', 'ReLU', '12x15x8'],
      ['depthwise', 'DepthwiseConv2D', '12x15x8'],
      ['add', 'Add', '12x15x8'],
      ['conv2', 'Conv2D', '10x13x12'],
      ['pool', 'MaxPooling2D', '5x6x12'],
    ]);
    const compiled = await compileModel(model, { engine: 'tfjs', outputs: ['add'], pixels: 'none' });
    const [expected] = await compiled.run(photo.data, [1, 24, 30, 3]);
    const added = found.find(({ name }) => name === 'add')!;
    added.data.forEach((value, index) => expect(value).toBeCloseTo(expected!.data[index]!, 4));
    await compiled.dispose();
    await disposeModel(model);
  });

  it('hands out the first channels only where there are many, and says how many there are', async () => {
    const model = smallNetwork();
    fillWithSeededWeights(tf, model, 1);
    const [whole] = await all(model, { layers: ['conv2'] });
    const [part] = await all(model, { layers: ['conv2'], maxChannels: 5 });
    expect(part).toMatchObject({ shape: [10, 13, 5], channels: 12 });
    for (const [place, channel] of [
      [0, 0],
      [77, 4],
    ] as const) {
      expect(part!.data[place * 5 + channel]).toBe(whole!.data[place * 12 + channel]);
    }
    await disposeModel(model);
  });

  it('takes names, a filter, or the last map of each stage', async () => {
    const model = smallNetwork({ nested: true });
    const names = async (layers: NonNullable<ActivationOptions['layers']>) =>
      (await all(model, { layers })).map(({ name }) => name);
    expect(await names(['predictions', 'conv1'])).toEqual(['conv1', 'predictions']);
    expect(await names(({ className }) => className === 'Conv2D')).toEqual(['conv1', 'conv2']);
    expect(await names('stages')).toEqual(['add', 'conv2']);
    await expect(names(['conv9'])).rejects.toMatchObject({ code: 'MODEL_OPTION' });
    await disposeModel(model);
  });

  it('finds the stages of a network: one for each size of its maps', async () => {
    const model = await loadModel('resnet50', { weights: null, inputShape: [64, 64, 3] });
    const layers = await all(model, {
      layers: 'stages',
      maxChannels: 1,
      resize: { mode: 'fill', cropFraction: 1 },
    });
    expect(layers.map(({ name, shape }) => `${name} ${shape[0]}`)).toEqual([
      'conv1_relu 32',
      'conv2_block3_out 16',
      'conv3_block4_out 8',
      'conv4_block6_out 4',
      'conv5_block3_out 2',
    ]);
    await disposeModel(model);
  });

  it('may be left early', async () => {
    const model = smallNetwork();
    for await (const { name } of layerActivations(model, photo)) {
      expect(name).toBe('rescaling');
      break;
    }
    await disposeModel(model);
  });
});

describe('activationSheet', () => {
  const greys = async (png: Uint8Array) => {
    const { data, info } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, at: (x: number, y: number) => data[y * info.width + x] };
  };

  it('draws each channel from its own smallest to its own largest value', async () => {
    // Two channels of 2 x 2: one from 0 to 3, one the same everywhere.
    const data = Float32Array.of(0, 7, 1, 7, 2, 7, 3, 7);
    const sheet = await greys(await activationSheet({ shape: [2, 2, 2], data }));
    expect([sheet.width, sheet.height]).toEqual([226, 112]);
    expect([sheet.at(10, 10), sheet.at(100, 10), sheet.at(10, 100), sheet.at(100, 100)]).toEqual([
      0, 85, 170, 255,
    ]);
    expect(sheet.at(113, 10)).toBe(255);
    expect(sheet.at(160, 50)).toBe(0);
  });

  it('draws vectors as squares on one scale, and keeps large maps handy', async () => {
    const vector = await greys(await activationSheet({ shape: [4], data: Float32Array.of(0, 1, 2, 4) }));
    expect([vector.at(5, 5), vector.at(20, 5), vector.at(5, 20), vector.at(20, 20)]).toEqual([
      0, 64, 128, 255,
    ]);
    const large = await greys(
      await activationSheet({ shape: [448, 448, 1], data: new Float32Array(448 * 448) }),
    );
    expect([large.width, large.height]).toEqual([112, 112]);
  });

  it('refuses what has no picture', async () => {
    await expect(activationSheet({ shape: [1, 2, 2, 2], data: new Float32Array(8) })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
  });
});
