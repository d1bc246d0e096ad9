import { FormatError } from '../../src/base/errors.ts';
import type { NamedTensor } from '../../src/base/types.ts';
import { groupByLayer, nameBefore } from '../group-by-layer.ts';
import { toNumericArray, type StoredType } from '../hdf5/numbers.ts';
import { readLimits, type ModelFile, type ReadLimits } from '../model-file.ts';
import { dequantizeChannels } from './channel-scales.ts';
import { readHeader, type HeaderEntry, type StoredDtype } from './header.ts';

export interface ReadSafetensorsOptions {
  /** Shown in errors. Default `the given bytes`. */
  readonly fileName?: string;
  readonly limits?: Partial<ReadLimits>;
}

/** A tensor called so holds the scales of the one without the ending. */
export const SCALE_ENDING = '.scale';

const TYPES: Record<Exclude<StoredDtype, 'BF16'>, StoredType> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};

/**
 * Reads a safetensors file: weights without a topology, each tensor called `layer/weight` (or `layer.weight`). 8-bit
 * tensors with a companion `NAME.scale` (one scale for each channel) become float32.
 *
 * @throws FormatError `FORMAT_DAMAGED`, `FORMAT_UNSUPPORTED`, `FORMAT_LIMIT`
 */
export function readSafetensors(bytes: Uint8Array, options: ReadSafetensorsOptions = {}): ModelFile {
  const fileName = options.fileName ?? 'the given bytes';
  const limits = readLimits(bytes.length, options.limits);
  const { entries, metadata, dataAt } = readHeader(bytes, fileName, limits.tensors);
  const expanded = entries.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
  if (expanded > limits.tensorBytes) {
    throw new FormatError('FORMAT_LIMIT', `The tensors of ${fileName} are larger than the limit.`, {
      given: `${expanded} bytes`,
      expected: `at most ${limits.tensorBytes} bytes`,
      nextStep: 'Raise the limit `tensorBytes` if you trust the file.',
    });
  }
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  // A copy, aligned in a buffer of its own; `slice` of a Node Buffer would not be one.
  const bytesOf = ({ begin, end }: HeaderEntry) =>
    new Uint8Array(bytes.subarray(dataAt + begin, dataAt + end));
  const tensors = entries
    .filter(({ name }) => !isScale(name, byName))
    .map((entry) => tensorOf(entry, byName.get(entry.name + SCALE_ENDING), bytesOf));
  const layers = groupByLayer(tensors, layerOf);
  if (layers.length > limits.layers) {
    throw new FormatError('FORMAT_LIMIT', `${fileName} has more layers than are read.`, {
      given: `${layers.length} layers`,
      expected: `at most ${limits.layers}`,
      nextStep: 'Raise the limit `layers` if you trust the file.',
    });
  }
  return {
    kind: 'safetensors-weights',
    fileName,
    kerasVersion: '',
    // Kernels are never mirrored.
    backend: 'tensorflow',
    layers,
    notes: Object.entries(metadata).map(([key, value]) => `${key}: ${value}`),
  };
}

function isScale(name: string, entries: ReadonlyMap<string, HeaderEntry>): boolean {
  return name.endsWith(SCALE_ENDING) && entries.get(name.slice(0, -SCALE_ENDING.length))?.dtype === 'I8';
}

function tensorOf(
  entry: HeaderEntry,
  scale: HeaderEntry | undefined,
  bytesOf: (entry: HeaderEntry) => Uint8Array<ArrayBuffer>,
): NamedTensor {
  const { name, dtype, shape } = entry;
  const bytes = bytesOf(entry);
  if (dtype === 'I8' && scale !== undefined) {
    const scales = numbersOf(bytesOf(scale), scale).data;
    const integers = new Int8Array(bytes.buffer);
    const data = dequantizeChannels(integers, shape, Float32Array.from(scales), scale.shape, name);
    return { name, shape, dtype: 'float32', data };
  }
  return { name, shape, ...numbersOf(bytes, entry) };
}

function numbersOf(
  bytes: Uint8Array<ArrayBuffer>,
  { name, dtype }: HeaderEntry,
): Pick<NamedTensor, 'dtype' | 'data'> {
  if (dtype !== 'BF16') return toNumericArray(bytes, TYPES[dtype], name);
  // The upper half of a float32.
  const words = Uint32Array.from(new Uint16Array(bytes.buffer), (half) => half * 2 ** 16);
  return { dtype: 'float32', data: new Float32Array(words.buffer) };
}

/** `layer/weight`, or where there is no slash `layer.weight`. */
function layerOf(name: string): string {
  return nameBefore(name.includes('/') ? '/' : '.', name);
}
