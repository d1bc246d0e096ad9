import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { isJsonObject, shapeOf, stringOf } from '../json.ts';
import { keras2Call, keras3Call, tensorRefs, type Argument, type LayerCall } from './calls.ts';
import { checkGraph } from './check-graph.ts';
import { checkConfig } from './check-config.ts';
import { withoutExplicitMasks } from './implied-masks.ts';
import { modelConfig } from './graph-json.ts';
import { kerasMajor, type KerasMajor } from './keras3.ts';
import { usesTheanoOrdering } from './legacy.ts';
import { withImpliedMasks } from './masks.ts';
import { damaged, isModelConfig, parseLayer, rawLayer, type Context, type RawLayer } from './parse-layer.ts';

export interface ParseKerasOptions {
  /** The file's `keras_version`, where it is not in the config itself. */
  readonly kerasVersion?: string;
  /** Shown in errors. */
  readonly fileName?: string;
  /**
   * Whether the layers of this package keep their classes and stated masks stay stated, as a model of tfjs runs them.
   * Otherwise they become Keras's again. Default false.
   */
  readonly ownClasses?: boolean;
}

const MAX_NESTING = 32;

/**
 * Keras 2 counts a nested model's own creation as its node 0, so that its first call is node 1. Keras 3 does so in
 * `output_layers` for functional models, and nowhere else. Here node n is always the n-th call.
 */
function nestedOffsets(layers: readonly GraphLayer[], refs: readonly TensorRef[], major: KerasMajor) {
  const offsets = new Map<string, number>();
  const used = new Set(refs.filter((ref) => ref.node === 0).map((ref) => ref.layer));
  for (const { name, nested } of layers) {
    if (nested === undefined || used.has(name)) continue;
    if (major === 2 || nested.kind === 'functional') offsets.set(name, 1);
  }
  return (ref: TensorRef): TensorRef => ({ ...ref, node: ref.node - (offsets.get(ref.layer) ?? 0) });
}

/** A call of a nested model by names has its tensors in the order of that model's inputs. */
function inInputOrder(raw: RawLayer, call: LayerCall): LayerCall {
  const [first, ...rest] = call.args;
  const { input_layers: inputs } = raw.config;
  if (first?.kind !== 'object' || !Array.isArray(inputs)) return call;
  const names = (tensorRefs(inputs) ?? []).map((ref) => ref.layer);
  const byName = new Map(first.entries);
  if (names.length !== byName.size || !names.every((name) => byName.has(name))) return call;
  const list: Argument = { kind: 'list', items: names.map((name) => byName.get(name)!) };
  return { ...call, args: [list, ...rest] };
}

function callsOf(raw: RawLayer, names: ReadonlySet<string>, context: Context): LayerCall[] {
  return raw.inboundNodes.map((node) => {
    const call = context.major === 3 ? keras3Call(node) : keras2Call(node, names);
    if (call === undefined) throw damaged(context, `an inbound node of "${raw.name}" is unreadable.`, node);
    return isModelConfig(raw.className, raw.config) ? inInputOrder(raw, call) : call;
  });
}

function parseFunctional(config: JsonObject, name: string, context: Context): ModelGraph {
  if (!Array.isArray(config.layers))
    throw damaged(context, `the model "${name}" has no list of layers.`, config);
  const raws = config.layers.map((value) => rawLayer(value, context));
  const names = new Set(raws.map((raw) => raw.name));
  const parsed = raws.map((raw) => parseLayer(raw, callsOf(raw, names, context), context));
  const inputs = tensorRefs(config.input_layers);
  const outputs = tensorRefs(config.output_layers);
  if (inputs === undefined || inputs.length === 0)
    throw damaged(context, `the model "${name}" has no input_layers.`);
  if (outputs === undefined || outputs.length === 0)
    throw damaged(context, `the model "${name}" has no output_layers.`);

  const unshifted = parsed.map(({ layer }) => layer);
  const ends = [...inputs, ...outputs];
  const inner = unshifted.flatMap((layer) => layer.inbound.flat());
  const shiftEnd = nestedOffsets(unshifted, context.major === 3 ? ends : [...inner, ...ends], context.major);
  const shift = context.major === 3 ? (ref: TensorRef) => ref : shiftEnd;
  const calls = parsed.map(({ layer, masks }) => ({
    layer: { ...layer, inbound: layer.inbound.map((refs) => refs.map(shift)) },
    masks,
  }));
  const graph = {
    name,
    kind: 'functional' as const,
    layers: calls.map(({ layer }) => layer),
    inputs: inputs.map(shiftEnd),
    outputs: outputs.map(shiftEnd),
  };
  checkGraph(graph, context.file);
  if (context.major === 2) return graph;
  return { ...graph, layers: withImpliedMasks(calls, graph.outputs) };
}

/** The batch shape that the first layer of a Sequential model takes, when the file tells it. */
function sequentialInputShape(
  first: GraphLayer | undefined,
  config: JsonObject,
): (number | null)[] | undefined {
  const own = shapeOf(first?.config.batch_input_shape);
  if (own !== undefined) return own;
  const nested = first?.nested;
  if (nested !== undefined) {
    const input = nested.layers.find((layer) => layer.name === nested.inputs[0]?.layer);
    const shape = shapeOf(input?.config.batch_input_shape);
    if (shape !== undefined) return shape;
  }
  return shapeOf(config.build_input_shape);
}

