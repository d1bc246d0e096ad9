import type { JsonObject } from '../../src/base/types.ts';
import { OWN_ACTIVATIONS, activationName } from './tfjs-cleaning.ts';

/** Layer classes that this package registers with tfjs, under the names that tfjs knows them by. */
const OWN_LAYERS = new Set(
  (
    'CustomScaleLayer GlobalAveragePooling2DKeepDims GlobalMaxPooling2DKeepDims GroupedConv2D LayerScale ' +
    'Normalization StochasticDepth'
  ).split(' '),
);

const isNumber = (value: unknown) => typeof value === 'number';

/** Layers of Keras Applications that are not Keras's own: others may have written one of the same name. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  CustomScaleLayer: ['scale'],
  LayerScale: ['init_values', 'projection_dim'],
  StochasticDepth: ['drop_path_rate'],
};

/**
 * The class of this package that computes what plain tfjs would not: a Conv2D with groups, a global pooling with
 * keepdims, Normalization and the layers of Keras Applications. Undefined where there is none, or none is needed.
 */
export function ownClass(className: string, config: JsonObject): string | undefined {
  if (className === 'Conv2D') {
    return isNumber(config.groups) && config.groups !== 1 ? 'GroupedConv2D' : undefined;
  }
  if (className === 'GlobalAveragePooling2D' || className === 'GlobalMaxPooling2D') {
    return config.keepdims === true ? `${className}KeepDims` : undefined;
  }
  const required = Object.hasOwn(REQUIRED, className) ? REQUIRED[className] : undefined;
  if (required?.some((key) => !isNumber(config[key])) === true) return undefined;
  return OWN_LAYERS.has(className) ? className : undefined;
}

/** What of this package a layer needs, in words; `undefined` when plain tfjs has it all. */
export function ownPart(className: string, config: JsonObject): string | undefined {
  const layer = ownClass(className, config);
  if (layer !== undefined) return layer;
  const activation = activationName(config.activation);
  return activation !== undefined && OWN_ACTIVATIONS.has(activation) ? activation : undefined;
}
