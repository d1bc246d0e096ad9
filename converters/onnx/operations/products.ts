import { countOf, flagOf, textOf } from '../config.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { PictureSize } from '../resize.ts';
import { resized } from '../resize.ts';
import type { FeatureMap } from '../spatial.ts';
import type { Shape, Value } from '../value.ts';
import { channelsFirstValue, plainValue } from '../value.ts';
import type { Operation } from './elementwise.ts';
import type { Argument } from './operands.ts';
import { broadcastShape, plainName, shapeOfArgument, tensorOf } from './operands.ts';

/** The last two axes change places. */
function turned(call: LayerCall, name: string, shape: Shape): { name: string; shape: Shape } {
  const rank = shape.length;
  if (rank < 2) return { name, shape };
  const order = shape.map((_, axis) => axis);
  [order[rank - 2], order[rank - 1]] = [rank - 1, rank - 2];
  return {
    name: call.builder.transpose(name, order),
    shape: order.map((axis) => shape[axis] as number | null),
  };
}

/** As numpy does it: a vector is a row on the left and a column on the right, and that axis goes away. */
function matmul(call: LayerCall, all: readonly Argument[]): Value {
  if (all.length !== 2) throw unsupportedLayer(call.layer, `it has ${all.length} operands`);
  const [left, right] = all.map((argument, index) => {
    const name = plainName(call, argument, 'float32');
    const shape = shapeOfArgument(argument);
    const transposed = flagOf(call.config, index === 0 ? 'transpose_a' : 'transpose_b', false);
    return transposed ? turned(call, name, shape) : { name, shape };
  }) as [{ name: string; shape: Shape }, { name: string; shape: Shape }];
  const name = call.builder.node('MatMul', [left.name, right.name]);
  const before = broadcastShape(call, [left.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const rows = left.shape.length > 1 ? [left.shape.at(-2) as number | null] : [];
  const columns = right.shape.length > 1 ? [right.shape.at(-1) as number | null] : [];
  return plainValue(name, [...before, ...rows, ...columns]);
}

/** The sizes of an Einstein sum, by the letters of its operands; an ellipsis stands for the axes that are left. */
export function einsumShape(call: LayerCall, subscripts: string, shapes: readonly Shape[]): Shape {
  const [inputs = '', output] = subscripts.split('->');
  const terms = inputs.split(',');
  if (output === undefined || terms.length !== shapes.length) {
    throw unsupportedLayer(call.layer, `its subscripts are ${subscripts}`);
  }
  const sizes = new Map<string, number | null>();
  const rests: Shape[] = [];
  terms.forEach((term, index) => {
    const shape = shapes[index] as Shape;
    const [front = '', back] = term.split('...');
    const rest = shape.length - front.length - (back?.length ?? 0);
    if (rest < 0 || (back === undefined && rest > 0)) {
      throw unsupportedLayer(call.layer, `its subscripts are ${subscripts}`);
    }
    if (back !== undefined) rests.push(shape.slice(front.length, front.length + rest));
    [...front].forEach((letter, axis) => note(letter, shape[axis] ?? null));
    [...(back ?? '')].forEach((letter, axis) => note(letter, shape[front.length + rest + axis] ?? null));
  });
  function note(letter: string, size: number | null): void {
    const known = sizes.get(letter);
    if (known == null || known === 1) sizes.set(letter, size ?? known ?? null);
  }
  const [front = '', back] = output.split('...');
  const of = (letters: string) => [...letters].map((letter) => sizes.get(letter) ?? null);
  return [...of(front), ...(back === undefined ? [] : broadcastShape(call, rests)), ...of(back ?? '')];
}

function einsum(call: LayerCall, all: readonly Argument[]): Value {
  const subscripts = textOf(call.config, 'subscripts', '').replaceAll(' ', '');
  const shape = einsumShape(call, subscripts, all.map(shapeOfArgument));
  const names = all.map((argument) => plainName(call, argument, 'float32'));
  return plainValue(call.builder.node('Einsum', names, { equation: { s: subscripts } }), shape);
}

function pictureOf(call: LayerCall, all: readonly Argument[]): FeatureMap {
  const value = call.builder.castValue(tensorOf(call, all), 'float32');
  if (value.shape.length !== 4) throw unsupportedLayer(call.layer, 'its input is not a batch of pictures');
  const [batch = null, rows = null, columns = null, channels = null] = value.shape;
  return { name: call.builder.channelsFirst(value), batch, channels, sizes: [rows, columns] };
}

function pictureValue({ name, batch, sizes, channels }: FeatureMap): Value {
  return channelsFirstValue(name, [batch, ...sizes, channels]);
}

function resize(call: LayerCall, all: readonly Argument[]): Value {
  const { size } = call.config;
  const interpolation = textOf(call.config, 'interpolation', 'bilinear');
  const [rows, columns] = Array.isArray(size) ? size : [];
  const known = interpolation === 'bilinear' || interpolation === 'nearest';
  if (typeof rows !== 'number' || typeof columns !== 'number' || !known) {
    throw unsupportedLayer(call.layer, `it resizes to ${JSON.stringify(size)} (${interpolation})`);
  }
  const target: PictureSize = [rows, columns];
  return pictureValue(resized(call.builder, pictureOf(call, all), target, interpolation));
}

/** `DepthToSpace` in its mode DCR, and its inverse, order the channels as TensorFlow does. */
function blocks(opType: 'DepthToSpace' | 'SpaceToDepth'): Operation {
  return (call, all) => {
    const map = pictureOf(call, all);
    const block = countOf(call, 'block_size');
    const name = call.builder.node(opType, [map.name], { blocksize: { i: block } });
    const deeper = opType === 'SpaceToDepth';
    const factor = deeper ? block * block : 1 / (block * block);
    return pictureValue({
      ...map,
      name,
      channels: map.channels === null ? null : map.channels * factor,
      sizes: map.sizes.map((size) => (size === null ? null : deeper ? size / block : size * block)),
    });
  };
}

export const productOperations: Readonly<Record<string, Operation>> = {
  matmul,
  einsum,
  resize,
  depth_to_space: blocks('DepthToSpace'),
  space_to_depth: blocks('SpaceToDepth'),
};
