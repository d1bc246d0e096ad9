import type { JsonObject, JsonValue, LayerWeights, WeightTensor } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph } from '../graph.ts';
import type { GroupToWrite } from '../hdf5-writer/write-hdf5.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { toKeras2Layer } from '../keras/legacy.ts';
import { weightsOf } from '../keras/layer-weights.ts';
import { kerasClass } from '../keras/own-layers.ts';
import { parseKerasConfig } from '../keras/parse-config.ts';
import { isModel } from '../keras/tfjs-support.ts';
import { groupClass } from '../keras3-weights/layer-groups.ts';
import { leavesOf } from '../keras3-weights/leaves.ts';
import { ATTENTION_PARTS, WITH_CELL } from '../keras3-weights/own-variables.ts';
import { GroupNames } from '../keras3-weights/snake-case.ts';

function variables(path: string, tensors: readonly WeightTensor[], name?: string): GroupToWrite {
  return {
    path: `${path}/vars`,
    ...(name === undefined ? {} : { attributes: { name } }),
    tensors: tensors.map((tensor, i) => ({ name: String(i), tensor })),
  };
}

/** A layer within a layer's config. */
function innerLayer(value: JsonValue | undefined): GraphLayer {
  const given = isJsonObject(value) ? value : {};
  const config: JsonObject = isJsonObject(given.config) ? given.config : {};
  const className = stringOf(given.class_name) ?? '';
  if (isModel({ className, config })) {
    const nested = parseKerasConfig(given);
    return { name: nested.name, className: 'Model', config: { name: nested.name }, inbound: [], nested };
  }
  const layer = toKeras2Layer(className, config);
  return { name: stringOf(config.name) ?? className, ...layer, inbound: [] };
}

/** In how many parts the tensors go to layers or cells, by what each of these has. */
function shared(layers: readonly GraphLayer[], tensors: readonly WeightTensor[]): WeightTensor[][] {
  let at = 0;
  return layers.map((layer) => {
    const count = weightsOf(layer).length;
    return tensors.slice(at, (at += count));
  });
}

function cellGroups(cell: GraphLayer, path: string, tensors: readonly WeightTensor[]): GroupToWrite[] {
  const { cells } = cell.config;
  if (!Array.isArray(cells)) return [variables(path, tensors, cell.name)];
  const names = new GroupNames();
  const inner = cells.map(innerLayer);
  // The weights of a cell are those of a layer of its kind.
  const sizes = inner.map((item) => ({ ...item, className: item.className.replace(/Cell$/, '') }));
  const parts = shared(sizes, tensors);
  return inner.flatMap((item, i) =>
    cellGroups(item, `${path}/cells/${names.next(item.className)}`, parts[i]!),
  );
}

/** The groups of one layer that is no model. */
function ownGroups(layer: GraphLayer, path: string, tensors: readonly WeightTensor[]): GroupToWrite[] {
  const { config, name } = layer;
  const className = kerasClass(layer.className);
  const head = variables(path, [], name);
  if (className === 'TimeDistributed')
    return [head, ...groupsOf(innerLayer(config.layer), `${path}/layer`, tensors)];
  if (className === 'Bidirectional') {
    const forward = innerLayer(config.layer);
    const backward = innerLayer(config.backward_layer ?? config.layer);
    const [first, second] = shared([forward, backward], tensors);
    return [
      head,
      ...groupsOf(forward, `${path}/forward_layer`, first!),
      ...groupsOf(backward, `${path}/backward_layer`, second!),
    ];
  }
  if (className === 'SpectralNormalization') {
    const own = tensors.slice(-1);
    const inner = tensors.slice(0, -1);
    return [
      variables(path, [...inner.slice(0, 1), ...own], name),
      ...groupsOf(innerLayer(config.layer), `${path}/layer`, inner),
    ];
  }
  if (className === 'RNN') return [head, ...cellGroups(innerLayer(config.cell), `${path}/cell`, tensors)];
  if (WITH_CELL.has(className)) return [head, variables(`${path}/cell`, tensors)];
  if (className === 'MultiHeadAttention' || className === 'GroupQueryAttention') {
    const each = tensors.length / ATTENTION_PARTS.length;
    const hidden = className === 'GroupQueryAttention' ? '_' : '';
    return [
      head,
      ...ATTENTION_PARTS.map((part, i) =>
        variables(`${path}/${hidden}${part}`, tensors.slice(i * each, (i + 1) * each)),
      ),
    ];
  }
  return [variables(path, tensors, name)];
}

/** The paths of a model's layers, which Keras names by class and counts. */
function innerPaths(layers: readonly GraphLayer[], path: string, wrapped = false): Map<GraphLayer, string> {
  const names = new GroupNames();
  // Operations are no layers in Keras 3.
  const own = layers.filter((layer) => layer.className !== 'TensorOperation');
  const base = path === '' ? 'layers' : `${path}/${wrapped ? 'layer/' : ''}layers`;
  return new Map(own.map((layer) => [layer, `${base}/${names.next(kerasClass(groupClass(layer)))}`]));
}

/** The groups of a layer, and where it is a model, of all layers in it. */
function groupsOf(layer: GraphLayer, path: string, tensors: readonly WeightTensor[]): GroupToWrite[] {
  const { leaves, owners } = leavesOf(layer, path, innerPaths);
  return leaves.flatMap(({ layer: own, place, model }, i) => {
    if (place === undefined) return [];
    if (model !== undefined) return [variables(place, [], own.name)];
    return ownGroups(
      own,
      place,
      tensors.filter((_, at) => owners[at] === i),
    );
  });
}

/**
 * The groups of Keras 3's `model.weights.h5`.
 *
 * @param layers The weights of each of the graph's layers, in the order of `expectedWeights`.
 */
export function keras3WeightGroups(graph: ModelGraph, layers: readonly LayerWeights[]): GroupToWrite[] {
  const byName = new Map(layers.map((layer) => [layer.layer, layer.weights]));
  const sequential = graph.kind === 'sequential';
  const own = sequential ? graph.layers.filter((layer) => layer.className !== 'InputLayer') : graph.layers;
  const paths = innerPaths(own, '');
  const groups = [...paths].flatMap(([layer, path]) => groupsOf(layer, path, byName.get(layer.name) ?? []));
  return [{ path: 'vars', attributes: { name: graph.name } }, ...groups];
}
