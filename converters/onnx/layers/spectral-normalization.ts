import { stringOf } from '../../json.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { wrappedLayer } from '../emitter.ts';
import type { Value } from '../value.ts';

/** At inference the kernel is as the last training step left it: only the layer inside counts. */
function spectralNormalization(call: LayerCall): readonly Value[] {
  const { className, config } = wrappedLayer(call);
  const name = stringOf(config.name) ?? className;
  const weights = call.weights.filter((weight) => !/(^|\/)(vector_u|sn_u)(:0)?$/.test(weight.name));
  return call.inner({ name, className, config, inbound: [] }, call.inputs, weights);
}

export const spectralNormalizationEmitters: Readonly<Record<string, LayerEmitter>> = {
  SpectralNormalization: { emit: spectralNormalization },
};
