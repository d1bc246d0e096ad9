import type { GraphLayer, ModelGraph } from '../graph.ts';
import { weightsOf } from '../keras/layer-weights.ts';
import { parseKerasConfig } from '../keras/parse-config.ts';
import { innerLayer, isModel } from '../keras/tfjs-support.ts';

/** A layer, or one somewhere inside it, and where its weights stand. */
export interface Leaf<Place> {
  readonly layer: GraphLayer;
  readonly place: Place;
  /** Set when it has no weights of its own, but a model that has some. */
  readonly model?: ModelGraph;
}

/** The places of a model's layers, from that of the layer that is the model, or that is wrapped around it. */
export type InnerPlaces<Place> = (
  layers: readonly GraphLayer[],
  place: Place,
  wrapped: boolean,
) => ReadonlyMap<GraphLayer, Place>;

/** The model that is applied at each step. */
function wrappedModel({ className, config }: GraphLayer): ModelGraph | undefined {
  const inner = className === 'TimeDistributed' ? innerLayer(config.layer) : undefined;
  if (inner === undefined || !isModel(inner)) return undefined;
  return parseKerasConfig({ class_name: inner.className, config: inner.config });
}

/** Copies of a layer and of those inside it, under names that no other has: `#0#`, `#1#`, ... */
function tokenized<Place>(
  layer: GraphLayer,
  place: Place,
  inner: InnerPlaces<Place>,
  leaves: Leaf<Place>[],
): GraphLayer {
  const name = `#${leaves.length}#`;
  const wrapped = wrappedModel(layer);
  const model = layer.nested ?? wrapped;
  leaves.push({ layer, place, ...(model === undefined ? {} : { model }) });
  if (model === undefined) return { ...layer, name };
  const places = inner(model.layers, place, wrapped !== undefined);
  const layers = model.layers.map((item) => tokenized(item, places.get(item)!, inner, leaves));
  return { ...layer, name, className: 'Model', nested: { ...model, layers } };
}

/**
 * A layer and all that are inside it, and for each of its weights, in the order of `expectedWeights`, the index of the
 * one that it belongs to.
 */
export function leavesOf<Place>(
  layer: GraphLayer,
  place: Place,
  inner: InnerPlaces<Place>,
): { readonly leaves: readonly Leaf<Place>[]; readonly owners: readonly number[] } {
  const leaves: Leaf<Place>[] = [];
  const copy = tokenized(layer, place, inner, leaves);
  const owners = weightsOf(copy).map(({ name }) => Number(/^#(\d+)#/.exec(name)?.[1]));
  return { leaves, owners };
}
