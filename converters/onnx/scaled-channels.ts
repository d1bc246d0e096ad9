import { mapValue } from './activations.ts';
import type { AxisAffine } from './affine.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { Value } from './value.ts';
import { bornAxis } from './value.ts';

/** An affine map as at most two nodes, a product and a sum; `key` starts the names of its constants. */
export function scaledChannels(
  builder: GraphBuilder,
  value: Value,
  { axis, scale, shift }: AxisAffine,
  key: string,
): Value {
  const position = bornAxis(value, axis);
  const dims = value.shape.map((_, index) => (index === position ? scale.length : 1)).slice(1);
  const constant = (role: string, values: Float64Array): string => {
    const [first = 0] = values;
    if (values.every((each) => each === first)) return builder.scalar(first);
    return builder.weights(`${key}:${dims.join('x')}:${role}`, dims, () => Float32Array.from(values));
  };
  return mapValue(value, (x) => {
    const scaled = scale.every((each) => each === 1) ? x : builder.node('Mul', [x, constant('scale', scale)]);
    if (shift.every((each) => each === 0)) return scaled;
    return builder.node('Add', [scaled, constant('shift', shift)]);
  });
}
