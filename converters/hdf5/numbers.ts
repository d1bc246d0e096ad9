import type { Metadata } from 'h5wasm';
import { FormatError } from '../../src/base/errors.ts';
import type { NamedTensor, NumericArray } from '../../src/base/types.ts';
import type { Hdf5Module } from './session.ts';

/** The number types that HDF5 files hold, little-endian; `bool` is h5py's enumeration of FALSE and TRUE. */
export type StoredType =
  | 'float16'
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool';

/** The number type of a data set; `undefined` when it is none that is read. */
export function storedType(module: Hdf5Module, metadata: Metadata): StoredType | undefined {
  const { type, size, signed } = metadata;
  const classes = module.H5T_class_t;
  if (type === classes.H5T_FLOAT.value && (size === 2 || size === 4 || size === 8))
    return `float${bits(size)}`;
  if (type === classes.H5T_INTEGER.value && (size === 1 || size === 2 || size === 4 || size === 8)) {
    return signed ? `int${bits(size)}` : `uint${bits(size)}`;
  }
  if (type === classes.H5T_ENUM.value && size === 1) {
    const members = metadata.enum_type?.members;
    if (members?.FALSE === 0 && members.TRUE === 1) return 'bool';
  }
  return undefined;
}

function bits<T extends 1 | 2 | 4 | 8>(size: T): { 1: 8; 2: 16; 4: 32; 8: 64 }[T] {
  return ({ 1: 8, 2: 16, 4: 32, 8: 64 } as const)[size];
}

/** IEEE 754 half precision to a number. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Many of them: the bits of a normal number are those of the same float32 with another offset of the exponent. */
export function halvesToFloat32(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  const values = new Float32Array(words.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const exponent = half & 0x7c00;
    if (exponent === 0 || exponent === 0x7c00) values[i] = halfToNumber(half);
    else words[i] = ((half & 0x8000) << 16) | (((half & 0x7fff) << 13) + (112 << 23));
  }
  return values;
}

function toInt32(values: ArrayLike<number | bigint>, what: string): Int32Array {
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]!);
    if (value < -2147483648 || value > 2147483647) {
      throw new FormatError(
        'FORMAT_UNSUPPORTED',
        `${what} holds the integer ${value}, which int32 cannot hold.`,
        {
          given: String(value),
          expected: 'integers between -2147483648 and 2147483647',
          nextStep: 'Store the tensor as float32 or int32.',
        },
      );
    }
    out[i] = value;
  }
  return out;
}

/** What numbers of a stored type become. */
export function dtypeOf(type: StoredType): NamedTensor['dtype'] {
  if (type === 'bool') return 'bool';
  return type.startsWith('float') ? 'float32' : 'int32';
}

const ELEMENT_BYTES: Readonly<Record<StoredType, number>> = {
  ...{ float16: 2, float32: 4, float64: 8, bool: 1 },
  ...{ int8: 1, int16: 2, int32: 4, int64: 8, uint8: 1, uint16: 2, uint32: 4, uint64: 8 },
};

/** Bytes in little-endian order to the types that TensorFlow.js knows. `bytes` must start their buffer. */
export function toNumericArray(
  bytes: Uint8Array<ArrayBuffer>,
  type: StoredType,
  what: string,
): { dtype: NamedTensor['dtype']; data: NumericArray } {
  const { buffer } = bytes;
  const count = bytes.length / ELEMENT_BYTES[type];
  switch (type) {
    case 'float32':
      return { dtype: 'float32', data: new Float32Array(buffer, 0, count) };
    case 'float64':
      return { dtype: 'float32', data: new Float32Array(new Float64Array(buffer, 0, count)) };
    case 'float16':
      return { dtype: 'float32', data: halvesToFloat32(new Uint16Array(buffer, 0, count)) };
    case 'int32':
      return { dtype: 'int32', data: new Int32Array(buffer, 0, count) };
    case 'int8':
      return { dtype: 'int32', data: new Int32Array(new Int8Array(buffer, 0, count)) };
    case 'uint8':
      return { dtype: 'int32', data: new Int32Array(new Uint8Array(buffer, 0, count)) };
    case 'int16':
      return { dtype: 'int32', data: new Int32Array(new Int16Array(buffer, 0, count)) };
    case 'uint16':
      return { dtype: 'int32', data: new Int32Array(new Uint16Array(buffer, 0, count)) };
    case 'uint32':
      return { dtype: 'int32', data: toInt32(new Uint32Array(buffer, 0, count), what) };
    case 'int64':
      return { dtype: 'int32', data: toInt32(new BigInt64Array(buffer, 0, count), what) };
    case 'uint64':
      return { dtype: 'int32', data: toInt32(new BigUint64Array(buffer, 0, count), what) };
    case 'bool':
      return { dtype: 'bool', data: new Uint8Array(buffer, 0, count) };
  }
}
