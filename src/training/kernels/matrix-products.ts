import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { nativeProduct } from './native-products.ts';
import type { Kernel, KernelArguments } from './wasm-kernel.ts';
import { originalKernel } from './wasm-kernel.ts';

interface ProductAttributes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly activation?: string | null;
}

/** Below as many multiplications turning a matrix around costs more than it saves. */
const WORTH_TURNING = 1e5;

/**
 * Products of matrices: in ONNX Runtime where it is there and they are large; else with transposed operands turned around
 * before, since the WASM backend has fast code for what is not transposed only.
 */
export function matrixProductKernels(): [string, Kernel][] {
  const product = originalKernel('BatchMatMul');
  const fused = originalKernel('_FusedMatMul');
  return [
    ['BatchMatMul', (call) => inOnnxRuntime(call) ?? turned(call, product)],
    ['_FusedMatMul', (call) => inOnnxRuntime(call) ?? fused(call)],
  ];
}

function inOnnxRuntime({ inputs, attrs, backend }: KernelArguments): TensorInfo | undefined {
  const { a, b, bias, preluActivationWeights } = inputs as Record<string, Tensor | undefined>;
  const { transposeA = false, transposeB = false, activation } = attrs as unknown as ProductAttributes;
  if ((activation ?? 'linear') !== 'linear' || preluActivationWeights != null) return undefined;
  return nativeProduct(backend, { a: a!, b: b!, bias: bias ?? undefined, transposeA, transposeB });
}

function turned(call: KernelArguments, product: Kernel): TensorInfo {
  const { a, b } = call.inputs as { a: Tensor; b: Tensor };
  const { transposeA = false, transposeB = false } = call.attrs as unknown as ProductAttributes;
  const [rows, columns] = b.shape.slice(-2) as [number, number];
  if ((!transposeA && !transposeB) || a.size * (transposeB ? rows : columns) < WORTH_TURNING)
    return product(call);
  return tf.tidy(() => {
    const turn = (x: Tensor) => {
      const axes = x.shape.map((_, axis) => axis);
      return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
    };
    return tf.matMul(transposeA ? turn(a) : a, transposeB ? turn(b) : b);
  });
}
