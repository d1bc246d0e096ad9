import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue, LayerWeights, NamedTensor } from '../../src/base/types.ts';
import { groupByLayer, nameBefore } from '../group-by-layer.ts';
import { isJsonObject } from '../json.ts';
import { readLimits, type GraphModelFacts, type ModelFile } from '../model-file.ts';
import { inMemory } from '../tensors.ts';
import { readWeights, type ReadShard, type ReadTfjsOptions } from '../tfjs/read-weights.ts';
import { dropBackground } from './background.ts';
import { damagedGraph, parseGraphDef, type GraphDef, type GraphNode } from './graph-def.ts';
import { operations } from './operations/index.ts';
import { affineLayer } from './operations/affine.ts';
import { constantOf, inputLayer } from './operations/shape.ts';
import type { LayerDraft } from './translation.ts';
import { Translation, UnsupportedNode, passes, renamed } from './translation.ts';

/** True for a model.json that holds a TensorFlow graph instead of Keras layers. */
export function isGraphModel(modelJson: JsonObject): boolean {
  const topology = modelJson.modelTopology;
  return modelJson.format === 'graph-model' || (isJsonObject(topology) && Array.isArray(topology.node));
}

function countOperations(nodes: readonly GraphNode[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([left], [right]) => left.localeCompare(right)));
}

const known = (op: string) => op === 'Placeholder' || op === 'Const' || passes(op) || operations.has(op);

function unsupported(fileName: string, reasons: readonly string[]): FormatError {
  return new FormatError(
    'FORMAT_UNSUPPORTED_LAYER',
    `${fileName} is a graph model with operations that have no layer here: ${reasons.join('; ')}`,
    {
      given: reasons.join('; '),
      expected: `operations of image classifiers: ${[...operations.keys()].sort().join(', ')}`,
      nextStep:
        'Run it with tf.loadGraphModel of @tensorflow/tfjs, or convert the original Keras model as a layers model.',
    },
  );
}

function translate(
  graph: GraphDef,
  tensors: ReadonlyMap<string, NamedTensor>,
  fileName: string,
): Translation {
  const t = new Translation(fileName, graph.nodes, graph.outputs);
  for (const node of graph.nodes) {
    try {
      if (node.op === 'Const') t.set(node, constantOf(node, t, tensors));
      else if (node.op === 'Placeholder') t.set(node, inputLayer(node, t, graph));
      else if (passes(node.op)) t.set(node, t.input(node, 0));
      else t.set(node, operations.get(node.op)!(node, t));
    } catch (error) {
      if (!(error instanceof UnsupportedNode)) throw error;
      throw unsupported(fileName, [`${node.op} "${node.name}": ${error.message}`]);
    }
  }
  return t;
}

function configOf(name: string, layers: readonly LayerDraft[], outputs: readonly LayerDraft[]): JsonObject {
  const ref = (layer: LayerDraft): JsonValue[] => [layer.name, 0, 0];
  const inputs = layers.filter(({ className }) => className === 'InputLayer');
  return {
    class_name: 'Model',
    config: {
      name,
      layers: layers.map((layer) => ({
        class_name: layer.className,
        name: layer.name,
        config: { ...layer.config, name: layer.name },
        inbound_nodes: layer.inputs.length === 0 ? [] : [layer.inputs.map((input) => [...ref(input), {}])],
      })),
      input_layers: inputs.map(ref),
      output_layers: outputs.map(ref),
    },
  };
}

function weightsOf({ name, weights }: LayerDraft): LayerWeights {
  return { layer: name, weights: weights.map(({ role, tensor }) => renamed(tensor, `${name}/${role}`)) };
}

/** `scale * x + offset` that the network itself applies to its input. */
function inputRescaling(layers: readonly LayerDraft[]): GraphModelFacts['inputRescaling'] {
  const first = layers.find(({ inputs }) => inputs[0]?.className === 'InputLayer');
  if (first?.className !== 'Rescaling') return undefined;
  return { scale: Number(first.config.scale), offset: Number(first.config.offset) };
}

