import * as tf from '@tensorflow/tfjs';
import { FormatError } from '../base/errors.ts';
import type { Activation, Initializer, Regularizer } from './tfjs-classes.ts';

type Config = tf.serialization.ConfigDict;

/** What tfjs makes of an activation's name. */
export interface NamedActivation extends Activation {
  getClassName(): string;
}

/** A class as tfjs's configs hold it. */
export interface Serialized {
  readonly className: string;
  readonly config: Config;
}

const entryOf = (className: string) => {
  const map = tf.serialization.SerializationMap.getMap().classNameMap;
  return Object.hasOwn(map, className) ? map[className] : undefined;
};

/** A class that tfjs registers but exports under no name, for subclasses to build on. */
export function registeredClass(className: string): unknown {
  return entryOf(className)?.[0];
}

const isSerialized = (value: unknown): value is Serialized =>
  typeof value === 'object' && value !== null && 'className' in value && 'config' in value;

function made(value: unknown): unknown {
  if (typeof value === 'string') return made({ className: value, config: {} });
  if (!isSerialized(value)) return value;
  const entry = entryOf(value.className);
  if (entry === undefined) {
    throw new FormatError('FORMAT_UNSUPPORTED', `There is no class "${value.className}".`, {
      given: value.className,
      expected: 'a layer, initializer, regularizer or activation that TensorFlow.js or this package has',
      nextStep: 'Register it with tf.serialization.registerClass, or correct the config of the layer.',
    });
  }
  const [cls, fromConfig] = entry;
  return fromConfig(cls, { ...value.config });
}

/** A layer out of its `{ className, config }`; what is a layer already stays. */
export function layerOf(value: unknown): tf.layers.Layer {
  return made(value) as tf.layers.Layer;
}

/** The config that makes a layer again. */
export function serialized(layer: tf.serialization.Serializable): { className: string; config: Config } {
  return { className: layer.getClassName(), config: layer.getConfig() };
}

export function serializedOrNull(
  part: tf.serialization.Serializable | undefined,
): { className: string; config: Config } | null {
  return part === undefined ? null : serialized(part);
}

const capitalised = (name: string) => name.slice(0, 1).toUpperCase() + name.slice(1);

/** An initializer out of its config or its name (`zeros`, `glorotUniform`). */
export function initializerOf(value: unknown, otherwise: string): Initializer {
  const given = value ?? otherwise;
  return made(typeof given === 'string' ? capitalised(given) : given) as Initializer;
}

/** A regularizer out of its config; `null` is none. */
export function regularizerOf(value: unknown): Regularizer | undefined {
  return value == null ? undefined : (made(value) as Regularizer);
}

/** An activation by the name under which it is registered; `null` is linear. */
export function activationOf(value: unknown): NamedActivation {
  return made(value ?? 'linear') as NamedActivation;
}
