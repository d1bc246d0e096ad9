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

export function pixelAffine({ scale, shift }: PixelInput): AxisAffine {
  return { axis: 3, scale: Float64Array.from(scale), shift: Float64Array.from(shift) };
}

/**
 * An input of uint8 pixels `[batch, height, width, 3]` as float32 with its channels first and in the network's order,
 * still 0 to 255. The bytes are turned and reordered before they become four times as many.
 */
export function pixelValue(
  builder: GraphBuilder,
  input: string,
  shape: Shape,
  { channels }: PixelInput,
): Value {
  builder.scope = 'pixels';
  const turned = builder.transpose(input, [0, 3, 1, 2]);
  const ordered = channels.every((from, channel) => from === channel)
    ? turned
    : builder.node('Gather', [turned, builder.integers(channels)], { axis: { i: 1 } });
  return channelsFirstValue(builder.cast(ordered, 'float32'), shape);
}
