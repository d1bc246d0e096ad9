import * as tf from '@tensorflow/tfjs';
import type { CallArguments } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs } from '../../zoo/layers/layer-inputs.ts';
import { FirstInputWrapper } from './wrapper.ts';

/**
 * A recurrent layer that is given its states: `[input, ...states]`, all of them tensors of the model. tfjs notes the
 * states of a layer in arguments that in training, and in models within models, are those of all layers that run
 * later: these would start from the same states, or fail. Weights, options and outputs are those of the layer inside.
 *
 * @throws ModelError `MODEL_INPUT`
 */
export class InitialStates extends FirstInputWrapper {
  static readonly className: string = 'InitialStates';
  protected override readonly expectedInputs = 'an input and states';

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const [x, ...initialState] = Array.isArray(inputs) ? inputs : [inputs];
      if (x === undefined || initialState.length === 0) refuseInputs(this, '1 input', this.expectedInputs);
      return this.layer.call(x, { training: kwargs?.training, initialState });
    });
  }
}
tf.serialization.registerClass(InitialStates);
