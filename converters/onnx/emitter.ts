import { EngineError, WeightsError } from '../../src/base/errors.ts';
import type { JsonObject, WeightTensor } from '../../src/base/types.ts';
import type { GraphLayer } from '../graph.ts';
import type { InnerLayer } from '../keras/tfjs-support.ts';
import { innerLayer } from '../keras/tfjs-support.ts';
import { numbersOf } from '../tensors.ts';
import type { AxisAffine } from './affine.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { FoldedPixels } from './pixel-input.ts';
import type { Shape, Value } from './value.ts';

/**
 * Whose arithmetic is written where tfjs and Keras differ: the bilinear UpSampling2D (tfjs aligns corners' edges,
 * Keras pixel centres), `dilation_rate` of DepthwiseConv2D and of Conv2DTranspose (tfjs ignores it).
 */
export type Dialect = 'keras' | 'tfjs';

/** `y = scale * x + shift` along the channels: what is left of a BatchNormalization at inference. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** What an affine map can be read from, before the layer is written. */
export type AffineSource = Pick<LayerCall, 'layer' | 'config' | 'weights'>;

/** How many zeros stand before and behind, for each axis between the batch and the channels. */
export type Padding = readonly (readonly [number, number])[];

/** One call of one layer, while it is written. */
export interface LayerCall {
  readonly builder: GraphBuilder;
  readonly layer: GraphLayer;
  readonly config: JsonObject;
  readonly inputs: readonly Value[];
  /** In the order of the layer's own list of weights; in memory or in a file, see `checkedWeight`. */
  readonly weights: readonly WeightTensor[];
  /** Of a layer of ours always `keras`. */
  readonly dialect: Dialect;
  /** Starts the names of this layer's weights; calls of a shared layer have the same one. */
  readonly weightKey: string;
  /** What follows (a BatchNormalization, a LayerScale, ...) and is to be folded into this call's weights. */
  readonly affine?: Affine;
  /** All that this call and the affine ones before it do; for emitters with `affine`. */
  readonly chain?: AxisAffine;
  /** The input's own producer has done what `inputAffine` says. */
  readonly inputFolded?: boolean;
  /** A zero padding that came before and is to be folded into this call. */
  readonly padding?: Padding;
  /** The input is pixels, whose preparation is to be folded into this call's weights. */
  readonly pixels?: FoldedPixels;
  /** Keyword arguments of this call; only those that the emitter names in `callArguments`. */
  readonly callArguments: JsonObject;
  /**
   * Writes a layer inside of this one, a wrapper's: `layer.config` as in a graph, `layer.nested` for a model. The names
   * of its nodes and weights start with this call's and its own. `weights` are those of that layer, or of the nested
   * model's layers by `weightKey` of their names inside of it.
   */
  inner(
    layer: GraphLayer,
    inputs: readonly Value[],
    weights: readonly WeightTensor[] | ReadonlyMap<string, readonly WeightTensor[]>,
    callArguments?: JsonObject,
  ): readonly Value[];
}

/** The key of a layer's weights: its name, behind the names of the models that it is nested in. */
export function weightKey(path: readonly string[]): string {
  return path.join(' > ');
}

export interface LayerEmitter {
  /** One value, or one for each output of the layer. */
  emit(call: LayerCall): Value | readonly Value[];
  /** Inputs that are int32 or bool come as they are; otherwise they are cast to float32 before. */
  readonly takesIntegers?: boolean;
  /** The keyword arguments of a call that the emitter honours; others are refused. */
  readonly callArguments?: readonly string[];
  /** What the layer does to an input of this shape, where that is one affine map along one axis. */
  affine?(source: AffineSource, shape: Shape): AxisAffine | undefined;
  /** The affine map that a layer with several inputs applies to input `index` before anything else. */
  inputAffine?(source: AffineSource, index: number, shape: Shape, axis: number): AxisAffine | undefined;
  /** Whether `call.affine` is honoured. */
  readonly foldsAffine?: boolean;
  /** Whether `call.padding` is honoured. */
  readonly foldsPadding?: boolean;
  /** Whether `call.pixels` is honoured. */
  readonly foldsPixels?: boolean;
}

/** The error for what the writer does not know. `detail` starts with a lower-case letter. */
export function unsupportedLayer(layer: GraphLayer, detail?: string): EngineError {
  const reason = detail === undefined ? '' : `: ${detail}`;
  return new EngineError(
    'ENGINE_UNSUPPORTED_LAYER',
    `The onnx engine cannot run the layer "${layer.name}" (${layer.className})${reason}.`,
    {
      given: `${layer.className} "${layer.name}"`,
      expected: 'a layer that the ONNX writer knows',
      nextStep: "Run the model with the tfjs engine (engine: 'tfjs', --engine tfjs).",
    },
  );
}

/** For layers that tfjs has, but that compute something else there which is not written. */
export function refuseInTfjs(call: LayerCall): void {
  if (call.dialect === 'tfjs') throw unsupportedLayer(call.layer, 'tfjs computes it otherwise than Keras');
}

/** The single input of a layer. */
export function inputOf(call: LayerCall): Value {
  const input = call.inputs[0];
  if (input === undefined || call.inputs.length !== 1) {
    throw unsupportedLayer(call.layer, `it has ${call.inputs.length} inputs and 1 was expected`);
  }
  return input;
}

/** The layer that a wrapper's config holds. */
export function wrappedLayer({ config, layer }: LayerCall): InnerLayer {
  const inner = innerLayer(config.layer);
  if (inner !== undefined) return inner;
  throw unsupportedLayer(layer, 'it has no layer');
}

/** A weight whose shape was checked and whose numbers are still where they were. */
export interface CheckedWeight {
  readonly shape: readonly number[];
  readonly tensor: WeightTensor;
  /** All numbers, read from the file if they lie there: for functions that make constants when their turn comes. */
  numbers(): Float32Array;
}

/**
 * One of the layer's weights, checked against the shape that its config demands (`null`: any size). Nothing is read:
 * large weights go as `tensor`, or as a function that calls `numbers()`, to `builder.weights`.
 */
export function checkedWeight(
  call: Pick<LayerCall, 'layer' | 'weights'>,
  index: number,
  role: string,
  shape: readonly (number | null)[],
): CheckedWeight {
  const tensor = call.weights[index];
  const expected = `[${shape.map((size) => size ?? 'any').join(', ')}]`;
  if (tensor === undefined) {
    throw new WeightsError('WEIGHTS_MISSING', `The layer "${call.layer.name}" has no ${role}.`, {
      given: `${call.weights.length} tensors`,
      expected: `a ${role} of shape ${expected} as number ${index + 1}`,
      nextStep: 'Load the weights of the whole model before compiling it.',
    });
  }
  const fits =
    tensor.shape.length === shape.length &&
    shape.every((size, axis) => size === null || size === tensor.shape[axis]);
  if (!fits) {
    throw new WeightsError('WEIGHTS_SHAPE', `The ${role} of the layer "${call.layer.name}" does not fit.`, {
      given: `[${tensor.shape.join(', ')}]`,
      expected,
      nextStep: 'Use the weights that were made for this model.',
    });
  }
  return {
    shape: tensor.shape,
    tensor,
    numbers: () => {
      const data = numbersOf(tensor);
      return data instanceof Float32Array ? data : Float32Array.from(data);
    },
  };
}

/** The numbers of one of the layer's weights, read at once: for small ones. */
export function weightOf(
  call: Pick<LayerCall, 'layer' | 'weights'>,
  index: number,
  role: string,
  shape: readonly (number | null)[],
): Float32Array {
  return checkedWeight(call, index, role, shape).numbers();
}
