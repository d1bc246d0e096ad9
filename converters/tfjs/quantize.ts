import type { NamedTensor } from '../../src/base/types.ts';
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

export interface Stored {
  readonly bytes: Uint8Array;
  readonly quantization?: QuantizationSpec;
  readonly note?: string;
}

function plain(tensor: NamedTensor): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

function half(tensor: NamedTensor): Stored {
  const out = new Uint16Array(tensor.data.length);
  let saturated = 0;
  for (let i = 0; i < out.length; i++) {
    const value = tensor.data[i]!;
    const bounded = Number.isFinite(value) ? Math.max(-FLOAT16_MAX, Math.min(FLOAT16_MAX, value)) : value;
    if (bounded !== value && !Number.isNaN(value)) saturated += 1;
    out[i] = toFloat16Bits(bounded);
  }
  const note =
    saturated === 0
      ? {}
      : { note: `${tensor.name}: ${saturated} values beyond ±${FLOAT16_MAX} were cut to it` };
  return {
    bytes: new Uint8Array(out.buffer),
    quantization: { dtype: 'float16', original_dtype: 'float32' },
    ...note,
  };
}

function range(data: NamedTensor['data']): { low: number; high: number; finite: boolean } {
  let low = Infinity;
  let high = -Infinity;
  for (const value of data) {
    if (!Number.isFinite(value)) return { low, high, finite: false };
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high, finite: true };
}

function affine(tensor: NamedTensor, dtype: 'uint8' | 'uint16'): Stored {
  const { low, high, finite } = range(tensor.data);
  if (!finite)
    return { bytes: plain(tensor), note: `${tensor.name} holds NaN or infinity and stays float32` };
  const levels = dtype === 'uint8' ? 255 : 65535;
  const out = dtype === 'uint8' ? new Uint8Array(tensor.data.length) : new Uint16Array(tensor.data.length);
  const bytes = new Uint8Array(out.buffer);
  if (low === high) return { bytes, quantization: { dtype, original_dtype: 'float32', scale: 1, min: low } };
  const scale = (high - low) / levels;
  // Zero is stored exactly, so that pruned and padded weights stay zero.
  const min = low <= 0 && high >= 0 ? 0 - Math.round(-low / scale) * scale : low;
  for (let i = 0; i < out.length; i++) {
    out[i] = Math.max(0, Math.min(levels, Math.round((tensor.data[i]! - min) / scale)));
  }
  return { bytes, quantization: { dtype, original_dtype: 'float32', scale, min } };
}

/** The bytes of one tensor as they go into a shard, and what `model.json` has to say about them. */
export function quantize(tensor: NamedTensor, how: Quantization): Stored {
  const suited = tensor.dtype === 'float32' && tensor.shape.length >= 2 && tensor.data.length > 0;
  if (how === 'none' || !suited) return { bytes: plain(tensor) };
  return how === 'float16' ? half(tensor) : affine(tensor, how);
}
