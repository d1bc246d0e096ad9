import type { GraphNode } from '../graph-def.ts';
import type { LayerDraft, Sizes, Translation, Value } from '../translation.ts';
import { UnsupportedNode } from '../translation.ts';

function broadcast(shapes: readonly Sizes[]): Sizes {
  return shapes[0]!.map((_, axis) => {
    const sizes = shapes.map((shape) => shape[axis] ?? null);
    const known = [...new Set(sizes.filter((size) => size !== null && size !== 1))];
    if (known.length > 1) throw new UnsupportedNode(`its inputs have ${known.join(' and ')} elements`);
    return known[0] ?? (sizes.includes(null) ? null : 1);
  });
}

/** A layer that combines several layers number by number. */
export function merged(
  node: GraphNode,
  t: Translation,
  className: string,
  inputs: readonly LayerDraft[],
): Value {
  if (new Set(inputs.map(({ shape }) => shape.length)).size > 1) {
    throw new UnsupportedNode('its inputs have different numbers of axes');
  }
  const shape = broadcast(inputs.map((input) => input.shape));
  return { kind: 'layer', layer: t.add({ name: node.name, className, config: {}, inputs, shape }) };
}

const merge = (className: string) => (node: GraphNode, t: Translation) =>
  merged(
    node,
    t,
    className,
    node.inputs.map((_, index) => t.layer(node, index)),
  );

function concatenate(node: GraphNode, t: Translation): Value {
  const inputs = node.inputs.slice(0, -1).map((_, index) => t.layer(node, index));
  const given = t.sizes(node, inputs.length, 'axis')[0];
  const rank = inputs[0]?.shape.length ?? 0;
  const axis = given == null ? -1 : given < 0 ? given + rank : given;
  if (axis < 1 || axis >= rank || inputs.some(({ shape }) => shape.length !== rank)) {
    throw new UnsupportedNode(`its axis is ${given}`);
  }
  if (inputs.length === 1) return { kind: 'layer', layer: inputs[0]! };
  const sizes = inputs.map(({ shape }) => shape[axis] ?? null);
  const total = sizes.includes(null) ? null : sizes.reduce<number>((sum, size) => sum + size!, 0);
  const shape = inputs[0]!.shape.map((size, index) => (index === axis ? total : size));
  const draft = { name: node.name, className: 'Concatenate', config: { axis }, inputs, shape };
  return { kind: 'layer', layer: t.add(draft) };
}

export const mergeOperations = {
  AddN: merge('Add'),
  Maximum: merge('Maximum'),
  Minimum: merge('Minimum'),
  ConcatV2: concatenate,
} as const;
