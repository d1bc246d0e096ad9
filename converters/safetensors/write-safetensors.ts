import { WeightsError } from '../../src/base/errors.ts';
import type { NamedTensor } from '../../src/base/types.ts';
import { FLOAT16_MAX, toFloat16Bits } from '../tfjs/float16.ts';
import { quantizeChannels } from './channel-scales.ts';
import { BYTES, METADATA, type StoredDtype } from './header.ts';
import { SCALE_ENDING } from './read-safetensors.ts';

/**
 * `int8`: 8 bits and one float32 scale for each output channel. A tensor with numbers that an encoding cannot hold (not
 * finite, or beyond float16) is stored exactly.
 */
export type SafetensorsEncoding = 'exact' | 'float16' | 'int8';

export interface WriteSafetensorsOptions {
  /** How a float32 tensor is stored. Default `exact`. Integers stay as they are. */
  readonly encodingOf?: (tensor: NamedTensor) => SafetensorsEncoding;
  /** Written as the format's `__metadata__`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const EXACT = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const;
const ALIGNMENT = 8;

/**
 * Writes tensors as a safetensors file. The header names them in the given order; the bytes lie with the widest
 * number type first, so that each is aligned.
 *
 * @throws WeightsError `WEIGHTS_COUNT` for two tensors of one name, or for one called `__metadata__`
 */
export function writeSafetensors(
  tensors: readonly NamedTensor[],
  { encodingOf = () => 'exact', metadata }: WriteSafetensorsOptions = {},
): Uint8Array<ArrayBuffer> {
  const stored = tensors.flatMap((tensor) => encode(tensor, encodingOf(tensor)));
  checkNames(stored);
  const offsets = new Map<string, [number, number]>();
  let size = 0;
  const inPlace = [...stored].sort((a, b) => BYTES[b.dtype] - BYTES[a.dtype]);
  for (const { name, bytes } of inPlace) offsets.set(name, [size, (size += bytes.length)]);
  const header = Object.fromEntries(
    stored.map(({ name, dtype, shape }) => [name, { dtype, shape, data_offsets: offsets.get(name) }]),
  );
  const json = JSON.stringify(metadata === undefined ? header : { [METADATA]: metadata, ...header });
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(8 + padded + size);
  new DataView(file.buffer).setUint32(0, padded, true);
  file.fill(0x20, 8, 8 + padded).set(text, 8);
  for (const { name, bytes } of inPlace) file.set(bytes, 8 + padded + offsets.get(name)![0]);
  return file;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function encode(tensor: NamedTensor, encoding: SafetensorsEncoding): StoredTensor[] {
  const { name, shape, data, dtype } = tensor;
  if (dtype !== 'float32' || encoding === 'exact' || !holds(encoding, data)) {
    return [{ name, dtype: EXACT[dtype], shape, bytes: bytesOf(data) }];
  }
  if (encoding === 'float16') {
    return [{ name, dtype: 'F16', shape, bytes: bytesOf(Uint16Array.from(data, toFloat16Bits)) }];
  }
  const { integers, scales, scaleShape } = quantizeChannels(tensor);
  return [
    { name, dtype: 'I8', shape, bytes: bytesOf(integers) },
    { name: name + SCALE_ENDING, dtype: 'F32', shape: scaleShape, bytes: bytesOf(scales) },
  ];
}

function holds(encoding: 'float16' | 'int8', data: NamedTensor['data']): boolean {
  const most = encoding === 'float16' ? FLOAT16_MAX : Number.MAX_VALUE;
  return data.every((value: number) => Math.abs(value) <= most);
}

function checkNames(tensors: readonly StoredTensor[]): void {
  const seen = new Set<string>();
  for (const { name } of tensors) {
    if (name === METADATA) {
      throw new WeightsError('WEIGHTS_COUNT', `No weight can be called "${METADATA}".`, {
        given: `a tensor called "${METADATA}"`,
        expected: 'another name: safetensors files keep their metadata under this one',
        nextStep: 'Give the layer another name.',
      });
    }
    if (seen.has(name)) {
      throw new WeightsError('WEIGHTS_COUNT', `Two weights are called "${name}".`, {
        given: `"${name}" twice`,
        expected: 'one tensor for each name',
        nextStep: 'Give the layers different names.',
      });
    }
    seen.add(name);
  }
}
