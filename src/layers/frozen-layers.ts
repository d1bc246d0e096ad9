import * as tf from '@tensorflow/tfjs';
import { oneTensor } from '../../zoo/layers/layer-inputs.ts';
import { normalizeByBatch } from './normalize-by-batch.ts';
import { axisOfInput, tfjsClass } from './tfjs-classes.ts';

/** What of tfjs's BatchNormalization is used here; its types are not public. */
interface BatchNormalizationLayer extends tf.layers.Layer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: tf.LayerVariable;
  readonly beta?: tf.LayerVariable;
  readonly movingMean: tf.LayerVariable;
  readonly movingVariance: tf.LayerVariable;
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
    return tf.tidy(() => {
      const { value: gamma, layer: scaled } = weightOf(this, 'gamma', tf.ones);
      const { value: beta, layer: complete } = weightOf(scaled, 'beta', tf.zeros);
      const x = oneTensor(this, inputs as tf.Tensor | tf.Tensor[]);
      const isLast = axisOfInput(this, this.axis, x.rank) === x.rank - 1;
      if (!training || !isLast) return call.call(complete, inputs, { ...kwargs, training });
      const { y, mean, variance } = normalizeByBatch(x, gamma, beta, this.epsilon);
      follow(this.movingMean, mean, this.momentum);
      follow(this.movingVariance, variance, this.momentum);
      return y;
    });
  };
}

/** A weight of the layer, and the layer with it: without `scale` or `center` it is a constant. */
function weightOf(
  layer: BatchNormalizationLayer,
  name: 'gamma' | 'beta',
  make: (shape: number[]) => tf.Tensor,
): { value: tf.Tensor; layer: BatchNormalizationLayer } {
  const own = layer[name];
  if (own !== undefined) return { value: own.read(), layer };
  const value = make(layer.movingMean.read().shape);
  // The layer's own weights are read, and its statistics written, through it.
  return {
    value,
    layer: Object.create(layer, { [name]: { value: { read: () => value } } }) as BatchNormalizationLayer,
  };
}

function follow(moving: tf.LayerVariable, value: tf.Tensor, momentum: number): void {
  const current = moving.read();
  moving.write(tf.sub(current, tf.mul(tf.sub(current, value), 1 - momentum)));
}

mendFrozenLayers();
