import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';

/** What `tf.layers.Layer` takes itself, and what tfjs adds to every config that it reads. */
const OF_EVERY_LAYER = new Set(
  'name trainable inputShape batchInputShape batchSize dtype inputDType weights customObjects'.split(' '),
);

/** Passes its input on, in training too, and keeps the options that it was made with. */
abstract class PassesOn extends tf.layers.Layer {
  private readonly options: tf.serialization.ConfigDict;

  constructor(args: LayerArgs = {}) {
    super(args);
    const given = Object.entries(args).filter(([key]) => !OF_EVERY_LAYER.has(key));
    const options: Record<string, unknown> = Object.fromEntries(given);
    this.options = options as tf.serialization.ConfigDict;
    this.supportsMasking = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return Array.isArray(inputs) ? inputs.map((x) => tf.clone(x)) : tf.clone(inputs);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}

/**
 * Keras's `Identity`: the input, unchanged. No weights. tfjs has one table for the names of layers and of initialisers, and
 * its initialiser is called `Identity`.
 *
 * @source keras/src/layers/core/identity.py
 */
export class KerasIdentity extends PassesOn {
  static readonly className: string = 'KerasIdentity';
}
tf.serialization.registerClass(KerasIdentity);

/**
 * Keras's layers that change pictures at random in training and pass them on at inference. Here they pass them on
 * always; their options are kept, for the way back to Keras. Those with an output of another size are not among them.
 */
const AUGMENTATION_LAYERS = (
  'AugMix CutMix MixUp RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast ' +
  'RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert ' +
  'RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear ' +
  'RandomTranslation RandomZoom'
).split(' ');

for (const className of AUGMENTATION_LAYERS) {
  tf.serialization.registerClass(
    class extends PassesOn {
      static readonly className = className;
    },
  );
}
