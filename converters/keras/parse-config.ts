import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { excerpt, isJsonObject, shapeOf, stringOf } from '../json.ts';
import { checkGraph } from './check-graph.ts';
import { meaningfulArguments, tensorRefs } from './inbound-nodes.ts';
import { refuseKeras3 } from './keras3.ts';
import { toKeras2Layer, usesTheanoOrdering } from './legacy.ts';

export interface ParseKerasOptions {
  /** The file's `keras_version`, where it is not in the config itself. */
  readonly kerasVersion?: string;
  /** Shown in errors. */
  readonly fileName?: string;
}

const FUNCTIONAL = new Set(['Functional', 'Model', 'Container', 'Network', 'Graph']);
const TOPOLOGY_KEYS = new Set(['layers', 'input_layers', 'output_layers']);
const MAX_NESTING = 32;

/** Layers whose Keras 1 config does not tell their dimension ordering: it was the writer's default. */
const WITHOUT_ORDERING = new Set(['ZeroPadding2D', 'Cropping2D', 'UpSampling2D']);

interface Context {
  readonly file: string;
  readonly depth: number;
  /** All Keras 1 layers that tell their ordering say `th`. */
  readonly channelsFirst: boolean;
}

interface RawLayer {
  readonly className: string;
  readonly config: JsonObject;
  readonly name: string;
  readonly inboundNodes: JsonValue[];
}

function damaged(context: Context, summary: string, given?: unknown): FormatError {
  return new FormatError('FORMAT_DAMAGED', `The model config of ${context.file} is damaged: ${summary}`, {
    given: given === undefined ? summary : excerpt(given),
    expected: 'a config as Keras writes it',
    nextStep: 'Save the model again with Keras (model.save), or check that the file was copied whole.',
  });
}

/** True for `{class_name, config}` that describes a model rather than a layer, custom subclasses included. */
function isModelConfig(className: string, config: JsonValue | undefined): boolean {
  if (className === 'Sequential' || FUNCTIONAL.has(className)) return true;
  return isJsonObject(config) && Array.isArray(config.layers) && config.input_layers !== undefined;
}

function rawLayer(value: JsonValue, context: Context): RawLayer {
  if (!isJsonObject(value)) throw damaged(context, 'a layer is not an object.', value);
  const className = stringOf(value.class_name);
  if (className === undefined) throw damaged(context, 'a layer has no class_name.', value);
  const given = value.config;
  // Keras before 2.2.3 writes a Sequential's config as the bare list of its layers.
  const config: JsonValue | undefined = Array.isArray(given) ? { layers: given } : given;
  if (!isJsonObject(config)) throw damaged(context, `the ${className} layer has no config.`, value);
  const name = stringOf(value.name) ?? stringOf(config.name);
  if (name === undefined && !isModelConfig(className, config)) {
    throw damaged(context, `a ${className} layer has no name.`, config);
  }
  const nodes = value.inbound_nodes ?? [];
  if (!Array.isArray(nodes))
    throw damaged(context, `inbound_nodes of ${name ?? className} is not a list.`, nodes);
  return { className, config, name: name ?? className.toLowerCase(), inboundNodes: nodes };
}

function nestedGraph(raw: RawLayer, context: Context): ModelGraph | undefined {
  if (!isModelConfig(raw.className, raw.config)) return undefined;
  return parseModel(raw.className, raw.config, raw.name, { ...context, depth: context.depth + 1 });
}

function parseLayer(
  raw: RawLayer,
  inbound: GraphLayer['inbound'],
  kwargs: JsonObject[],
  context: Context,
): GraphLayer {
  const callArguments = kwargs.map(meaningfulArguments);
  const extra = callArguments.some((item) => Object.keys(item).length > 0) ? { callArguments } : {};
  const nested = nestedGraph(raw, context);
  if (nested !== undefined) {
    const config = Object.fromEntries(Object.entries(raw.config).filter(([key]) => !TOPOLOGY_KEYS.has(key)));
    const className = nested.kind === 'sequential' ? 'Sequential' : 'Model';
    return { name: raw.name, className, config: { ...config, name: raw.name }, inbound, nested, ...extra };
  }
  const layer = toKeras2Layer(raw.className, { ...raw.config, name: raw.name });
  const ordering: JsonObject = {};
  if (
    context.channelsFirst &&
    WITHOUT_ORDERING.has(layer.className) &&
    layer.config.data_format === undefined
  ) {
    ordering.data_format = 'channels_first';
  }
  return {
    name: raw.name,
    className: layer.className,
    config: { ...layer.config, ...ordering },
    inbound,
    ...extra,
  };
}

