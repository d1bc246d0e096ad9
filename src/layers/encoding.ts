import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseOption } from '../../zoo/layers/layer-inputs.ts';

type OutputMode = 'int' | 'oneHot' | 'multiHot' | 'count';

/** Whole numbers as vectors of `depth`; numbers outside of 0 to `depth - 1` are nowhere. */
function encoded(x: tf.Tensor, mode: OutputMode, depth: number): tf.Tensor {
  const whole = tf.cast(x, 'int32');
  if (mode === 'int') return whole;
  if (mode === 'oneHot') {
    const one = x.rank > 1 && x.shape.at(-1) === 1 ? tf.squeeze(whole, [-1]) : whole;
    return tf.cast(tf.oneHot(one, depth), 'float32');
  }
  const hot = tf.cast(tf.oneHot(whole, depth), 'float32');
  return mode === 'count' ? tf.sum(hot, -2) : tf.max(hot, -2);
}

function encodedShape(shape: Shape, mode: OutputMode, depth: number): Shape {
  if (mode === 'int') return shape;
  if (mode === 'oneHot' && (shape.length < 2 || shape.at(-1) !== 1)) return [...shape, depth];
  return [...shape.slice(0, -1), depth];
}

function modeOf(
  className: string,
  given: unknown,
  otherwise: OutputMode,
  modes: readonly OutputMode[],
): OutputMode {
  const names: Record<string, OutputMode> = { one_hot: 'oneHot', multi_hot: 'multiHot', binary: 'multiHot' };
  const name = given === undefined ? otherwise : (names[given as string] ?? (given as OutputMode));
  return modes.includes(name) ? name : refuseOption(className, 'outputMode', given, modes.join(', '));
}

export interface KerasCategoryEncodingArgs extends LayerArgs {
  readonly numTokens: number;
  /** Default `multiHot`. */
  readonly outputMode?: 'oneHot' | 'multiHot' | 'count';
}

/**
 * Keras's `CategoryEncoding` for inputs of any number of axes; tfjs's takes two at most. `oneHot`: a vector for each
 * number (in place of a last axis of length 1, else behind the last); `multiHot` and `count`: one for all numbers of the
 * last axis. Float32, no weights.
 *
 * @throws ModelError `MODEL_OPTION`
 * @source keras/src/layers/preprocessing/category_encoding.py
 */
export class KerasCategoryEncoding extends tf.layers.Layer {
  static readonly className: string = 'KerasCategoryEncoding';
  private readonly numTokens: number;
  private readonly outputMode: OutputMode;

  constructor(args: KerasCategoryEncodingArgs) {
    super(args);
    const { numTokens, outputMode } = args;
    if (!Number.isInteger(numTokens) || numTokens < 1) {
      refuseOption('KerasCategoryEncoding', 'numTokens', numTokens, 'a whole number of at least 1');
    }
    this.numTokens = numTokens;
    this.outputMode = modeOf('KerasCategoryEncoding', outputMode, 'multiHot', [
      'oneHot',
      'multiHot',
      'count',
    ]);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return encoded(oneTensor(this, inputs), this.outputMode, this.numTokens);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return encodedShape(oneShape(this, inputShape), this.outputMode, this.numTokens);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), numTokens: this.numTokens, outputMode: this.outputMode };
  }
}
tf.serialization.registerClass(KerasCategoryEncoding);

export interface DiscretizationArgs extends LayerArgs {
  /** In ascending order. */
  readonly binBoundaries: readonly number[];
  /** Default `int`. */
  readonly outputMode?: 'int' | 'oneHot' | 'multiHot' | 'count';
}

/**
 * Keras's `Discretization`: how many boundaries a number has reached, 0 to `binBoundaries.length`, as int32, or encoded
 * as by `KerasCategoryEncoding` with one more token than there are boundaries. No weights.
 *
 * @throws ModelError `MODEL_OPTION` (no boundaries: the layer was not adapted)
 * @source keras/src/layers/preprocessing/discretization.py
 */
export class Discretization extends tf.layers.Layer {
  static readonly className: string = 'Discretization';
  private readonly binBoundaries: readonly number[];
  private readonly outputMode: OutputMode;

  constructor(args: DiscretizationArgs) {
    super(args);
    const { binBoundaries, outputMode } = args;
    if (!Array.isArray(binBoundaries) || binBoundaries.some((value) => typeof value !== 'number')) {
      refuseOption('Discretization', 'binBoundaries', binBoundaries, 'a list of numbers');
    }
    this.binBoundaries = [...(binBoundaries as number[])];
    this.outputMode = modeOf('Discretization', outputMode, 'int', ['int', 'oneHot', 'multiHot', 'count']);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.expandDims(tf.cast(oneTensor(this, inputs), 'float32'), -1);
      const reached = tf.greaterEqual(x, tf.tensor1d([...this.binBoundaries], 'float32'));
      const bins = tf.sum(tf.cast(reached, 'int32'), -1);
      return encoded(bins, this.outputMode, this.binBoundaries.length + 1);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return encodedShape(oneShape(this, inputShape), this.outputMode, this.binBoundaries.length + 1);
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { binBoundaries, outputMode } = this;
    return { ...super.getConfig(), binBoundaries: [...binBoundaries], outputMode };
  }
}
tf.serialization.registerClass(Discretization);
