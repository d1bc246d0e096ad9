import type { Affine, AffineSource } from './emitter.ts';
import { unsupportedLayer, weightOf } from './emitter.ts';
import { batchNormAxis, batchNormWeights } from './batch-norm.ts';
import { flagOf, numberOf } from './config.ts';
import type { JsonValue } from '../../src/base/types.ts';
import type { GraphLayer } from '../graph.ts';
import type { Shape } from './value.ts';

/** An affine map along one axis, counted from the front. */
export interface AxisAffine extends Affine {
  readonly axis: number;
}

/** What a config alone asks for is refused before memory is taken where no model needs it. */
function checkLength(layer: GraphLayer, length: number): void {
  if (length <= 2 ** 24) return;
  throw unsupportedLayer(layer, `it scales ${length} elements one by one`);
}

/** What `second` makes of what `first` gives out; both are along one axis and have as many numbers. */
export function compose(first: AxisAffine, second: AxisAffine): AxisAffine {
  const scale = first.scale.map((value, index) => value * (second.scale[index] as number));
  const shift = first.shift.map(
    (value, index) => value * (second.scale[index] as number) + (second.shift[index] as number),
  );
  return { axis: first.axis, scale, shift };
}

/** Whether one can be composed with the other. */
export function sameChannels(first: AxisAffine, second: AxisAffine | undefined): second is AxisAffine {
  return second !== undefined && first.axis === second.axis && first.scale.length === second.scale.length;
}

export function batchNormAffine(source: AffineSource, shape: Shape): AxisAffine {
  const axis = batchNormAxis(source.layer, shape.length);
  return { axis, ...batchNormWeights(source, shape[axis] ?? null) };
}

/** `scale` and `offset` are numbers, or lists with one number for each channel. */
export function rescalingAffine(source: AffineSource, shape: Shape): AxisAffine {
  const { config, layer } = source;
  const lists = [config.scale, config.offset].filter(Array.isArray);
  const length = lists.find((list) => list.length !== 1)?.length ?? shape.at(-1) ?? 1;
  checkLength(layer, length);
  const constant = (key: string, otherwise: number): Float64Array => {
    const value = config[key] ?? otherwise;
    const list = Array.isArray(value) ? value : [value];
    if (!list.every((item) => typeof item === 'number') || (list.length !== 1 && list.length !== length)) {
      throw unsupportedLayer(layer, `its ${key} is ${JSON.stringify(value)}`);
    }
    return Float64Array.from({ length }, (_, index) => list[index % list.length] as number);
  };
  return { axis: shape.length - 1, scale: constant('scale', 1), shift: constant('offset', 0) };
}

export function layerScaleAffine(source: AffineSource, shape: Shape): AxisAffine {
  const gamma = weightOf(source, 0, 'gamma', [shape.at(-1) ?? null]);
  return { axis: shape.length - 1, scale: Float64Array.from(gamma), shift: new Float64Array(gamma.length) };
}

/** Keras's `backend.epsilon()`, in float32 as Keras compares it. */
const EPSILON = Math.fround(1e-7);

/** Numbers nested in lists, in order. */
function flattened(value: JsonValue): JsonValue[] {
  return Array.isArray(value) ? value.flatMap(flattened) : [value];
}

function normalizationAxes({ config }: AffineSource, shape: Shape): JsonValue[] {
  const given = config.axis === undefined ? -1 : (config.axis ?? []);
  return (Array.isArray(given) ? given : [given])
    .map((axis) => (typeof axis === 'number' && axis < 0 ? axis + shape.length : axis))
    .sort((a, b) => Number(a) - Number(b));
}

/** Mean and variance of a Normalization with one value for each element of its kept axes, and those axes. */
export function normalizationConstants(
  source: AffineSource,
  shape: Shape,
): { axes: readonly number[]; sizes: readonly number[]; affine: Affine } {
  const { config, layer } = source;
  const axes = normalizationAxes(source, shape);
  const known = axes.filter(
    (axis) => typeof axis === 'number' && axis > 0 && axis < shape.length,
  ) as number[];
  const sizes = known.map((axis) => shape[axis] ?? null).filter((size) => size !== null);
  if (known.length !== axes.length || sizes.length !== axes.length) {
    throw unsupportedLayer(layer, `its axis is ${JSON.stringify(config.axis)} of [${shape.join(', ')}]`);
  }
  const length = sizes.reduce((product, size) => product * size, 1);
  checkLength(layer, length);
  const constants = (value: JsonValue | undefined, index: number, role: string): Float32Array => {
    if (value == null) return weightOf(source, index, role, sizes);
    const list = flattened(value);
    if (!list.every((item) => typeof item === 'number') || length % list.length !== 0) {
      throw unsupportedLayer(layer, `its ${role} is ${JSON.stringify(value)}`);
    }
    // Fewer axes than are kept belong to the last ones: the values repeat.
    return Float32Array.from({ length }, (_, position) => list[position % list.length] as number);
  };
  const mean = constants(config.mean, 0, 'mean');
  const variance = constants(config.variance, 1, 'variance');
  const deviation = Float64Array.from(variance, (value) => Math.max(Math.sqrt(value), EPSILON));
  const invert = flagOf(config, 'invert', false);
  const scale = invert ? deviation : deviation.map((value) => 1 / value);
  const shift = scale.map((value, index) => (invert ? 1 : -value) * (mean[index] as number));
  return { axes: known, sizes, affine: { scale, shift } };
}

/** Undefined where a Normalization has several axes, or none, or one of unknown size. */
export function normalizationAffine(source: AffineSource, shape: Shape): AxisAffine | undefined {
  const [axis, ...more] = normalizationAxes(source, shape);
  if (typeof axis !== 'number' || more.length > 0 || shape[axis] == null) return undefined;
  return { axis, ...normalizationConstants(source, shape).affine };
}

/** What a CustomScaleLayer does to its second input. */
export function customScaleAffine(source: AffineSource, shape: Shape, axis: number): AxisAffine | undefined {
  const channels = shape[axis] ?? null;
  if (channels === null) return undefined;
  checkLength(source.layer, channels);
  const scale = new Float64Array(channels).fill(numberOf(source.config, 'scale', 1));
  return { axis, scale, shift: new Float64Array(channels) };
}
