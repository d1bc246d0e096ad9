import type { NamedTensor, NumericArray, StoredTensor, WeightTensor } from '../src/base/types.ts';

/** Numbers that are carried over at once: 8 MiB. */
const PIECE = 2 * 1024 * 1024;

export function countOf({ shape }: { readonly shape: readonly number[] }): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function isInMemory(tensor: WeightTensor): tensor is NamedTensor {
  return 'data' in tensor;
}

/** All numbers of a tensor; those in memory are not copied. */
export function numbersOf(tensor: WeightTensor): NumericArray {
  return isInMemory(tensor) ? tensor.data : tensor.read(0, countOf(tensor));
}

/** The tensor in memory. */
export function inMemory(tensor: WeightTensor): NamedTensor {
  if (isInMemory(tensor)) return tensor;
  const { name, shape, dtype } = tensor;
  return { name, shape, dtype, data: numbersOf(tensor) };
}

/** The numbers of a tensor piece by piece, in order; none is empty. Each is there until the next one is asked for. */
export function* piecesOf(tensor: WeightTensor, numbers = PIECE): Generator<NumericArray> {
  const count = countOf(tensor);
  const into = isInMemory(tensor) ? undefined : new ArrayBuffer(4 * Math.min(numbers, count));
  for (let from = 0; from < count; from += numbers) {
    const to = Math.min(count, from + numbers);
    yield isInMemory(tensor) ? tensor.data.subarray(from, to) : tensor.read(from, to, into);
  }
}

/** The same numbers under another name or in another shape of as many. */
export function relabelled(
  tensor: WeightTensor,
  label: { readonly name?: string; readonly shape?: readonly number[] },
): WeightTensor {
  const { name = tensor.name, shape = tensor.shape } = label;
  const { dtype } = tensor;
  if (isInMemory(tensor)) return { name, shape, dtype, data: tensor.data };
  return { name, shape, dtype, read: (from, to, into) => tensor.read(from, to, into) };
}

/**
 * A tensor that is made of others when its numbers are asked for. They are made once for a walk from its start to its
 * end, and are let go of there.
 */
export function derived(
  label: { readonly name: string; readonly shape: readonly number[]; readonly dtype: NamedTensor['dtype'] },
  make: () => NumericArray,
): StoredTensor {
  const count = countOf(label);
  let held: NumericArray | undefined;
  const { name, shape, dtype } = label;
  return {
    name,
    shape,
    dtype,
    read: (from, to) => {
      const all = held ?? make();
      held = to < count ? all : undefined;
      return from === 0 && to === count ? all : all.subarray(from, to);
    },
  };
}

/** Whether all numbers are finite: any of them times zero is zero then. Four sums at once take a third of the time of one. */
function areFinite(numbers: Float32Array): boolean {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  const whole = numbers.length - (numbers.length % 4);
  for (let i = 0; i < whole; i += 4) {
    first += numbers[i]! * 0;
    second += numbers[i + 1]! * 0;
    third += numbers[i + 2]! * 0;
    fourth += numbers[i + 3]! * 0;
  }
  for (let i = whole; i < numbers.length; i++) first += numbers[i]! * 0;
  return first + second + third + fourth === 0;
}

/** How many of the numbers are NaN or infinite. */
export function countBad(numbers: NumericArray): number {
  if (!(numbers instanceof Float32Array) || areFinite(numbers)) return 0;
  return numbers.reduce((bad, number) => (Number.isFinite(number) ? bad : bad + 1), 0);
}

/** What a user is told of them. */
export const badNote = (name: string, bad: number) => `${name} holds ${bad} values that are NaN or infinite`;
