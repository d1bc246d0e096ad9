import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import type { Operator } from './native-operator.ts';
import { WORTH_A_CALL, hasNativeOperators, runNative } from './native-operator.ts';
import type { WasmBackend } from './wasm-kernel.ts';
import { views } from './wasm-kernel.ts';

export interface Product {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly bias?: Tensor | undefined;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The product of two matrices in ONNX Runtime; undefined where it is not there, or not worth it. */
export function nativeProduct(backend: WasmBackend, product: Product): TensorInfo | undefined {
  const { a, b, bias, transposeA, transposeB } = product;
  const leading = (tensor: Tensor) => tensor.shape.slice(0, -2);
  const isOneMatrix = [a, b].every((tensor) => leading(tensor).every((size) => size === 1));
  if (!isOneMatrix || a.rank !== b.rank || a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [rows, inner] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const columns = transposeB ? bRows : bColumns;
  if (rows * inner * columns < WORTH_A_CALL || !hasNativeOperators()) return undefined;
  if (bias !== undefined && (bias.rank !== 1 || bias.size !== columns)) return undefined;

  const operator: Operator = {
    key: `product ${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}${bias === undefined ? '' : ' + bias'}`,
    inputs: { a: ['p', 'q'], b: ['r', 's'], ...(bias === undefined ? {} : { bias: ['t'] }) },
    outputs: { y: ['rows', 'columns'] },
    write: (builder) => ({
      y: builder.node('Gemm', ['a', 'b', ...(bias === undefined ? [] : ['bias'])], {
        transA: { i: Number(transposeA) },
        transB: { i: Number(transposeB) },
      }),
    }),
  };
  const out = backend.makeOutput([...leading(a), rows, columns], 'float32');
  const [left, right, written, added] = views(backend, a, b, out, ...(bias === undefined ? [] : [bias]));
  runNative(
    operator,
    {
      a: { data: left!.data, shape: [aRows, aColumns] },
      b: { data: right!.data, shape: [bRows, bColumns] },
      ...(added === undefined ? {} : { bias: added }),
    },
    { y: { data: written!.data, shape: [rows, columns] } },
  );
  return out;
}
