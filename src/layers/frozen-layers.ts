import * as tf from '@tensorflow/tfjs';
import { tfjsClass } from './tfjs-classes.ts';

/** What of tfjs's BatchNormalization is used here; its types are not public. */
interface BatchNormalizationLayer extends tf.layers.Layer {
  readonly axis: number;
  readonly gamma?: tf.LayerVariable;
  readonly beta?: tf.LayerVariable;
  readonly movingMean: tf.LayerVariable;
}

type Build = (this: tf.Sequential, inputShape?: unknown) => void;

interface CallArguments {
  readonly training?: boolean | null;
}

const MENDED = Symbol.for('dovecote.frozen-layers');

/**
 * Makes frozen layers of every model in the program, built here or by tfjs, behave as Keras's do. tfjs-layers 4.22 differs
 * in three ways:
 *
 * - A `BatchNormalization` with `trainable = false` normalises by the batch in `fit` and moves its statistics. Here it runs
 *   in inference mode and keeps them, as in Keras since version 2.
 *   (keras/src/layers/normalization/batch_normalization.py)
 * - One with `scale` or `center` false throws in `fit`, and, frozen or not, wherever a gradient is taken through it. Here
 *   what is missing is 1 or 0.
 * - `model.trainable = false` reaches the weights of the model's own layers only: not its layers, so that their
 *   BatchNormalization still trains, and not what is nested deeper; and a Sequential model whose first layer is a frozen
 *   model sets all of that free again when it is built. Here it is `trainable` of all layers inside, as in Keras.
 *   (keras/src/layers/layer.py)
 *
 * As in Keras, a change of `trainable` tells at once on BatchNormalization's mode, and on which weights are trained when
 * the model is compiled the next time. The moving variance follows the population variance of the batch, as in Keras 3;
 * Keras 2 has the sample variance there.
 */
export function mendFrozenLayers(): void {
  const container = Object.getPrototypeOf(tf.LayersModel.prototype) as object;
  if (MENDED in container) return;
  mendTrainable(container);
  mendBatchNormalization(
    tfjsClass<BatchNormalizationLayer, object>('BatchNormalization').prototype as object,
  );
  Object.defineProperty(container, MENDED, { value: true });
}

function mendTrainable(container: object): void {
  const original = Object.getOwnPropertyDescriptor(container, 'trainable');
  if (original?.set === undefined) return;
  /** While a Sequential model makes the model inside of it, whose layers are its own and keep what they are. */
  let building = 0;
  Object.defineProperty(container, 'trainable', {
    ...original,
    set(this: tf.LayersModel & { trainable_: boolean }, trainable: boolean) {
      if (building > 0) {
        this.trainable_ = trainable;
        return;
      }
      original.set?.call(this, trainable);
      for (const layer of this.layers) layer.trainable = trainable;
    },
  });
  const build = Reflect.get(tf.Sequential.prototype, 'build') as Build;
  Reflect.set(tf.Sequential.prototype, 'build', function (this: tf.Sequential, inputShape?: unknown) {
    building++;
    try {
      build.call(this, inputShape);
    } finally {
      building--;
    }
  });
}

function mendBatchNormalization(prototype: object): void {
  const layer = prototype as { call: (inputs: unknown, kwargs?: CallArguments) => tf.Tensor | tf.Tensor[] };
  const { call } = layer;
  layer.call = function (this: BatchNormalizationLayer, inputs, kwargs) {
    const training = kwargs?.training === true && this.trainable;
    const mode = { ...kwargs, training };
    if (this.gamma !== undefined && this.beta !== undefined) return call.call(this, inputs, mode);
    return tf.tidy(() => {
      const constant = (make: (shape: number[]) => tf.Tensor) => {
        const value = make(this.movingMean.read().shape);
        return { value: { read: () => value } };
      };
      // The layer with what it lacks: its own weights are read, and its statistics written, through it.
      const complete = Object.create(this, {
        ...(this.gamma === undefined ? { gamma: constant((shape) => tf.ones(shape)) } : {}),
        ...(this.beta === undefined ? { beta: constant((shape) => tf.zeros(shape)) } : {}),
      }) as BatchNormalizationLayer;
      return call.call(complete, inputs, mode);
    });
  };
}

mendFrozenLayers();
