import type * as tf from '@tensorflow/tfjs';
import type { Pixels } from '../base/types.ts';
import { toRgb } from './flatten.ts';
import { checkPixelLimit, wrongSource } from './image-errors.ts';

const EXPECTED = 'a tensor [height, width, 1 | 3 | 4], float32 or int32, values 0 to 255';

/**
 * Pixels of a tensor `[height, width, 1 | 3 | 4]` with values 0 to 255, rounded to whole levels (a half upwards).
 * The tensor stays the caller's.
 *
 * @throws ImageError `IMAGE_SOURCE` for another shape or type, or a value that is out of range or not a number;
 *   `IMAGE_TOO_LARGE`
 */
export async function tensorToPixels(tensor: tf.Tensor, pixelLimit: number, name: string): Promise<Pixels> {
  const shape = `shape [${tensor.shape.join(', ')}]`;
  if (tensor.isDisposed)
    throw wrongSource(name, 'a tensor that is disposed', 'dispose of it later', EXPECTED);
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'int32') {
    throw wrongSource(name, `a tensor of dtype ${tensor.dtype}`, 'cast it to float32', EXPECTED);
  }
  const [height = 0, width = 0, channels = 0] = tensor.shape;
  if (tensor.rank !== 3) {
    const next = tensor.rank === 4 ? 'pass one image at a time: tf.unstack(batch)' : 'reshape it';
    throw wrongSource(name, `a tensor of ${shape}`, next, EXPECTED);
  }
  if (height < 1 || width < 1 || (channels !== 1 && channels !== 3 && channels !== 4)) {
    throw wrongSource(
      name,
      `a tensor of ${shape}`,
      'put the channels last: tensor.transpose([1, 2, 0])',
      EXPECTED,
    );
  }
  checkPixelLimit(width, height, pixelLimit, name);
  const values = await tensor.data<'float32' | 'int32'>();
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(value >= 0 && value <= 255)) {
      const next = 'scale and clip it: tensor.mul(255).clipByValue(0, 255), or undo the preprocessing';
      throw wrongSource(name, `a tensor that holds the value ${value}`, next, EXPECTED);
    }
    bytes[i] = value + 0.5;
  }
  return toRgb(bytes, width, height, channels);
}
