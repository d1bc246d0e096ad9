import * as tf from '@tensorflow/tfjs';
import { UsageError } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import type { PreprocessingMode } from '../../zoo/card.ts';
import { preprocessingModes } from '../../zoo/card.ts';
import { IMAGENET_DEVIATION, IMAGENET_MEAN } from '../../zoo/imagenet-statistics.ts';

/** ImageNet's mean in BGR, 0 to 255, as `keras/src/applications/imagenet_utils.py` states it. */
export const CAFFE_MEAN_BGR = [103.939, 116.779, 123.68] as const;

/** As `efficientnet_lite_builder.py` of the TPU repository states them. */
export const LITE_MEAN = 127;
export const LITE_STD = 128;

/** For each output channel: the RGB channel that it comes from, and its value at each of the 256 levels. */
interface ChannelTable {
  readonly from: 0 | 1 | 2;
  readonly values: Float32Array;
}

const tables = new Map<PreprocessingMode, readonly [ChannelTable, ChannelTable, ChannelTable]>();

/**
 * Writes `width * height * 3` floats from `out[offset]` on: the picture `[height, width, 3]` as the network was
 * trained on it, bit for bit what Keras's `imagenet_utils.preprocess_input` (and for `lite` the TPU repository) computes
 * in float32.
 *
 * | mode | value |
 * |---|---|
 * | `caffe` | BGR, minus the mean 103.939, 116.779, 123.68 |
 * | `tf` | `x / 127.5 - 1`: -1 to 1 |
 * | `torch` | `(x / 255 - mean) / std`, mean 0.485, 0.456, 0.406, std 0.229, 0.224, 0.225 |
 * | `lite` | `(x - 127) / 128`: EfficientNet-Lite |
 * | `symmetric128` | `x / 128 - 1`: EfficientNetV2 S, M and L |
 * | `unit` | `x / 255`: 0 to 1 |
 * | `teachable` | `x / 127 - 1`: Teachable Machine, as `@teachablemachine/image` 0.8.5 computes it |
 * | `none` | `x`: 0 to 255 |
 *
 * @throws UsageError `USAGE_OPTION` for an unknown mode, `USAGE_ARGUMENT` when `out` is too short
 */
export function preprocessPixels(
  pixels: Pixels,
  mode: PreprocessingMode,
  out: Float32Array,
  offset: number,
): void {
  const { data } = pixels;
  if (!Number.isInteger(offset) || offset < 0 || offset + data.length > out.length) {
    throw new UsageError('USAGE_ARGUMENT', 'The preprocessed image does not fit into the buffer.', {
      given: `a buffer of ${out.length} floats, from ${offset} on`,
      expected: `room for ${data.length} floats (${pixels.height} x ${pixels.width} x 3)`,
      nextStep: 'allocate batch * height * width * 3 floats',
    });
  }
  const [first, second, third] = tablesOf(mode);
  const a = first.values;
  const b = second.values;
  const c = third.values;
  const fromA = first.from;
  const fromB = second.from;
  const fromC = third.from;
  for (let i = 0, to = offset; i < data.length; i += 3, to += 3) {
    out[to] = a[data[i + fromA]!]!;
    out[to + 1] = b[data[i + fromB]!]!;
    out[to + 2] = c[data[i + fromC]!]!;
  }
}

/**
 * The same arithmetic on tensors: `[height, width, 3]` or `[batch, height, width, 3]`, RGB, 0 to 255, any number
 * type; the result is float32 of the same shape. Gradients pass through it.
 *
 * @throws UsageError `USAGE_OPTION` for an unknown mode, `USAGE_ARGUMENT` for another shape
 */
export function preprocessInput<T extends tf.Tensor3D | tf.Tensor4D>(x: T, mode: PreprocessingMode): T {
  checkMode(mode);
  if ((x.rank !== 3 && x.rank !== 4) || x.shape[x.rank - 1] !== 3) {
    throw new UsageError('USAGE_ARGUMENT', 'preprocessInput takes RGB images, channels last.', {
      given: `a tensor of shape [${x.shape.join(', ')}]`,
      expected: '[height, width, 3] or [batch, height, width, 3]',
      nextStep: 'use loadImage to make such a tensor, or transpose yours',
    });
  }
  return tf.tidy(() => {
    const floats = x.toFloat();
    switch (mode) {
      case 'caffe':
        return floats.reverse(-1).sub(tf.tensor1d([...CAFFE_MEAN_BGR]));
      case 'tf':
        return floats.div(127.5).sub(1);
      case 'torch':
        return floats
          .div(255)
          .sub(tf.tensor1d([...IMAGENET_MEAN]))
          .div(tf.tensor1d([...IMAGENET_DEVIATION]));
      case 'lite':
        return floats.sub(LITE_MEAN).div(LITE_STD);
      case 'symmetric128':
        return floats.div(128).sub(1);
      case 'unit':
        return floats.div(255);
      case 'teachable':
        return floats.div(127).sub(1);
      case 'none':
        // A tensor of its own even where nothing changes: the caller may dispose of both.
        return floats.clone();
    }
  }) as T;
}

/** @throws UsageError `USAGE_OPTION` for an unknown mode */
export function checkMode(mode: PreprocessingMode): void {
  if (preprocessingModes.includes(mode)) return;
  throw new UsageError('USAGE_OPTION', 'The preprocessing mode is not known.', {
    given: JSON.stringify(mode),
    expected: preprocessingModes.join(', '),
    nextStep: "take the one on the model's card",
  });
}

function tablesOf(mode: PreprocessingMode): readonly [ChannelTable, ChannelTable, ChannelTable] {
  checkMode(mode);
  let triple = tables.get(mode);
  if (triple === undefined) {
    triple = [channelTable(mode, 0), channelTable(mode, 1), channelTable(mode, 2)];
    tables.set(mode, triple);
  }
  return triple;
}

function channelTable(mode: PreprocessingMode, channel: 0 | 1 | 2): ChannelTable {
  const values = new Float32Array(256);
  for (let level = 0; level < 256; level++) values[level] = preprocessLevel(level, mode, channel);
  return { from: mode === 'caffe' ? ((2 - channel) as 0 | 1 | 2) : channel, values };
}

/** Rounded to float32 after each operation, as NumPy and TensorFlow do. */
function preprocessLevel(level: number, mode: PreprocessingMode, channel: 0 | 1 | 2): number {
  const f32 = Math.fround;
  switch (mode) {
    case 'caffe':
      return f32(level - f32(CAFFE_MEAN_BGR[channel]));
    case 'tf':
      return f32(f32(level / 127.5) - 1);
    case 'torch':
      return f32(f32(f32(level / 255) - f32(IMAGENET_MEAN[channel])) / f32(IMAGENET_DEVIATION[channel]));
    case 'lite':
      return (level - LITE_MEAN) / LITE_STD;
    case 'symmetric128':
      return level / 128 - 1;
    case 'unit':
      return f32(level / 255);
    case 'teachable':
      return f32(f32(level / 127) - 1);
    case 'none':
      return level;
  }
}