/**
 * Keras counts a nested model's own creation as its node 0, so that its first call is node 1. Here node n is
 * always the n-th call.
 */
function nestedOffsets(layers: readonly GraphLayer[], refs: readonly TensorRef[]): Map<string, number> {
  const offsets = new Map<string, number>();
  for (const layer of layers) {
    if (layer.nested === undefined) continue;
    const used = refs.filter((ref) => ref.layer === layer.name).map((ref) => ref.node);
    offsets.set(layer.name, used.includes(0) ? 0 : 1);
  }
  return offsets;
}

function parseFunctional(config: JsonObject, name: string, context: Context): ModelGraph {
  if (!Array.isArray(config.layers))
    throw damaged(context, `the model "${name}" has no list of layers.`, config);
  const parsed = config.layers.map((value) => {
    const raw = rawLayer(value, context);
    const kwargs: JsonObject[] = [];
    const inbound = raw.inboundNodes.map((node) => {
      const call = tensorRefs(node);
      if (call === undefined) throw damaged(context, `an inbound node of "${raw.name}" is unreadable.`, node);
      kwargs.push(call.kwargs);
      return call.refs;
    });
    return parseLayer(raw, inbound, kwargs, context);
  });
  const inputs = tensorRefs(config.input_layers)?.refs;
  const outputs = tensorRefs(config.output_layers)?.refs;
  if (inputs === undefined || inputs.length === 0)
    throw damaged(context, `the model "${name}" has no input_layers.`);
  if (outputs === undefined || outputs.length === 0)
    throw damaged(context, `the model "${name}" has no output_layers.`);

  const everyRef = [...parsed.flatMap((layer) => layer.inbound.flat()), ...inputs, ...outputs];
  const offsets = nestedOffsets(parsed, everyRef);
  const shift = (ref: TensorRef): TensorRef => ({ ...ref, node: ref.node - (offsets.get(ref.layer) ?? 0) });
  const layers = parsed.map((layer) => ({ ...layer, inbound: layer.inbound.map((call) => call.map(shift)) }));
  return { name, kind: 'functional', layers, inputs: inputs.map(shift), outputs: outputs.map(shift) };
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
  const parsed = config.layers.map((value) => parseLayer(rawLayer(value, context), [], [], context));
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
  return { name, kind: 'sequential', layers, inputs: [start], outputs: [previous!] };
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
  const graph =
    className === 'Sequential'
      ? parseSequential(config, name, context)
      : parseFunctional(config, name, context);
  checkGraph(graph, context.file);
  return graph;
}

/**
 * Reads the config of a Keras model into the one graph that all writers take.
 *
 * Takes Keras 1 and Keras 2 `model_config` (functional and Sequential, nested models, layers called several times,
 * several inputs and outputs), and what `model.toJSON(null, false)` of tfjs returns. All layers come out in the
 * vocabulary of Keras 2. A Sequential model gets an `InputLayer` when the file has none; layer classes that nothing
 * knows are kept as they are, for the writers to refuse.
 *
 * @throws FormatError `FORMAT_DAMAGED` (not a model config, unknown references, cycles, duplicate names),
 *   `FORMAT_UNSUPPORTED` (Keras 3, subclassed models, no input shape), `FORMAT_LIMIT` (nested too deep).
 */
export function parseKerasConfig(config: JsonObject, options: ParseKerasOptions = {}): ModelGraph {
  const root = isJsonObject(config.model_config) ? config.model_config : config;
  const context: Context = {
    file: options.fileName ?? 'the file',
    depth: 0,
    channelsFirst: usesTheanoOrdering(root),
  };
  const className = stringOf(root.class_name);
  if (className === undefined) throw damaged(context, 'it has no class_name.', config);
  const version = options.kerasVersion ?? stringOf(root.keras_version);
  refuseKeras3(root, version, context.file);
  if (!isModelConfig(className, root.config)) {
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `The model of ${context.file} is of the class ${className}, whose layers are Python code.`,
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
  return parseModel(className, model, stringOf(model.name) ?? className.toLowerCase(), context);
}
