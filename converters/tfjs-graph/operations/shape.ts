import type { JsonObject, NamedTensor } from '../../../src/base/types.ts';
import { integersAttribute, numberAttribute, shapeAttribute, sizesOf, typeAttribute } from '../attributes.ts';
import type { GraphDef, GraphNode } from '../graph-def.ts';
import type { LayerDraft, Sizes, Translation, Value } from '../translation.ts';
import { UnsupportedNode } from '../translation.ts';

const elementsOf = (sizes: Sizes) =>
  sizes.reduce<number | null>(
    (product, size) => (product === null || size === null ? null : product * size),
    1,
  );

function reshaped(t: Translation, name: string, input: LayerDraft, target: Sizes): Value {
  const same =
    target.length === input.shape.length - 1 && target.every((size, i) => size === input.shape[i + 1]);
  if (same && !target.includes(null)) return { kind: 'layer', layer: input };
  const elements = elementsOf(input.shape.slice(1));
  const known = target.reduce<number>((product, size) => product * (size ?? 1), 1);
  const open = target.filter((size) => size === null).length;
  if (open > 1 || (open === 0 && elements !== null && elements !== known)) {
    throw new UnsupportedNode(
      `it makes [${target.join(', ')}] of [${input.shape.slice(1).join(', ')}], batch and all`,
    );
  }
  const shape: Sizes = [null, ...target.map((size) => size ?? (elements === null ? null : elements / known))];
  const flat = target.length === 1 && input.shape.length > 2;
  const className = flat ? 'Flatten' : 'Reshape';
  const config: JsonObject = flat
    ? { data_format: 'channels_last' }
    : { target_shape: target.map((size) => size ?? -1) };
  return { kind: 'layer', layer: t.add({ name, className, config, inputs: [input], shape }) };
}

function reshape(node: GraphNode, t: Translation): Value {
  const input = t.layer(node, 0);
  const [, ...rest] = t.sizes(node, 1, 'shape');
  return reshaped(
    t,
    node.name,
    input,
    rest.map((size) => (size === -1 ? null : size)),
  );
}

function squeeze(node: GraphNode, t: Translation): Value {
  const input = t.layer(node, 0);
  const rank = input.shape.length;
  const stated = integersAttribute(node, 'squeeze_dims').map((axis) => (axis < 0 ? axis + rank : axis));
  const ones = input.shape.flatMap((size, axis) => (axis > 0 && size === 1 ? [axis] : []));
  const axes = stated.length === 0 ? ones : stated;
  if (axes.some((axis) => axis < 1 || input.shape[axis] !== 1)) {
    throw new UnsupportedNode(`it drops the axes ${axes.join(', ')} of [${input.shape.join(', ')}]`);
  }
  const target = input.shape.filter((_, axis) => axis > 0 && !axes.includes(axis));
  return reshaped(t, node.name, input, target);
}

function expandDims(node: GraphNode, t: Translation): Value {
  const input = t.layer(node, 0);
  const given = t.sizes(node, 1, 'axis')[0];
  const axis = given == null ? 0 : given < 0 ? given + input.shape.length + 1 : given;
  if (axis < 1 || axis > input.shape.length) throw new UnsupportedNode(`its axis is ${given}`);
  const target = [...input.shape];
  target.splice(axis, 0, 1);
  return reshaped(t, node.name, input, target.slice(1));
}

function shapeOfLayer(node: GraphNode, t: Translation): Value {
  return { kind: 'sizes', sizes: [...t.layer(node, 0).shape], scalar: false };
}

/** Of the shapes that Flatten and Reshape of Keras compute: one size, or a range of them. */
function stridedSlice(node: GraphNode, t: Translation): Value {
  const all = t.sizes(node, 0, 'input');
  const [begin, end, stride] = [1, 2, 3].map((index) => t.sizes(node, index, 'range'));
  const mask = (name: string) => numberAttribute(node, name, 0);
  const odd = mask('ellipsis_mask') !== 0 || mask('new_axis_mask') !== 0;
  if (odd || begin?.length !== 1 || end?.length !== 1 || stride?.[0] !== 1) {
    throw new UnsupportedNode('it cuts something else than a shape');
  }
  const from = mask('begin_mask') === 1 ? 0 : begin[0]!;
  const scalar = mask('shrink_axis_mask') === 1;
  const to = scalar ? from + 1 || all.length : mask('end_mask') === 1 ? all.length : end[0]!;
  return { kind: 'sizes', sizes: all.slice(from, to), scalar };
}

function pack(node: GraphNode, t: Translation): Value {
  const sizes = node.inputs.map((_, index) => t.sizes(node, index, 'size'));
  if (sizes.some((each) => each.length !== 1))
    throw new UnsupportedNode('it packs something else than sizes');
  return { kind: 'sizes', sizes: sizes.flat(), scalar: false };
}

function cast(node: GraphNode, t: Translation): Value {
  const type = typeAttribute(node, 'DstT');
  if (type !== undefined && type !== 'DT_FLOAT') throw new UnsupportedNode(`it casts to ${type}`);
  return { kind: 'layer', layer: t.layer(node, 0) };
}

/** A placeholder is an input layer; sizes come from the node, else from the signature. */
export function inputLayer(node: GraphNode, t: Translation, { inputShapes }: GraphDef): Value {
  const own = shapeAttribute(node, 'shape');
  const stated = sizesOf(inputShapes.get(node.name));
  const shape = own === undefined || own.length === 0 ? stated : own;
  if (shape === undefined || shape.length < 2) throw new UnsupportedNode('it does not tell its shape');
  if (shape[0] !== null) t.notes.push(`the batch size of ${shape[0]} was left open`);
  const sizes = [null, ...shape.slice(1)];
  const config = { batch_input_shape: sizes, dtype: 'float32', sparse: false };
  const draft = { name: node.name, className: 'InputLayer', config, inputs: [], shape: sizes };
  return { kind: 'layer', layer: t.add(draft) };
}

export function constantOf(
  node: GraphNode,
  t: Translation,
  tensors: ReadonlyMap<string, NamedTensor>,
): Value {
  const tensor = tensors.get(node.name);
  if (tensor === undefined) throw t.damaged(`the constant "${node.name}" is not among the weights.`);
  return { kind: 'constant', tensor };
}

export const shapeOperations = {
  Reshape: reshape,
  Squeeze: squeeze,
  ExpandDims: expandDims,
  Shape: shapeOfLayer,
  StridedSlice: stridedSlice,
  Pack: pack,
  Cast: cast,
} as const;
