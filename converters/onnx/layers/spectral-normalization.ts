import { isJsonObject, stringOf } from '../../json.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { Value } from '../value.ts';

/** At inference the kernel is as the last training step left it: only the layer inside counts. */
function spectralNormalization(call: LayerCall): readonly Value[] {
  const { layer: inner } = call.config;
  const className = isJsonObject(inner) ? stringOf(inner.class_name) : undefined;
  if (!isJsonObject(inner) || className === undefined || !isJsonObject(inner.config)) {
    throw unsupportedLayer(call.layer, 'the layer inside is not known');
  }
  const name = stringOf(inner.config.name) ?? className;
  const weights = call.weights.filter((weight) => !/(^|\/)(vector_u|sn_u)(:0)?$/.test(weight.name));
  return call.inner({ name, className, config: inner.config, inbound: [] }, call.inputs, weights);
}

export const spectralNormalizationEmitters: Readonly<Record<string, LayerEmitter>> = {
  SpectralNormalization: { emit: spectralNormalization },
};
