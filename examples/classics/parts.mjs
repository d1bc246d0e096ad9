// What the classics share: their arguments, and the pictures to train on and those that are held back.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { registerTrainingKernels, toTensors } from 'dovecote';

/**
 * `--source`: files of your own, by default those that are published, through the cache. `--short`: a few hundred pictures
 * and one epoch, to see that it runs. `--log`: a folder for TensorBoard.
 */
export function readFlags(usage) {
  try {
    return parseArgs({
      options: {
        source: { type: 'string' },
        short: { type: 'boolean', default: false },
        epochs: { type: 'string' },
        log: { type: 'string' },
      },
    }).values;
  } catch (error) {
    console.error(`${error.message}\nusage: ${usage}`);
    process.exit(2);
  }
}

/** TensorFlow.js on WebAssembly, with the kernels that training takes. */
export async function startTfjs() {
  await tf.setBackend('wasm');
  registerTrainingKernels();
}

/**
 * The part to train on and the part that is held back, as tensors: the published parts where both are there, else the last
 * fifth of the one that is.
 */
export async function readParts(load, { source, short }) {
  const test = await load({ split: 'test', source });
  const train = await load({ split: 'train', source }).catch((error) => {
    if (error.code === 'DATASET_NOT_FOUND') return undefined;
    throw error;
  });
  const [most, mostHeldBack] = short ? [512, 128] : [Infinity, Infinity];
  const cut = Math.floor(test.count * 0.8);
  const parts =
    train === undefined
      ? [slice(test, 0, Math.min(cut, most)), slice(test, cut, Math.min(test.count, cut + mostHeldBack))]
      : [slice(train, 0, Math.min(train.count, most)), slice(test, 0, Math.min(test.count, mostHeldBack))];
  const [training, heldBack] = parts;
  console.log(
    `${training.name}: ${training.count} pictures to train on, ${heldBack.count} held back, ${availableParallelism()} cores`,
  );
  return { training, heldBack, classes: test.classes, shape: test.shape };
}

export const tensorsOf = (part) => toTensors(part);

function slice(part, from, to) {
  const size = part.shape.reduce((product, side) => product * side, 1);
  return {
    ...part,
    images: part.images.slice(from * size, to * size),
    labels: part.labels.slice(from, to),
    count: to - from,
  };
}

export const percent = (share) => `${(100 * share).toFixed(2)} %`;
