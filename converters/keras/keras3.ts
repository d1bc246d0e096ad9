import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject } from '../json.ts';

/** Which Keras a config's words belong to. Keras 1's are told from Keras 2's word by word. */
export type KerasMajor = 2 | 3;

/** Keras 3 says `batch_shape` where Keras 2 says `batch_input_shape`, calls have `args`, and types are policies. */
function looksLikeKeras3(layer: JsonValue): boolean {
  if (!isJsonObject(layer)) return false;
  const { config, inbound_nodes: nodes } = layer;
  if (Array.isArray(nodes) && nodes.some((node) => isJsonObject(node) && node.args !== undefined))
    return true;
  if (!isJsonObject(config)) return false;
  if (isJsonObject(config.dtype) && config.dtype.class_name === 'DTypePolicy') return true;
  return config.batch_shape !== undefined && config.batch_input_shape === undefined;
}

/** Keras 2's own words, where Keras 3 has others. */
function looksLikeKeras2(layer: JsonValue): boolean {
  if (!isJsonObject(layer)) return false;
  const { config, inbound_nodes: nodes } = layer;
  if (Array.isArray(nodes) && nodes.some(Array.isArray)) return true;
  return isJsonObject(config) && config.batch_input_shape !== undefined;
}

/**
 * The Keras that wrote a model's config. The config's own words decide; the version only where they say nothing, for
 * a file that was converted may have kept the version of its source.
 */
export function kerasMajor(root: JsonObject, version: string | undefined): KerasMajor {
  const config = root.config;
  const layers = isJsonObject(config) ? config.layers : config;
  if (Array.isArray(layers)) {
    if (layers.some(looksLikeKeras3)) return 3;
    if (layers.some(looksLikeKeras2)) return 2;
  }
  return version !== undefined && /^[3-9]\./.test(version) ? 3 : 2;
}
