import { countOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf, unsupportedLayer } from '../emitter.ts';
import type { Shape, Value } from '../value.ts';
import { channelsFirstValue, plainValue, valueType } from '../value.ts';

/** The product of all sizes but the batch, where it is known. */
function elementsOf(shape: Shape): number | null {
  return shape.slice(1).reduce<number | null>((product, size) => {
    return product === null || size === null ? null : product * size;
  }, 1);
}

function flatten(call: LayerCall): Value {
  const { builder } = call;
  const input = inputOf(call);
  const [batch = null] = input.shape;
  let x: string;
  if (call.config.data_format === 'channels_first' && input.shape.length > 2) {
    // Keras moves the channels behind before it flattens.
    const rest = Array.from({ length: input.shape.length - 2 }, (_, index) => index + 2);
    x = builder.node('Transpose', [builder.plain(input)], { perm: { ints: [0, ...rest, 1] } });
  } else if (input.shape.length === 4 && input.shape[1] === 1 && input.shape[2] === 1) {
    x = input.forms.channelsFirst ?? builder.plain(input);
  } else {
    x = builder.plain(input);
  }
  const name = builder.node('Flatten', [x], { axis: { i: 1 } });
  return plainValue(name, [batch, elementsOf(input.shape)], valueType(input));
}

function reshape(call: LayerCall): Value {
  const input = inputOf(call);
  const given = call.config.target_shape;
  if (!Array.isArray(given)) throw unsupportedLayer(call.layer, 'it has no target_shape');
  const target = given.map((size) => (typeof size === 'number' && size >= 0 ? size : null));
  if (target.filter((size) => size === null).length > 1 || target.includes(0)) {
    throw unsupportedLayer(call.layer, `its target_shape is ${JSON.stringify(given)}`);
  }
  const known = target.reduce<number>((product, size) => product * (size ?? 1), 1);
  const elements = elementsOf(input.shape);
  const shape = target.map((size) => size ?? (elements === null ? null : elements / known));
  if (input.pooledMap !== undefined && shape.length === 3 && shape[0] === 1 && shape[1] === 1) {
    // Squeeze and excite makes a map of the pooled one again: the runtime's blocked layout is kept in between.
    return channelsFirstValue(input.pooledMap, [input.shape[0] ?? null, ...shape]);
  }
  const dims = call.builder.integers([0, ...target.map((size) => size ?? -1)]);
  const name = call.builder.node('Reshape', [call.builder.plain(input), dims]);
  return plainValue(name, [input.shape[0] ?? null, ...shape], valueType(input));
}

function permute(call: LayerCall): Value {
  const input = inputOf(call);
  const { dims } = call.config;
  if (!Array.isArray(dims) || !dims.every((axis) => typeof axis === 'number')) {
    throw unsupportedLayer(call.layer, `its dims are ${JSON.stringify(dims)}`);
  }
  const perm = [0, ...dims];
  const name = call.builder.node('Transpose', [call.builder.plain(input)], { perm: { ints: perm } });
  return plainValue(
    name,
    perm.map((axis) => input.shape[axis] ?? null),
    valueType(input),
  );
}

function repeatVector(call: LayerCall): Value {
  const { builder } = call;
  const input = inputOf(call);
  const count = countOf(call, 'n');
  const [batch = null, features = null] = input.shape;
  const row = builder.node('Unsqueeze', [builder.plain(input), builder.integers([1])]);
  const name = builder.node('Expand', [row, builder.integers([1, count, 1])]);
  return plainValue(name, [batch, count, features], valueType(input));
}

export const shapeEmitters: Readonly<Record<string, LayerEmitter>> = {
  Flatten: { emit: flatten, takesIntegers: true },
  Reshape: { emit: reshape, takesIntegers: true },
  Permute: { emit: permute, takesIntegers: true },
  RepeatVector: { emit: repeatVector, takesIntegers: true },
};
