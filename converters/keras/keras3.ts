import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { isJsonObject } from '../json.ts';

/** Keras 3 says `batch_shape` where Keras 2 says `batch_input_shape`, and calls have `args` and `kwargs`. */
function looksLikeKeras3(layer: JsonValue): boolean {
  if (!isJsonObject(layer)) return false;
  const config = layer.config;
  if (isJsonObject(config) && config.batch_shape !== undefined && config.batch_input_shape === undefined)
    return true;
  const nodes = layer.inbound_nodes;
  return Array.isArray(nodes) && nodes.some((node) => isJsonObject(node) && node.args !== undefined);
}

export function refuseKeras3(root: JsonObject, version: string | undefined, file: string): void {
  const layers = isJsonObject(root.config) ? root.config.layers : undefined;
  const byVersion = version !== undefined && /^[3-9]\./.test(version);
  const byShape = Array.isArray(layers) && layers.some(looksLikeKeras3);
  if (!byVersion && !byShape) return;
  throw new FormatError(
    'FORMAT_UNSUPPORTED',
    `${file} was saved by Keras ${version ?? '3'}; models of Keras 3 are not read yet.`,
    {
      given: version === undefined ? 'a config in the manner of Keras 3' : `keras_version: ${version}`,
      expected: 'a model saved by Keras 1 or 2',
      nextStep:
        'Save it with tf_keras (Keras 2), or save only the weights and give the architecture by name.',
    },
  );
}
