import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, NamedTensor } from '../../src/base/types.ts';
import { halfToNumber } from '../hdf5/numbers.ts';
import { readLimits, type ReadLimits } from '../model-file.ts';
import { BYTES, parseManifest, type WeightGroup, type WeightSpec } from './manifest.ts';

/** Bytes of a weight file, by its name relative to `model.json`. */
export type ReadShard = (name: string) => Promise<Uint8Array>;

export interface ReadTfjsOptions {
  /** Shown in errors. Default `model.json`. */
  readonly fileName?: string;
  readonly limits?: Partial<ReadLimits>;
}

function concatenated(shards: readonly Uint8Array[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  let position = 0;
  for (const shard of shards) {
    out.set(shard, position);
    position += shard.length;
  }
  return out;
}

async function groupBytes(group: WeightGroup, readShard: ReadShard, fileName: string): Promise<Uint8Array> {
  const expected = group.specs.reduce((sum, spec) => sum + spec.count * BYTES[spec.stored], 0);
  const shards: Uint8Array[] = [];
  for (const path of group.paths) shards.push(await readShard(path));
  const given = shards.reduce((sum, shard) => sum + shard.length, 0);
  if (given === expected) return concatenated(shards, given);
  throw new FormatError(
    'FORMAT_DAMAGED',
    `The weight files of ${fileName} do not have the size that it states.`,
    {
      given: `${given} bytes in ${group.paths.length === 1 ? group.paths[0] : `${group.paths.length} files`}`,
      expected: `${expected} bytes`,
      nextStep: 'Fetch all files of the model again.',
    },
  );
}

function tensorOf(spec: WeightSpec, bytes: Uint8Array): NamedTensor {
  const { name, shape, dtype } = spec;
  // A copy: the bytes of one tensor need not be aligned within the group.
  const { buffer } = Uint8Array.from(bytes);
  if (spec.stored === 'float32') return { name, shape, dtype, data: new Float32Array(buffer) };
  if (spec.stored === 'int32') return { name, shape, dtype, data: new Int32Array(buffer) };
  if (spec.stored === 'bool') return { name, shape, dtype, data: new Uint8Array(buffer) };
  if (spec.stored === 'float16') {
    return { name, shape, dtype, data: Float32Array.from(new Uint16Array(buffer), halfToNumber) };
  }
  const values = spec.stored === 'uint8' ? new Uint8Array(buffer) : new Uint16Array(buffer);
  const value = (level: number) => level * spec.scale + spec.min;
  const data =
    dtype === 'int32'
      ? Int32Array.from(values, (level) => Math.round(value(level)))
      : Float32Array.from(values, value);
  return { name, shape, dtype, data };
}

/**
 * All tensors of a model.json, expanded. Nothing is read before the whole manifest is checked.
 *
 * @throws FormatError `FORMAT_DAMAGED`, `FORMAT_UNSAFE`, `FORMAT_LIMIT`, `FORMAT_UNSUPPORTED`, and whatever `readShard`
 *   throws.
 */
export async function readWeights(
  modelJson: JsonObject,
  readShard: ReadShard,
  options: ReadTfjsOptions = {},
): Promise<{ tensors: NamedTensor[]; notes: string[] }> {
  const fileName = options.fileName ?? 'model.json';
  // The sizes of the weight files are not known yet; what they must hold is checked against them one by one.
  const limits = readLimits(64 * 1024 * 1024, options.limits);
  const groups = parseManifest(modelJson, fileName, limits);
  const tensors: NamedTensor[] = [];
  for (const group of groups) {
    const bytes = await groupBytes(group, readShard, fileName);
    let offset = 0;
    for (const spec of group.specs) {
      const end = offset + spec.count * BYTES[spec.stored];
      tensors.push(tensorOf(spec, bytes.subarray(offset, end)));
      offset = end;
    }
  }
  const quantized = new Set(
    groups.flatMap(({ specs }) => specs.filter((s) => s.stored !== s.dtype).map((s) => s.stored)),
  );
  return { tensors, notes: [...quantized].map((dtype) => `weights stored as ${dtype} were expanded`) };
}
