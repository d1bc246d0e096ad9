import type * as tf from '@tensorflow/tfjs';
import { ModelError } from '../base/errors.ts';
import { callsOf } from '../training/graph-calls.ts';

/** The end of a classifier. */
export interface Head {
  readonly dense: tf.layers.Layer;
  /** Rate of the Dropout in front of it; 0 without one. */
  readonly dropout: number;
}

/**
 * The dense layer with softmax at a classifier's end.
 *
 * @throws ModelError `MODEL_INPUT` where the model ends in something else
 */
export function headOf(model: tf.LayersModel): Head {
  const { calls, outputs } = callsOf(model);
  const last = outputs[0] !== undefined && 'call' in outputs[0] ? outputs[0].call : undefined;
  const { activation, useBias } = last?.layer.getConfig() ?? {};
  if (last?.layer.getClassName() !== 'Dense' || activation !== 'softmax' || useBias === false) {
    throw new ModelError(
      'MODEL_INPUT',
      `The model "${model.name}" does not end in a head that can be trained alone.`,
      {
        given: `a last layer of the class ${calls.at(-1)?.layer.getClassName() ?? 'none'}`,
        expected: 'a Dense layer with a bias and softmax',
        nextStep: 'make the model by `buildClassifier`, or train it by `fit`',
      },
    );
  }
  const [input] = last.inputs;
  const before = input !== undefined && 'call' in input ? input.call.layer : undefined;
  const rate = before?.getClassName() === 'Dropout' ? Number(before.getConfig()['rate']) : 0;
  return { dense: last.layer, dropout: rate };
}
