import type { PixelInput } from '../../converters/onnx/index.ts';
import type { PreprocessingMode } from '../../zoo/card.ts';
import { IMAGENET_DEVIATION, IMAGENET_MEAN } from '../../zoo/imagenet-statistics.ts';
import { CAFFE_MEAN_BGR, LITE_MEAN, LITE_STD } from './preprocess.ts';

const RGB = [0, 1, 2] as const;
const BGR = [2, 1, 0] as const;

/** What `preprocessPixels` does, as one affine map for each channel: a part of an ONNX graph. */
export function pixelInputOf(mode: PreprocessingMode): PixelInput {
  switch (mode) {
    case 'caffe': {
      const [blue, green, red] = CAFFE_MEAN_BGR;
      return { channels: BGR, scale: [1, 1, 1], shift: [-blue, -green, -red] };
    }
    case 'tf':
      return alike(1 / 127.5, -1);
    case 'torch': {
      const scale = IMAGENET_DEVIATION.map((deviation) => 1 / (255 * deviation));
      const shift = IMAGENET_MEAN.map((mean, channel) => -mean / IMAGENET_DEVIATION[channel]!);
      return { channels: RGB, scale: triple(scale), shift: triple(shift) };
    }
    case 'lite':
      return alike(1 / LITE_STD, -LITE_MEAN / LITE_STD);
    case 'symmetric128':
      return alike(1 / 128, -1);
    case 'unit':
      return alike(1 / 255, 0);
    case 'teachable':
      return alike(1 / 127, -1);
    case 'none':
      return alike(1, 0);
  }
}

function alike(scale: number, shift: number): PixelInput {
  return { channels: RGB, scale: [scale, scale, scale], shift: [shift, shift, shift] };
}

function triple(values: readonly number[]): [number, number, number] {
  return [values[0]!, values[1]!, values[2]!];
}
