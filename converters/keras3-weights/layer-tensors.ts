import { FormatError, WeightsError } from '../../src/base/errors.ts';
import type { LayerWeights, WeightTensor } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph } from '../graph.ts';
import { weightsOf } from '../keras/layer-weights.ts';
import { relabelled } from '../tensors.ts';
import { groupsByLayer } from './layer-groups.ts';
import { leavesOf, type InnerPlaces, type Leaf } from './leaves.ts';
import { ownVariables } from './own-variables.ts';
import { layerGroups, type WeightTree } from './weight-tree.ts';

interface Context {
  readonly fileName: string;
  readonly notes: Set<string>;
}

function quantized({ config }: GraphLayer): boolean {
  return JSON.stringify(config.dtype ?? null).includes('Quantized') || config.lora_rank != null;
}

type Place = WeightTree | undefined;

function wrongCount({ layer, place }: Leaf<Place>, found: number, expected: number, fileName: string): Error {
  const given = `${found} variables${place === undefined ? '' : ` in ${place.path}`}`;
  if (quantized(layer)) {
    return new FormatError(
      'FORMAT_UNSUPPORTED',
      `The layer ${layer.name} of ${fileName} is quantized or has LoRA.`,
      {
        given,
        expected: 'plain weights',
        nextStep: 'Save the model before it is quantized; merge LoRA into the weights first.',
      },
    );
  }
  const summary = `The layer ${layer.name} of ${fileName} has ${found} variables; ${expected} are expected.`;
  return new WeightsError('WEIGHTS_COUNT', summary, {
    given,
    expected: `${expected} for a layer of the class ${layer.className}`,
    nextStep: 'Check that the weights belong to this model.',
  });
}

const innerGroups: InnerPlaces<Place> = (layers, place, wrapped) => {
  const group = wrapped ? place?.children.get('layer') : place;
  return group === undefined ? new Map<GraphLayer, Place>() : groupsByLayer(layers, group);
};

/** The tensors of a layer, or of all layers of a model, in the order of `expectedWeights`. */
function inOrder(layer: GraphLayer, group: Place, context: Context): WeightTensor[] {
  const { leaves, owners } = leavesOf(layer, group, innerGroups);
  const counts = leaves.map(() => 0);
  for (const owner of owners) counts[owner]! += 1;
  const queues = leaves.map((leaf, i) => {
    const { layer: own, place, model } = leaf;
    if (model !== undefined) return [];
    const variables = place === undefined ? [] : ownVariables(own.className, own.config, place);
    if (variables.length === counts[i]) return variables;
    if (counts[i]! > 0) throw wrongCount(leaf, variables.length, counts[i]!, context.fileName);
    context.notes.add(`the variables of ${own.name} (${own.className}) were left out`);
    return [];
  });
  const next = leaves.map(() => 0);
  return owners.map((owner) => queues[owner]![next[owner]!++]!);
}

/**
 * The weights of every layer of a model out of a `.weights.h5` file, under the names and in the order of
 * `expectedWeights(graph)`. Layers without weights have an empty list.
 *
 * @throws WeightsError `WEIGHTS_COUNT`; FormatError `FORMAT_UNSUPPORTED` for quantized layers.
 */
export function layerTensors(
  graph: ModelGraph,
  tree: WeightTree,
  options: { readonly fileName: string },
): { readonly layers: LayerWeights[]; readonly notes: readonly string[] } {
  const context: Context = { ...options, notes: new Set() };
  const groups = groupsByLayer(graph.layers, tree);
  const layers = graph.layers.map((layer) => {
    const names = weightsOf(layer);
    const tensors = inOrder(layer, groups.get(layer), context);
    return {
      layer: layer.name,
      weights: tensors.map((tensor, i) => relabelled(tensor, { name: names[i]!.name })),
    };
  });
  return { layers, notes: [...context.notes] };
}

/** Without a model that says what belongs to which layer: the groups in the file's order. */
export function looseLayers(tree: WeightTree): LayerWeights[] {
  const groups = [...layerGroups(tree)];
  const all = (group: WeightTree): WeightTensor[] => [
    ...group.variables,
    ...[...group.children.values()].flatMap(all),
  ];
  const names = groups.map(([key, group]) => group.name ?? key);
  const unique = new Set(names).size === names.length;
  return groups.map(([key, group], i) => ({ layer: unique ? names[i]! : key, weights: all(group) }));
}
