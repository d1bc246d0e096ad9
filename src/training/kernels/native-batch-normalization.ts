import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../../../converters/onnx/graph-builder.ts';
import type { BatchNormalizationOperators } from '../../layers/normalize-by-batch.ts';
import type { Operator } from './native-operator.ts';
import { WORTH_A_PASS, alongRows, hasNativeOperators, runNative } from './native-operator.ts';
import type { WasmBackend } from './wasm-kernel.ts';
import { views } from './wasm-kernel.ts';

const ROWS = ['rows', 'channels'];
const VECTOR = ['channels'];

const forwardOperator: Operator = {
  key: 'batch normalization',
  inputs: { x: ROWS, gamma: VECTOR, beta: VECTOR, epsilon: [1] },
  outputs: { y: ROWS, mean: VECTOR, variance: VECTOR },
  write(builder) {
    const mean = alongRows(builder, 'ReduceMean', 'x');
    const centered = builder.node('Sub', ['x', mean]);
    const variance = alongRows(builder, 'ReduceMean', builder.node('Mul', [centered, centered]));
    const factor = builder.node('Mul', ['gamma', inverseDeviation(builder, variance)]);
    return { y: builder.node('Add', [builder.node('Mul', [centered, factor]), 'beta']), mean, variance };
  },
};

const backwardOperator: Operator = {
  key: 'batch normalization gradient',
  inputs: { dy: ROWS, x: ROWS, gamma: VECTOR, mean: VECTOR, variance: VECTOR, epsilon: [1], share: [1] },
  outputs: { dx: ROWS, dGamma: VECTOR, dBeta: VECTOR },
  write(builder) {
    const times = (...[a, b]: [string, string]) => builder.node('Mul', [a, b]);
    const inverse = inverseDeviation(builder, 'variance');
    const centered = builder.node('Sub', ['x', 'mean']);
    const dBeta = alongRows(builder, 'ReduceSum', 'dy');
    const dGamma = times(alongRows(builder, 'ReduceSum', times('dy', centered)), inverse);
    // Vectors first, so that few passes go over the rows: dx = factor * dy - centered * slope - offset.
    const factor = times('gamma', inverse);
    const slope = times(times(factor, inverse), times(dGamma, 'share'));
    const offset = times(factor, times(dBeta, 'share'));
    const first = builder.node('Sub', [times('dy', factor), times(centered, slope)]);
    return { dx: builder.node('Sub', [first, offset]), dGamma, dBeta };
  },
};

function inverseDeviation(builder: GraphBuilder, variance: string): string {
  return builder.node('Reciprocal', [builder.node('Sqrt', [builder.node('Add', [variance, 'epsilon'])])]);
}

const scalar = (value: number) => ({ data: Float32Array.of(value), shape: [1] });

/** BatchNormalization in training in ONNX Runtime, for tensors of the WASM backend. */
export const nativeBatchNormalization: BatchNormalizationOperators = {
  forward(x, gamma, beta, epsilon) {
    const backend = backendFor(x);
    if (backend === undefined) return undefined;
    const [y, mean, variance] = outputs(backend, [x.shape, gamma.shape, gamma.shape]);
    const [from, factor, offset, ...written] = views(backend, x, gamma, beta, y!, mean!, variance!);
    runNative(
      forwardOperator,
      { x: from!, gamma: factor!, beta: offset!, epsilon: scalar(epsilon) },
      { y: written[0]!, mean: written[1]!, variance: written[2]! },
    );
    return { y: y!, mean: mean!, variance: variance! };
  },
  backward(dy, { x, gamma, mean, variance }, epsilon) {
    const backend = backendFor(x);
    if (backend === undefined) return undefined;
    const [dx, dGamma, dBeta] = outputs(backend, [x.shape, gamma.shape, gamma.shape]);
    const all = views(backend, dy, x, gamma, mean, variance, dx!, dGamma!, dBeta!);
    const [gradients, from, factor, center, spread, ...written] = all;
    runNative(
      backwardOperator,
      {
        ...{ dy: gradients!, x: from!, gamma: factor!, mean: center!, variance: spread! },
        ...{ epsilon: scalar(epsilon), share: scalar(1 / x.shape[0]) },
      },
      { dx: written[0]!, dGamma: written[1]!, dBeta: written[2]! },
    );
    return { x: dx!, gamma: dGamma!, beta: dBeta! };
  },
};

function backendFor(x: Tensor): WasmBackend | undefined {
  if (tf.getBackend() !== 'wasm' || x.size < WORTH_A_PASS || !hasNativeOperators()) return undefined;
  return tf.backend() as WasmBackend;
}

/** Made before anything is looked at, as they may move the backend's memory. */
function outputs(backend: WasmBackend, shapes: readonly (readonly number[])[]): Tensor[] {
  return shapes.map((shape) => tf.engine().makeTensorFromTensorInfo(backend.makeOutput(shape, 'float32')));
}
