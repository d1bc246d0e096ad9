import * as tf from '@tensorflow/tfjs';
import type { Snapshot, Trainee, TrainingRows } from './trainee.ts';

/** Feature vectors with their classes: row-major `[labels.length, width]`. */
export interface HeadData {
  readonly features: Float32Array;
  readonly labels: readonly number[];
}

export interface HeadTraineeOptions {
  /** Share of the features that is set to zero in each step. */
  readonly dropout: number;
  /** Weight of the squared norm of the kernel (on scaled features) in the loss. */
  readonly l2: number;
  /** A dense layer of `[width, classes]` with a bias that training starts from and that `publish` writes. */
  readonly dense?: tf.layers.Layer | undefined;
  readonly model?: tf.LayersModel | undefined;
  /** Whether the features may be scaled where they are: of many pictures a second copy is large. Default false. */
  readonly mayOverwrite?: boolean;
}

/**
 * A dense softmax layer on feature vectors.
 *
 * Features are centred and divided by their common standard deviation while training, so that one learning rate and one L2
 * suit every base; the scale is folded into the kernel and the bias when they are published.
 *
 * @param trainingData Asked for before every epoch: the same data each time, or freshly augmented ones.
 */
export async function headTrainee(
  trainingData: (epoch: number) => Promise<HeadData>,
  validation: HeadData,
  classes: readonly string[],
  options: HeadTraineeOptions,
): Promise<HeadTrainee> {
  const first = await trainingData(1);
  return new HeadTrainee(first, trainingData, validation, classes, options);
}

interface Scale {
  readonly mean: Float32Array;
  readonly deviation: number;
}

export class HeadTrainee implements Trainee {
  readonly model: tf.LayersModel | undefined;
  readonly variables: readonly [kernel: tf.Variable, bias: tf.Variable];
  readonly validation: TrainingRows;
  readonly #width: number;
  #scale: Scale;
  /** What is scaled already: without augmentation it is the same data in every epoch. */
  #known = new WeakMap<HeadData, TrainingRows>();

