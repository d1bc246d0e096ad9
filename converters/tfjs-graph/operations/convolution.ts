import type { NamedTensor } from '../../../src/base/types.ts';
import {
  flagAttribute,
  integersAttribute,
  numberAttribute,
  requireChannelsLast,
  textAttribute,
  textsAttribute,
  windowAttribute,
} from '../attributes.ts';
import type { GraphNode } from '../graph-def.ts';
import type { LayerDraft, Translation, Value } from '../translation.ts';
import { UnsupportedNode, windowSize } from '../translation.ts';
import { zeroPadded } from './padding.ts';

/** Activations that a fused operation may end in and that a Keras layer has as its own. */
const FUSED_ACTIVATIONS: Readonly<Record<string, string>> = {
  Relu: 'relu',
  Relu6: 'relu6',
  Elu: 'elu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
};

interface Fused {
  readonly bias: NamedTensor | undefined;
  readonly activation: string;
  readonly leakyAlpha: number | undefined;
}

function fusedPart(node: GraphNode, t: Translation): Fused {
  const list = textsAttribute(node, 'fused_ops');
  const [first, second] = list;
  const bias = first === 'BiasAdd' ? t.constant(node, 2, 'bias') : undefined;
  const after = first === 'BiasAdd' ? second : first;
  const activation = after === undefined ? 'linear' : FUSED_ACTIVATIONS[after];
  const leaky = after === 'LeakyRelu';
  if (list.length > 2 || (activation === undefined && !leaky)) {
    throw new UnsupportedNode(`it is fused with ${list.join(', ')}`);
  }
  return {
    bias,
    activation: activation ?? 'linear',
    leakyAlpha: leaky ? numberAttribute(node, 'leakyrelu_alpha', 0.2) : undefined,
  };
}

function withFused(node: GraphNode, t: Translation, layer: LayerDraft, { leakyAlpha }: Fused): Value {
  if (leakyAlpha === undefined) return { kind: 'layer', layer };
  const config = { alpha: leakyAlpha };
  const name = `${node.name}/LeakyRelu`;
  const { shape } = layer;
  return { kind: 'layer', layer: t.add({ name, className: 'LeakyReLU', config, inputs: [layer], shape }) };
}

function biasWeight(bias: NamedTensor | undefined, width: number): LayerDraft['weights'] {
  if (bias === undefined) return [];
  if (bias.data.length !== width) {
    throw new UnsupportedNode(`its bias has ${bias.data.length} numbers for ${width} channels`);
  }
  return [{ role: 'bias', tensor: { ...bias, shape: [width] } }];
}

/** Where a window's padding is explicit, a layer of zeros goes in front. */
function padded(node: GraphNode, t: Translation): { input: LayerDraft; padding: 'same' | 'valid' } {
  requireChannelsLast(node);
  const input = t.layer(node, 0);
  if (input.shape.length !== 4) throw new UnsupportedNode(`its input has ${input.shape.length} axes, not 4`);
  const padding = textAttribute(node, 'padding', 'VALID');
  if (padding === 'SAME' || padding === 'VALID') {
    return { input, padding: padding.toLowerCase() as 'same' | 'valid' };
  }
  const pads = integersAttribute(node, 'explicit_paddings');
  if (padding !== 'EXPLICIT' || pads.length !== 8) throw new UnsupportedNode(`its padding is ${padding}`);
  return { input: zeroPadded(t, `${node.name}/explicit_paddings`, input, pads), padding: 'valid' };
}

function kernelOf(
  node: GraphNode,
  t: Translation,
  channels: number | null,
): [number, number, number, number] {
  const { shape } = t.constant(node, 1, 'kernel');
  if (shape.length !== 4) throw t.damaged(`the kernel of "${node.name}" has ${shape.length} axes, not 4.`);
  if (channels !== null && shape[2] !== channels) {
    if (channels % shape[2]! === 0) throw new UnsupportedNode(`it has ${channels / shape[2]!} groups`);
    throw t.damaged(
      `the kernel of "${node.name}" is for ${shape[2]} channels, and its input has ${channels}.`,
    );
  }
  return shape as unknown as [number, number, number, number];
}

