import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { Operator } from './native-operator.ts';
import { WORTH_A_PASS, alongRows, hasNativeOperators, runNative } from './native-operator.ts';
import type { Kernel, KernelArguments } from './wasm-kernel.ts';
import { originalKernel, views } from './wasm-kernel.ts';

/** As many numbers are summed fast enough as they are. */
const WORTH_IT = 4096;

/**
 * Sums and means along the first axes, as BatchNormalization and biases need them: the WASM backend turns the whole tensor
 * around for them. ONNX Runtime does not, nor does a product with a row of ones, which takes a tenth of the time.
 */
export function reductionKernels(): [string, Kernel][] {
  return ['Sum', 'Mean'].map((name) => {
    const original = originalKernel(name);
    return [name, (call: KernelArguments) => alongLeadingAxes(call, name === 'Mean') ?? original(call)];
  });
}

function reduction(opType: 'ReduceMean' | 'ReduceSum'): Operator {
  return {
    key: opType,
    inputs: { x: ['rows', 'columns'] },
    outputs: { y: ['columns'] },
    write: (builder) => ({ y: alongRows(builder, opType, 'x') }),
  };
}

function alongLeadingAxes(
  { inputs, attrs, backend }: KernelArguments,
  mean: boolean,
): TensorInfo | undefined {
  const { x } = inputs as { x: Tensor };
  const { axis, keepDims } = attrs as unknown as { axis?: number | number[]; keepDims?: boolean };
  if (x.dtype !== 'float32' || x.size < WORTH_IT) return undefined;
  const axes = tf.util.parseAxisParam(axis as number[], x.shape).sort((a, b) => a - b);
  const isLeading = axes.length > 0 && axes.length < x.rank && axes.every((each, index) => each === index);
  if (!isLeading) return undefined;
  const kept = x.shape.slice(axes.length);
  const columns = kept.reduce((product, size) => product * size, 1);
  const rows = x.size / columns;
  const shape = [...(keepDims === true ? axes.map(() => 1) : []), ...kept];
  if (x.size >= WORTH_A_PASS && hasNativeOperators()) {
    const out = backend.makeOutput(shape, 'float32');
    const [from, sums] = views(backend, x, out);
    runNative(
      reduction(mean ? 'ReduceMean' : 'ReduceSum'),
      { x: { data: from!.data, shape: [rows, columns] } },
      { y: { data: sums!.data, shape: [columns] } },
    );
    return out;
  }
  return tf.tidy(() => {
    const weights = tf.fill([1, rows], mean ? 1 / rows : 1);
    const sums = tf.matMul(weights, tf.reshape<tf.Rank.R2>(x, [rows, columns]));
    return tf.reshape(sums, shape);
  });
}
