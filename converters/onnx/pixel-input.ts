import type { AxisAffine } from './affine.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { Shape, Value } from './value.ts';
import { channelsFirstValue } from './value.ts';

/** How the 8-bit RGB of a picture becomes what a network was trained on: `y[c] = scale[c] * x[channels[c]] + shift[c]`. */
export interface PixelInput {
  /** For each of the network's channels the one of RGB that it comes from: `[0, 1, 2]`, or `[2, 1, 0]` for BGR. */
  readonly channels: readonly [number, number, number];
  readonly scale: readonly [number, number, number];
  readonly shift: readonly [number, number, number];
}

/** What a convolution does to its pixels before anything else, within its own kernel and bias. */
export interface FoldedPixels extends PixelInput {
  /** Whether `shift` is left to the convolution: where no zeros stand around the picture. */
  readonly foldsShift: boolean;
}

/**
 * An input of uint8 pixels `[batch, height, width, 3]` as float32 with its channels first, still RGB and 0 to 255. The
 * bytes are turned before they become four times as many.
 */
export function pixelValue(builder: GraphBuilder, input: string, shape: Shape): Value {
  builder.scope = 'pixels';
  const turned = builder.transpose(input, [0, 3, 1, 2]);
  return channelsFirstValue(builder.cast(turned, 'float32'), shape);
}

/** The pixels in the network's order of channels. */
export function orderedPixels(builder: GraphBuilder, value: Value, { channels }: PixelInput): Value {
  if (channels.every((from, channel) => from === channel)) return value;
  builder.scope = 'pixels';
  const indices = builder.integers(channels);
  const ordered = builder.node('Gather', [builder.channelsFirst(value), indices], { axis: { i: 1 } });
  return channelsFirstValue(ordered, value.shape);
}

export function pixelAffine({ scale, shift }: PixelInput): AxisAffine {
  return { axis: 3, scale: Float64Array.from(scale), shift: Float64Array.from(shift) };
}

/** What is left to add to the pixels, in RGB, before a convolution that scales them: `y = scale * (x + shift / scale)`. */
export function remainingShift({ channels, scale, shift }: PixelInput): AxisAffine {
  const remaining = new Float64Array(3);
  channels.forEach((from, channel) => (remaining[from] = shift[channel]! / scale[channel]!));
  return { axis: 3, scale: new Float64Array(3).fill(1), shift: remaining };
}

/**
 * A kernel `[...window, 3, filters]` for the network's channels as one for pixels, and what the shift adds to each of its
 * outputs.
 */
export function kernelForPixels(
  kernel: Float32Array,
  filters: number,
  { channels, scale, shift, foldsShift }: FoldedPixels,
): { kernel: Float32Array; added: Float64Array } {
  const forPixels = new Float32Array(kernel.length);
  const added = new Float64Array(filters);
  const step = 3 * filters;
  for (let position = 0; position < kernel.length; position += step) {
    channels.forEach((from, channel) => {
      for (let filter = 0; filter < filters; filter++) {
        const value = kernel[position + channel * filters + filter]!;
        forPixels[position + from * filters + filter] = value * scale[channel]!;
        if (foldsShift) added[filter]! += value * shift[channel]!;
      }
    });
  }
  return { kernel: forPixels, added };
}
