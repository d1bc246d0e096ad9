import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { plainArguments, writtenCall, type TensorArgument } from './call-arguments.ts';
import { serializedLayer, type WriteContext } from './layer-config.ts';
import { requireOrder } from './load-order.ts';
import { writtenOperation, type WrittenOperand } from './operations.ts';

/** Keras 2 counts the creation of a nested model that begins with an input as its node 0. */
function nodeOffset(layer: GraphLayer | undefined): number {
  return layer?.nested?.layers[0]?.className === 'InputLayer' ? 1 : 0;
}

class Keras2Graph {
  readonly #layers: ReadonlyMap<string, GraphLayer>;
  readonly #context: WriteContext;

  constructor(layers: readonly GraphLayer[], context: WriteContext) {
    this.#layers = new Map(layers.map((layer) => [layer.name, layer]));
    this.#context = context;
  }

  ref({ layer, node, tensor }: TensorRef): [string, number, number] {
    return [layer, node + nodeOffset(this.#layers.get(layer)), tensor];
  }

  nodes(layer: GraphLayer): JsonValue[] {
    return layer.inbound.map((refs, node) =>
      layer.className === 'TensorOperation' ? this.#operation(layer, refs) : this.#call(layer, node),
    );
  }

  #argument(argument: TensorArgument): JsonValue {
    if ('layer' in argument) return this.ref(argument);
    return argument.map((ref) => (ref === null ? null : this.ref(ref)));
  }

  #call(layer: GraphLayer, node: number): JsonValue {
    const { args, named } = writtenCall(layer, node, this.#context);
    const kwargs = plainArguments(layer, node, this.#context);
    for (const [name, argument] of named) kwargs[name] = this.#argument(argument);
    return args.flatMap((argument) =>
      'layer' in argument
        ? [[...this.ref(argument), kwargs]]
        : argument.flatMap((ref) => (ref === null ? [] : [[...this.ref(ref), kwargs]])),
    );
  }

  #operation(layer: GraphLayer, refs: readonly TensorRef[]): JsonValue {
    const { operands, parameters, list, options, slices } = writtenOperation(layer, refs, this.#context);
    const kwargs: JsonObject = { ...options };
    if (slices !== undefined) kwargs[slices.parameter] = slices.value.map(keras2Slice);
    const named = (operand: WrittenOperand): JsonValue =>
      'ref' in operand ? this.ref(operand.ref) : operand.value;
    if (list) {
      return operands.map((operand) => {
        if ('ref' in operand) return [...this.ref(operand.ref), kwargs];
        return ['_CONSTANT_VALUE', -1, operand.value, kwargs];
      });
    }
    const [first, ...rest] = operands;
    rest.forEach((operand, i) => (kwargs[parameters[i + 1]!] = named(operand)));
    return 'ref' in first! ? [...this.ref(first.ref), kwargs] : ['_CONSTANT_VALUE', -1, first!.value, kwargs];
  }
}

function keras2Slice(item: JsonObject): JsonValue {
  if ('index' in item) return item.index!;
  if ('new_axis' in item) return null;
  if ('ellipsis' in item) return { class_name: '__ellipsis__' };
  return { start: item.start!, stop: item.stop!, step: item.step! };
}

function operationLayer(layer: GraphLayer, context: WriteContext): JsonObject {
  const { name } = writtenOperation(layer, layer.inbound[0] ?? [], context);
  const config = { name: layer.name, trainable: true, dtype: 'float32', function: name };
  return { class_name: name === '__operators__.getitem' ? 'SlicingOpLambda' : 'TFOpLambda', config };
}

function described(layer: GraphLayer, context: WriteContext): JsonObject {
  if (layer.nested !== undefined) return context.model(layer.nested, layer.config);
  if (layer.className === 'TensorOperation') return operationLayer(layer, context);
  const written = serializedLayer(layer.className, layer.config, context);
  // Keras Applications registers it as users do their layers.
  return layer.className === 'CustomScaleLayer'
    ? { ...written, class_name: 'Custom>CustomScaleLayer' }
    : written;
}

/**
 * A model as `{ class_name, config }` in the manner of Keras 2's `model_config`.
 *
 * @param config The layer's config where the model is a part of another one.
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER`
 */
export function keras2Model(graph: ModelGraph, config: JsonObject, context: WriteContext): JsonObject {
  const { name } = graph;
  const trainable: JsonObject = config.trainable === false ? { trainable: false } : {};
  if (graph.kind === 'sequential') {
    const layers = graph.layers.map((layer) => described(layer, context));
    return { class_name: 'Sequential', config: { name: config.name ?? name, ...trainable, layers } };
  }
  const nodes = new Keras2Graph(graph.layers, context);
  const layers = graph.layers.map((layer) => ({
    ...described(layer, context),
    name: layer.name,
    inbound_nodes: nodes.nodes(layer),
  }));
  return {
    class_name: 'Functional',
    config: {
      name: config.name ?? name,
      trainable: config.trainable ?? true,
      layers,
      input_layers: graph.inputs.map((ref) => nodes.ref(ref)),
      output_layers: graph.outputs.map((ref) => nodes.ref(ref)),
    },
  };
}

export function keras2Context(fileName: string): WriteContext {
  const context: WriteContext = {
    target: 2,
    fileName,
    model: (graph, config) => {
      requireOrder(graph, context);
      return keras2Model(graph, config, context);
    },
  };
  return context;
}
