import { FormatError } from '../src/base/errors.ts';
import type { JsonObject } from '../src/base/types.ts';
import { excerpt, isJsonObject, stringOf } from './json.ts';
import type { ModelFile } from './model-file.ts';

/** A model's layers as JSON, without weights. */
export interface ModelConfig {
  /** `{class_name, config}`. */
  readonly config: JsonObject;
  readonly kerasVersion?: string;
  readonly backend?: string;
}

const isConfig = (value: unknown): value is JsonObject =>
  isJsonObject(value) && typeof value.class_name === 'string' && value.config !== undefined;

/**
 * The config in the JSON that `model.to_json()` of any Keras writes, in a `config.json` of a `.keras` file, or in a
 * `model.json` of TensorFlow.js; undefined for other JSON.
 */
export function modelConfigIn(json: unknown): ModelConfig | undefined {
  if (!isJsonObject(json)) return undefined;
  const outer = isJsonObject(json.modelTopology) ? json.modelTopology : json;
  const config = isJsonObject(outer.model_config) ? outer.model_config : outer;
  if (!isConfig(config)) return undefined;
  // Keras 3 does not state its version here, but the module of each class.
  const kerasVersion =
    stringOf(outer.keras_version) ??
    stringOf(config.keras_version) ??
    (config.module === undefined ? undefined : '3');
  const backend = stringOf(outer.backend) ?? stringOf(config.backend);
  return {
    config,
    ...(kerasVersion === undefined ? {} : { kerasVersion }),
    ...(backend === undefined ? {} : { backend }),
  };
}

/** @throws FormatError `FORMAT_UNKNOWN` for JSON that is no model's config. */
export function requireModelConfig(json: unknown, fileName: string): ModelConfig {
  const found = modelConfigIn(json);
  if (found !== undefined) return found;
  throw new FormatError('FORMAT_UNKNOWN', `${fileName} is not the config of a Keras model.`, {
    given: isJsonObject(json)
      ? `JSON: an object with ${Object.keys(json).slice(0, 6).join(', ') || 'nothing in it'}`
      : `JSON: ${excerpt(json)}`,
    expected: 'class_name and config, as `model.to_json()` writes them',
    nextStep: 'Write it in Python with open("model.json", "w").write(model.to_json()).',
  });
}

/** A config alone as a model file: it can be looked into, and to be converted it lacks weights. */
export function configFile({ config, kerasVersion, backend }: ModelConfig, fileName: string): ModelFile {
  return {
    kind: 'keras-config',
    fileName,
    kerasVersion: kerasVersion ?? 'unknown',
    ...(backend === undefined ? {} : { backend }),
    config,
    layers: [],
    notes: [],
    refusal: new FormatError(
      'FORMAT_UNSUPPORTED',
      `${fileName} holds the layers of a model, without its weights.`,
      {
        given: 'a config in JSON',
        expected: 'a file with weights',
        nextStep: `Give the file of the weights, and this one beside it (--config ${fileName}).`,
      },
    ),
  };
}
