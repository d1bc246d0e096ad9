import * as tf from '@tensorflow/tfjs';

type Layer = tf.layers.Layer;
type Arguments = Readonly<Record<string, unknown>>;

/** One call of a layer that is no model itself. */
export interface Call {
  readonly layer: Layer;
  readonly inputs: readonly Value[];
  /** Of each output, the batch first; `null` is any size. */
  readonly shapes: readonly (readonly (number | null)[])[];
  readonly arguments: Arguments;
}

/** A tensor of a model's graph: an input of the model, or an output of a call. */
export type Value = { readonly input: number } | { readonly call: Call; readonly output: number };

export interface Calls {
  /** Each behind those that it reads. */
  readonly calls: readonly Call[];
  readonly outputs: readonly Value[];
}

/** What of tfjs's graph is used here. */
interface GraphNode {
  readonly inputTensors: readonly tf.SymbolicTensor[];
  readonly outputTensors: readonly tf.SymbolicTensor[];
  readonly callArgs?: Arguments;
}
interface GraphTensor {
  readonly nodeIndex: number;
  readonly tensorIndex: number;
}

/** Which tensors stand for the inputs, and what is known of the calls; nested models are opened in a scope of their own. */
interface Scope {
  readonly inputs: ReadonlyMap<tf.SymbolicTensor, Value>;
  readonly known: Map<object, readonly Value[]>;
}

/** The calls of a model, nested models opened. The model stays as it is. */
export function callsOf(model: tf.LayersModel): Calls {
  const calls: Call[] = [];
  const resolve = (tensor: tf.SymbolicTensor, scope: Scope): Value => {
    const given = scope.inputs.get(tensor);
    if (given !== undefined) return given;
    const { nodeIndex, tensorIndex } = tensor as unknown as GraphTensor;
    const layer = tensor.sourceLayer;
    const node = layer.inboundNodes[nodeIndex] as unknown as GraphNode;
    let values = scope.known.get(node);
    if (values === undefined) {
      const inputs = node.inputTensors.map((each) => resolve(each, scope));
      values = isModel(layer) ? open(layer, inputs) : called(layer, inputs, node);
      scope.known.set(node, values);
    }
    return values[tensorIndex]!;
  };
  const open = (inner: tf.LayersModel, inputs: readonly Value[]): Value[] => {
    const scope: Scope = {
      inputs: new Map(inner.inputs.map((tensor, index) => [tensor, inputs[index]!])),
      known: new Map(),
    };
    return inner.outputs.map((tensor) => resolve(tensor, scope));
  };
  const called = (layer: Layer, inputs: readonly Value[], node: GraphNode): Value[] => {
    const shapes = node.outputTensors.map(({ shape }) => shape);
    const call: Call = { layer, inputs, shapes, arguments: node.callArgs ?? {} };
    calls.push(call);
    return node.outputTensors.map((_, output) => ({ call, output }));
  };
  const outputs = open(
    model,
    model.inputs.map((_, input) => ({ input })),
  );
  return { calls, outputs };
}

function isModel(layer: Layer): layer is tf.LayersModel {
  return layer instanceof tf.LayersModel;
}
