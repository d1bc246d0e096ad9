import type { NamedAttrMap, Tensor4D, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { useBatchNormalizationOperators } from '../../layers/normalize-by-batch.ts';
import {
  depthwiseFilterGradient,
  depthwiseInputGradient,
  filterGradient,
  inputGradient,
} from './convolution-gradients.ts';
import { nativeBatchNormalization } from './native-batch-normalization.ts';
import {
  nativeConvolution,
  nativeDepthwiseFilterGradient,
  nativeFilterGradient,
  nativeInputGradient,
} from './native-convolutions.ts';
import { maxPoolGradientKernel } from './max-pool-gradient.ts';
import { matrixProductKernels } from './matrix-products.ts';
import { reductionKernels } from './reductions.ts';
import { segmentSumKernel } from './segment-sum.ts';
import { splitKernel } from './split-last-axis.ts';
import type { Shape4D, WindowAttributes } from './windows.ts';
import { windowOf } from './windows.ts';
import type { KernelArguments } from './wasm-kernel.ts';
import { originalKernel, replaceKernel } from './wasm-kernel.ts';

type FilterAttributes = WindowAttributes & { readonly filterShape: Shape4D };
type InputAttributes = WindowAttributes & { readonly inputShape: Shape4D };

let hasGradients = false;
let hasKernels = false;

/**
 * Gives tfjs's WASM backend what training convolutional networks takes and it lacks: the kernels
 * `Conv2DBackpropFilter`, `DepthwiseConv2dNativeBackpropFilter`, `DepthwiseConv2dNativeBackpropInput` and
 * `UnsortedSegmentSum`; and replaces those of its own that are many times slower than need be: `Conv2DBackpropInput`,
 * products with transposed matrices, `Sum` and `Mean` along leading axes; and `MaxPoolGrad`, which is wrong there. In
 * Node the large ones are computed by ONNX Runtime on all cores where onnxruntime-node is installed, convolutions going
 * forward too while gradients are recorded.
 *
 * On every backend the gradients of `tf.conv2d` and `tf.depthwiseConv2d` accept dilations, which tfjs refuses. (Its
 * layers with a dilation and no activation go another way, which stays closed.)
 *
 * `fineTune` and `trainModel` call it; programs that train by `model.fit` on the WASM backend call it once, when
 * `@tensorflow/tfjs-backend-wasm` is imported. Calling it again does nothing; other backends keep their kernels.
 */
export function registerTrainingKernels(): void {
  if (!hasGradients) addGradients();
  hasGradients = true;
  // Without the backend's package there is nothing to add to, yet.
  if (hasKernels || tf.getKernel('Conv2D', 'wasm') === undefined) return;
  hasKernels = true;
  useBatchNormalizationOperators(nativeBatchNormalization);
  replaceKernel('Conv2DBackpropFilter', ({ inputs, attrs, backend }: KernelArguments) => {
    const { x, dy } = inputs as { x: Tensor4D; dy: Tensor4D };
    const { filterShape, ...attributes } = attrs as unknown as FilterAttributes;
    const window = windowOf(x.shape, filterShape, attributes);
    return nativeFilterGradient(backend, x, dy, window) ?? filterGradient(x, dy, window);
  });
  replaceKernel('Conv2DBackpropInput', ({ inputs, attrs, backend }: KernelArguments) => {
    const { dy, filter } = inputs as { dy: Tensor4D; filter: Tensor4D };
    const { inputShape, ...attributes } = attrs as unknown as InputAttributes;
    const window = windowOf(inputShape, filter.shape, attributes);
    return nativeInputGradient(backend, dy, filter, window) ?? inputGradient(dy, filter, window);
  });
  replaceKernel('DepthwiseConv2dNativeBackpropFilter', ({ inputs, attrs, backend }: KernelArguments) => {
    const { x, dy } = inputs as { x: Tensor4D; dy: Tensor4D };
    const { filterShape, ...attributes } = attrs as unknown as FilterAttributes;
    const window = windowOf(x.shape, filterShape, attributes, true);
    return nativeDepthwiseFilterGradient(backend, x, dy, window) ?? depthwiseFilterGradient(x, dy, window);
  });
  replaceKernel('DepthwiseConv2dNativeBackpropInput', ({ inputs, attrs }: KernelArguments) => {
    const { dy, filter } = inputs as { dy: Tensor4D; filter: Tensor4D };
    const { inputShape, ...attributes } = attrs as unknown as InputAttributes;
    return depthwiseInputGradient(dy, filter, windowOf(inputShape, filter.shape, attributes, true));
  });
  for (const name of ['Conv2D', 'FusedConv2D']) forward(name);
  for (const [name, kernel] of [
    ...matrixProductKernels(),
    ...reductionKernels(),
    segmentSumKernel(),
    maxPoolGradientKernel(),
    splitKernel(),
  ]) {
    replaceKernel(name, kernel);
  }
}

let forwardInNative = 0;

/** Runs a forward pass that belongs to training, as one on validation pictures, as fast as those with gradients. */
export function withNativeForward<Result>(run: () => Result): Result {
  forwardInNative++;
  try {
    return run();
  } finally {
    forwardInNative--;
  }
}

/** Whether gradients are being recorded: a forward pass of training. */
function isRecording(): boolean {
  if (forwardInNative > 0) return true;
  return (tf.engine().state as { gradientDepth: number }).gradientDepth > 0;
}

/** The forward pass of training in ONNX Runtime; inference on tfjs stays tfjs's own. */
function forward(name: string): void {
  const original = originalKernel(name);
  replaceKernel(name, (call: KernelArguments): TensorInfo => {
    const { inputs, attrs, backend } = call;
    const { x, filter, bias, preluActivationWeights } = inputs as Record<string, Tensor4D | undefined>;
    const {
      activation = 'linear',
      dataFormat,
      ...attributes
    } = attrs as unknown as WindowAttributes & {
      readonly activation?: string;
    };
    if (isRecording() && activation === 'linear' && preluActivationWeights == null && dataFormat !== 'NCHW') {
      const window = windowOf(x!.shape, filter!.shape, attributes);
      const result = nativeConvolution(backend, { x: x!, filter: filter!, bias: bias ?? undefined }, window);
      if (result !== undefined) return result;
    }
    return original(call);
  });
}

/** Gradients of dilated convolutions, which tfjs's own refuse; and of means, for which it fills an array by a loop. */
function addGradients(): void {
  tf.registerGradient({
    ...tf.getGradient('Mean'),
    gradFunc(dy, [x], attrs) {
      const { axis } = attrs as { axis?: number | number[] };
      const axes = tf.util.parseAxisParam(axis as number[], x!.shape);
      const shape = x!.shape.map((size, each) => (axes.includes(each) ? 1 : size));
      const share = axes.reduce((rest, each) => rest / x!.shape[each]!, 1);
      return { x: () => tf.mul(tf.fill(x!.shape, share), tf.reshape(dy as tf.Tensor, shape)) };
    },
  });
  const isDilated = ({ dilations }: NamedAttrMap) =>
    [dilations ?? 1].flat().some((dilation) => Number(dilation) > 1);
  const extend = (
    kernelName: string,
    gradients: (
      dy: Tensor4D,
      x: Tensor4D,
      filter: Tensor4D,
      attributes: WindowAttributes,
    ) => {
      x: () => Tensor4D;
      filter: () => Tensor4D;
    },
  ) => {
    const original = tf.getGradient(kernelName);
    tf.registerGradient({
      ...original,
      gradFunc: (dy, saved, attrs) => {
        if (!isDilated(attrs)) return original.gradFunc(dy, saved, attrs);
        const [x, filter] = saved as [Tensor4D, Tensor4D];
        return gradients(dy as Tensor4D, x, filter, attrs as unknown as WindowAttributes);
      },
    });
  };
  extend('Conv2D', (dy, x, filter, attributes) => {
    const window = windowOf(x.shape, filter.shape, attributes);
    return { x: () => inputGradient(dy, filter, window), filter: () => filterGradient(x, dy, window) };
  });
  extend('DepthwiseConv2dNative', (dy, x, filter, attributes) => {
    const window = windowOf(x.shape, filter.shape, attributes, true);
    return {
      x: () => depthwiseInputGradient(dy, filter, window),
      filter: () => depthwiseFilterGradient(x, dy, window),
    };
  });
}
