import { flagOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { refuseInTfjs, unsupportedLayer } from '../emitter.ts';
import type { Value } from '../value.ts';
import { plainValue } from '../value.ts';

function axesOf(call: LayerCall, ranks: readonly [number, number]): [number, number] {
  const { axes } = call.config;
  const list = Array.isArray(axes) ? axes : [axes, axes];
  const [first, second] = list.map((axis, index) => {
    const rank = ranks[index] as number;
    return typeof axis === 'number' && axis < 0 ? axis + rank : axis;
  });
  const known = typeof first === 'number' && typeof second === 'number' && first > 0 && second > 0;
  if (known && first < ranks[0] && second < ranks[1]) return [first, second];
  throw unsupportedLayer(call.layer, `its axes are ${JSON.stringify(axes)}`);
}

/** The sum of products over one axis of each input, for every other axis of both: Keras's batch_dot. */
function dot(call: LayerCall): Value {
  const { builder } = call;
  const [left, right] = call.inputs;
  if (left === undefined || right === undefined || call.inputs.length !== 2) {
    throw unsupportedLayer(call.layer, `it has ${call.inputs.length} inputs and 2 were expected`);
  }
  if (left.shape.length > 3 || right.shape.length > 3) refuseInTfjs(call);
  const axes = axesOf(call, [left.shape.length, right.shape.length]);
  const names = [left, right].map((value, index) => {
    const x = builder.plain(value);
    if (!flagOf(call.config, 'normalize', false)) return x;
    const norm = builder.node('ReduceL2', [x], {
      axes: { ints: [axes[index] as number] },
      keepdims: { i: 1 },
    });
    return builder.node('Div', [x, builder.node('Max', [norm, builder.scalar(1e-6)])]);
  });
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const leftAxes = left.shape.map((_, axis) => (axis === axes[0] ? 'z' : (letters[axis] as string)));
  const rightAxes = right.shape.map((_, axis) => {
    if (axis === 0) return 'a';
    return axis === axes[1] ? 'z' : (letters[left.shape.length + axis] as string);
  });
  const kept = [...leftAxes, ...rightAxes.slice(1)].filter((letter) => letter !== 'z');
  const equation = { s: `${leftAxes.join('')},${rightAxes.join('')}->${kept.join('')}` };
  const product = builder.node('Einsum', names, { equation });
  const shape = [
    ...left.shape.filter((_, axis) => axis !== axes[0]),
    ...right.shape.filter((_, axis) => axis !== 0 && axis !== axes[1]),
  ];
  if (shape.length > 1) return plainValue(product, shape);
  return plainValue(builder.node('Unsqueeze', [product, builder.integers([1])]), [...shape, 1]);
}

export const dotEmitters: Readonly<Record<string, LayerEmitter>> = { Dot: { emit: dot } };
