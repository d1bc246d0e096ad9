import { FormatError } from '../../src/base/errors.ts';
import type { NamedTensor } from '../../src/base/types.ts';

/** Integers with one scale for each output channel: `value = integer * scale`. */
export interface ChannelScaled {
  /** -127 to 127, in the tensor's order. */
  readonly integers: Int8Array;
  readonly scales: Float32Array;
  /** Of the tensor's rank, 1 along every axis that has no scales of its own: it broadcasts against the tensor. */
  readonly scaleShape: readonly number[];
}

const MOST = 127;
/** Shares of a channel's largest value at which the integers may saturate, tried in turn. */
const CLIPS = Array.from({ length: 41 }, (_, step) => 1 - step / 100);

/** Axes that belong to one output channel: the last; of depthwise kernels `[rows, columns, channels, multiplier]` both last. */
function scaleShapeOf({ name, shape }: NamedTensor): number[] {
  const depthwise = shape.length === 4 && /(^|\/)depthwise_kernel$/.test(name);
  const first = depthwise ? 2 : shape.length - 1;
  return shape.map((side, axis) => (axis >= first ? side : 1));
}

/** How a scale's shape lies in a tensor's: `channels` scales, each for runs of `inner` numbers. */
function layoutOf(
  shape: readonly number[],
  scaleShape: readonly number[],
): { channels: number; inner: number } | undefined {
  if (scaleShape.length !== shape.length) return undefined;
  const own = shape.map((side, axis) => scaleShape[axis] === side && side !== 1);
  const first = own.indexOf(true);
  const last = own.lastIndexOf(true);
  const legal = scaleShape.every(
    (side, axis) => side === (axis >= first && axis <= last && first >= 0 ? shape[axis] : 1),
  );
  if (!legal) return undefined;
  const channels = first < 0 ? 1 : shape.slice(first, last + 1).reduce((product, side) => product * side, 1);
  const inner = shape.slice(first < 0 ? 0 : last + 1).reduce((product, side) => product * side, 1);
  return { channels, inner };
}

/**
 * Quantises a kernel to 8 bits, symmetrically, one scale for each output channel. The scale is the one, among those
 * that saturate at 60 to 100 % of the channel's largest value, that leaves the smallest squared error.
 */
export function quantizeChannels(tensor: NamedTensor): ChannelScaled {
  const { data, shape } = tensor;
  const scaleShape = scaleShapeOf(tensor);
  const { channels, inner } = layoutOf(shape, scaleShape)!;
  const integers = new Int8Array(data.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const places = placesOf(channel, channels, inner, data.length);
    const values = Float32Array.from(places, (at) => data[at]!);
    const scale = bestScale(values);
    scales[channel] = scale;
    places.forEach((at, i) => (integers[at] = toInteger(values[i]!, scale)));
  }
  return { integers, scales, scaleShape };
}

function placesOf(channel: number, channels: number, inner: number, length: number): Uint32Array {
  const places: number[] = [];
  for (let start = channel * inner; start < length; start += channels * inner) {
    for (let i = 0; i < inner; i++) places.push(start + i);
  }
  return Uint32Array.from(places);
}

function toInteger(value: number, scale: number): number {
  if (scale === 0) return 0;
  return Math.max(-MOST, Math.min(MOST, Math.round(value / scale)));
}

function bestScale(values: Float32Array): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return 0;
  let best = 0;
  let least = Infinity;
  for (const clip of CLIPS) {
    const scale = Math.fround((largest * clip) / MOST);
    const error = values.reduce((sum, value) => sum + (value - toInteger(value, scale) * scale) ** 2, 0);
    if (error < least) [best, least] = [scale, error];
  }
  return best;
}

/**
 * The tensor of integers and scales, in float32.
 *
 * @throws FormatError `FORMAT_DAMAGED` when the scales do not fit the tensor
 */
export function dequantizeChannels(
  integers: Int8Array,
  shape: readonly number[],
  scales: Float32Array,
  scaleShape: readonly number[],
  what: string,
): Float32Array {
  const layout = layoutOf(shape, scaleShape);
  if (layout === undefined) {
    throw new FormatError('FORMAT_DAMAGED', `The scales of ${what} do not fit it.`, {
      given: `scales of shape [${scaleShape.join(', ')}] for [${shape.join(', ')}]`,
      expected: 'one scale for each channel',
      nextStep: 'Fetch or save the file again; it seems cut off or altered.',
    });
  }
  const { channels, inner } = layout;
  const values = new Float32Array(integers.length);
  for (let at = 0; at < values.length;) {
    for (let channel = 0; channel < channels; channel++) {
      const scale = scales[channel]!;
      for (let i = 0; i < inner; i++, at++) values[at] = integers[at]! * scale;
    }
  }
  return values;
}
