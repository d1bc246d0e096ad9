import type { NamedTensor } from '../../../src/base/types.ts';
import { flagAttribute, numberAttribute, requireChannelsLast } from '../attributes.ts';
import type { GraphNode } from '../graph-def.ts';
import type { Affine, LayerDraft, Translation, Value } from '../translation.ts';
import { UnsupportedNode, vector } from '../translation.ts';
import { merged } from './merge.ts';

const BEARING = new Set(['Conv2D', 'DepthwiseConv2D', 'Dense']);

/** One number, or one for each channel of `input`. */
function numbersOf(tensor: NamedTensor, input: LayerDraft): number[] {
  const channels = input.shape.at(-1);
  const { data, shape } = tensor;
  const alongChannels = data.length === channels && shape.at(-1) === channels;
  if (data.length !== 1 && !alongChannels) {
    throw new UnsupportedNode(
      `its constant has the shape [${shape.join(', ')}], not one number for each channel`,
    );
  }
  return [...data];
}

/** `outer` after `inner`. */
function composed(inner: Affine, outer: Affine): Affine {
  const width = Math.max(inner.scale.length, inner.shift.length, outer.scale.length, outer.shift.length);
  const at = (values: readonly number[], index: number) => values[values.length === 1 ? 0 : index]!;
  const indices = Array.from({ length: width }, (_, index) => index);
  return {
    scale: indices.map((index) => at(inner.scale, index) * at(outer.scale, index)),
    shift: indices.map((index) => at(inner.shift, index) * at(outer.scale, index) + at(outer.shift, index)),
  };
}

function affine(node: GraphNode, t: Translation, input: LayerDraft, by: Affine): Value {
  if (input.affine !== undefined && t.readOnce(input)) {
    input.affine = composed(input.affine, by);
    return { kind: 'layer', layer: input };
  }
  const { shape } = input;
  const draft = {
    name: node.name,
    className: '',
    config: {},
    inputs: [input],
    shape: [...shape],
    affine: by,
  };
  return { kind: 'layer', layer: t.add(draft) };
}

/** A vector added to what a layer without a bias gives out becomes its bias. */
function plus(node: GraphNode, t: Translation, input: LayerDraft, shift: number[]): Value {
  const width = input.shape.at(-1);
  const takesBias = BEARING.has(input.className) && input.config.use_bias === false;
  if (takesBias && input.config.activation === 'linear' && shift.length === width && t.readOnce(input)) {
    input.config = { ...input.config, use_bias: true };
    input.weights.push({ role: 'bias', tensor: vector(shift) });
    return { kind: 'layer', layer: input };
  }
  return affine(node, t, input, { scale: [1], shift });
}

/** The layer and the constant among the two inputs of a node, or both layers. */
function operands(node: GraphNode, t: Translation) {
  const [left, right] = [t.input(node, 0), t.input(node, 1)];
  if (left.kind === 'layer' && right.kind === 'layer') return { layers: [left.layer, right.layer] } as const;
  if (left.kind === 'layer' && right.kind === 'constant') {
    return { layer: left.layer, numbers: numbersOf(right.tensor, left.layer), layerFirst: true } as const;
  }
  if (left.kind === 'constant' && right.kind === 'layer') {
    return { layer: right.layer, numbers: numbersOf(left.tensor, right.layer), layerFirst: false } as const;
  }
  throw new UnsupportedNode('it computes with constants only');
}

function add(node: GraphNode, t: Translation): Value {
  const found = operands(node, t);
  if (found.layers !== undefined) return merged(node, t, 'Add', found.layers);
  return plus(node, t, found.layer, found.numbers);
}

function multiply(node: GraphNode, t: Translation): Value {
  const found = operands(node, t);
  if (found.layers !== undefined) return merged(node, t, 'Multiply', found.layers);
  return affine(node, t, found.layer, { scale: found.numbers, shift: [0] });
}

