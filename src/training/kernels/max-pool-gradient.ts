import type { TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { KernelArguments } from './wasm-kernel.ts';
import { views } from './wasm-kernel.ts';

/**
 * Takes the place of that of tfjs's WASM backend, which (4.22) starts its search for the largest value of a window at the
 * smallest positive number: gradients of windows without a positive value, of which there are many behind a ReLU, are lost.
 * Of equal values the first one gets the gradient, as in TensorFlow.
 */
export function maxPoolGradientKernel(): [name: string, kernel: typeof maxPoolGradient] {
  return ['MaxPoolGrad', maxPoolGradient];
}

function maxPoolGradient({ inputs, attrs, backend }: KernelArguments): TensorInfo {
  const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as {
    readonly filterSize: number | [number, number];
    readonly strides: number | [number, number];
    readonly pad: 'valid' | 'same' | number;
    readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  const shape = input.shape as [number, number, number, number];
  const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const out = backend.makeOutput(shape, 'float32');
  const [result, gradient, values] = views(backend, out, dy, input).map(({ data }) => data);
  result!.fill(0);
  const { batchSize, inChannels: channels, inHeight, inWidth, outHeight, outWidth } = info;
  for (let at = 0; at < batchSize * outHeight * outWidth; at++) {
    const column = at % outWidth;
    const row = Math.floor(at / outWidth) % outHeight;
    const picture = Math.floor(at / (outWidth * outHeight));
    const top = row * info.strideHeight - info.padInfo.top;
    const left = column * info.strideWidth - info.padInfo.left;
    const bottom = Math.min(top + info.filterHeight, inHeight);
    const right = Math.min(left + info.filterWidth, inWidth);
    for (let channel = 0; channel < channels; channel++) {
      let largest = -Infinity;
      let place = -1;
      for (let y = Math.max(top, 0); y < bottom; y++) {
        let from = ((picture * inHeight + y) * inWidth + Math.max(left, 0)) * channels + channel;
        for (let x = Math.max(left, 0); x < right; x++, from += channels) {
          const value = values![from]!;
          if (value > largest) {
            largest = value;
            place = from;
          }
        }
      }
      if (place >= 0) result![place]! += gradient![at * channels + channel]!;
    }
  }
  return out;
}
