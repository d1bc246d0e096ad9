import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs } from '../../zoo/layers/layer-inputs.ts';
import { truthOf } from './constants.ts';
import { l2Normalized } from './normalizations.ts';
import { tfjsClass, type TfjsClass } from './tfjs-classes.ts';

/** What tfjs's merging layers have in common. Their base class is not among tfjs's public ones. */
interface MergeLayer extends tf.layers.Layer {
  mergeFunction(inputs: tf.Tensor[]): tf.Tensor;
}
const Merge = Object.getPrototypeOf(tfjsClass('Add')) as TfjsClass<MergeLayer, LayerArgs>;

/** True where all of the masks are; an input without a mask has nothing masked. */
function jointMask(masks: readonly (tf.Tensor | null | undefined)[]): tf.Tensor | null {
  const given = masks.filter((mask) => mask != null);
  if (given.length === 0) return null;
  return tf.tidy(() => given.map(truthOf).reduce((a, b) => tf.logicalAnd(a, b)));
}

/**
 * Keras's `Subtract`: the first input less the second, which are broadcast against each other. No weights.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/merging/subtract.py
 */
export class Subtract extends Merge {
  static readonly className: string = 'Subtract';

  override build(inputShape: Shape | Shape[]): void {
    if (!Array.isArray(inputShape[0]) || inputShape.length !== 2) {
      refuseInputs(this, JSON.stringify(inputShape), 'two inputs');
    }
    super.build(inputShape);
  }

  override mergeFunction(inputs: tf.Tensor[]): tf.Tensor {
    return tf.sub(inputs[0] as tf.Tensor, inputs[1] as tf.Tensor);
  }

  override computeMask(
    _inputs: tf.Tensor | tf.Tensor[],
    mask?: tf.Tensor | tf.Tensor[],
  ): tf.Tensor | tf.Tensor[] {
    return jointMask(Array.isArray(mask) ? mask : [mask]) as tf.Tensor;
  }
}
tf.serialization.registerClass(Subtract);

export interface KerasDotArgs extends LayerArgs {
  /** The axis of each input that is summed over, one for both or one each; the batch axis is 0. */
  readonly axes: number | readonly [number, number];
  /** Vectors along the axes are brought to length 1 first. Default false. */
  readonly normalize?: boolean;
}

/**
 * Keras's `Dot` for inputs of any number of axes (tfjs's takes three at most): for each sample the sum of products over
 * one axis of each input. The output has the first input's other axes, then the second's; `[batch, 1]` where none is
 * left. No weights.
 *
 * @throws ModelError `MODEL_INPUT`
 * @source keras/src/layers/merging/dot.py
 */
export class KerasDot extends tf.layers.Layer {
  static readonly className: string = 'KerasDot';
  private readonly axes: number | readonly [number, number];
  private readonly normalize: boolean;

  constructor(args: KerasDotArgs) {
    super(args);
    this.axes = args.axes;
    this.normalize = args.normalize ?? false;
    this.supportsMasking = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const [a, b] = this.pair(inputs as tf.Tensor[], (tensor) => tensor.shape);
      const [first, second] = this.axesOf([a.shape, b.shape]);
      const x = this.normalize ? l2Normalized(a, [first], 1e-12) : a;
      const y = this.normalize ? l2Normalized(b, [second], 1e-12) : b;
      const others = (rank: number, axis: number) =>
        Array.from({ length: rank - 1 }, (_, i) => i + 1).filter((i) => i !== axis);
      const left = tf.transpose(x, [0, ...others(x.rank, first), first]);
      const right = tf.transpose(y, [0, second, ...others(y.rank, second)]);
      const batch = left.shape[0];
      const width = x.shape[first] as number;
      const leftSizes = left.shape.slice(1, -1);
      const rightSizes = right.shape.slice(2);
      const product = tf.matMul(
        tf.reshape<tf.Rank.R3>(left, [batch, tf.util.sizeFromShape(leftSizes), width]),
        tf.reshape<tf.Rank.R3>(right, [batch, width, tf.util.sizeFromShape(rightSizes)]),
      );
      const shape = [batch, ...leftSizes, ...rightSizes];
      return tf.reshape(product, shape.length === 1 ? [batch, 1] : shape);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [a, b] = this.pair(inputShape as Shape[], (shape) => shape);
    const [first, second] = this.axesOf([a, b]);
    const shape = [...a.filter((_, i) => i !== first), ...b.filter((_, i) => i !== second && i !== 0)];
    return shape.length === 1 ? [...shape, 1] : shape;
  }

  override computeMask(): tf.Tensor {
    return null as unknown as tf.Tensor;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), axes: this.axes as number, normalize: this.normalize };
  }

  private pair<Item>(inputs: Item[], shapeOf: (input: Item) => Shape): [Item, Item] {
    const [a, b, ...more] = inputs;
    if (a !== undefined && b !== undefined && more.length === 0 && Array.isArray(shapeOf(a))) return [a, b];
    return refuseInputs(this, `${inputs.length} inputs`, 'two inputs');
  }

  private axesOf(shapes: [Shape, Shape]): [number, number] {
    const { axes } = this;
    const [a, b] = typeof axes === 'number' ? [axes, axes] : axes;
    const first = a < 0 ? a + shapes[0].length : a;
    const second = b < 0 ? b + shapes[1].length : b;
    const [n, m] = [shapes[0][first], shapes[1][second]];
    if (
      n === undefined ||
      m === undefined ||
      first < 1 ||
      second < 1 ||
      (n !== null && m !== null && n !== m)
    ) {
      refuseInputs(
        this,
        JSON.stringify(shapes),
        `two inputs of one size along the axes ${JSON.stringify(axes)}`,
      );
    }
    return [first, second];
  }
}
tf.serialization.registerClass(KerasDot);
