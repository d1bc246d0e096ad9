import * as tf from '@tensorflow/tfjs';
import type { Window } from './windows.ts';
import { elements, isPointwise, padded, spread, tap } from './windows.ts';

/**
 * Gradients of convolutions out of operations that every backend of tfjs has, the WASM backend included: products of
 * matrices, convolutions, slices and paddings. Any stride, padding and dilation. Each result is one new tensor.
 */

const asMatrix = (x: tf.Tensor, columns: number) => tf.reshape<tf.Rank.R2>(x, [-1, columns]);

/** `[rows, columns, in, out]`: for each element of the window, what it read times the gradient of what it wrote. */
export function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, window: Window): tf.Tensor4D {
  return tf.tidy(() => {
    const { inChannels, outChannels, rows, columns } = window;
    const gradients = asMatrix(dy, outChannels);
    // Not `transposeA`: the WASM backend multiplies transposed matrices many times slower.
    const product = (read: tf.Tensor) => tf.matMul(tf.transpose(asMatrix(read, inChannels)), gradients);
    const around = padded(x, window);
    const products = [...elements(window)].map(([row, column]) => product(tap(around, window, row, column)));
    const shape: [number, number, number, number] = [rows.size, columns.size, inChannels, outChannels];
    return tf.reshape(products.length === 1 ? products[0]! : tf.concat(products, 0), shape);
  });
}

/** `[batch, height, width, in]`: a convolution of the spread gradient with the mirrored kernel. */
export function inputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, window: Window): tf.Tensor4D {
  return tf.tidy(() => {
    const { batch, rows, columns, inChannels, outChannels } = window;
    if (isPointwise(window)) {
      const kernel = tf.transpose(asMatrix(filter, outChannels));
      const shape: [number, number, number, number] = [batch, rows.input, columns.input, inChannels];
      return tf.reshape(tf.matMul(asMatrix(dy, outChannels), kernel), shape);
    }
    const mirrored = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
    const dilations: [number, number] = [rows.dilation, columns.dilation];
    return tf.conv2d(spread(dy, window), mirrored, 1, 'valid', 'NHWC', dilations);
  });
}

/** `[rows, columns, channels, multiplier]`. */
export function depthwiseFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, window: Window): tf.Tensor4D {
  return tf.tidy(() => {
    const { inChannels, outChannels, rows, columns } = window;
    const multiplier = outChannels / inChannels;
    const gradients = tf.reshape(dy, [-1, inChannels, multiplier]);
    const around = padded(x, window);
    const sums = [...elements(window)].map(([row, column]) => {
      const read = tf.reshape(tap(around, window, row, column), [-1, inChannels, 1]);
      return tf.sum(asMatrix(tf.mul(read, gradients), outChannels), 0, true);
    });
    return tf.reshape(tf.concat(sums, 0), [rows.size, columns.size, inChannels, multiplier]);
  });
}

/** `[batch, height, width, channels]`: for each of the multiplier's outputs a depthwise convolution, added up. */
export function depthwiseInputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, window: Window): tf.Tensor4D {
  return tf.tidy(() => {
    const { batch, rows, columns, inChannels, outChannels } = window;
    const multiplier = outChannels / inChannels;
    const dilations: [number, number] = [rows.dilation, columns.dilation];
    const mirrored = tf.reverse(filter, [0, 1]);
    const gradients = tf.reshape(dy, [-1, inChannels, multiplier]);
    const parts = Array.from({ length: multiplier }, (_, index) => {
      const part: tf.Tensor4D =
        multiplier === 1
          ? dy
          : tf.reshape(tf.slice(gradients, [0, 0, index], [-1, inChannels, 1]), [
              batch,
              rows.output,
              columns.output,
              inChannels,
            ]);
      const kernel = tf.slice(mirrored, [0, 0, 0, index], [-1, -1, -1, 1]);
      return tf.depthwiseConv2d(spread(part, window), kernel, 1, 'valid', 'NHWC', dilations);
    });
    return parts.reduce((sum, part) => tf.add(sum, part));
  });
}
