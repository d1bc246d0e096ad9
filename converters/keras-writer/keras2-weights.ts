import type { LayerWeights } from '../../src/base/types.ts';
import type { ModelGraph } from '../graph.ts';
import type { GroupToWrite, TensorToWrite } from '../hdf5-writer/write-hdf5.ts';

/** What the files say of the Keras that they are for: the release whose layout they have. */
export const KERAS2_VERSION = '2.18.0';

/** `dense/kernel` -> `dense/kernel:0`, as TensorFlow calls its variables; a name that is taken gets a number. */
function variableNames(weights: LayerWeights['weights']): TensorToWrite[] {
  const taken = new Set<string>();
  return weights.map((tensor) => {
    let name = `${tensor.name}:0`;
    for (let i = 1; taken.has(name); i++) name = `${tensor.name}_${i}:0`;
    taken.add(name);
    return { name, tensor };
  });
}

/**
 * The groups of a weight file of Keras 2, below `root`.
 *
 * @param layers The weights of each of the graph's layers, in the order of `expectedWeights`.
 */
export function keras2WeightGroups(
  graph: ModelGraph,
  layers: readonly LayerWeights[],
  root: string,
): GroupToWrite[] {
  const byName = new Map(layers.map((layer) => [layer.layer, layer.weights]));
  const sequential = graph.kind === 'sequential';
  const names = graph.layers
    .filter((layer) => !sequential || layer.className !== 'InputLayer')
    .map((layer) => layer.name);
  const at = (name: string) => (root === '' ? name : `${root}/${name}`);
  const groups = names.map((name): GroupToWrite => {
    const tensors = variableNames(byName.get(name) ?? []);
    return { path: at(name), attributes: { weight_names: tensors.map((tensor) => tensor.name) }, tensors };
  });
  return [
    {
      path: root,
      attributes: { backend: 'tensorflow', keras_version: KERAS2_VERSION, layer_names: names },
    },
    ...groups,
    { path: at('top_level_model_weights'), attributes: { weight_names: [] } },
  ];
}
