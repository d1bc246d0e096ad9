import type * as tf from '@tensorflow/tfjs';
import { ModelError, UsageError } from '../base/errors.ts';
import { isDisposed } from './dispose-model.ts';

/**
 * For what programs without types pass.
 *
 * @param what The argument's name.
 * @throws UsageError `USAGE_ARGUMENT` when it is no model; ModelError `MODEL_INPUT` when it was disposed of
 */
export function requireModel(model: unknown, what: string): asserts model is tf.LayersModel {
  const { inputs, outputs, layers, weights } = (model ?? {}) as Partial<tf.LayersModel>;
  if (!Array.isArray(inputs) || !Array.isArray(outputs) || !Array.isArray(layers)) {
    throw new UsageError('USAGE_ARGUMENT', `${what} is not a model.`, {
      given: `${what}: ${model === null ? 'null' : typeof model}`,
      expected: 'a tf.LayersModel as `loadModel` gives it (where it is allowed, the name of a model)',
      nextStep: 'pass `await loadModel()`',
    });
  }
  if (weights?.some(isDisposed)) {
    throw new ModelError('MODEL_INPUT', `The model "${(model as tf.LayersModel).name}" was disposed of.`, {
      given: `${what}: a model without weights`,
      expected: 'a model that is in use',
      nextStep: 'call `disposeModel` after the last use, or load the model again',
    });
  }
}

/** @throws UsageError `USAGE_ARGUMENT` */
export function requireModelName(model: unknown): asserts model is string {
  if (typeof model === 'string' && model !== '') return;
  throw new UsageError('USAGE_ARGUMENT', 'The name of the model is missing.', {
    given: JSON.stringify(model) ?? String(model),
    expected: 'a name of the zoo such as "efficientnet-lite0", or the path or URL of a model',
    nextStep: '`dovecote list` shows all models',
  });
}

/** What makes sense only where a model is loaded by its name. */
const namedOnly = ['weights', 'alpha', 'minimalistic'] as const;

/** @throws UsageError `USAGE_ARGUMENT` for options of loading, given with a model that is loaded already */
export function refuseForLoaded(
  what: string,
  options: { readonly [Option in (typeof namedOnly)[number]]?: unknown },
): void {
  const given = namedOnly.filter((option) => options[option] !== undefined);
  if (given.length === 0) return;
  const names = given.map((option) => `\`${option}\``).join(', ');
  throw new UsageError('USAGE_ARGUMENT', `${names} cannot be used with a ${what} that is loaded already.`, {
    given: `a model and ${given.join(', ')}`,
    expected: `a model, or the name of a network with ${given.join(', ')}`,
    nextStep: `leave ${names} out`,
  });
}
