import type { NumericArray, WeightTensor } from '../src/base/types.ts';
import { countOf, derived, numbersOf } from './tensors.ts';

export type KernelOrder = 'tensorflow' | 'theano';

/** True for weights of a convolution that Theano stores another way: `kernel` of rank 3 to 5, depthwise left out. */
export function isConvolutionKernel(name: string, rank: number): boolean {
  return (
    rank >= 3 && rank <= 5 && (name === 'kernel' || name.endsWith('/kernel') || name.endsWith('.kernel'))
  );
}

const strides = (shape: readonly number[]): number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));

function rearranged(
  tensor: WeightTensor,
  axes: readonly number[],
  flipped: ReadonlySet<number>,
): WeightTensor {
  const from = strides(tensor.shape);
  const shape = axes.map((axis) => tensor.shape[axis]!);
  const to = strides(shape);
  const make = () => {
    const given = numbersOf(tensor);
    const Data = given.constructor as new (length: number) => NumericArray;
    const data = new Data(given.length);
    for (let out = 0; out < data.length; out++) {
      let rest = out;
      let source = 0;
      for (let i = 0; i < axes.length; i++) {
        const at = Math.floor(rest / to[i]!);
        rest -= at * to[i]!;
        source += (flipped.has(i) ? shape[i]! - 1 - at : at) * from[axes[i]!]!;
      }
      data[out] = given[source]!;
    }
    return data;
  };
  return derived({ name: tensor.name, shape, dtype: tensor.dtype }, make);
}

/** `(out, in, ...space)` to `(...space, in, out)`. */
export function fromChannelsFirst(tensor: WeightTensor): WeightTensor {
  const space = tensor.shape.slice(2).map((_, i) => i + 2);
  return rearranged(tensor, [...space, 1, 0], new Set());
}

/** `(...space, in, out)` as `(out, in, ...space)` has it. */
export function channelsFirstShape(shape: readonly number[]): number[] {
  return [...shape.slice(2), shape[1]!, shape[0]!];
}

/** Theano convolves, TensorFlow correlates: the same kernel is stored mirrored along every spatial axis. */
export function flipped(tensor: WeightTensor): WeightTensor {
  const axes = tensor.shape.map((_, i) => i);
  return rearranged(tensor, axes, new Set(axes.slice(0, -2)));
}

function gates(parts: readonly WeightTensor[], order: readonly number[], name: string): WeightTensor {
  const chosen = order.map((i) => parts[i]!);
  const rank = chosen[0]!.shape.length;
  const rows = rank === 1 ? 1 : chosen[0]!.shape[0]!;
  const width = chosen[0]!.shape[rank - 1]!;
  const shape = rank === 1 ? [width * order.length] : [rows, width * order.length];
  return derived({ name, shape, dtype: 'float32' }, () => {
    const data = new Float32Array(countOf({ shape }));
    chosen.forEach((part, gate) => {
      const numbers = numbersOf(part);
      for (let row = 0; row < rows; row++) {
        data.set(numbers.subarray(row * width, (row + 1) * width), (row * order.length + gate) * width);
      }
    });
    return data;
  });
}

const sameKinds = (parts: readonly WeightTensor[]): boolean =>
  parts.every((part, i) => part.dtype === 'float32' && part.shape.length === (i % 3 === 2 ? 1 : 2)) &&
  parts.every(
    (part) =>
      part.shape.at(-1) === parts[0]!.shape.at(-1) &&
      part.shape[0] === parts[parts.indexOf(part) % 3]!.shape[0],
  );

/**
 * Keras 1 stores an LSTM as 12 tensors (input, cell, forget, output gates) and a GRU as 9 (update, reset, output);
 * Keras 2 joins them into kernel, recurrent kernel and bias, with the gates input, forget, cell, output.
 */
export function joinedGates(weights: readonly WeightTensor[]): readonly WeightTensor[] {
  if (weights.length === 12 && sameKinds(weights)) {
    return [
      gates(weights, [0, 6, 3, 9], 'kernel'),
      gates(weights, [1, 7, 4, 10], 'recurrent_kernel'),
      gates(weights, [2, 8, 5, 11], 'bias'),
    ];
  }
  if (weights.length === 9 && sameKinds(weights)) {
    return [
      gates(weights, [0, 3, 6], 'kernel'),
      gates(weights, [1, 4, 7], 'recurrent_kernel'),
      gates(weights, [2, 5, 8], 'bias'),
    ];
  }
  return weights;
}
