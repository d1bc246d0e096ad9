import { UsageError, WeightsError } from '../../src/base/errors.ts';
import type { JsonObject, NamedTensor } from '../../src/base/types.ts';
import { quantize, type Quantization } from './quantize.ts';
import { toShards, type Shard } from './shards.ts';

export interface WriteTfjsOptions {
  /** What `toTfjsTopology` or `model.toJSON(null, false)` gives. */
  readonly topology: JsonObject;
  /** In the order of the layers, with the names that tfjs gives to weights (`conv1/kernel`). */
  readonly weights: readonly (readonly NamedTensor[])[];
  /** Default `none`. */
  readonly quantize?: Quantization;
  /** Largest size of a weight file in bytes. Default 4 MiB, as in tensorflowjs_converter. */
  readonly shardSizeBytes?: number;
  /** Comes back from `tf.loadLayersModel` as `model.getUserDefinedMetadata()`. */
  readonly userDefinedMetadata?: JsonObject;
  /** Written as `generatedBy`. */
  readonly generatedBy?: string;
}

export interface TfjsArtifacts {
  readonly modelJson: JsonObject;
  readonly shards: readonly Shard[];
  /** What a user may want to know, such as tensors that could not be quantized. */
  readonly notes: readonly string[];
}

const QUANTIZATIONS: readonly string[] = ['none', 'float16', 'uint8', 'uint16'] satisfies Quantization[];
const DEFAULT_SHARD = 4 * 1024 * 1024;

function checkOptions(how: Quantization, shardSizeBytes: number): void {
  if (!QUANTIZATIONS.includes(how)) {
    throw new UsageError('USAGE_OPTION', `There is no quantization "${String(how)}".`, {
      given: String(how),
      expected: QUANTIZATIONS.join(', '),
      nextStep: 'Choose one of these.',
    });
  }
  if (!Number.isSafeInteger(shardSizeBytes) || shardSizeBytes < 1024) {
    throw new UsageError('USAGE_OPTION', 'The shard size is not usable.', {
      given: String(shardSizeBytes),
      expected: 'a whole number of bytes, at least 1024',
      nextStep: `Leave it out for ${DEFAULT_SHARD} bytes.`,
    });
  }
}

function checkTensor(tensor: NamedTensor, seen: Set<string>): void {
  if (seen.has(tensor.name)) {
    throw new WeightsError('WEIGHTS_COUNT', `Two weights are called "${tensor.name}".`, {
      given: `"${tensor.name}" twice`,
      expected: 'one tensor for each name',
      nextStep: 'Give the layers different names.',
    });
  }
  seen.add(tensor.name);
  const size = tensor.shape.reduce((product, dimension) => product * dimension, 1);
  if (size !== tensor.data.length) {
    throw new WeightsError('WEIGHTS_SHAPE', `${tensor.name} does not hold what its shape says.`, {
      given: `${tensor.data.length} numbers`,
      expected: `${size} for the shape [${tensor.shape.join(', ')}]`,
      nextStep: 'Check where the tensor comes from.',
    });
  }
}

/**
 * A TensorFlow.js layers model, as `model.json` and its weight files; plain `tf.loadLayersModel` loads it.
 *
 * @throws UsageError `USAGE_OPTION`; WeightsError `WEIGHTS_COUNT`, `WEIGHTS_SHAPE` for tensors that contradict
 *   themselves.
 */
export function writeTfjsModel(options: WriteTfjsOptions): TfjsArtifacts {
  const how = options.quantize ?? 'none';
  const shardSizeBytes = options.shardSizeBytes ?? DEFAULT_SHARD;
  checkOptions(how, shardSizeBytes);
  const seen = new Set<string>();
  const notes: string[] = [];
  const chunks: Uint8Array[] = [];
  const specs: JsonObject[] = [];
  for (const tensor of options.weights.flat()) {
    checkTensor(tensor, seen);
    const stored = quantize(tensor, how);
    if (stored.note !== undefined) notes.push(stored.note);
    chunks.push(stored.bytes);
    const spec: JsonObject = { name: tensor.name, shape: [...tensor.shape], dtype: tensor.dtype };
    if (stored.quantization !== undefined) spec.quantization = { ...stored.quantization };
    specs.push(spec);
  }
  const shards = toShards(chunks, shardSizeBytes);
  const modelJson: JsonObject = {
    format: 'layers-model',
    generatedBy: options.generatedBy ?? 'dovecote',
    convertedBy: 'dovecote',
    modelTopology: options.topology,
    weightsManifest: [{ paths: shards.map((shard) => shard.name), weights: specs }],
  };
  if (options.userDefinedMetadata !== undefined) modelJson.userDefinedMetadata = options.userDefinedMetadata;
  return { modelJson, shards, notes };
}
