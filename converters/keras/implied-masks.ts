import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { ATTENTION_INPUTS } from './mask-roles.ts';
import { kerasClass } from './own-layers.ts';
import { innerLayer } from './tfjs-support.ts';

export const isMaskInput = (name: unknown) =>
  name === 'query_mask' || name === 'value_mask' || name === 'key_mask';

/**
 * The way back: a graph as `withExplicitMasks` and `statesForTfjs` make it, with masks that come by themselves and states
 * as inputs. Other graphs come back as they are.
 */
export function withoutExplicitMasks(graph: ModelGraph): ModelGraph {
  const dropped: TensorRef[] = [];
  const layers = graph.layers.map((layer): GraphLayer => {
    const { config } = layer;
    const nested = layer.nested === undefined ? {} : { nested: withoutExplicitMasks(layer.nested) };
    const stating = layer.className === 'MaskedLayer' || layer.className === 'InitialStates';
    const inner = stating ? innerLayer(config.layer) : undefined;
    if (inner !== undefined) {
      const className = kerasClass(inner.className);
      const own = { ...layer, className, config: { ...inner.config, name: layer.name } };
      if (layer.className === 'InitialStates') return own;
      dropped.push(...layer.inbound.flatMap((refs) => refs.slice(1, 2)));
      return { ...own, inbound: layer.inbound.map((refs) => refs.filter((_, i) => i !== 1)) };
    }
    if (layer.className === 'KerasMasking') return { ...layer, className: 'Masking' };
    const { call_inputs: names, ...rest } = config;
    if (!Array.isArray(names) || !names.some(isMaskInput)) return { ...layer, ...nested };
    dropped.push(...layer.inbound.flatMap((refs) => refs.filter((_, i) => isMaskInput(names[i]))));
    const kept = names.filter((name) => !isMaskInput(name));
    const usual = kept.every((name, i) => name === ATTENTION_INPUTS[i]);
    return {
      ...layer,
      config: usual ? rest : { ...rest, call_inputs: kept },
      inbound: layer.inbound.map((refs) => refs.filter((_, i) => !isMaskInput(names[i]))),
    };
  });
  return dropped.length === 0
    ? { ...graph, layers }
    : { ...graph, layers: withoutMakers(layers, dropped, graph.outputs) };
}

/** Takes the operations away that made the dropped masks, and has the embeddings make them again. */
function withoutMakers(
  layers: readonly GraphLayer[],
  dropped: readonly TensorRef[],
  outputs: readonly TensorRef[],
): GraphLayer[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const makers = new Set<string>();
  const queue = dropped.map((ref) => ref.layer);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const layer = byName.get(name);
    if (layer?.className !== 'TensorOperation' || makers.has(name)) continue;
    makers.add(name);
    queue.push(...layer.inbound.flat().map((ref) => ref.layer));
  }
  const compared = new Set(
    [...makers]
      .map((name) => byName.get(name)!)
      .filter(({ config }) => config.operation === 'not_equal')
      .map(({ inbound }) => JSON.stringify(inbound[0]?.[0])),
  );
  const rest = layers.filter(({ name }) => !makers.has(name));
  const read = new Set(
    [...rest.flatMap((layer) => layer.inbound.flat()), ...outputs].map((ref) => ref.layer),
  );
  return layers
    .filter(({ name }) => !makers.has(name) || read.has(name))
    .map((layer) => {
      const masks =
        layer.className === 'Embedding' &&
        layer.inbound.some((refs) => compared.has(JSON.stringify(refs[0])));
      return masks ? { ...layer, config: { ...layer.config, mask_zero: true } } : layer;
    });
}
