import { activate } from '../activations.ts';
import { flagOf, numberOf, paddingOf, pairOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf, unsupportedLayer, weightOf } from '../emitter.ts';
import { depthwiseFirst, foldedBias, inputFirst, outputFirst } from '../kernels.ts';
import type { Attribute } from '../protobuf.ts';
import type { FeatureMap, Window } from '../spatial.ts';
import { featureMapOf, featureMapValue, knownChannels, slide } from '../spatial.ts';
import type { Value } from '../value.ts';

function windowOf(call: LayerCall, dilations: readonly [number, number]): Window {
  return {
    kernel: pairOf(call, 'kernel_size'),
    strides: pairOf(call, 'strides', [1, 1]),
    dilations,
    padding: paddingOf(call),
    zeroPadding: call.padding,
  };
}

function windowAttributes({ kernel, strides, dilations }: Window, group: number): Record<string, Attribute> {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    dilations: { ints: dilations },
    group: { i: group },
  };
}

/** Names of the kernel and bias constants: their own for this call when a BatchNormalization is folded in. */
function constantKey(call: LayerCall, role: string): string {
  return call.affine === undefined ? `${call.weightKey}:${role}` : `${call.builder.scope}:${role}:folded`;
}

function biasInput(call: LayerCall, index: number, filters: number): string[] {
  const own = flagOf(call.config, 'use_bias', true) ? weightOf(call, index, 'bias', [filters]) : undefined;
  if (own === undefined && call.affine === undefined) return [];
  const key = constantKey(call, 'bias');
  return [
    call.builder.weights(key, [filters], () => foldedBias(own, call.affine) ?? new Float32Array(filters)),
  ];
}

function convolved(call: LayerCall, name: string, channels: number, map: FeatureMap): Value {
  const value = featureMapValue(call, { ...map, name, channels });
  return activate(call, value, call.config.activation);
}

function conv2d(call: LayerCall): Value {
  const map = featureMapOf(call, inputOf(call));
  const group = numberOf(call.config, 'groups', 1);
  const window = windowOf(call, pairOf(call, 'dilation_rate', [1, 1]));
  const filters = numberOf(call.config, 'filters', 0);
  const shape = [...window.kernel, knownChannels(call, map) / group, filters];
  const kernel = weightOf(call, 0, 'kernel', shape);
  const dims = [filters, shape[2] as number, ...window.kernel];
  const weights = call.builder.weights(constantKey(call, 'kernel'), dims, () =>
    outputFirst(kernel, shape, call.affine),
  );
  const { attributes, rows, columns } = slide(map, window);
  const inputs = [map.name, weights, ...biasInput(call, 1, filters)];
  const name = call.builder.node('Conv', inputs, { ...windowAttributes(window, group), ...attributes });
  return convolved(call, name, filters, { ...map, rows, columns });
}

/** The depthwise convolution itself, without bias. */
function depthwise(call: LayerCall, window: Window, bias: (channels: number) => string[]): FeatureMap {
  const map = featureMapOf(call, inputOf(call));
  const channels = knownChannels(call, map);
  const kernel = weightOf(call, 0, 'depthwise kernel', [...window.kernel, channels, null]);
  // tfjs leaves depth_multiplier out of a SeparableConv2D's config.
  const multiplier = kernel.length / (window.kernel[0] * window.kernel[1] * channels);
  const shape = [...window.kernel, channels, multiplier];
  const filters = channels * multiplier;
  // In a SeparableConv2D the BatchNormalization goes into the pointwise half.
  const affine = call.layer.className === 'SeparableConv2D' ? undefined : call.affine;
  const key = affine === undefined ? `${call.weightKey}:depthwise_kernel` : constantKey(call, 'kernel');
  const weights = call.builder.weights(key, [filters, 1, ...window.kernel], () =>
    depthwiseFirst(kernel, shape, affine),
  );
  const { attributes, rows, columns } = slide(map, window);
  const name = call.builder.node('Conv', [map.name, weights, ...bias(filters)], {
    ...windowAttributes(window, channels),
    ...attributes,
  });
  return { ...map, name, channels: filters, rows, columns };
}