function conv2d(node: GraphNode, t: Translation): Value {
  const { input, padding } = padded(node, t);
  const [rows, columns, , filters] = kernelOf(node, t, input.shape[3]!);
  const strides = windowAttribute(node, 'strides', [1, 1]);
  const dilations = windowAttribute(node, 'dilations', [1, 1]);
  if (Math.max(...strides) > 1 && Math.max(...dilations) > 1) {
    throw new UnsupportedNode('it has both strides and dilations');
  }
  const fused = fusedPart(node, t);
  const layer = t.add({
    name: node.name,
    className: 'Conv2D',
    config: {
      filters,
      kernel_size: [rows, columns],
      strides,
      padding,
      data_format: 'channels_last',
      dilation_rate: dilations,
      activation: fused.activation,
      use_bias: fused.bias !== undefined,
    },
    inputs: [input],
    weights: [{ role: 'kernel', tensor: t.constant(node, 1, 'kernel') }, ...biasWeight(fused.bias, filters)],
    shape: [
      null,
      windowSize(input.shape[1]!, rows, strides[0], dilations[0], padding),
      windowSize(input.shape[2]!, columns, strides[1], dilations[1], padding),
      filters,
    ],
  });
  return withFused(node, t, layer, fused);
}

function depthwiseConv2d(node: GraphNode, t: Translation): Value {
  const { input, padding } = padded(node, t);
  const [rows, columns, channels, multiplier] = kernelOf(node, t, input.shape[3]!);
  const strides = windowAttribute(node, 'strides', [1, 1]);
  const dilations = windowAttribute(node, 'dilations', [1, 1]);
  // tfjs's layer reads dilation_rate and never applies it.
  if (Math.max(...dilations) > 1) throw new UnsupportedNode(`its dilations are ${dilations.join(' x ')}`);
  const fused = fusedPart(node, t);
  const layer = t.add({
    name: node.name,
    className: 'DepthwiseConv2D',
    config: {
      kernel_size: [rows, columns],
      strides,
      padding,
      data_format: 'channels_last',
      depth_multiplier: multiplier,
      activation: fused.activation,
      use_bias: fused.bias !== undefined,
    },
    inputs: [input],
    weights: [
      { role: 'depthwise_kernel', tensor: t.constant(node, 1, 'kernel') },
      ...biasWeight(fused.bias, channels * multiplier),
    ],
    shape: [
      null,
      windowSize(input.shape[1]!, rows, strides[0], 1, padding),
      windowSize(input.shape[2]!, columns, strides[1], 1, padding),
      channels * multiplier,
    ],
  });
  return withFused(node, t, layer, fused);
}

function transposed({ data, shape, ...rest }: NamedTensor): NamedTensor {
  const [rows, columns] = shape as unknown as [number, number];
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column]!;
  }
  return { ...rest, shape: [columns, rows], data: out };
}

function matMul(node: GraphNode, t: Translation): Value {
  if (flagAttribute(node, 'transpose_a')) throw new UnsupportedNode('its first input is transposed');
  const input = t.layer(node, 0);
  const given = t.constant(node, 1, 'kernel');
  if (input.shape.length !== 2) throw new UnsupportedNode(`its input has ${input.shape.length} axes, not 2`);
  if (given.shape.length !== 2)
    throw t.damaged(`the kernel of "${node.name}" has ${given.shape.length} axes.`);
  const kernel = flagAttribute(node, 'transpose_b') ? transposed(given) : given;
  const [features, units] = kernel.shape as unknown as [number, number];
  if (input.shape[1] !== null && input.shape[1] !== features) {
    throw t.damaged(`the kernel of "${node.name}" is for ${features} features, not ${input.shape[1]}.`);
  }
  const fused = fusedPart(node, t);
  const layer = t.add({
    name: node.name,
    className: 'Dense',
    config: { units, activation: fused.activation, use_bias: fused.bias !== undefined },
    inputs: [input],
    weights: [{ role: 'kernel', tensor: kernel }, ...biasWeight(fused.bias, units)],
    shape: [null, units],
  });
  return withFused(node, t, layer, fused);
}

export const convolutionOperations = {
  Conv2D: conv2d,
  _FusedConv2D: conv2d,
  DepthwiseConv2dNative: depthwiseConv2d,
  FusedDepthwiseConv2dNative: depthwiseConv2d,
  MatMul: matMul,
  _FusedMatMul: matMul,
} as const;
