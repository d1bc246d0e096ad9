import * as tf from '@tensorflow/tfjs';

/** What a batch is normalised to, and by: `y` as `x`, `mean` and `variance` (of the population) for each channel. */
export interface Normalized {
  readonly y: tf.Tensor;
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

export interface NormalizationGradients {
  readonly x: tf.Tensor;
  readonly gamma: tf.Tensor;
  readonly beta: tf.Tensor;
}

/** Rows of channels, `[rows, channels]`, and vectors, `[channels]`. */
export interface BatchNormalizationOperators {
  /** Undefined where the composition of tfjs's own operations is to be taken. */
  forward(x: tf.Tensor2D, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): Normalized | undefined;
  backward(
    dy: tf.Tensor2D,
    saved: {
      readonly x: tf.Tensor2D;
      readonly gamma: tf.Tensor;
      readonly mean: tf.Tensor;
      readonly variance: tf.Tensor;
    },
    epsilon: number,
  ): NormalizationGradients | undefined;
}

let faster: BatchNormalizationOperators | undefined;

/** Operators that are tried before the composition. */
export function useBatchNormalizationOperators(operators: BatchNormalizationOperators): void {
  faster = operators;
}

/**
 * Normalises `[..., channels]` by the mean and variance of each channel, with their gradients: tfjs's own way through
 * `moments` and `batchNorm` takes ten times as many passes over the numbers. `mean` and `variance` carry no gradients.
 */
export function normalizeByBatch(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): Normalized {
  const channels = x.shape[x.rank - 1]!;
  let statistics: readonly tf.Tensor[] = [];
  const normalize = tf.customGrad((...given) => {
    const [rows, scale, offset, save] = given as unknown as [
      tf.Tensor2D,
      tf.Tensor,
      tf.Tensor,
      tf.GradSaveFunc,
    ];
    const { y, mean, variance } =
      faster?.forward(rows, scale, offset, epsilon) ?? forward(rows, scale, offset, epsilon);
    statistics = [tf.keep(mean), tf.keep(variance)];
    save([rows, scale, tf.clone(mean), tf.clone(variance)]);
    return {
      value: y,
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [each, factor, center, spread] = saved as [tf.Tensor2D, tf.Tensor, tf.Tensor, tf.Tensor];
        const kept = { x: each, gamma: factor, mean: center, variance: spread };
        const gradients =
          faster?.backward(dy as tf.Tensor2D, kept, epsilon) ?? backward(dy as tf.Tensor2D, kept, epsilon);
        return [gradients.x, gradients.gamma, gradients.beta];
      },
    };
  });
  const y = normalize(tf.reshape(x, [-1, channels]), gamma, beta);
  const [mean, variance] = statistics.map((value) => {
    const mine = tf.clone(value);
    value.dispose();
    return mine;
  });
  return { y: tf.reshape(y, x.shape), mean: mean!, variance: variance! };
}

function forward(x: tf.Tensor2D, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): Normalized {
  const mean = tf.mean(x, 0);
  const centered = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centered), 0);
  const factor = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
  return { y: tf.add(tf.mul(centered, factor), beta), mean, variance };
}

type Backward = BatchNormalizationOperators['backward'];

/** With `n` rows: `dx = factor * (dy - mean(dy) - normalized * mean(dy * normalized))`. */
function backward(
  ...[dy, { x, gamma, mean, variance }, epsilon]: Parameters<Backward>
): NormalizationGradients {
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const normalized = tf.mul(tf.sub(x, mean), inverse);
  const rows = x.shape[0];
  const dBeta = tf.sum(dy, 0);
  const dGamma = tf.sum(tf.mul(dy, normalized), 0);
  const constant = tf.add(tf.div(dBeta, rows), tf.mul(normalized, tf.div(dGamma, rows)));
  return { x: tf.mul(tf.sub(dy, constant), tf.mul(gamma, inverse)), gamma: dGamma, beta: dBeta };
}
