import { FormatError } from '../../src/base/errors.ts';
import type { ByteSource, JsonObject, NumericArray, StoredTensor } from '../../src/base/types.ts';
import { joined, readPart, sourceOf, type ModelBytes } from '../byte-source.ts';
import { halvesToFloat32 } from '../hdf5/numbers.ts';
import { readLimits, type ReadLimits } from '../model-file.ts';
import { BYTES, parseManifest, type WeightGroup, type WeightSpec } from './manifest.ts';

/** A weight file by its name relative to `model.json`: its bytes, or a source that stays open as long as the model is read. */
export type ReadShard = (name: string) => Promise<ModelBytes>;

export interface ReadTfjsOptions {
  /** Shown in errors. Default `model.json`. */
  readonly fileName?: string;
  readonly limits?: Partial<ReadLimits>;
}

async function groupSource(group: WeightGroup, readShard: ReadShard, fileName: string): Promise<ByteSource> {
  const expected = group.specs.reduce((sum, spec) => sum + spec.count * BYTES[spec.stored], 0);
  const shards: ByteSource[] = [];
  for (const path of group.paths) shards.push(sourceOf(await readShard(path)));
  const source = joined(shards);
  if (source.size === expected) return source;
  throw new FormatError(
    'FORMAT_DAMAGED',
    `The weight files of ${fileName} do not have the size that it states.`,
    {
      given: `${source.size} bytes in ${group.paths.length === 1 ? group.paths[0] : `${group.paths.length} files`}`,
      expected: `${expected} bytes`,
      nextStep: 'Fetch all files of the model again.',
    },
  );
}

function numbersIn(spec: WeightSpec, buffer: ArrayBuffer): NumericArray {
  if (spec.stored === 'float32') return new Float32Array(buffer);
  if (spec.stored === 'int32') return new Int32Array(buffer);
  if (spec.stored === 'bool') return new Uint8Array(buffer);
  if (spec.stored === 'float16') return halvesToFloat32(new Uint16Array(buffer));
  const values = spec.stored === 'uint8' ? new Uint8Array(buffer) : new Uint16Array(buffer);
  const value = (level: number) => level * spec.scale + spec.min;
  return spec.dtype === 'int32'
    ? Int32Array.from(values, (level) => Math.round(value(level)))
    : Float32Array.from(values, value);
}

function tensorOf(spec: WeightSpec, source: ByteSource, offset: number): StoredTensor {
  const { name, shape, dtype } = spec;
  const width = BYTES[spec.stored];
  const read = (from: number, to: number) =>
    numbersIn(spec, readPart(source, offset + from * width, (to - from) * width).buffer);
  return { name, shape, dtype, read };
}

/**
 * All tensors of a model.json, which expand when they are read. Nothing is read before the whole manifest is checked.
 *
 * @throws FormatError `FORMAT_DAMAGED`, `FORMAT_UNSAFE`, `FORMAT_LIMIT`, `FORMAT_UNSUPPORTED`, and whatever `readShard`
 *   throws.
 */
export async function readWeights(
  modelJson: JsonObject,
  readShard: ReadShard,
  options: ReadTfjsOptions = {},
): Promise<{ tensors: StoredTensor[]; notes: string[] }> {
  const fileName = options.fileName ?? 'model.json';
  // The sizes of the weight files are not known yet; what they must hold is checked against them one by one.
  const limits = readLimits(64 * 1024 * 1024, options.limits);
  const groups = parseManifest(modelJson, fileName, limits);
  const tensors: StoredTensor[] = [];
  for (const group of groups) {
    const source = await groupSource(group, readShard, fileName);
    let offset = 0;
    for (const spec of group.specs) {
      tensors.push(tensorOf(spec, source, offset));
      offset += spec.count * BYTES[spec.stored];
    }
  }
  const quantized = new Set(
    groups.flatMap(({ specs }) => specs.filter((s) => s.stored !== s.dtype).map((s) => s.stored)),
  );
  return { tensors, notes: [...quantized].map((dtype) => `weights stored as ${dtype} were expanded`) };
}
