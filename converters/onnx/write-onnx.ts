import { FormatError, ModelError } from '../../src/base/errors.ts';
import type { NamedTensor } from '../../src/base/types.ts';
import type { ModelGraph, TensorRef } from '../graph.ts';
import { shapeOf } from '../json.ts';
import { emitGraph } from './emit-graph.ts';
import type { Dialect } from './emitter.ts';
import { GraphBuilder } from './graph-builder.ts';
import { encodeModel } from './protobuf.ts';
import type { Shape } from './value.ts';
import { plainValue } from './value.ts';

export interface WriteOnnxOptions {
  /** Names of the layers whose outputs are wanted; default: the model's own outputs. */
  readonly outputs?: readonly string[];
  /** Name of the ONNX graph; default: the model's. */
  readonly name?: string;
  /** Default `keras`. */
  readonly dialect?: Dialect;
  /** Whether BatchNormalization and ZeroPadding2D are folded into convolutions. Default true. */
  readonly fold?: boolean;
}

/** An input or output of the model; `name` is the layer's. */
export interface OnnxEndpoint {
  readonly name: string;
  /** What it is called in the ONNX graph. */
  readonly onnxName: string;
  /** In Keras's order of axes, `[batch, height, width, channels]` for pictures; `null` is any size. */
  readonly shape: Shape;
}

export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly inputs: readonly OnnxEndpoint[];
  readonly outputs: readonly OnnxEndpoint[];
}

/**
 * The weights of each layer, in the layer's own order, keyed by its name. Layers of a nested model are keyed by the
 * names of both, `outer > inner` (`weightKey(['outer', 'inner'])`).
 */
export type OnnxWeights = ReadonlyMap<string, readonly NamedTensor[]>;

/**
 * Writes a Keras or tfjs model as ONNX (IR version 8, operator set 17).
 *
 * Inputs and outputs are float32 in Keras's order of axes (`[batch, height, width, channels]`) with any batch size,
 * and any height and width where the model has `null`. Inside, feature maps are NCHW.
 *
 * @throws EngineError `ENGINE_UNSUPPORTED_LAYER` (names the layer and its class), WeightsError `WEIGHTS_MISSING`,
 *   `WEIGHTS_SHAPE`, ModelError `MODEL_OPTION` (an output that is not there), FormatError `FORMAT_DAMAGED`,
 *   `FORMAT_LIMIT` (over 2 GiB)
 */
export function writeOnnxModel(
  graph: ModelGraph,
  weights: OnnxWeights,
  options: WriteOnnxOptions = {},
): Uint8Array {
  return buildOnnxModel(graph, weights, options).bytes;
}

/** Like `writeOnnxModel`, and says what the inputs and outputs are. */
export function buildOnnxModel(
  graph: ModelGraph,
  weights: OnnxWeights,
  options: WriteOnnxOptions = {},
): OnnxModel {
  const builder = new GraphBuilder();
  const inputs = graph.inputs.map((ref): OnnxEndpoint => {
    const shape = inputShape(graph, ref);
    return { name: ref.layer, onnxName: builder.uniqueName(ref.layer), shape };
  });
  inputs.forEach(({ onnxName, shape }, index) => {
    builder.input({ name: onnxName, shape: shape.map((size, axis) => size ?? dimensionName(index, axis)) });
  });

  const wanted = options.outputs?.map((name) => outputRef(graph, name)) ?? graph.outputs;
  const names = wanted.map((ref) => ({ name: ref.layer, onnxName: builder.uniqueName(ref.layer) }));
  const values = emitGraph(
    graph,
    wanted,
    inputs.map(({ onnxName, shape }) => plainValue(onnxName, shape)),
    [],
    { builder, weights, dialect: options.dialect ?? 'keras', fold: options.fold ?? true },
  );
  const outputs = names.map((endpoint, index): OnnxEndpoint => {
    const value = values[index]!;
    builder.output(endpoint.onnxName, value);
    return { ...endpoint, shape: value.shape };
  });
  return { bytes: encodeModel(builder.finish(options.name ?? graph.name)), inputs, outputs };
}

function dimensionName(input: number, axis: number): string {
  return axis === 0 ? 'batch' : `input${input}_axis${axis}`;
}

/** The batch is free even where the model states one: nothing in the graph depends on it. */
function inputShape(graph: ModelGraph, ref: TensorRef): Shape {
  const layer = graph.layers.find(({ name }) => name === ref.layer);
  const shape = shapeOf(layer?.config.batch_input_shape);
  if (shape !== undefined && shape.length > 0) return [null, ...shape.slice(1)];
  throw new FormatError(
    'FORMAT_DAMAGED',
    `The input "${ref.layer}" of the model "${graph.name}" has no shape.`,
    {
      given: JSON.stringify(layer?.config.batch_input_shape ?? null),
      expected: 'batch_input_shape: [null, height, width, channels]',
      nextStep: 'Build the model with an input shape.',
    },
  );
}

function outputRef(graph: ModelGraph, name: string): TensorRef {
  const layer = graph.layers.find((candidate) => candidate.name === name);
  const names = graph.layers.map((candidate) => candidate.name);
  if (layer === undefined) {
    throw new ModelError('MODEL_OPTION', `The model "${graph.name}" has no layer "${name}".`, {
      given: `outputs: "${name}"`,
      expected: `one of ${names.slice(-12).join(', ')}${names.length > 12 ? ' and others before them' : ''}`,
      nextStep: 'Give the name of a layer of this model.',
    });
  }
  const tensors = layer.nested?.outputs.length ?? 1;
  if (layer.inbound.length > 1 || tensors > 1) {
    throw new ModelError('MODEL_OPTION', `The layer "${name}" has several outputs.`, {
      given: `outputs: "${name}"`,
      expected: 'a layer that is called once and has one output',
      nextStep: 'Name a layer behind it instead.',
    });
  }
  return { layer: name, node: 0, tensor: 0 };
}
