import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs } from '../../zoo/layers/layer-inputs.ts';
import { truthOf } from './constants.ts';
import { FirstInputWrapper } from './wrapper.ts';

/**
 * A layer that takes a mask, with the mask as its second input: `[input, mask, ...states]`. tfjs hands masks on behind
 * the scenes, but to the wrong layers where a model has several; a converted model states them instead. The mask is
 * `[batch, time]`, true or not 0 where a step counts. Weights, options and outputs are those of the layer inside, but
 * that a `Bidirectional` which returns sequences has 0 where a step does not count, as Keras has it.
 *
 * @throws ModelError `MODEL_INPUT`
 */
export class MaskedLayer extends FirstInputWrapper {
  static readonly className: string = 'MaskedLayer';
  protected override readonly expectedInputs = 'an input and its mask';

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const [x, given, ...states] = inputs as tf.Tensor[];
      if (x === undefined || given === undefined) refuseInputs(this, '1 input', this.expectedInputs);
      const { returnSequences, mergeMode } = this.layer as {
        returnSequences?: boolean;
        mergeMode?: string | null;
      };
      // Poolings weigh with the numbers of a mask; recurrent layers ask only which are 0.
      const mask = returnSequences === undefined ? given : truthOf(given);
      const initialState = states.length === 0 ? {} : { initialState: states };
      const output = this.layer.call(x, { training: kwargs?.training, mask, ...initialState });
      if (this.layer.getClassName().endsWith('Bidirectional') && returnSequences === true) {
        const kept = tf.expandDims(tf.cast(mask, 'float32'), -1);
        const sequences = mergeMode === null ? 2 : 1;
        const list = Array.isArray(output) ? output : [output];
        const zeroed = list.map((item, index) => (index < sequences ? tf.mul(item, kept) : item));
        return Array.isArray(output) ? zeroed : (zeroed[0] as tf.Tensor);
      }
      return output;
    });
  }
}
tf.serialization.registerClass(MaskedLayer);

export interface KerasMaskingArgs extends LayerArgs {
  /** Default 0. */
  readonly maskValue?: number;
}

/**
 * Keras's `Masking` without the mask: steps that hold nothing but `maskValue` are set to 0. In a converted model that
 * states its masks, the mask is an operation of its own.
 *
 * @source keras/src/layers/core/masking.py
 */
export class KerasMasking extends tf.layers.Layer {
  static readonly className: string = 'KerasMasking';
  private readonly maskValue: number;

  constructor(args: KerasMaskingArgs = {}) {
    super(args);
    this.maskValue = args.maskValue ?? 0;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = oneTensor(this, inputs);
      return tf.mul(x, tf.cast(tf.any(tf.notEqual(x, this.maskValue), -1, true), x.dtype));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(this, inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), maskValue: this.maskValue };
  }
}
tf.serialization.registerClass(KerasMasking);
