import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { shapeOf } from '../json.ts';
import { calledLayer, plainArguments, writtenCall, type TensorArgument } from './call-arguments.ts';
import { dtypePolicy, serializedLayer, type WriteContext } from './layer-config.ts';
import { requireOrder } from './load-order.ts';
import { writtenOperation } from './operations.ts';

/** Where Keras 3 keeps its operations; all others are in `numpy`. */
const OPERATION_MODULES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    nn:
      'Relu Relu6 Sigmoid Softplus Softsign Silu Selu LogSigmoid HardSigmoid HardSilu Elu LeakyRelu Gelu Softmax ' +
      'LogSoftmax Normalize OneHot DepthToSpace SpaceToDepth',
    math: 'Rsqrt Erf Logsumexp',
    core: 'Cast StopGradient',
    image: 'Resize',
  }).flatMap(([module, names]) => names.split(' ').map((name) => [name, module])),
);

/** Keras takes a tensor's shape and type from the layer that makes it; these are there for their form. */
function kerasTensor({ layer, node, tensor }: TensorRef): JsonObject {
  return {
    class_name: '__keras_tensor__',
    config: { shape: [], dtype: 'float32', keras_history: [layer, node, tensor] },
  };
}

function argument(given: TensorArgument): JsonValue {
  if ('layer' in given) return kerasTensor(given);
  return given.map((ref) => (ref === null ? null : kerasTensor(ref)));
}

function call(layer: GraphLayer, node: number, context: WriteContext): JsonObject {
  const { args, named } = writtenCall(layer, node, context);
  const tensors = named.map(([name, given]): [string, JsonValue] => [name, argument(given)]);
  return {
    args: args.map(argument),
    kwargs: { ...plainArguments(layer, node, context), ...Object.fromEntries(tensors) },
  };
}

function keras3Slice(item: JsonObject): JsonValue {
  if ('index' in item) return item.index!;
  if ('new_axis' in item) return null;
  if ('ellipsis' in item) return { class_name: '__ellipsis__', config: {} };
  return { class_name: '__slice__', config: { start: item.start!, stop: item.stop!, step: item.step! } };
}

function operationCall(layer: GraphLayer, refs: readonly TensorRef[], context: WriteContext): JsonObject {
  const { operands, list, slices, options } = writtenOperation(layer, refs, context);
  const values = operands.map((item) => ('ref' in item ? kerasTensor(item.ref) : item.value));
  const args: JsonValue[] = list ? [values] : values;
  if (slices !== undefined) args.push(slices.value.map(keras3Slice));
  const { constant_values: fill } = options;
  return { args, kwargs: fill === undefined || options.mode !== 'constant' ? {} : { constant_values: fill } };
}

function operationLayer(layer: GraphLayer, context: WriteContext): JsonObject {
  const { name, options } = writtenOperation(layer, layer.inbound[0] ?? [], context);
  const module = Object.hasOwn(OPERATION_MODULES, name) ? OPERATION_MODULES[name] : 'numpy';
  const config: JsonObject = { name: layer.name, ...options };
  // An argument of the call.
  if (name === 'Pad') delete config.constant_values;
  return { module: `keras.src.ops.${module}`, class_name: name, config, registered_name: name };
}

function described(layer: GraphLayer, context: WriteContext): JsonObject {
  if (layer.nested !== undefined) return context.model(layer.nested, layer.config);
  if (layer.className === 'TensorOperation') return operationLayer(layer, context);
  const { className, config } = calledLayer(layer);
  return serializedLayer(className, { ...config, name: layer.name }, context);
}

/**
 * One tensor stands alone in Keras 3, several in a list. Here, and not where layers are called, the creation of a nested
 * functional model counts as its node 0.
 */
function ends(refs: readonly TensorRef[], layers: readonly GraphLayer[]): JsonValue {
  const nested = new Set(
    layers.filter((layer) => layer.nested?.kind === 'functional').map(({ name }) => name),
  );
  const list = refs.map(({ layer, node, tensor }): JsonValue => [
    layer,
    nested.has(layer) ? node + 1 : node,
    tensor,
  ]);
  return list.length === 1 ? list[0]! : list;
}

function inputShape(graph: ModelGraph): JsonValue | undefined {
  const input = graph.layers.find((layer) => layer.name === graph.inputs[0]?.layer);
  return shapeOf(input?.config.batch_input_shape);
}

/**
 * A model as Keras 3 puts it into `config.json`.
 *
 * @param config The layer's config where the model is a part of another one.
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER`
 */
export function keras3Model(graph: ModelGraph, config: JsonObject, context: WriteContext): JsonObject {
  const name = config.name ?? graph.name;
  const trainable = config.trainable ?? true;
  if (graph.kind === 'sequential') {
    const layers = graph.layers.map((layer) => described(layer, context));
    const shape = inputShape(graph);
    const built: JsonObject = shape === undefined ? {} : { build_input_shape: shape };
    return {
      module: 'keras',
      class_name: 'Sequential',
      config: { name, trainable, dtype: dtypePolicy('float32', 3), layers, ...built },
      registered_name: null,
      ...(shape === undefined ? {} : { build_config: { input_shape: shape } }),
    };
  }
  const layers = graph.layers.map((layer) => ({
    ...described(layer, context),
    name: layer.name,
    inbound_nodes: layer.inbound.map((refs, node) =>
      layer.className === 'TensorOperation'
        ? operationCall(layer, refs, context)
        : call(layer, node, context),
    ),
  }));
  return {
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: {
      name,
      trainable,
      layers,
      input_layers: ends(graph.inputs, graph.layers),
      output_layers: ends(graph.outputs, graph.layers),
    },
    registered_name: 'Functional',
    build_config: { input_shape: null },
  };
}

export function keras3Context(fileName: string): WriteContext {
  const context: WriteContext = {
    target: 3,
    fileName,
    model: (graph, config) => {
      requireOrder(graph, context);
      return keras3Model(graph, config, context);
    },
  };
  return context;
}
