import type * as tf from '@tensorflow/tfjs';
import type { TrainingContext } from '../callbacks/callback.ts';
import { learningRateOf, setLearningRate } from '../optimizers/learning-rate.ts';
import type { Trainee } from './trainee.ts';

/** A training as callbacks see it. */
export function contextOf(trainee: Trainee, optimizer: tf.Optimizer, stop: () => void): TrainingContext {
  return {
    model: trainee.model as tf.LayersModel,
    optimizer,
    getLearningRate: () => learningRateOf(optimizer),
    setLearningRate: (rate) => setLearningRate(optimizer, rate),
    stopTraining: stop,
    captureWeights: () => Promise.resolve({ tensors: trainee.capture() }),
    restoreWeights: ({ tensors }) => {
      trainee.restore(tensors);
      return Promise.resolve();
    },
    publish: () => {
      trainee.publish();
      return Promise.resolve();
    },
  };
}