/** The last layer before the one that classifies. */
function featureLayer(output: LayerDraft): string | undefined {
  let layer: LayerDraft | undefined = output;
  while (layer !== undefined && layer.weights.length === 0) layer = layer.inputs[0];
  if (layer?.className !== 'Dense' && layer?.className !== 'Conv2D') return undefined;
  return layer.inputs[0]?.name;
}

/** The scope of TF-Slim's networks, `MobilenetV1` in `module_apply_default/MobilenetV1/Logits/...`. */
function slimName(nodes: readonly GraphNode[]): string | undefined {
  for (const { name } of nodes) {
    const scope = name.split('/').find((part) => /^(Mobilenet|Inception|Resnet|resnet_)[vV]?\d/i.test(part));
    if (scope !== undefined) return scope;
  }
  return undefined;
}

/**
 * Reads a TensorFlow.js graph model and translates its operations into the layers of Keras that compute the same:
 * frozen image classifiers, fused or not, as `tensorflowjs_converter` writes them. Layers bear the names of their
 * nodes. A class "background" before the 1000 of ImageNet is left out.
 *
 * Operations without such a layer do not throw here: the file then has no config, and `refusal` says what they are.
 *
 * @throws FormatError `FORMAT_DAMAGED`, `FORMAT_UNSAFE`, `FORMAT_LIMIT`, `FORMAT_UNSUPPORTED` (types of weights), and
 *   whatever `readShard` throws.
 */
export async function readGraphModel(
  modelJson: JsonObject,
  readShard: ReadShard,
  options: ReadTfjsOptions = {},
): Promise<ModelFile> {
  const fileName = options.fileName ?? 'model.json';
  const graph = parseGraphDef(modelJson, fileName, readLimits(64 * 1024 * 1024, options.limits));
  const { tensors, notes } = await readWeights(modelJson, readShard, options);
  const base = { kind: 'tfjs-graph-model', fileName, kerasVersion: '' } as const;
  const facts: GraphModelFacts = { operations: countOperations(graph.nodes), background: false };
  const refused = (refusal: FormatError): ModelFile => ({
    ...base,
    graphModel: facts,
    refusal,
    layers: groupByLayer(tensors, (name) => nameBefore('/', name)),
    notes,
  });

  const unknown = Object.entries(facts.operations).filter(([op]) => !known(op));
  if (unknown.length > 0) {
    return refused(
      unsupported(
        fileName,
        unknown.map(([op, count]) => (count === 1 ? op : `${op} (${count} times)`)),
      ),
    );
  }
  try {
    return {
      ...base,
      ...translated(
        graph,
        new Map(tensors.map((each) => [each.name, inMemory(each)])),
        facts,
        fileName,
        notes,
      ),
    };
  } catch (error) {
    if (error instanceof FormatError && error.code === 'FORMAT_UNSUPPORTED_LAYER') return refused(error);
    throw error;
  }
}

function translated(
  graph: GraphDef,
  tensors: ReadonlyMap<string, NamedTensor>,
  facts: GraphModelFacts,
  fileName: string,
  notes: readonly string[],
) {
  const t = translate(graph, tensors, fileName);
  const outputs = graph.outputs.map((name) => {
    const value = t.valueOf(name);
    if (value.kind !== 'layer') throw damagedGraph(fileName, `its output "${name}" is a constant.`);
    return value.layer;
  });
  t.layers.forEach(affineLayer);
  const background = outputs.length === 1 && dropBackground(t.layers, outputs[0]!);
  if (background)
    t.notes.push('the class "background" (index 0 of 1001) was left out; the others are ImageNet\'s 1000');
  const network = slimName(graph.nodes);
  const features = outputs.length === 1 ? featureLayer(outputs[0]!) : undefined;
  return {
    config: configOf(network ?? 'graph_model', t.layers, outputs),
    layers: t.layers.map(weightsOf),
    graphModel: { ...facts, background, network, features, inputRescaling: inputRescaling(t.layers) },
    notes: [...notes, ...t.notes],
  };
}
