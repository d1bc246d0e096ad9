import * as tf from '@tensorflow/tfjs';
import { chosen } from './constants.ts';

/** tfjs looks activations up by class name among all registered classes; these have what it asks of them. */
abstract class Activation extends tf.serialization.Serializable {
  abstract apply(x: tf.Tensor): tf.Tensor;

  override getConfig(): tf.serialization.ConfigDict {
    return {};
  }
}

const halved = (x: tf.Tensor) => tf.div(x, 2);

/**
 * Keras's activations that tfjs lacks, by the names that tfjs makes of Keras's (`leaky_relu` is `leakyRelu`), with
 * Keras's default parameters.
 *
 * @source keras/src/activations/activations.py, keras/src/backend/tensorflow/nn.py
 */
export const ACTIVATIONS = {
  celu: (x) => elu(x, 1),
  exponential: (x) => tf.exp(x),
  geluTanh: (x) => gelu(x, true),
  /** The first half of the last axis, times the sigmoid of the second. */
  glu: (x) => {
    const [values, gates] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
    return tf.mul(values, tf.sigmoid(gates));
  },
  hardShrink: (x) => chosen((value) => tf.greater(tf.abs(value), 0.5), [x], x, tf.zerosLike(x)),
  hardTanh: (x) => tf.clipByValue(x, -1, 1),
  leakyRelu: (x) => tf.leakyRelu(x, 0.2),
  logSigmoid: (x) => tf.neg(tf.softplus(tf.neg(x))),
  softShrink: (x) => tf.sub(x, tf.clipByValue(x, -0.5, 0.5)),
  sparsePlus: (x) => {
    const middle = tf.div(tf.square(tf.add(x, 1)), 4);
    const above = chosen((value) => tf.less(value, 1), [x], middle, x);
    return chosen((value) => tf.lessEqual(value, -1), [x], tf.zerosLike(x), above);
  },
  sparseSigmoid: (x) => tf.clipByValue(halved(tf.add(x, 1)), 0, 1),
  sparsemax: (x) => sparsemax(x),
  squareplus: (x) => halved(tf.add(x, tf.sqrt(tf.add(tf.square(x), 4)))),
  tanhShrink: (x) => tf.sub(x, tf.tanh(x)),
} as const satisfies Record<string, (x: tf.Tensor) => tf.Tensor>;

for (const [name, apply] of Object.entries(ACTIVATIONS)) {
  const KerasActivation = class extends Activation {
    static readonly className = name;

    override apply(x: tf.Tensor): tf.Tensor {
      return tf.tidy(() => apply(x));
    }
  };
  tf.serialization.registerClass(KerasActivation);
}

export function elu(x: tf.Tensor, alpha: number): tf.Tensor {
  return tf.add(tf.relu(x), tf.mul(alpha, tf.expm1(tf.minimum(x, 0))));
}

/** With the error function, or by its approximation with tanh. */
export function gelu(x: tf.Tensor, approximate: boolean): tf.Tensor {
  if (!approximate) return tf.mul(halved(x), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1));
  const cubic = tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x))));
  return tf.mul(halved(x), tf.add(tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), cubic)), 1));
}

/**
 * Along the last axis, as Keras computes it: what it subtracts is made of the sums of sorted values where Martins and
 * Astudillo 2016 (arXiv 1602.02068) have the values themselves, so that the output's sum is 1 for one kept value only.
 */
function sparsemax(x: tf.Tensor): tf.Tensor {
  const compute = tf.customGrad((given, save) => {
    const input = given as tf.Tensor;
    const size = input.shape.at(-1) as number;
    const { values } = tf.topk(input, size, true);
    const sums = tf.cumsum(values, values.rank - 1);
    const places = tf.range(1, size + 1, 1, 'float32');
    const support = tf.cast(tf.greater(tf.mul(places, values), tf.sub(sums, 1)), 'float32');
    const count = tf.sum(support, -1, true);
    const threshold = tf.div(tf.sub(tf.sum(tf.mul(support, sums), -1, true), 1), count);
    const value = tf.relu(tf.sub(input, threshold));
    (save as unknown as (tensors: tf.Tensor[]) => void)([input, value, count]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      sparsemaxGradient(dy, ...(saved as [tf.Tensor, tf.Tensor, tf.Tensor]));
    return { value, gradFunc };
  });
  return compute(x);
}

/** Each value of the support is as often in the sums as there are sums from its place on. */
function sparsemaxGradient(dy: tf.Tensor, x: tf.Tensor, y: tf.Tensor, count: tf.Tensor): tf.Tensor {
  const kept = tf.mul(dy, tf.step(y));
  const isLarger = tf.greater(tf.expandDims(x, -2), tf.expandDims(x, -1));
  const times = tf.relu(tf.sub(count, tf.sum(tf.cast(isLarger, 'float32'), -1)));
  return tf.sub(kept, tf.div(tf.mul(times, tf.sum(kept, -1, true)), count));
}