  constructor(
    private readonly first: HeadData,
    private readonly trainingData: (epoch: number) => Promise<HeadData>,
    validationData: HeadData,
    readonly classes: readonly string[],
    private readonly options: HeadTraineeOptions,
  ) {
    this.model = options.model;
    this.#width = first.features.length / first.labels.length;
    this.#scale = measureScale(first.features, this.#width);
    this.validation = this.#scaled(validationData);
    const start = this.#start();
    // Inside tidy, which frees the tensors that the variables start from and keeps the variables.
    this.variables = tf.tidy<[tf.Variable, tf.Variable]>(() => [
      tf.variable(tf.tensor2d(start.kernel, [this.#width, classes.length])),
      tf.variable(tf.tensor1d(start.bias)),
    ]);
  }

  async rows(epoch: number): Promise<TrainingRows> {
    const data = epoch === 1 ? this.first : await this.trainingData(epoch);
    return this.#scaled(data);
  }

  logProbabilities(inputs: readonly tf.Tensor[]): tf.Tensor2D {
    const [kernel, bias] = this.variables;
    return tf.logSoftmax(tf.add<tf.Tensor2D>(tf.matMul(inputs[0]!, kernel), bias));
  }

  penalty(): tf.Scalar {
    return tf.mul(this.options.l2, tf.sum(tf.square(this.variables[0])));
  }

  capture(): Snapshot {
    const [kernel, bias] = this.variables;
    const { mean, deviation } = this.#scale;
    return {
      kernel: { shape: kernel.shape, values: Float32Array.from(kernel.dataSync()) },
      bias: { shape: bias.shape, values: Float32Array.from(bias.dataSync()) },
      mean: { shape: [mean.length], values: mean },
      deviation: { shape: [1], values: Float32Array.of(deviation) },
    };
  }

  restore({ kernel, bias, mean, deviation }: Snapshot): void {
    // That of the same pictures: it can differ by rounding at most, where another engine computed their features.
    this.#scale = { mean: mean!.values, deviation: deviation!.values[0]! };
    tf.tidy(() => {
      this.variables[0].assign(tf.tensor(kernel!.values, this.variables[0].shape));
      this.variables[1].assign(tf.tensor(bias!.values, this.variables[1].shape));
    });
  }

  /** Kernel, row-major `[width, classes]`, and bias for raw features. */
  folded(): { kernel: Float32Array; bias: Float32Array } {
    const [kernel, bias] = this.variables.map((variable) => variable.dataSync());
    const { mean, deviation } = this.#scale;
    const width = this.classes.length;
    const foldedBias = Float64Array.from(bias!);
    const foldedKernel = Float32Array.from(kernel!, (weight, index) => {
      const folded = weight / deviation;
      foldedBias[index % width]! -= folded * mean[Math.floor(index / width)]!;
      return folded;
    });
    return { kernel: foldedKernel, bias: Float32Array.from(foldedBias) };
  }

  publish(): void {
    const { dense } = this.options;
    if (dense === undefined) return;
    const { kernel, bias } = this.folded();
    tf.tidy(() =>
      dense.setWeights([tf.tensor2d(kernel, [this.#width, this.classes.length]), tf.tensor1d(bias)]),
    );
  }

  dispose(): void {
    tf.dispose(this.variables as unknown as tf.Tensor[]);
  }

  /** Of the dense layer, for scaled features; else zeros: the loss is convex, random weights would only be noise to unlearn. */
  #start(): { kernel: Float32Array; bias: Float32Array } {
    const width = this.classes.length;
    const kernel = new Float32Array(this.#width * width);
    const bias = Float64Array.from({ length: width }, () => 0);
    const { dense } = this.options;
    if (dense !== undefined) {
      const [givenKernel, givenBias] = dense.getWeights().map((weight) => weight.dataSync());
      const { mean, deviation } = this.#scale;
      givenBias?.forEach((value, index) => (bias[index] = value));
      givenKernel!.forEach((weight, index) => {
        kernel[index] = weight * deviation;
        bias[index % width]! += weight * mean[Math.floor(index / width)]!;
      });
    }
    return { kernel, bias: Float32Array.from(bias) };
  }

  #scaled(data: HeadData): TrainingRows {
    const known = this.#known.get(data);
    if (known !== undefined) return known;
    const { features, labels } = data;
    const width = this.#width;
    const { dropout } = this.options;
    const values = this.options.mayOverwrite === true ? features : features.slice();
    standardise(values, this.#scale);
    const scaled: TrainingRows = {
      labels,
      batch: (rows, random) => {
        const batch = new Float32Array(rows.length * width);
        rows.forEach((row, at) => batch.set(values.subarray(row * width, (row + 1) * width), at * width));
        if (random !== undefined && dropout > 0) dropOut(batch, dropout, random);
        return [tf.tensor2d(batch, [rows.length, width])];
      },
    };
    this.#known.set(data, scaled);
    return scaled;
  }
}

/** tfjs's own dropout repeats one mask when it is seeded; this one draws from the run's generator. */
function dropOut(values: Float32Array, rate: number, random: () => number): void {
  const scale = 1 / (1 - rate);
  for (let index = 0; index < values.length; index++) {
    values[index] = random() < rate ? 0 : values[index]! * scale;
  }
}

/** One deviation for all features: a feature that varies little says little, and must not be blown up to the others' size. */
function measureScale(features: Float32Array, width: number): Scale {
  const count = features.length / width;
  const mean = new Float64Array(width);
  features.forEach((value, index) => (mean[index % width]! += value / count));
  let variance = 0;
  features.forEach((value, index) => (variance += (value - mean[index % width]!) ** 2 / features.length));
  // Where no feature varies there is nothing to scale.
  return { mean: Float32Array.from(mean), deviation: Math.fround(Math.sqrt(variance)) || 1 };
}

function standardise(features: Float32Array, { mean, deviation }: Scale): void {
  const width = mean.length;
  for (let at = 0; at < features.length; at++) features[at] = (features[at]! - mean[at % width]!) / deviation;
}
