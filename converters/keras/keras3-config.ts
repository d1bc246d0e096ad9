import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject, stringOf } from '../json.ts';

/** The modules in which Keras keeps its own layers; all others are somebody else's. */
const KERAS_MODULE = /^((tf_)?keras|tensorflow\.(python\.)?keras)(\.|$)/;

/**
 * The class of a layer as Keras finds it: a class that others registered has their package in front
 * (`my_package>Dense`), so that it cannot be taken for Keras's own of that name.
 */
export function qualifiedClass(layer: JsonObject, className: string): string {
  const registered = stringOf(layer.registered_name);
  if (registered?.includes('>') === true) return registered;
  const module = stringOf(layer.module);
  if (module === undefined || KERAS_MODULE.test(module)) return className;
  return className.includes('>') ? className : `Custom>${className}`;
}

/** Keys that change nothing at inference while they have these values; others stay, for the writers to refuse. */
const HARMLESS: Readonly<Record<string, readonly JsonValue[]>> = {
  synchronized: [true, false],
  renorm: [false],
  renorm_clipping: [],
  renorm_momentum: [0.99],
  quantization_config: [],
  zero_output_for_mask: [false],
  use_gate: [false],
  rms_scaling: [false],
  sliding_window: [],
  lora_rank: [],
  lora_alpha: [],
  optional: [true, false],
  crop_to_aspect_ratio: [false],
  pad_to_aspect_ratio: [false],
  antialias: [false],
};

/** Keras 2's names of options that Keras 3 calls otherwise. */
const RENAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  InputLayer: { batch_shape: 'batch_input_shape' },
  LeakyReLU: { negative_slope: 'alpha' },
};

/** Functions of one name that compute something else in Keras 3: `relu6(x + 3) / 6` for Keras 2's `0.2 x + 0.5`. */
function activation(value: JsonValue): JsonValue {
  if (value === 'hard_sigmoid') return 'keras3_hard_sigmoid';
  if (!isJsonObject(value)) return value;
  const name = value.config ?? value.class_name;
  return name === 'hard_sigmoid' || name === 'HardSigmoid' ? 'keras3_hard_sigmoid' : value;
}

/** The numbers of `__numpy__` and `__tensor__` objects. */
function plain(value: JsonValue): JsonValue {
  if (!isJsonObject(value) || !isJsonObject(value.config)) return value;
  const array = value.class_name === '__numpy__' || value.class_name === '__tensor__';
  return array ? (value.config.value ?? null) : value;
}

/** A layer's config of Keras 3 in the words of Keras 2. Layers inside it are the caller's. */
export function fromKeras3(className: string, given: JsonObject): JsonObject {
  const renamed = Object.hasOwn(RENAMED, className) ? RENAMED[className]! : {};
  const config: JsonObject = {};
  for (const [key, value] of Object.entries(given)) {
    const harmless = Object.hasOwn(HARMLESS, key) ? HARMLESS[key]! : undefined;
    if (harmless !== undefined && (value === null || harmless.includes(value))) continue;
    const name = Object.hasOwn(renamed, key) ? renamed[key]! : key;
    if (key === 'activation' || key === 'recurrent_activation') config[name] = activation(value);
    else config[name] = plain(value);
  }
  return config;
}

const withoutNames = (value: JsonValue): string =>
  JSON.stringify(value, (key, item: JsonValue) =>
    ['name', 'go_backwards', 'shared_object_id', 'module', 'registered_name', 'build_config'].includes(key)
      ? undefined
      : item,
  );

/** A Bidirectional sets `zero_output_for_mask` of its layers by itself, and leaves the prefix off when it reads names. */
const withoutPrefix = (layer: JsonObject, prefix: string): JsonObject => {
  const config = isJsonObject(layer.config) ? { ...layer.config } : {};
  delete config.zero_output_for_mask;
  const name = stringOf(config.name) ?? '';
  return {
    ...layer,
    config: { ...config, name: name.startsWith(prefix) ? name.slice(prefix.length) : name },
  };
};

/**
 * Keras 3 writes both layers of a Bidirectional under the names that it gave to them. Keras 2 writes the layer under its
 * own name, and the backward one only when it is not the mirror image.
 */
export function bidirectional(config: JsonObject): JsonObject {
  const { layer, backward_layer: backward, ...rest } = config;
  if (!isJsonObject(layer) || !isJsonObject(layer.config)) return config;
  const forward = withoutPrefix(layer, 'forward_');
  if (!isJsonObject(backward) || !isJsonObject(backward.config)) return { ...rest, layer: forward };
  const turned = (backward.config.go_backwards === true) !== (layer.config.go_backwards === true);
  if (turned && withoutNames(layer) === withoutNames(backward)) return { ...rest, layer: forward };
  return { ...rest, layer: forward, backward_layer: withoutPrefix(backward, 'backward_') };
}
