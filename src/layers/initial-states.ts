import * as tf from '@tensorflow/tfjs';
import type { CallArguments, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs } from '../../zoo/layers/layer-inputs.ts';
import { Wrapper, type WrapperArgs } from './wrapper.ts';

/**
 * A recurrent layer that is given its states: `[input, ...states]`, all of them tensors of the model. tfjs notes the
 * states of a layer in arguments that in training, and in models within models, are those of all layers that run
 * later: these would start from the same states, or fail. Weights, options and outputs are those of the layer inside.
 *
 * @throws ModelError `MODEL_INPUT`
 */
export class InitialStates extends Wrapper {
  static readonly className: string = 'InitialStates';

  constructor(args: WrapperArgs) {
    super(args);
    this.supportsMasking = false;
    // tfjs finds weights by the names of layers, which are one and the same.
    this.layer.name = this.name;
  }

  override build(inputShape: Shape | Shape[]): void {
    this.buildInner(this.first(inputShape));
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const [x, ...initialState] = Array.isArray(inputs) ? inputs : [inputs];
      if (x === undefined || initialState.length === 0) refuseInputs(this, '1 input', 'an input and states');
      return this.layer.call(x, { training: kwargs?.training, initialState });
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return this.layer.computeOutputShape(this.first(inputShape));
  }

  private first(inputShape: Shape | Shape[]): Shape {
    const [shape, state] = inputShape as Shape[];
    if (Array.isArray(shape) && Array.isArray(state)) return shape;
    return refuseInputs(this, JSON.stringify(inputShape), 'an input and states');
  }
}
tf.serialization.registerClass(InitialStates);
