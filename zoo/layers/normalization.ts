import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from './layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from './layer-inputs.ts';

/** A number, or numbers nested as deep as there are axes. */
export type NestedNumbers = number | readonly NestedNumbers[];

export interface NormalizationArgs extends LayerArgs {
  /** The axes that have a mean of their own; `null` or `[]`: one mean for all values. Default -1. */
  readonly axis?: number | readonly number[] | null;
  /** Constants. Without them mean and variance are weights, 0 and 1 until some are loaded. */
  readonly mean?: NestedNumbers | null;
  readonly variance?: NestedNumbers | null;
  /** Brings normalised values back instead. Default false. */
  readonly invert?: boolean;
}

/** Keras's `backend.epsilon()`: no value is divided by less. */
const EPSILON = 1e-7;

/**
 * Keras's `Normalization`: `(x - mean) / max(sqrt(variance), 1e-7)`, or `mean + x * max(sqrt(variance), 1e-7)` with
 * `invert`. The output has the input's shape and is float32.
 *
 * Without constants it has three weights, none of them trainable: `mean` and `variance` with the sizes of the kept
 * axes, and `count`, an int32 scalar that only says on how many values they were computed.
 *
 * @throws ModelError `MODEL_OPTION` (one constant without the other, or of another shape), `MODEL_INPUT` (an axis
 *   that the input lacks or whose size is not known)
 * @source keras/src/layers/preprocessing/normalization.py
 */
export class Normalization extends tf.layers.Layer {
  static readonly className = 'Normalization';
  private readonly axis: readonly number[];
  private readonly constantMean: NestedNumbers | null;
  private readonly constantVariance: NestedNumbers | null;
  private readonly invert: boolean;
  private adapted: { mean: tf.LayerVariable; variance: tf.LayerVariable } | undefined;

  constructor(args: NormalizationArgs = {}) {
    super(args);
    const { axis = -1, mean = null, variance = null, invert = false } = args;
    if (axis === null) this.axis = [];
    else this.axis = typeof axis === 'number' ? [axis] : [...axis];
    this.constantMean = mean;
    this.constantVariance = variance;
    this.invert = invert;
    this.supportsMasking = true;
    const shapes = [mean, variance].map((value) => JSON.stringify(value === null ? null : shapeOf(value)));
    if (shapes[0] !== shapes[1]) {
      const expected = 'mean and variance of one shape, or neither of them';
      refuseOption('Normalization', 'mean', { mean, variance }, expected);
    }
    if (mean !== null && shapeOf(mean).length > this.axis.length) {
      refuseOption('Normalization', 'mean', mean, `at most as many axes as axis has: ${this.axis.length}`);
    }
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(this, inputShape);
    const sizes = this.keptAxes(shape.length).map((axis) => {
      const size = shape[axis];
      return size ?? refuseInputs(this, JSON.stringify(shape), `a known size of axis ${axis}`);
    });
    if (this.constantMean === null) {
      const add = (name: string, dims: number[], dtype: 'float32' | 'int32', value: 'zeros' | 'ones') =>
        this.addWeight(name, dims, dtype, tf.initializers[value](), undefined, false);
      this.adapted = {
        mean: add('mean', sizes, 'float32', 'zeros'),
        variance: add('variance', sizes, 'float32', 'ones'),
      };
      add('count', [], 'int32', 'zeros');
    }
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.cast(oneTensor(this, inputs), 'float32');
      const kept = this.keptAxes(x.rank);
      const broadcastShape = x.shape.map((size, axis) => (kept.includes(axis) ? size : 1));
      const sizes = kept.map((axis) => x.shape[axis] as number);
      const fit = (value: tf.Tensor) => tf.reshape(tf.broadcastTo(value, sizes), broadcastShape);
      const mean = fit(this.adapted?.mean.read() ?? tensorOf(this.constantMean));
      const variance = fit(this.adapted?.variance.read() ?? tensorOf(this.constantVariance));
      const deviation = tf.maximum(tf.sqrt(variance), EPSILON);
      return this.invert ? tf.add(mean, tf.mul(x, deviation)) : tf.div(tf.sub(x, mean), deviation);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(this, inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      axis: [...this.axis],
      invert: this.invert,
      mean: this.constantMean as number | null,
      variance: this.constantVariance as number | null,
    };
  }

  /** Counted from the front and sorted, as Keras does: the shape of mean and variance follows it. */
  private keptAxes(rank: number): number[] {
    const axes = this.axis.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
    if (axes.every((axis) => axis >= 0 && axis < rank)) return axes;
    return refuseInputs(this, `an input of ${rank} axes`, `an input that has axis ${this.axis.join(', ')}`);
  }
}
tf.serialization.registerClass(Normalization);

function tensorOf(value: NestedNumbers | null): tf.Tensor {
  return tf.tensor(value as number[], undefined, 'float32');
}

function shapeOf(value: NestedNumbers): number[] {
  if (typeof value === 'number') return [];
  return [value.length, ...(value[0] === undefined ? [] : shapeOf(value[0]))];
}
