import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import type { DataFormat } from './tfjs-classes.ts';
import { spatialAxes } from './tfjs-classes.ts';

type Pair = [number, number];
/** One number for all sides, one for each axis, or a pair for each. */
type Borders = number | readonly (number | readonly number[])[];

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;

/** `[before, after]` for each axis. A 1D layer's list of two numbers is one pair. */
function bordersOf(className: string, option: string, value: Borders, axes: number): Pair[] {
  const list = typeof value === 'number' ? Array.from({ length: axes }, () => value) : value;
  const pairs =
    axes === 1 && list.length === 2 && list.every(isCount)
      ? [[...list]]
      : list.map((item) => (typeof item === 'number' ? [item, item] : [...item]));
  if (pairs.length === axes && pairs.every((pair) => pair.length === 2 && pair.every(isCount)))
    return pairs as Pair[];
  return refuseOption(
    className,
    option,
    value,
    'a whole number, or for each axis one or two, none of them negative',
  );
}

type BorderArgs<Option extends string> = LayerArgs & { readonly [option in Option]?: Borders } & {
  readonly dataFormat?: DataFormat;
};

/** A layer that takes from or adds to both ends of each spatial axis. */
abstract class BorderLayer<Option extends 'cropping' | 'padding'> extends tf.layers.Layer {
  private readonly borders: readonly Pair[];
  private readonly dataFormat: DataFormat;

  constructor(
    args: BorderArgs<Option>,
    private readonly option: Option,
    axes: number,
  ) {
    super(args);
    this.borders = bordersOf(this.getClassName(), option, args[option] ?? 1, axes);
    this.dataFormat = args.dataFormat ?? 'channelsLast';
    this.inputSpec = [new tf.InputSpec({ ndim: axes + 2 })];
  }

  protected abstract resized(x: tf.Tensor, pairs: Pair[]): tf.Tensor;
  protected abstract length(given: number, pair: Pair): number;

  /** A pair for every axis of the input. */
  private pairs(rank: number): Pair[] {
    const spatial = spatialAxes(rank, this.dataFormat);
    return Array.from({ length: rank }, (_, axis) => this.borders[spatial.indexOf(axis)] ?? [0, 0]);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = oneTensor(this, inputs);
      this.computeOutputShape(x.shape);
      return this.resized(x, this.pairs(x.rank));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    const pairs = this.pairs(shape.length);
    return shape.map((given, axis) => {
      if (given === null) return null;
      const length = this.length(given, pairs[axis] as Pair);
      return length > 0 || given === 0
        ? length
        : refuseInputs(this, JSON.stringify(shape), 'an input that is longer than what is cut off');
    });
  }

  /** A 1D layer has no data format and one pair. */
  override getConfig(): tf.serialization.ConfigDict {
    const { option, dataFormat } = this;
    const pairs = this.borders.map((pair) => [...pair]);
    const own = pairs.length === 1 ? { [option]: pairs[0] as Pair } : { [option]: pairs, dataFormat };
    return { ...super.getConfig(), ...own };
  }
}

abstract class Cropping extends BorderLayer<'cropping'> {
  protected override length(given: number, [before, after]: Pair): number {
    return given - before - after;
  }

  protected override resized(x: tf.Tensor, pairs: Pair[]): tf.Tensor {
    const sizes = x.shape.map((size, axis) => this.length(size, pairs[axis] as Pair));
    return tf.slice(
      x,
      pairs.map(([before]) => before),
      sizes,
    );
  }
}

/**
 * Keras's `Cropping1D`: `[batch, length, channels]` less `cropping` steps at both ends (default 1 and 1).
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT` (nothing would be left)
 */
export class Cropping1D extends Cropping {
  static readonly className = 'Cropping1D';

  constructor(args: BorderArgs<'cropping'> = {}) {
    super(args, 'cropping', 1);
  }
}
tf.serialization.registerClass(Cropping1D);

/**
 * Keras's `Cropping3D`: volumes less `cropping` at both ends of depth, rows and columns (default 1).
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT` (nothing would be left)
 */
export class Cropping3D extends Cropping {
  static readonly className = 'Cropping3D';

  constructor(args: BorderArgs<'cropping'> = {}) {
    super(args, 'cropping', 3);
  }
}
tf.serialization.registerClass(Cropping3D);

abstract class ZeroPadding extends BorderLayer<'padding'> {
  protected override length(given: number, [before, after]: Pair): number {
    return given + before + after;
  }

  protected override resized(x: tf.Tensor, pairs: Pair[]): tf.Tensor {
    return tf.pad(x, pairs);
  }
}

/** Keras's `ZeroPadding1D`: zeros at both ends (default 1 and 1). @throws ModelError `MODEL_OPTION` */
export class ZeroPadding1D extends ZeroPadding {
  static readonly className = 'ZeroPadding1D';

  constructor(args: BorderArgs<'padding'> = {}) {
    super(args, 'padding', 1);
  }
}
tf.serialization.registerClass(ZeroPadding1D);

/**
 * Keras's `ZeroPadding3D`: zeros at both ends of depth, rows and columns (default 1).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export class ZeroPadding3D extends ZeroPadding {
  static readonly className = 'ZeroPadding3D';

  constructor(args: BorderArgs<'padding'> = {}) {
    super(args, 'padding', 3);
  }
}
tf.serialization.registerClass(ZeroPadding3D);