function subtract(node: GraphNode, t: Translation): Value {
  const found = operands(node, t);
  if (found.layers !== undefined) throw new UnsupportedNode('it subtracts one layer from another');
  if (!found.layerFirst) return affine(node, t, found.layer, { scale: [-1], shift: found.numbers });
  return plus(
    node,
    t,
    found.layer,
    found.numbers.map((value) => -value),
  );
}

function divide(node: GraphNode, t: Translation): Value {
  const found = operands(node, t);
  if (found.layers !== undefined || !found.layerFirst) throw new UnsupportedNode('it divides by a layer');
  return affine(node, t, found.layer, { scale: found.numbers.map((value) => 1 / value), shift: [0] });
}

function biasAdd(node: GraphNode, t: Translation): Value {
  requireChannelsLast(node);
  const input = t.layer(node, 0);
  return plus(node, t, input, numbersOf(t.constant(node, 1, 'bias'), input));
}

function fusedBatchNorm(node: GraphNode, t: Translation): Value {
  requireChannelsLast(node);
  if (flagAttribute(node, 'is_training', true)) throw new UnsupportedNode('it is in training mode');
  const input = t.layer(node, 0);
  const channels = input.shape.at(-1);
  const roles = ['gamma', 'beta', 'moving_mean', 'moving_variance'];
  const weights = roles.map((role, index) => {
    const tensor = t.constant(node, index + 1, role);
    if (tensor.data.length !== channels) {
      throw t.damaged(
        `the ${role} of "${node.name}" has ${tensor.data.length} numbers for ${channels} channels.`,
      );
    }
    return { role, tensor };
  });
  const config = {
    axis: -1,
    momentum: 0.99,
    epsilon: numberAttribute(node, 'epsilon', 1e-4),
    center: true,
    scale: true,
  };
  const draft = { name: node.name, className: 'BatchNormalization', config, inputs: [input], weights };
  return { kind: 'layer', layer: t.add({ ...draft, shape: [...input.shape] }) };
}

/**
 * Turns an affine draft into a layer: one number for all channels is a `Rescaling`; a number for each channel is a 1x1
 * `DepthwiseConv2D` on feature maps, which stays what it is in training too, and a `BatchNormalization` elsewhere.
 */
export function affineLayer(draft: LayerDraft): void {
  const { affine: by, shape } = draft;
  if (by === undefined) return;
  const width = Math.max(by.scale.length, by.shift.length);
  const spread = (values: readonly number[]) =>
    vector(values.length === width ? values : Array.from({ length: width }, () => values[0]!));
  const [scale, shift] = [spread(by.scale), spread(by.shift)];
  const uniform = (values: readonly number[]) => values.every((value) => value === values[0]);
  if (uniform(by.scale) && uniform(by.shift)) {
    draft.className = 'Rescaling';
    draft.config = { scale: by.scale[0]!, offset: by.shift[0]! };
  } else if (shape.length === 4) {
    draft.className = 'DepthwiseConv2D';
    draft.config = {
      kernel_size: [1, 1],
      strides: [1, 1],
      padding: 'valid',
      depth_multiplier: 1,
      use_bias: true,
    };
    draft.config = { ...draft.config, data_format: 'channels_last', activation: 'linear' };
    draft.weights = [
      { role: 'depthwise_kernel', tensor: { ...scale, shape: [1, 1, width, 1] } },
      { role: 'bias', tensor: shift },
    ];
  } else {
    draft.className = 'BatchNormalization';
    draft.config = { axis: -1, momentum: 0.99, epsilon: 0, center: true, scale: true };
    draft.weights = [
      { role: 'gamma', tensor: scale },
      { role: 'beta', tensor: shift },
      { role: 'moving_mean', tensor: vector(new Float32Array(width)) },
      { role: 'moving_variance', tensor: vector(new Float32Array(width).fill(1)) },
    ];
  }
  draft.affine = undefined;
}

export const affineOperations = {
  Add: add,
  AddV2: add,
  Mul: multiply,
  Sub: subtract,
  RealDiv: divide,
  BiasAdd: biasAdd,
  FusedBatchNorm: fusedBatchNorm,
  FusedBatchNormV2: fusedBatchNorm,
  FusedBatchNormV3: fusedBatchNorm,
} as const;
