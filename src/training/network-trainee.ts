import * as tf from '@tensorflow/tfjs';
import { endsWithLogits } from '../classify/probabilities.ts';
import type { BoundarySource } from './boundary-rows.ts';
import { withNativeForward } from './kernels/register.ts';
import type { PictureRows } from './picture-rows.ts';
import type { SplitModel } from './split-model.ts';
import type { Snapshot, Trainee, TrainingRows } from './trainee.ts';

/** Smallest probability that a logarithm is taken of, as in Keras. */
const EPSILON = 1e-7;

/** The trained half of a model, on what the frozen half computes. */
export class NetworkTrainee implements Trainee {
  readonly variables: readonly tf.Variable[];
  readonly validation: TrainingRows;
  readonly #logits: boolean;

  constructor(
    readonly model: tf.LayersModel,
    readonly classes: readonly string[],
    private readonly split: SplitModel,
    private readonly source: BoundarySource,
    private readonly training: (epoch: number) => Promise<PictureRows>,
    validation: PictureRows,
  ) {
    this.#logits = endsWithLogits(model);
    this.variables = split.weights.map((weight) => weight.read() as tf.Variable);
    this.validation = this.#rowsOf(validation);
  }

  async rows(epoch: number): Promise<TrainingRows> {
    return this.#rowsOf(await this.training(epoch));
  }

  #rowsOf({ values, width, labels }: PictureRows): TrainingRows {
    return {
      labels,
      batch: (picked) =>
        this.source.batch(
          tf,
          picked.map((row) => values.subarray(row * width, (row + 1) * width)),
        ),
    };
  }

  logProbabilities(inputs: readonly tf.Tensor[], training: boolean): tf.Tensor2D {
    const run = () => this.split.run(inputs, training) as tf.Tensor2D;
    const output = training ? run() : withNativeForward(run);
    if (this.#logits) return tf.logSoftmax(output);
    const normal = tf.div<tf.Tensor2D>(output, tf.sum(output, 1, true));
    return tf.log(tf.clipByValue(normal, EPSILON, 1 - EPSILON));
  }

  penalty(): tf.Scalar {
    return this.split.penalty();
  }

  capture(): Snapshot {
    return Object.fromEntries(
      this.split.state.map((weight, index) => {
        const tensor = weight.read();
        return [
          `${index}:${weight.originalName}`,
          { shape: tensor.shape, values: Float32Array.from(tensor.dataSync()) },
        ];
      }),
    );
  }

  restore(snapshot: Snapshot): void {
    tf.tidy(() => {
      for (const [name, { shape, values }] of Object.entries(snapshot)) {
        this.split.state[parseInt(name, 10)]!.write(tf.tensor(values, [...shape]));
      }
    });
  }

  publish(): void {
    // The model's own weights are trained.
  }

  dispose(): void {
    // They are the model's.
  }
}
