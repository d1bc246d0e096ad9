import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import type { ModelMetadata } from '../../src/models/metadata.ts';
import { setMetadata } from '../../src/models/metadata.ts';

export const tinyMetadata: ModelMetadata = {
  version: 1,
  labels: ['red', 'green', 'blue'],
  preprocessing: 'none',
  inputSize: [12, 12],
  resize: { mode: 'fill', filter: 'bilinear', cropFraction: 1 },
};

/** A classifier that is right by construction: the mean of each channel, times 0.1, through a softmax. */
export function colourModel(activation: 'softmax' | 'linear' = 'softmax'): tf.LayersModel {
  const input = tf.input({ shape: [12, 12, 3], name: 'pixels' });
  const pooled = tf.layers.globalAveragePooling2d({ name: 'pool' }).apply(input) as tf.SymbolicTensor;
  const dense = tf.layers.dense({ name: 'colours', units: 3, activation, kernelInitializer: 'zeros' });
  const model = tf.model({
    name: 'colour',
    inputs: input,
    outputs: dense.apply(pooled) as tf.SymbolicTensor,
  });
  const weights = tf.tidy(() => [tf.keep(tf.eye(3).mul(0.1)), tf.keep(tf.zeros([3]))]);
  dense.setWeights(weights);
  tf.dispose(weights);
  setMetadata(model, tinyMetadata);
  return model;
}

/** A PNG of one colour. */
export function colourPicture(red: number, green: number, blue: number, size = 20): Promise<Buffer> {
  return sharp({
    create: { width: size, height: size, channels: 3, background: { r: red, g: green, b: blue } },
  })
    .png()
    .toBuffer();
}

/** A JPEG of coloured noise around a colour; each seed gives another picture. */
export function noisyPicture(
  colour: readonly [number, number, number],
  seed: number,
  size = 64,
): Promise<Buffer> {
  let state = seed * 7919 + 17;
  const noise = () => ((state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) >> 16) % 81;
  const data = Buffer.alloc(size * size * 3);
  for (let pixel = 0; pixel < size * size; pixel++) {
    for (let channel = 0; channel < 3; channel++)
      data[pixel * 3 + channel] = Math.min(255, colour[channel]! + noise() - 40);
  }
  return sharp(data, { raw: { width: size, height: size, channels: 3 } })
    .jpeg()
    .toBuffer();
}
