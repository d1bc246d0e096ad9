import type { LayerWeights, WeightTensor } from '../src/base/types.ts';
import type { ModelGraph } from './graph.ts';
import { expectedWeights } from './keras/layer-weights.ts';
import { weightKey } from './onnx/index.ts';

/**
 * The weights of every layer that is not a model itself, in the layer's own order, by `weightKey` of the names that
 * lead to it.
 *
 * @param layers What belongs to each of the graph's own layers, those of nested models together, by the names of
 *   `expectedWeights(graph)`, which are all different.
 */
export function weightsByKey(
  graph: ModelGraph,
  layers: readonly LayerWeights[],
): Map<string, readonly WeightTensor[]> {
  const byName = new Map(layers.flatMap(({ weights }) => weights.map((weight) => [weight.name, weight])));
  const found = new Map<string, readonly WeightTensor[]>();
  const walk = (inner: ModelGraph, path: readonly string[]) => {
    const expected = expectedWeights(inner);
    inner.layers.forEach((layer, i) => {
      const here = [...path, layer.name];
      if (layer.nested !== undefined) walk(layer.nested, here);
      else {
        const weights = expected[i]!.weights.map(({ name }) => byName.get(name));
        found.set(
          weightKey(here),
          weights.filter((weight) => weight !== undefined),
        );
      }
    });
  };
  walk(graph, []);
  return found;
}
