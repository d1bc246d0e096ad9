import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject, stringOf } from '../json.ts';

/** Activations that this package registers with tfjs. Keras 3's hard sigmoid has a name of ours: tfjs's is Keras 2's. */
export const OWN_ACTIVATIONS: ReadonlySet<string> = new Set([
  'hard_swish',
  'hard_silu',
  'keras3_hard_sigmoid',
]);

/** Activations that tfjs knows, with ours, by Keras's names; several names of one function are told apart by the value. */
const ACTIVATIONS = new Map(
  Object.entries({
    elu: 'elu',
    selu: 'selu',
    relu: 'relu',
    relu6: 'relu6',
    linear: 'linear',
    sigmoid: 'sigmoid',
    hard_sigmoid: 'hard_sigmoid',
    softplus: 'softplus',
    softsign: 'softsign',
    tanh: 'tanh',
    softmax: 'softmax',
    log_softmax: 'log_softmax',
    swish: 'swish',
    silu: 'swish',
    mish: 'mish',
    gelu: 'gelu',
    hard_swish: 'hard_swish',
    hard_silu: 'hard_silu',
    keras3_hard_sigmoid: 'keras3_hard_sigmoid',
    // As tfjs writes them in its own configs.
    hardSigmoid: 'hard_sigmoid',
    logSoftmax: 'log_softmax',
    hardSwish: 'hard_swish',
    hardSilu: 'hard_silu',
    keras3HardSigmoid: 'keras3_hard_sigmoid',
  }),
);

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

const DROPPED = new Set(['ragged', 'batch_size', 'input_shape', 'build_config', 'autocast']);
const FLOATS = new Set(['float16', 'float64', 'bfloat16', 'mixed_float16', 'mixed_bfloat16']);

/** What every layer's config has in common, in the words that tfjs takes. */
export function cleanConfig(className: string, config: JsonObject): JsonObject {
  const clean: JsonObject = {};
  for (const [key, value] of Object.entries(config)) {
    if (DROPPED.has(key)) continue;
    if (className === 'SeparableConv2D' && key.startsWith('kernel_') && key !== 'kernel_size') continue;
    // Keras 1 repeats the input's size in many layers; tfjs would take it for the model's input.
    if ((key === 'input_dim' || key === 'input_length') && className !== 'Embedding') continue;
    // Initial values are replaced by the file's weights, so they need not be drawn; zeros are the fastest.
    if (key.endsWith('_initializer')) clean[key] = { class_name: 'Zeros', config: {} };
    else if (key.endsWith('_regularizer')) clean[key] = regularizer(value);
    // tfjs applies constraints to weights that it loads too, which would change them.
    else if (key.endsWith('_constraint')) clean[key] = null;
    else if (key === 'activation' || key === 'recurrent_activation')
      clean[key] = activationName(value) ?? null;
    else if (key === 'dtype')
      clean[key] = typeof value === 'string' && !FLOATS.has(value) ? value : 'float32';
    else if (key === 'trainable') clean[key] = value !== false;
    else clean[key] = value;
  }
  return clean;
}
