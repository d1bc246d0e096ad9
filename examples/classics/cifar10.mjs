// Small colour photos of ten kinds of things, with a convolutional network and augmentation by mirroring.
//   node examples/classics/cifar10.mjs [--source cifar-10-python.tar.gz] [--short] [--epochs 20] [--log FOLDER]
// Not measured: CIFAR-10 cannot be fetched where this was written. The tests run it on drawn pictures.
import * as tf from '@tensorflow/tfjs';
import { EarlyStopping, loadCifar10, ProgressBar, ReduceLROnPlateau, summary, TensorBoard } from 'dovecote';
import { percent, readFlags, readParts, startTfjs, tensorsOf } from './parts.mjs';

const flags = readFlags(
  'node examples/classics/cifar10.mjs [--source FILE] [--short] [--epochs N] [--log FOLDER]',
);
await startTfjs();
const started = performance.now();
const { training, heldBack, classes, shape } = await readParts(loadCifar10, flags);

let seed = 0;
const convolution = (filters, more = {}) => [
  tf.layers.conv2d({
    ...{ filters, kernelSize: 3, padding: 'same', useBias: false, ...more },
    kernelInitializer: tf.initializers.heNormal({ seed: ++seed }),
  }),
  tf.layers.batchNormalization({ momentum: 0.9 }),
  tf.layers.reLU(),
];
const model = tf.sequential({
  name: 'things',
  layers: [
    ...convolution(32, { inputShape: shape }),
    ...convolution(32),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    ...convolution(64),
    ...convolution(64),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    ...convolution(128),
    tf.layers.globalAveragePooling2d({}),
    tf.layers.dropout({ rate: 0.3 }),
    tf.layers.dense({ units: classes.length, activation: 'softmax' }),
  ],
});
console.log(summary(model));
model.compile({ optimizer: tf.train.adam(0.002), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

const [train, test] = [tensorsOf(training), tensorsOf(heldBack)];
// Each photo and its mirror image: a car is a car from either side.
const images = tf.concat([train.images, tf.reverse(train.images, 2)]);
const labels = tf.concat([train.labels, train.labels]);
tf.dispose([train.images, train.labels]);
await model.fit(images, labels, {
  epochs: flags.short ? 1 : Number(flags.epochs ?? 20),
  batchSize: 64,
  verbose: 0,
  validationData: [test.images, test.labels],
  callbacks: [
    new ProgressBar(),
    new ReduceLROnPlateau({ patience: 2, factor: 0.3 }),
    new EarlyStopping({ patience: 5, restoreBestWeights: true }),
    ...(flags.log === undefined ? [] : [new TensorBoard({ logDir: flags.log })]),
  ],
});
const accuracy = tf.tidy(() => model.evaluate(test.images, test.labels, { batchSize: 256 })[1].dataSync()[0]);
console.log(
  `held-back accuracy ${percent(accuracy)} in ${((performance.now() - started) / 1000).toFixed(0)} s`,
);
