import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/base/random.ts';
import type { CallArguments, LayerArgs, Shape } from './layer-inputs.ts';
import { oneShape, oneTensor, refuseOption } from './layer-inputs.ts';

export interface StochasticDepthArgs extends LayerArgs {
  /** Probability of dropping a sample's branch, 0 to below 1. */
  readonly dropPathRate: number;
  /** Makes the drawing repeatable: each call draws anew, and a layer made with the same seed draws the same. */
  readonly seed?: number;
}

/**
 * ConvNeXt's `StochasticDepth` (Huang et al. 2016, arXiv 1603.09382): in training, each sample of the batch is set to 0
 * with probability `dropPathRate`, and what stays is divided by `1 - dropPathRate`. At inference the input passes
 * through. No weights.
 *
 * @throws ModelError `MODEL_OPTION`
 * @source keras/src/applications/convnext.py
 */
export class StochasticDepth extends tf.layers.Layer {
  static readonly className = 'StochasticDepth';
  private readonly dropPathRate: number;
  private readonly seed: number | undefined;
  private readonly random: () => number;

  constructor(args: StochasticDepthArgs) {
    super(args);
    const { dropPathRate, seed } = args;
    if (!(typeof dropPathRate === 'number' && dropPathRate >= 0 && dropPathRate < 1)) {
      refuseOption('StochasticDepth', 'dropPathRate', dropPathRate, 'a rate of at least 0 and below 1');
    }
    this.dropPathRate = dropPathRate;
    // `null` in a config is `undefined` here.
    this.seed = seed ?? undefined;
    this.random = this.seed === undefined ? Math.random : createRandom(this.seed);
    this.supportsMasking = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = oneTensor(this, inputs);
      if (kwargs.training !== true || this.dropPathRate === 0) return tf.clone(x);
      const keep = 1 - this.dropPathRate;
      const [batch = 0, ...rest] = x.shape;
      const mask = Array.from({ length: batch }, () => Math.floor(keep + this.random()));
      return tf.mul(tf.div(x, keep), tf.tensor(mask, [batch, ...rest.map(() => 1)], 'float32'));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(this, inputShape);
  }

  /** Keras's class takes no seed: it is there only when one was given. */
  override getConfig(): tf.serialization.ConfigDict {
    const config = { ...super.getConfig(), dropPathRate: this.dropPathRate };
    return this.seed === undefined ? config : { ...config, seed: this.seed };
  }
}
tf.serialization.registerClass(StochasticDepth);
