// One training job of bench/fine-tune.mjs with this package, as a user writes it; prints one line of JSON.
//   node fine-tune-job.mjs JOB DATA SQUEEZENET.h5 CACHE
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fineTune, getMetadata, loadModel, trainModel } from 'dovecote';

const imported = performance.now();
const [job, data, squeezenet, cache] = process.argv.slice(2);
const { from, dropout, l2, gain, ...recipe } = JSON.parse(process.env.DOVECOTE_RECIPE);
const ends = [];
const options = {
  ...recipe,
  validation: join(data, 'val'),
  cache,
  classWeights: 'none',
  onEpoch: () => ends.push(performance.now()),
};

async function baseOf() {
  if (job === 'squeezenet') return loadModel('squeezenet', { weights: squeezenet });
  const base = await loadModel('mobilenetv2', { weights: null, seed: 1, includeTop: false });
  const { fillWithSeededWeights } = await import('../../examples/keras-parity/seeded-weights.mjs');
  fillWithSeededWeights(tf, base, gain);
  return base;
}

async function trainLayers() {
  const base = await baseOf();
  const last = job === 'squeezenet' ? base.getLayer('fire9/concat').output : base.outputs[0];
  const first = base.layers.findIndex(({ name }) => name.startsWith(from));
  for (const layer of base.layers.slice(0, first)) layer.trainable = false;
  const pooled = tf.layers.globalAveragePooling2d({}).apply(last);
  const head = tf.layers.dense({
    units: 2,
    activation: 'softmax',
    kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
  });
  const model = tf.model({ inputs: base.inputs, outputs: head.apply(pooled) });
  const { preprocessing, resize } = getMetadata(base);
  return trainModel(model, join(data, 'train'), { ...options, preprocessing, resize });
}

const trainHead = () =>
  fineTune('squeezenet', join(data, 'train'), { ...options, weights: squeezenet, dropout, l2, patience: 0 });

const result = await (job === 'head' ? trainHead() : trainLayers());
const accuracies = result.history.map(({ valAccuracy }) => valAccuracy);
const epochs = ends
  .slice(1)
  .map((end, index) => (end - ends[index]) / 1000)
  .toSorted((a, b) => a - b);
console.log(
  JSON.stringify({
    importSeconds: imported / 1000,
    seconds: performance.now() / 1000,
    epochSeconds: epochs[Math.floor(epochs.length / 2)],
    valAccuracy: accuracies.at(-1),
    bestValAccuracy: Math.max(...accuracies),
    photos: [result.trainingImages, result.validationImages],
  }),
);
