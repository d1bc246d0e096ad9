import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject, stringOf } from '../json.ts';

/**
 * Activations that this package registers with tfjs, by Keras's names. Keras 3's hard sigmoid has a name of ours: tfjs's
 * is Keras 2's.
 */
export const OWN_ACTIVATIONS: ReadonlySet<string> = new Set(
  (
    'celu exponential glu hard_shrink hard_silu hard_swish hard_tanh keras3_hard_sigmoid leaky_relu log_sigmoid ' +
    'soft_shrink sparse_plus sparse_sigmoid sparsemax squareplus tanh_shrink'
  ).split(' '),
);

const TFJS_ACTIVATIONS =
  'elu selu relu relu6 linear sigmoid hard_sigmoid softplus softsign tanh softmax log_softmax swish mish gelu'.split(
    ' ',
  );

const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Activations by Keras's names, by those that tfjs writes in its own configs, and by older ones. */
const ACTIVATIONS = new Map([
  ...[...TFJS_ACTIVATIONS, ...OWN_ACTIVATIONS].flatMap((name): [string, string][] => [
    [name, name],
    [camelCase(name), name],
  ]),
  ['silu', 'swish'],
]);

/** The name of an activation, or `undefined` when tfjs has no such function. */
export function activationName(value: JsonValue | undefined): string | undefined {
  if (value === null || value === undefined) return 'linear';
  if (typeof value === 'string') return ACTIVATIONS.get(value);
  if (!isJsonObject(value)) return undefined;
  const name = typeof value.config === 'string' ? value.config : stringOf(value.class_name);
  return name === undefined ? undefined : (ACTIVATIONS.get(name) ?? ACTIVATIONS.get(name.toLowerCase()));
}

const number = (value: JsonValue | undefined) => (typeof value === 'number' ? value : 0);

/** tfjs has one regularizer class; what it cannot express changes training only and becomes `null`. */
function regularizer(value: JsonValue | undefined): JsonValue {
  const l1l2 = (l1: number, l2: number): JsonValue => ({ class_name: 'L1L2', config: { l1, l2 } });
  if (typeof value === 'string') {
    if (value === 'l1') return l1l2(0.01, 0);
    if (value === 'l2') return l1l2(0, 0.01);
    return value === 'l1_l2' ? l1l2(0.01, 0.01) : null;
  }
  if (!isJsonObject(value)) return null;
  // Keras 1 keeps the factors beside the name.
  const config = isJsonObject(value.config) ? value.config : value;
  return typeof config.l1 === 'number' || typeof config.l2 === 'number'
    ? l1l2(number(config.l1), number(config.l2))
    : null;
}

const DROPPED = new Set([
  'ragged',
  'batch_size',
  'input_shape',
  'build_config',
  'build_input_shape',
  'autocast',
]);

/** What tfjs has for a type: one float, one integer, and booleans. */
function tfjsType(dtype: JsonValue): string {
  if (typeof dtype !== 'string') return 'float32';
  if (/^u?int\d+$/.test(dtype)) return 'int32';
  return dtype === 'bool' || dtype === 'string' ? dtype : 'float32';
}

/** What every layer's config has in common, in the words that tfjs takes. */
export function cleanConfig(className: string, config: JsonObject): JsonObject {
  const clean: JsonObject = {};
  for (const [key, value] of Object.entries(config)) {
    if (DROPPED.has(key)) continue;
    if (className.startsWith('SeparableConv') && key.startsWith('kernel_') && key !== 'kernel_size') continue;
    // Keras 1 repeats the input's size in many layers; tfjs would take it for the model's input.
    if ((key === 'input_dim' || key === 'input_length') && className !== 'Embedding') continue;
    // Initial values are replaced by the file's weights, so they need not be drawn; zeros are the fastest.
    if (key.endsWith('_initializer')) clean[key] = { class_name: 'Zeros', config: {} };
    // So it is with the ones of the forget gate; tfjs does not free what it makes them of.
    else if (key === 'unit_forget_bias') clean[key] = false;
    // tfjs cannot run a layer that has one; it matters to training only.
    else if (key === 'activity_regularizer') clean[key] = null;
    else if (key.endsWith('_regularizer')) clean[key] = regularizer(value);
    // tfjs applies constraints to weights that it loads too, which would change them.
    else if (key.endsWith('_constraint')) clean[key] = null;
    else if (key === 'activation' || key === 'recurrent_activation')
      clean[key] = activationName(value) ?? null;
    else if (key === 'dtype') clean[key] = tfjsType(value);
    else if (key === 'trainable') clean[key] = value !== false;
    else clean[key] = value;
  }
  return clean;
}
