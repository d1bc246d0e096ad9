import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from './layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from './layer-inputs.ts';

export interface LayerScaleArgs extends LayerArgs {
  /** What gamma is filled with; ConvNeXt has 1e-6. */
  readonly initValues: number;
  /** Size of the last axis. */
  readonly projectionDim: number;
}

/**
 * ConvNeXt's `LayerScale` (Touvron et al. 2021, arXiv 2103.17239): multiplies by a trainable `gamma` of shape
 * `[projectionDim]` along the last axis.
 *
 * @throws ModelError `MODEL_OPTION`
 * @source keras/src/applications/convnext.py
 */
export class LayerScale extends tf.layers.Layer {
  static readonly className = 'LayerScale';
  private readonly initValues: number;
  private readonly projectionDim: number;
  private gamma: tf.LayerVariable | undefined;

  constructor(args: LayerScaleArgs) {
    super(args);
    const { initValues, projectionDim } = args;
    if (typeof initValues !== 'number') refuseOption('LayerScale', 'initValues', initValues, 'a number');
    if (!Number.isInteger(projectionDim) || projectionDim < 1) {
      refuseOption('LayerScale', 'projectionDim', projectionDim, 'a whole number of at least 1');
    }
    this.initValues = initValues;
    this.projectionDim = projectionDim;
    this.supportsMasking = true;
  }

  override build(inputShape: Shape | Shape[]): void {
    const initializer = tf.initializers.constant({ value: this.initValues });
    this.gamma = this.addWeight('gamma', [this.projectionDim], 'float32', initializer);
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return tf.mul(oneTensor(this, inputs), (this.gamma as tf.LayerVariable).read());
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(this, inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), initValues: this.initValues, projectionDim: this.projectionDim };
  }
}
tf.serialization.registerClass(LayerScale);

export interface CustomScaleLayerArgs extends LayerArgs {
  readonly scale: number;
}

/**
 * InceptionResNetV2's residual connection: of the inputs `[shortcut, residual]`, both of one shape, it gives
 * `shortcut + residual * scale`. No weights.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/applications/inception_resnet_v2.py
 */
export class CustomScaleLayer extends tf.layers.Layer {
  static readonly className = 'CustomScaleLayer';
  private readonly scale: number;

  constructor(args: CustomScaleLayerArgs) {
    super(args);
    if (typeof args.scale !== 'number') refuseOption('CustomScaleLayer', 'scale', args.scale, 'a number');
    this.scale = args.scale;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const [shortcut, residual] = this.two(inputs as tf.Tensor[]);
      return tf.add(shortcut, tf.mul(residual, this.scale));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.two(inputShape as Shape[])[0];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), scale: this.scale };
  }

  private two<Item>(inputs: Item[]): [Item, Item] {
    // The shape of a single input is a list too, of numbers.
    const list = Array.isArray(inputs) && inputs.every((item) => typeof item === 'object' && item !== null);
    if (list && inputs.length === 2) return [inputs[0] as Item, inputs[1] as Item];
    return refuseInputs(this, `${list ? inputs.length : 1} inputs`, 'two inputs');
  }
}
tf.serialization.registerClass(CustomScaleLayer);
