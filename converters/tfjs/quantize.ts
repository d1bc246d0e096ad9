import type { NumericArray, WeightTensor } from '../../src/base/types.ts';
import { badNote, countBad, countOf, piecesOf } from '../tensors.ts';
import { FLOAT16_MAX, toFloat16Bits } from './float16.ts';

/**
 * How kernels are stored. `none`: float32, exact. `float16`: half the size. `uint16`, `uint8`: one scale and minimum
 * for each tensor, a half and a quarter of the size.
 *
 * Only float32 tensors of two dimensions or more (kernels, embeddings) are quantized. Biases and the statistics of
 * BatchNormalization stay float32: they are less than a hundredth of the bytes, and errors in them shift every
 * output. Integers stay as they are.
 */
export type Quantization = 'none' | 'float16' | 'uint8' | 'uint16';

export interface QuantizationSpec {
  readonly dtype: 'float16' | 'uint8' | 'uint16';
  readonly original_dtype: 'float32';
  readonly scale?: number;
  readonly min?: number;
}

/** A tensor on its way into a shard. */
export interface Stored {
  /** What `model.json` has to say about it. */
  readonly quantization?: QuantizationSpec;
  /** Of all bytes together. */
  readonly size: number;
  /** The bytes, piece by piece. Oddities of the numbers go to `note` on the way. */
  readonly bytes: (note: (text: string) => void) => Generator<Uint8Array>;
}

const bytesOf = (data: NumericArray | Uint16Array) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function plain(tensor: WeightTensor): Stored {
  return {
    size: countOf(tensor) * (tensor.dtype === 'bool' ? 1 : 4),
    *bytes(note) {
      let bad = 0;
      for (const piece of piecesOf(tensor)) {
        bad += countBad(piece);
        yield bytesOf(piece);
      }
      if (bad > 0) note(badNote(tensor.name, bad));
    },
  };
}

function half(tensor: WeightTensor): Stored {
  return {
    quantization: { dtype: 'float16', original_dtype: 'float32' },
    size: countOf(tensor) * 2,
    *bytes(note) {
      let saturated = 0;
      let bad = 0;
      for (const piece of piecesOf(tensor)) {
        bad += countBad(piece);
        const out = new Uint16Array(piece.length);
        for (let i = 0; i < out.length; i++) {
          const value = piece[i]!;
          const bounded = Number.isFinite(value)
            ? Math.max(-FLOAT16_MAX, Math.min(FLOAT16_MAX, value))
            : value;
          if (bounded !== value && !Number.isNaN(value)) saturated += 1;
          out[i] = toFloat16Bits(bounded);
        }
        yield bytesOf(out);
      }
      if (saturated > 0) note(`${tensor.name}: ${saturated} values beyond ±${FLOAT16_MAX} were cut to it`);
      if (bad > 0) note(badNote(tensor.name, bad));
    },
  };
}

function range(tensor: WeightTensor): { low: number; high: number; finite: boolean } {
  let low = Infinity;
  let high = -Infinity;
  for (const piece of piecesOf(tensor)) {
    for (let i = 0; i < piece.length; i++) {
      const value = piece[i]!;
      if (!Number.isFinite(value)) return { low, high, finite: false };
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return { low, high, finite: true };
}

/** Zero is stored exactly, so that pruned and padded weights stay zero. */
function gridOf(low: number, high: number, levels: number): { scale: number; min: number } {
  const even = low === high;
  const scale = even ? 1 : (high - low) / levels;
  const min = !even && low <= 0 && high >= 0 ? 0 - Math.round(-low / scale) * scale : low;
  return { scale, min };
}

function affine(tensor: WeightTensor, dtype: 'uint8' | 'uint16'): Stored {
  const { low, high, finite } = range(tensor);
  if (!finite) {
    const { size, bytes } = plain(tensor);
    return {
      size,
      *bytes(note) {
        note(`${tensor.name} holds NaN or infinity and stays float32`);
        yield* bytes(note);
      },
    };
  }
  const levels = dtype === 'uint8' ? 255 : 65535;
  const width = dtype === 'uint8' ? 1 : 2;
  const { scale, min } = gridOf(low, high, levels);
  return {
    quantization: { dtype, original_dtype: 'float32', scale, min },
    size: countOf(tensor) * width,
    *bytes() {
      for (const piece of piecesOf(tensor)) {
        const out = width === 1 ? new Uint8Array(piece.length) : new Uint16Array(piece.length);
        for (let i = 0; i < out.length; i++) {
          out[i] = Math.max(0, Math.min(levels, Math.round((piece[i]! - min) / scale)));
        }
        yield bytesOf(out);
      }
    },
  };
}

/** A kernel as levels, with the scale and the minimum of each output channel: `level * scale + minimum`. */
export interface ChannelLevels {
  /** The kernel's levels, as float32 numbers, stored in fewer bits. */
  readonly levels: Stored;
  readonly scale: Float32Array;
  readonly minimum: Float32Array;
}

/**
 * The levels of a kernel, channel by channel; undefined where a number is NaN or infinite. Its numbers are read once here,
 * and once more when the bytes are asked for.
 *
 * @param axes Those that belong to one channel, side by side.
 */
export function channelLevels(
  tensor: WeightTensor,
  axes: readonly number[],
  dtype: 'uint8' | 'uint16',
): ChannelLevels | undefined {
  const sizeOf = (sides: readonly number[]) => sides.reduce((product, side) => product * side, 1);
  const channels = sizeOf(axes.map((axis) => tensor.shape[axis]!));
  const inner = sizeOf(tensor.shape.slice(axes.at(-1)! + 1));
  const channelOf = (index: number) => Math.floor(index / inner) % channels;
  const low = new Float32Array(channels).fill(Infinity);
  const high = new Float32Array(channels).fill(-Infinity);
  let start = 0;
  for (const piece of piecesOf(tensor)) {
    for (let i = 0; i < piece.length; i++) {
      const value = piece[i]!;
      if (!Number.isFinite(value)) return undefined;
      const channel = channelOf(start + i);
      if (value < low[channel]!) low[channel] = value;
      if (value > high[channel]!) high[channel] = value;
    }
    start += piece.length;
  }
  const most = dtype === 'uint8' ? 255 : 65535;
  const width = dtype === 'uint8' ? 1 : 2;
  const scale = new Float32Array(channels);
  const minimum = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    ({ scale: scale[channel], min: minimum[channel] } = gridOf(low[channel]!, high[channel]!, most));
  }
  const levels: Stored = {
    quantization: { dtype, original_dtype: 'float32', scale: 1, min: 0 },
    size: countOf(tensor) * width,
    *bytes() {
      let from = 0;
      for (const piece of piecesOf(tensor)) {
        const out = width === 1 ? new Uint8Array(piece.length) : new Uint16Array(piece.length);
        for (let i = 0; i < out.length; i++) {
          const channel = channelOf(from + i);
          const level = Math.round((piece[i]! - minimum[channel]!) / scale[channel]!);
          out[i] = Math.max(0, Math.min(most, level));
        }
        from += piece.length;
        yield bytesOf(out);
      }
    },
  };
  return { levels, scale, minimum };
}

/** How one tensor goes into the shards. To find a scale, its numbers are read once. */
export function quantize(tensor: WeightTensor, how: Quantization): Stored {
  const suited = tensor.dtype === 'float32' && tensor.shape.length >= 2 && countOf(tensor) > 0;
  if (how === 'none' || !suited) return plain(tensor);
  return how === 'float16' ? half(tensor) : affine(tensor, how);
}
