import type * as tf from '@tensorflow/tfjs';
import { ModelError } from '../../src/base/errors.ts';

/** What every tfjs layer takes: `name`, `trainable`, `inputShape` and so on. */
export type LayerArgs = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;
export type Shape = (number | null)[];
export type CallArguments = Record<string, unknown>;

/** The one tensor that a layer is called with; tfjs gives it alone or in a list. */
export function oneTensor(layer: tf.layers.Layer, inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
  const [input, ...more] = Array.isArray(inputs) ? inputs : [inputs];
  if (input !== undefined && more.length === 0) return input;
  return refuseInputs(layer, `${more.length + (input === undefined ? 0 : 1)} inputs`, 'one input');
}

/** The one shape that a layer is built for. */
export function oneShape(layer: tf.layers.Layer, shapes: Shape | Shape[]): Shape {
  if (!shapes.some(Array.isArray)) return shapes as Shape;
  const [shape, ...more] = shapes as Shape[];
  if (shape !== undefined && more.length === 0) return shape;
  return refuseInputs(layer, `${shapes.length} inputs`, 'one input');
}

export function refuseInputs(layer: tf.layers.Layer, given: string, expected: string): never {
  throw new ModelError('MODEL_INPUT', `The layer "${layer.name}" cannot be applied to these inputs.`, {
    given,
    expected: `${expected} for a ${layer.getClassName()}`,
    nextStep: 'change what the layer is applied to',
  });
}

export function refuseOption(className: string, option: string, given: unknown, expected: string): never {
  throw new ModelError('MODEL_OPTION', `A ${className} cannot be made with this ${option}.`, {
    given: `${option}: ${JSON.stringify(given) ?? 'undefined'}`,
    expected,
    nextStep: `change ${option}`,
  });
}
