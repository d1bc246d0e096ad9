import type * as tf from '@tensorflow/tfjs';
import type { LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { tfjsClass, type TfjsClass } from './tfjs-classes.ts';

export interface WrapperArgs extends LayerArgs {
  readonly layer: tf.layers.Layer;
}

/** tfjs's base of layers around a layer, which it exports under no name: weights, `trainable`, config. */
interface TfjsWrapper extends tf.layers.Layer {
  readonly layer: tf.layers.Layer;
}
const Base = Object.getPrototypeOf(tfjsClass('TimeDistributed')) as TfjsClass<TfjsWrapper, WrapperArgs>;

/** A layer around a layer that takes the same inputs and gives the same outputs. Weights are named after the outer one. */
export abstract class Wrapper extends Base {
  constructor(args: WrapperArgs) {
    super(args);
    this.supportsMasking = this.layer.supportsMasking;
  }

  protected buildInner(inputShape: Shape | Shape[]): void {
    if (this.layer.built) return;
    this.layer.build(inputShape);
    this.layer.built = true;
  }

  override build(inputShape: Shape | Shape[]): void {
    this.buildInner(inputShape);
    this.built = true;
  }

  /** tfjs's has those of the layer inside only. */
  override getWeights(): tf.Tensor[] {
    return this.weights.map((weight) => weight.read());
  }

  override setWeights(weights: tf.Tensor[]): void {
    const own = this.weights;
    if (weights.length !== own.length) {
      refuseOption(this.getClassName(), 'weights', weights.length, `a list of ${own.length} tensors`);
    }
    own.forEach((weight, index) => weight.write(weights[index] as tf.Tensor));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return this.layer.computeOutputShape(inputShape);
  }

  override computeMask(
    inputs: tf.Tensor | tf.Tensor[],
    mask?: tf.Tensor | tf.Tensor[],
  ): tf.Tensor | tf.Tensor[] {
    return this.layer.computeMask(inputs, mask);
  }
}

/** A layer around a layer that is built for the first of several inputs alone. Masks of tfjs end here. */
export abstract class FirstInputWrapper extends Wrapper {
  constructor(args: WrapperArgs) {
    super(args);
    this.supportsMasking = false;
    // tfjs finds weights by the names of layers, which are one and the same.
    this.layer.name = this.name;
  }

  /** What the inputs have to be, in words. */
  protected abstract readonly expectedInputs: string;

  override build(inputShape: Shape | Shape[]): void {
    super.build(this.first(inputShape));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return super.computeOutputShape(this.first(inputShape));
  }

  private first(inputShape: Shape | Shape[]): Shape {
    const [shape, second] = inputShape as Shape[];
    if (Array.isArray(shape) && Array.isArray(second)) return shape;
    return refuseInputs(this, JSON.stringify(inputShape), this.expectedInputs);
  }
}
