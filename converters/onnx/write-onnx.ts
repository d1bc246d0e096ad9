import { FormatError, ModelError } from '../../src/base/errors.ts';
import type { WeightTensor } from '../../src/base/types.ts';
import type { ModelGraph, TensorRef } from '../graph.ts';
import { shapeOf } from '../json.ts';
import { emitGraph } from './emit-graph.ts';
import type { Dialect } from './emitter.ts';
import { unsupportedLayer } from './emitter.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { PixelInput } from './pixel-input.ts';
import { pixelValue } from './pixel-input.ts';
import type { EncodedModel, OnnxGraphParts } from './protobuf.ts';
import { encodeModel, joined } from './protobuf.ts';
import { refuseOtherMasks } from './tfjs-masks.ts';
import type { Shape, Value, ValueType } from './value.ts';
import { plainValue, valueType } from './value.ts';

export interface WriteOnnxOptions {
  /** Names of the layers whose outputs are wanted; default: the model's own outputs. */
  readonly outputs?: readonly string[];
  /** Name of the ONNX graph; default: the model's. */
  readonly name?: string;
  /** Default `keras`. */
  readonly dialect?: Dialect;
  /** Whether BatchNormalization and ZeroPadding2D are folded into convolutions. Default true. */
  readonly fold?: boolean;
  /** Whether inputs of integers are declared as float32 too. Default: false in Keras's dialect, true in tfjs's. */
  readonly floatInputs?: boolean;
  /** Makes the model's one input, `[batch, height, width, 3]`, take pixels as they are; see `PixelInput`. */
  readonly pixels?: PixelInput;
  /** Changes the graph before it is written: `quantizeGraph`, `halfWeights`, `observedGraph`. */
  readonly transform?: ((graph: OnnxGraphParts) => OnnxGraphParts) | undefined;
}

/** An input or output of the model; `name` is the layer's. */
export interface OnnxEndpoint {
  readonly name: string;
  /** What it is called in the ONNX graph. */
  readonly onnxName: string;
  /** In Keras's order of axes, `[batch, height, width, channels]` for pictures; `null` is any size. */
  readonly shape: Shape;
  readonly dtype: ValueType | 'uint8';
}

interface OnnxEndpoints {
  readonly inputs: readonly OnnxEndpoint[];
  readonly outputs: readonly OnnxEndpoint[];
}

export interface OnnxModel extends OnnxEndpoints {
  readonly bytes: Uint8Array;
}

/** A model whose bytes are made while `chunks` is walked, once; each chunk is only to be read. */
export interface OnnxStream extends OnnxEndpoints, EncodedModel {}

/**
 * The weights of each layer, in the layer's own order, keyed by its name. Layers of a nested model are keyed by the
 * names of both, `outer > inner` (`weightKey(['outer', 'inner'])`).
 */
export type OnnxWeights = ReadonlyMap<string, readonly WeightTensor[]>;

/**
 * Writes a Keras or tfjs model as ONNX (IR version 8, operator set 17).
 *
 * Inputs and outputs are in Keras's order of axes (`[batch, height, width, channels]`) with any batch size, and any size
 * where the model has `null`; they are float32 unless the model's are integers (int32) or truth values. Inside, what
 * convolutions work on has its channels first.
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
  const { inputs, outputs, ...encoded } = streamOnnxModel(graph, weights, options);
  return { bytes: joined(encoded), inputs, outputs };
}

/**
 * Like `buildOnnxModel`, with the bytes in chunks: weights are read and rearranged when their turn comes, large ones piece
 * by piece where their order stays, and are let go of afterwards. Weights that lie in a file need it open until the end.
 *
 * Errors of the model come at once; only reading can fail while the chunks are walked.
 */
export function streamOnnxModel(
  graph: ModelGraph,
  weights: OnnxWeights,
  options: WriteOnnxOptions = {},
): OnnxStream {
  const builder = new GraphBuilder();
  const dialect = options.dialect ?? 'keras';
  const floatInputs = options.floatInputs ?? dialect === 'tfjs';
  if (dialect === 'tfjs') refuseOtherMasks(graph);
  const { pixels } = options;
  if (pixels !== undefined) checkPixelInput(graph);
  const inputs = graph.inputs.map((ref): OnnxEndpoint => {
    const shape = inputShape(graph, ref);
    const dtype = inputDtype(graph, ref, floatInputs, pixels);
    return { name: ref.layer, onnxName: builder.uniqueName(ref.layer), shape, dtype };
  });
  inputs.forEach(({ onnxName, shape, dtype }, index) => {
    const dimensions = shape.map((size, axis) => size ?? dimensionName(index, axis));
    builder.input({ name: onnxName, type: dtype, shape: dimensions });
  });

  const wanted = options.outputs?.map((name) => outputRef(graph, name)) ?? graph.outputs;
  const names = wanted.map((ref) => ({ name: ref.layer, onnxName: builder.uniqueName(ref.layer) }));
  const values = emitGraph(
    graph,
    wanted,
    inputs.map(({ onnxName, shape, dtype }) =>
      dtype === 'uint8' ? pixelValue(builder, onnxName, shape) : plainValue(onnxName, shape, dtype),
    ),
    [],
    { builder, weights, dialect, fold: options.fold ?? true },
    pixels,
  );
  const outputs = names.map((endpoint, index): OnnxEndpoint => {
    const value = values[index] as Value;
    builder.output(endpoint.onnxName, value);
    return { ...endpoint, shape: value.shape, dtype: valueType(value) };
  });
  const parts = builder.finish(options.name ?? graph.name);
  return { ...encodeModel(options.transform?.(parts) ?? parts), inputs, outputs };
}

function inputDtype(
  graph: ModelGraph,
  ref: TensorRef,
  floatInputs: boolean,
  pixels: PixelInput | undefined,
): ValueType | 'uint8' {
  if (pixels !== undefined) return 'uint8';
  return floatInputs ? 'float32' : inputType(graph, ref);
}

/** The input of pixels has to be the model's only one, a picture with three channels. */
function checkPixelInput(graph: ModelGraph): void {
  const [ref, ...others] = graph.inputs;
  const shape = ref === undefined ? [] : inputShape(graph, ref);
  if (others.length === 0 && shape.length === 4 && shape[3] === 3) return;
  throw new ModelError('MODEL_INPUT', `The model "${graph.name}" does not take colour pictures.`, {
    given: graph.inputs.map((each) => JSON.stringify(inputShape(graph, each))).join(', '),
    expected: 'one input of shape [batch, height, width, 3]',
    nextStep: 'Give it its prepared input instead of pixels.',
  });
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

function inputType(graph: ModelGraph, ref: TensorRef): ValueType {
  const layer = graph.layers.find(({ name }) => name === ref.layer);
  const dtype = layer?.config.dtype;
  if (layer === undefined || typeof dtype !== 'string' || /^(b?float|half|mixed)/.test(dtype))
    return 'float32';
  if (/^u?int(8|16|32|64)$/.test(dtype)) return 'int32';
  if (dtype === 'bool') return 'bool';
  throw unsupportedLayer(layer, `its dtype is ${dtype}`);
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