function inputLayerFor(first: GraphLayer, shape: (number | null)[]): GraphLayer {
  const name = `${first.name}_input`;
  const dtype = stringOf(first.config.dtype) ?? 'float32';
  const config: JsonObject = { batch_input_shape: shape, dtype, sparse: false, name };
  return { name, className: 'InputLayer', config, inbound: [] };
}

function parseSequential(config: JsonObject, name: string, context: Context): ModelGraph {
  if (!Array.isArray(config.layers))
    throw damaged(context, `the model "${name}" has no list of layers.`, config);
  const parsed = config.layers.map((value) => parseLayer(rawLayer(value, context), [], context).layer);
  const first = parsed[0];
  if (first === undefined) {
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `The Sequential model "${name}" of ${context.file} has no layers.`,
      {
        given: 'layers: []',
        expected: 'at least one layer',
        nextStep: 'Add layers to the model before saving it.',
      },
    );
  }
  if (first.className !== 'InputLayer') {
    const shape = sequentialInputShape(first, config);
    if (shape === undefined) {
      throw new FormatError(
        'FORMAT_UNSUPPORTED',
        `The Sequential model "${name}" of ${context.file} has no input shape.`,
        {
          given: `a first layer of the class ${first.className} without a shape`,
          expected: 'a first layer with batch_input_shape (input_shape in Python)',
          nextStep: 'Call model.build(input_shape) or give the first layer an input_shape, then save again.',
        },
      );
    }
    parsed.unshift(inputLayerFor(first, shape));
  }
  let previous: TensorRef | undefined;
  const layers = parsed.map((layer) => {
    const linked = previous === undefined ? layer : { ...layer, inbound: [[previous]] };
    previous = { layer: layer.name, node: 0, tensor: 0 };
    return linked;
  });
  const start: TensorRef = { layer: layers[0]!.name, node: 0, tensor: 0 };
  const graph = { name, kind: 'sequential' as const, layers, inputs: [start], outputs: [previous!] };
  checkGraph(graph, context.file);
  if (context.major === 2) return graph;
  const masked = withImpliedMasks(
    layers.map((layer) => ({ layer, masks: [] })),
    graph.outputs,
  );
  // A Sequential has no place for what is said of calls, which writers are to see.
  const plain = masked.length === layers.length && masked.every((layer) => layer.callArguments === undefined);
  return plain ? graph : { ...graph, kind: 'functional', layers: masked };
}

function parseModel(className: string, config: JsonObject, name: string, context: Context): ModelGraph {
  if (context.depth > MAX_NESTING) {
    throw new FormatError(
      'FORMAT_LIMIT',
      `Models are nested more than ${MAX_NESTING} deep in ${context.file}.`,
      {
        given: `a model at depth ${context.depth}`,
        expected: `at most ${MAX_NESTING} models inside each other`,
        nextStep: 'Flatten the model before saving it.',
      },
    );
  }
  return className === 'Sequential'
    ? parseSequential(config, name, context)
    : parseFunctional(config, name, context);
}

/**
 * Reads the config of a Keras model into the one graph that all writers take.
 *
 * Takes the config of a whole model by Keras 1, 2 or 3 (functional and Sequential, nested models, layers called several
 * times, several inputs and outputs, operators between layers), what `model.to_json()` gives, and `modelTopology` of
 * tfjs. All layers come out in the vocabulary of Keras 2, operators as `TensorOperation` (`operation-list.ts`), and
 * where Keras 3 computes something else under the same name, under another name (`keras3_hard_sigmoid`). A Sequential
 * model gets an `InputLayer` when the file has none; layer classes that nothing knows are kept as they are, and
 * operations that nothing knows become an `UnknownOperation`, for the writers to refuse.
 *
 * @throws FormatError `FORMAT_DAMAGED` (not a model config, unknown references, cycles, duplicate names),
 *   `FORMAT_UNSUPPORTED` (subclassed models, no input shape), `FORMAT_LIMIT` (nested too deep).
 */
export function parseKerasConfig(config: JsonObject, options: ParseKerasOptions = {}): ModelGraph {
  const file = options.fileName ?? 'the file';
  checkConfig(config, file);
  const root = isJsonObject(config.model_config) ? config.model_config : config;
  const version = options.kerasVersion ?? stringOf(root.keras_version) ?? stringOf(config.keras_version);
  const context: Context = {
    file,
    depth: 0,
    major: kerasMajor(root, version),
    channelsFirst: usesTheanoOrdering(root),
    ownClasses: options.ownClasses === true,
    parseModel,
    modelConfig,
  };
  const className = stringOf(root.class_name);
  if (className === undefined) throw damaged(context, 'it has no class_name.', config);
  if (!isModelConfig(className, root.config)) {
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `The model of ${file} is of the class ${className}, whose layers are Python code.`,
      {
        given: `class_name: ${className}`,
        expected: 'a Sequential or functional model',
        nextStep: 'Rebuild it with keras.Model(inputs, outputs), copy the weights over and save that.',
      },
    );
  }
  const given = root.config;
  const model: JsonValue | undefined = Array.isArray(given) ? { layers: given } : given;
  if (!isJsonObject(model)) throw damaged(context, 'it has no config.', config);
  const graph = parseModel(className, model, stringOf(model.name) ?? className.toLowerCase(), context);
  // What this package wrote for tfjs states its masks.
  return context.major === 2 && !context.ownClasses ? withoutExplicitMasks(graph) : graph;
}
