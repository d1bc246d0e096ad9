import * as tf from '@tensorflow/tfjs';
import type { Pixels } from '../../src/node.ts';
import { setMetadata } from '../../src/node.ts';
import { seededImage } from '../support/seeded.ts';

const layers = tf.layers;

/** Hands on what a layer makes of it. */
const on = (layer: tf.layers.Layer, ...inputs: tf.SymbolicTensor[]) =>
  layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as tf.SymbolicTensor;

export interface SmallOptions {
  /** How the scores become probabilities: in the dense layer, by a layer of their own, or not at all. */
  readonly ending?: 'dense' | 'Activation' | 'Softmax' | 'linear';
  /** Whether the convolutions are a model inside the model. */
  readonly nested?: boolean;
}

/** The network of tests/oracle/grad_cam.py, without its weights. */
export function smallNetwork({ ending = 'dense', nested = false }: SmallOptions = {}): tf.LayersModel {
  const inputs = tf.input({ shape: [24, 30, 3], name: 'photo' });
  const convolutions = (from: tf.SymbolicTensor) => {
    const scaled = on(layers.rescaling({ name: 'rescaling', scale: 1 / 127.5, offset: -1 }), from);
    const first = on(
      layers.conv2d({ name: 'conv1', filters: 8, kernelSize: 3, strides: 2, padding: 'same' }),
      scaled,
    );
    const normal = on(layers.batchNormalization({ name: 'bn1' }), first);
    const x = on(layers.reLU({ name: 'relu1' }), normal);
    const y = on(
      layers.depthwiseConv2d({ name: 'depthwise', kernelSize: 3, padding: 'same', activation: 'relu' }),
      x,
    );
    const sum = on(layers.add({ name: 'add' }), x, y);
    const second = on(layers.conv2d({ name: 'conv2', filters: 12, kernelSize: 3, activation: 'relu' }), sum);
    return on(layers.maxPooling2d({ name: 'pool', poolSize: 2 }), second);
  };
  const base = () => {
    const own = tf.input({ shape: [24, 30, 3], name: 'base_input' });
    return tf.model({ name: 'base', inputs: own, outputs: convolutions(own) });
  };
  const features = nested ? on(base(), inputs) : convolutions(inputs);
  const flat = on(layers.flatten({ name: 'flatten' }), features);
  const activation = ending === 'dense' ? 'softmax' : 'linear';
  let outputs = on(layers.dense({ name: 'predictions', units: 5, activation }), flat);
  if (ending === 'Activation')
    outputs = on(layers.activation({ name: 'softmax', activation: 'softmax' }), outputs);
  if (ending === 'Softmax') outputs = on(layers.softmax({ name: 'softmax' }), outputs);
  const model = tf.model({ name: 'small', inputs, outputs });
  setMetadata(model, {
    version: 1,
    labels: ['ant', 'bee', 'cat', 'dog', 'elk'],
    preprocessing: 'none',
    inputSize: [24, 30],
    resize: { mode: 'fill', filter: 'bilinear', cropFraction: 1 },
  });
  return model;
}

/** Noise that gets lighter towards the lower right corner, as in tests/oracle/grad_cam.py. */
export function seededPhoto(height: number, width: number): Pixels {
  const noise = seededImage(height, width, 8);
  const data = Uint8Array.from(noise, (value, index) => {
    const place = Math.floor(index / 3);
    const light = (Math.floor(place / width) + (place % width)) / (height + width - 2);
    return Math.floor(value * light);
  });
  return { data, width, height };
}
