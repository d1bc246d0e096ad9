import * as tf from '@tensorflow/tfjs';

type Symbolic = tf.SymbolicTensor;

/** conv -> norm -> relu6 -> a convolution called twice -> add with a skip connection. */
export function residualModel(): tf.LayersModel {
  const photo = tf.input({ shape: [32, 32, 3], name: 'photo' });
  const stem = tf.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', name: 'stem' }).apply(photo);
  const norm = tf.layers.batchNormalization({ name: 'norm' }).apply(stem);
  const active = tf.layers.reLU({ maxValue: 6, name: 'active' }).apply(norm) as Symbolic;
  const twice = tf.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', name: 'twice' });
  const body = twice.apply(twice.apply(active)) as Symbolic;
  const sum = tf.layers.add({ name: 'sum' }).apply([body, active]) as Symbolic;
  return tf.model({ inputs: photo, outputs: sum, name: 'residual' });
}

export function backbone(): tf.Sequential {
  return tf.sequential({
    name: 'backbone',
    layers: [
      tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [32, 32, 3], name: 'inner_conv' }),
      tf.layers.globalAveragePooling2d({ name: 'inner_pool' }),
    ],
  });
}

/** Two inputs, a model called twice inside, two outputs. */
export function siameseModel(): tf.LayersModel {
  const [left, right] = [
    tf.input({ shape: [32, 32, 3], name: 'left' }),
    tf.input({ shape: [32, 32, 3], name: 'right' }),
  ];
  const base = backbone();
  const [a, b] = [base.apply(left) as Symbolic, base.apply(right) as Symbolic];
  const joined = tf.layers.concatenate({ name: 'joined' }).apply([a, b]) as Symbolic;
  const verdict = tf.layers
    .dense({ units: 2, activation: 'softmax', name: 'verdict' })
    .apply(joined) as Symbolic;
  return tf.model({ inputs: [left, right], outputs: [verdict, a], name: 'siamese' });
}