function depthwiseConv2d(call: LayerCall): Value {
  // tfjs's layer reads dilation_rate and never applies it.
  const dilations = call.dialect === 'tfjs' ? ([1, 1] as const) : pairOf(call, 'dilation_rate', [1, 1]);
  const map = depthwise(call, windowOf(call, dilations), (filters) => biasInput(call, 1, filters));
  return convolved(call, map.name, map.channels as number, map);
}

function separableConv2d(call: LayerCall): Value {
  const map = depthwise(call, windowOf(call, pairOf(call, 'dilation_rate', [1, 1])), () => []);
  const filters = numberOf(call.config, 'filters', 0);
  const shape = [1, 1, map.channels as number, filters];
  const kernel = weightOf(call, 1, 'pointwise kernel', shape);
  const weights = call.builder.weights(
    constantKey(call, 'pointwise_kernel'),
    [filters, shape[2] as number, 1, 1],
    () => outputFirst(kernel, shape, call.affine),
  );
  const inputs = [map.name, weights, ...biasInput(call, 2, filters)];
  return convolved(call, call.builder.node('Conv', inputs), filters, map);
}

/** A transposed convolution is the gradient of a padded one; its output has the size that one's input had. */
function transposeAxis(
  size: number | null,
  kernel: number,
  stride: number,
  dilation: number,
  padding: 'same' | 'valid',
): { size: number | null; pads: [number, number]; outputPadding: number } {
  const extent = (kernel - 1) * dilation + 1;
  const excess = Math.max(extent - stride, 0);
  const outputPadding = Math.max(stride - extent, 0);
  if (padding === 'valid') {
    return { size: size === null ? null : size * stride + excess, pads: [0, 0], outputPadding };
  }
  const before = Math.floor(excess / 2);
  return { size: size === null ? null : size * stride, pads: [before, excess - before], outputPadding };
}

function conv2dTranspose(call: LayerCall): Value {
  const map = featureMapOf(call, inputOf(call));
  if (call.config.output_padding != null) {
    throw unsupportedLayer(call.layer, 'it has an output_padding');
  }
  const dilations = call.dialect === 'tfjs' ? ([1, 1] as const) : pairOf(call, 'dilation_rate', [1, 1]);
  const window = windowOf(call, dilations);
  const { kernel, strides, padding } = window;
  const filters = numberOf(call.config, 'filters', 0);
  const channels = knownChannels(call, map);
  const shape = [...kernel, filters, channels];
  const weight = weightOf(call, 0, 'kernel', shape);
  const weights = call.builder.weights(constantKey(call, 'kernel'), [channels, filters, ...kernel], () =>
    inputFirst(weight, shape, call.affine),
  );
  const vertical = transposeAxis(map.rows, kernel[0], strides[0], dilations[0], padding);
  const horizontal = transposeAxis(map.columns, kernel[1], strides[1], dilations[1], padding);
  const inputs = [map.name, weights, ...biasInput(call, 1, filters)];
  const name = call.builder.node('ConvTranspose', inputs, {
    ...windowAttributes(window, 1),
    pads: { ints: [vertical.pads[0], horizontal.pads[0], vertical.pads[1], horizontal.pads[1]] },
    output_padding: { ints: [vertical.outputPadding, horizontal.outputPadding] },
  });
  return convolved(call, name, filters, { ...map, rows: vertical.size, columns: horizontal.size });
}

export const convolutionEmitters: Readonly<Record<string, LayerEmitter>> = {
  Conv2D: { emit: conv2d, foldsAffine: true, foldsPadding: true },
  GroupedConv2D: { emit: conv2d, foldsAffine: true, foldsPadding: true },
  DepthwiseConv2D: { emit: depthwiseConv2d, foldsAffine: true, foldsPadding: true },
  SeparableConv2D: { emit: separableConv2d, foldsAffine: true, foldsPadding: true },
  Conv2DTranspose: { emit: conv2dTranspose, foldsAffine: true },
};
