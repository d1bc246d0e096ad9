import type { PaddingMode } from './config.ts';
import { isChannelsFirst } from './config.ts';
import type { LayerCall, Padding } from './emitter.ts';
import { unsupportedLayer } from './emitter.ts';
import type { Attribute } from './protobuf.ts';
import type { Value } from './value.ts';
import { channelsFirstValue, plainValue } from './value.ts';

type Size = number | null;

/** A feature map of one, two or three axes as `[batch, channels, ...sizes]`, whatever `data_format` the layer has. */
export interface FeatureMap {
  readonly name: string;
  readonly batch: Size;
  readonly channels: Size;
  /** Steps, or rows and columns, or depth, rows and columns. */
  readonly sizes: readonly Size[];
}

/** How many axes between batch and channels the layer works on, by the end of its class's name. */
export function spatialAxes(call: LayerCall): number {
  const digit = /([123])D(?:Transpose|KeepDims)?$/.exec(call.layer.className)?.[1];
  if (digit !== undefined) return Number(digit);
  throw unsupportedLayer(call.layer, 'its class does not tell the number of its axes');
}

export function featureMapOf(call: LayerCall, value: Value, axes = spatialAxes(call)): FeatureMap {
  const { shape } = value;
  if (shape.length !== axes + 2) {
    throw unsupportedLayer(call.layer, `its input has ${shape.length} axes and ${axes + 2} were expected`);
  }
  const batch = shape[0] ?? null;
  if (isChannelsFirst(call.config)) {
    return {
      name: call.builder.plain(value),
      batch,
      channels: shape[1] ?? null,
      sizes: shape.slice(2),
    };
  }
  return {
    name: call.builder.channelsFirst(value),
    batch,
    channels: shape.at(-1) ?? null,
    sizes: shape.slice(1, -1),
  };
}

/** The way back: a map in the order that the layer's `data_format` states. */
export function featureMapValue(call: LayerCall, map: FeatureMap): Value {
  const { name, batch, channels, sizes } = map;
  if (isChannelsFirst(call.config)) return plainValue(name, [batch, channels, ...sizes]);
  return channelsFirstValue(name, [batch, ...sizes, channels]);
}

/** The channels' number, which every layer with weights needs to know. */
export function knownChannels(call: LayerCall, map: FeatureMap): number {
  if (map.channels !== null) return map.channels;
  throw unsupportedLayer(call.layer, 'the number of its input channels is not known');
}

/** One number for each axis of the map. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: PaddingMode;
  readonly zeroPadding?: Padding;
}

/** Padding attributes and output sizes of a sliding window, padded as TensorFlow does it. */
export function slide(
  map: Pick<FeatureMap, 'sizes'>,
  window: Window,
): { attributes: Record<string, Attribute>; sizes: readonly Size[] } {
  const { kernel, strides, dilations, padding, zeroPadding } = window;
  const axes = map.sizes.map((size, axis) =>
    slideAxis(
      size,
      (kernel[axis] as number) * (dilations[axis] as number) - (dilations[axis] as number) + 1,
      strides[axis] as number,
      padding,
      zeroPadding?.[axis] ?? [0, 0],
    ),
  );
  const sizes = axes.map(({ size }) => size);
  const pads = axes.map((axis) => axis.pads).filter((pair) => pair !== undefined);
  if (pads.length < axes.length) return { attributes: { auto_pad: { s: 'SAME_UPPER' } }, sizes };
  if (pads.every(([before, behind]) => before === 0 && behind === 0)) return { attributes: {}, sizes };
  return { attributes: { pads: { ints: inOnnxOrder(pads) } }, sizes };
}

/** ONNX lists what stands before on all axes, then what stands behind. */
export function inOnnxOrder(pads: Padding): number[] {
  return [...pads.map(([before]) => before), ...pads.map(([, behind]) => behind)];
}

/** `extent` is the kernel's, with its gaps. `pads` is undefined when only the run time can know it. */
function slideAxis(
  size: Size,
  extent: number,
  stride: number,
  padding: PaddingMode,
  extra: readonly [number, number],
): { size: Size; pads?: readonly [number, number] } {
  if (padding !== 'same') {
    const pads = padding === 'causal' ? ([extent - 1, 0] as const) : extra;
    const padded = size === null ? null : size + pads[0] + pads[1];
    return { size: padded === null ? null : Math.floor((padded - extent) / stride) + 1, pads };
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
