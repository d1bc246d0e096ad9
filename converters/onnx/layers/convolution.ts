import { activate } from '../activations.ts';
import { countOf, flagOf, paddingOf, tupleOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { checkedWeight, inputOf, weightOf } from '../emitter.ts';
import { depthwiseFirst, foldedBias, outputFirst } from '../kernels.ts';
import { kernelForPixels } from '../pixel-input.ts';
import type { Attribute } from '../protobuf.ts';
import type { FeatureMap, Window } from '../spatial.ts';
import { featureMapOf, featureMapValue, knownChannels, slide, spatialAxes } from '../spatial.ts';
import type { Value } from '../value.ts';

export function windowOf(call: LayerCall, dilations: number | readonly number[]): Window {
  const axes = spatialAxes(call);
  return {
    kernel: tupleOf(call, 'kernel_size', axes),
    strides: tupleOf(call, 'strides', axes, 1),
    dilations: typeof dilations === 'number' ? Array.from({ length: axes }, () => dilations) : dilations,
    padding: paddingOf(call, axes === 1),
    zeroPadding: call.padding,
  };
}

export function dilationsOf(call: LayerCall): number[] {
  return tupleOf(call, 'dilation_rate', spatialAxes(call), 1);
}

export function windowAttributes(
  { kernel, strides, dilations }: Window,
  group: number,
): Record<string, Attribute> {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    dilations: { ints: dilations },
    group: { i: group },
  };
}

/** Names of the kernel and bias constants: their own for this call when a BatchNormalization is folded in. */
export function constantKey(call: LayerCall, role: string): string {
  return call.affine === undefined && call.pixels === undefined
    ? `${call.weightKey}:${role}`
    : `${call.builder.scope}:${role}:folded`;
}

/** `added` is for each filter what comes on top of its bias. */
export function biasInput(call: LayerCall, index: number, filters: number, added?: Float64Array): string[] {
  const given = flagOf(call.config, 'use_bias', true) ? weightOf(call, index, 'bias', [filters]) : undefined;
  const own =
    added === undefined ? given : Float32Array.from(added, (value, filter) => value + (given?.[filter] ?? 0));
  if (own === undefined && call.affine === undefined) return [];
  const key = constantKey(call, 'bias');
  return [
    call.builder.weights(key, [filters], () => foldedBias(own, call.affine) ?? new Float32Array(filters)),
  ];
}

export function convolved(call: LayerCall, name: string, channels: number, map: FeatureMap): Value {
  const value = featureMapValue(call, { ...map, name, channels });
  return activate(call, value, call.config.activation);
}

function convolution(call: LayerCall): Value {
  const map = featureMapOf(call, inputOf(call));
  const group = countOf(call, 'groups', 1);
  const window = windowOf(call, dilationsOf(call));
  const filters = countOf(call, 'filters');
  const shape = [...window.kernel, knownChannels(call, map) / group, filters];
  const kernel = checkedWeight(call, 0, 'kernel', shape);
  const dims = [filters, shape.at(-2) as number, ...window.kernel];
  const { pixels } = call;
  const forPixels = pixels === undefined ? undefined : kernelForPixels(kernel.numbers(), filters, pixels);
  const weights = call.builder.weights(constantKey(call, 'kernel'), dims, () =>
    outputFirst(forPixels?.kernel ?? kernel.numbers(), shape, call.affine),
  );
  const { attributes, sizes } = slide(map, window);
  const inputs = [map.name, weights, ...biasInput(call, 1, filters, forPixels?.added)];
  const name = call.builder.node('Conv', inputs, { ...windowAttributes(window, group), ...attributes });
  return convolved(call, name, filters, { ...map, sizes });
}

/** The depthwise convolution itself; `separable` is the first half of a separable one. */
function depthwiseMap(call: LayerCall, window: Window, separable: boolean): FeatureMap {
  const map = featureMapOf(call, inputOf(call));
  const channels = knownChannels(call, map);
  const kernel = checkedWeight(call, 0, 'depthwise kernel', [...window.kernel, channels, null]);
  // tfjs leaves depth_multiplier out of a SeparableConv2D's config.
  const filters = channels * (kernel.shape.at(-1) as number);
  // In a separable convolution the BatchNormalization goes into the pointwise half.
  const affine = separable ? undefined : call.affine;
  const key = affine === undefined ? `${call.weightKey}:depthwise_kernel` : constantKey(call, 'kernel');
  const weights = call.builder.weights(key, [filters, 1, ...window.kernel], () =>
    depthwiseFirst(kernel.numbers(), kernel.shape, affine),
  );
  const { attributes, sizes } = slide(map, window);
  const bias = separable ? [] : biasInput(call, 1, filters);
  const name = call.builder.node('Conv', [map.name, weights, ...bias], {
    ...windowAttributes(window, channels),
    ...attributes,
  });
  return { ...map, name, channels: filters, sizes };
}

function depthwise(call: LayerCall): Value {
  // tfjs's layer reads dilation_rate and never applies it.
  const window = windowOf(call, call.dialect === 'tfjs' ? 1 : dilationsOf(call));
  const map = depthwiseMap(call, window, false);
  return convolved(call, map.name, map.channels as number, map);
}

function separable(call: LayerCall): Value {
  const map = depthwiseMap(call, windowOf(call, dilationsOf(call)), true);
  const filters = countOf(call, 'filters');
  const ones = map.sizes.map(() => 1);
  const shape = [...ones, map.channels as number, filters];
  const kernel = checkedWeight(call, 1, 'pointwise kernel', shape);
  const weights = call.builder.weights(
    constantKey(call, 'pointwise_kernel'),
    [filters, map.channels as number, ...ones],
    () => outputFirst(kernel.numbers(), shape, call.affine),
  );
  const inputs = [map.name, weights, ...biasInput(call, 2, filters)];
  return convolved(call, call.builder.node('Conv', inputs), filters, map);
}

const folding = { foldsAffine: true, foldsPadding: true } as const;

export const convolutionEmitters: Readonly<Record<string, LayerEmitter>> = {
  Conv1D: { emit: convolution, ...folding },
  Conv2D: { emit: convolution, ...folding, foldsPixels: true },
  Conv3D: { emit: convolution, ...folding },
  GroupedConv1D: { emit: convolution, ...folding },
  GroupedConv2D: { emit: convolution, ...folding },
  GroupedConv3D: { emit: convolution, ...folding },
  DepthwiseConv1D: { emit: depthwise, ...folding },
  DepthwiseConv2D: { emit: depthwise, ...folding },
  SeparableConv1D: { emit: separable, ...folding },
  SeparableConv2D: { emit: separable, ...folding },
};
