import { isChannelsFirst } from './config.ts';
import type { LayerCall, Padding2D } from './emitter.ts';
import { unsupportedLayer } from './emitter.ts';
import type { Attribute } from './protobuf.ts';
import type { Value } from './value.ts';
import { channelsFirstValue, plainValue } from './value.ts';

type Size = number | null;

/** A feature map as NCHW, whatever `data_format` the layer has. */
export interface FeatureMap {
  readonly name: string;
  readonly batch: Size;
  readonly channels: Size;
  readonly rows: Size;
  readonly columns: Size;
}

export function featureMapOf(call: LayerCall, value: Value): FeatureMap {
  if (value.shape.length !== 4) {
    throw unsupportedLayer(call.layer, `its input has ${value.shape.length} axes and 4 were expected`);
  }
  const [batch, second, third, fourth] = value.shape as [Size, Size, Size, Size];
  if (isChannelsFirst(call.config)) {
    return { name: call.builder.plain(value), batch, channels: second, rows: third, columns: fourth };
  }
  return { name: call.builder.channelsFirst(value), batch, rows: second, columns: third, channels: fourth };
}

/** The way back: an NCHW value in the order that the layer's `data_format` states. */
export function featureMapValue(call: LayerCall, map: FeatureMap): Value {
  const { name, batch, channels, rows, columns } = map;
  if (isChannelsFirst(call.config)) return plainValue(name, [batch, channels, rows, columns]);
  return channelsFirstValue(name, [batch, rows, columns, channels]);
}

/** The channels' number, which every layer with weights needs to know. */
export function knownChannels(call: LayerCall, map: FeatureMap): number {
  if (map.channels !== null) return map.channels;
  throw unsupportedLayer(call.layer, 'the number of its input channels is not known');
}

export interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly padding: 'same' | 'valid';
  readonly zeroPadding?: Padding2D;
}

/** Padding attributes and output size of a sliding window, padded as TensorFlow does it. */
export function slide(
  map: FeatureMap,
  window: Window,
): { attributes: Record<string, Attribute>; rows: Size; columns: Size } {
  const { kernel, strides, dilations, padding, zeroPadding } = window;
  const extra = zeroPadding ?? { top: 0, bottom: 0, left: 0, right: 0 };
  const vertical = slideAxis(map.rows, kernel[0], strides[0], dilations[0], padding, [
    extra.top,
    extra.bottom,
  ]);
  const horizontal = slideAxis(map.columns, kernel[1], strides[1], dilations[1], padding, [
    extra.left,
    extra.right,
  ]);
  const sizes = { rows: vertical.size, columns: horizontal.size };
  if (vertical.pads === undefined || horizontal.pads === undefined) {
    return { attributes: { auto_pad: { s: 'SAME_UPPER' } }, ...sizes };
  }
  const pads = [vertical.pads[0], horizontal.pads[0], vertical.pads[1], horizontal.pads[1]];
  return { attributes: pads.some((pad) => pad > 0) ? { pads: { ints: pads } } : {}, ...sizes };
}

/** `pads` is undefined when only the run time can know it. */
function slideAxis(
  size: Size,
  kernel: number,
  stride: number,
  dilation: number,
  padding: 'same' | 'valid',
  extra: [number, number],
): { size: Size; pads?: [number, number] } {
  const extent = (kernel - 1) * dilation + 1;
  if (padding === 'valid') {
    const padded = size === null ? null : size + extra[0] + extra[1];
    return { size: padded === null ? null : Math.floor((padded - extent) / stride) + 1, pads: extra };
  }
  const output = size === null ? null : Math.ceil(size / stride);
  let total: number;
  if (stride === 1) total = extent - 1;
  else if (size === null || output === null) return { size: null };
  else total = Math.max((output - 1) * stride + extent - size, 0);
  // TensorFlow puts the odd row or column behind.
  const before = Math.floor(total / 2);
  return { size: output, pads: [before, total - before] };
}
