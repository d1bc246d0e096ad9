import { UsageError, WeightsError } from '../../src/base/errors.ts';
import type { JsonObject, WeightTensor } from '../../src/base/types.ts';
import { countOf, isInMemory } from '../tensors.ts';
import { withChannelScales, type StoredWeight } from './channel-scales.ts';
import { quantize, type Quantization } from './quantize.ts';
import { shardNames, toShards, type Shard } from './shards.ts';

export interface WriteTfjsOptions {
  /** What `toTfjsTopology` or `model.toJSON(null, false)` gives. */
  readonly topology: JsonObject;
  /** In the order of the layers, with the names that tfjs gives to weights (`conv1/kernel`). */
  readonly weights: readonly (readonly WeightTensor[])[];
  /** Default `none`. */
  readonly quantize?: Quantization;
  /**
   * With `uint8` and `uint16`: a scale for each output channel of a kernel, instead of one for the whole. The layers of
   * such kernels become `ChannelScaled`, a layer of this package, which has to be imported where the model is loaded.
   * Default false.
   */
  readonly perChannel?: boolean;
  /** Largest size of a weight file in bytes. Default 4 MiB, as in tensorflowjs_converter. */
  readonly shardSizeBytes?: number;
  /** Comes back from `tf.loadLayersModel` as `model.getUserDefinedMetadata()`. */
  readonly userDefinedMetadata?: JsonObject;
  /** Whether the bytes of a shard may be overwritten as soon as the second one after it is asked for. Default false. */
  readonly reuseBuffers?: boolean;
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

function checkOptions(how: Quantization, shardSizeBytes: number, perChannel = false): void {
  if (perChannel && (how === 'none' || how === 'float16')) {
    throw new UsageError('USAGE_OPTION', 'There are no scales to be had for each channel.', {
      given: `perChannel with quantize: ${how}`,
      expected: 'quantize: uint8 or uint16',
      nextStep: 'Choose one of these, or leave perChannel out.',
    });
  }
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

function storedWeights(
  { topology, weights, perChannel }: WriteTfjsOptions,
  how: Quantization,
): { topology: JsonObject; weights: readonly StoredWeight[]; scaled: number } {
  if (perChannel === true && (how === 'uint8' || how === 'uint16'))
    return withChannelScales(topology, weights, how);
  const stored = weights.flat().map((tensor) => {
    const { name, shape, dtype } = tensor;
    return { name, shape, dtype, stored: quantize(tensor, how) };
  });
  return { topology, weights: stored, scaled: 0 };
}

/** The same, written piece by piece: what is in memory at once is one shard and one piece of a tensor. */
export interface TfjsStream {
  readonly modelJson: JsonObject;
  /** Of all weight files together. */
  readonly weightBytes: number;
  /** The weight files, in order; to be walked once. */
  readonly shards: Generator<Shard>;
  /** Complete when the shards have been walked. */
  readonly notes: readonly string[];
}

function checkTensor(tensor: WeightTensor, seen: Set<string>): void {
  if (seen.has(tensor.name)) {
    throw new WeightsError('WEIGHTS_COUNT', `Two weights are called "${tensor.name}".`, {
      given: `"${tensor.name}" twice`,
      expected: 'one tensor for each name',
      nextStep: 'Give the layers different names.',
    });
  }
  seen.add(tensor.name);
  if (!isInMemory(tensor)) return;
  const size = countOf(tensor);
  if (size !== tensor.data.length) {
    throw new WeightsError('WEIGHTS_SHAPE', `${tensor.name} does not hold what its shape says.`, {
      given: `${tensor.data.length} numbers`,
      expected: `${size} for the shape [${tensor.shape.join(', ')}]`,
      nextStep: 'Check where the tensor comes from.',
    });
  }
}

/**
 * A TensorFlow.js layers model on its way to files; plain `tf.loadLayersModel` loads it.
 *
 * @throws UsageError `USAGE_OPTION`; WeightsError `WEIGHTS_COUNT`, `WEIGHTS_SHAPE` for tensors that contradict
 *   themselves. The shards throw what reading the tensors throws.
 */
export function streamTfjsModel(options: WriteTfjsOptions): TfjsStream {
  const how = options.quantize ?? 'none';
  const shardSizeBytes = options.shardSizeBytes ?? DEFAULT_SHARD;
  checkOptions(how, shardSizeBytes, options.perChannel);
  const seen = new Set<string>();
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  for (const tensor of options.weights.flat()) checkTensor(tensor, seen);
  const { topology, weights, scaled } = storedWeights(options, how);
  if (scaled > 0) {
    note(
      `${scaled} layers have a scale for each channel, by the layer ChannelScaled: import dovecote before ` +
        'tf.loadLayersModel, which then finds it',
    );
  }
  const specs = weights.map(({ name, shape, dtype, stored: { quantization } }): JsonObject => {
    const spec: JsonObject = { name, shape: [...shape], dtype };
    return quantization === undefined ? spec : { ...spec, quantization: { ...quantization } };
  });
  const weightBytes = weights.reduce((sum, { stored }) => sum + stored.size, 0);
  const modelJson: JsonObject = {
    format: 'layers-model',
    generatedBy: options.generatedBy ?? 'dovecote',
    convertedBy: 'dovecote',
    modelTopology: topology,
    weightsManifest: [{ paths: shardNames(weightBytes, shardSizeBytes), weights: specs }],
  };
  if (options.userDefinedMetadata !== undefined) modelJson.userDefinedMetadata = options.userDefinedMetadata;
  function* chunks() {
    for (const { stored } of weights) yield* stored.bytes(note);
  }
  return {
    modelJson,
    weightBytes,
    shards: toShards(chunks(), weightBytes, shardSizeBytes, options.reuseBuffers),
    notes,
  };
}

/**
 * A TensorFlow.js layers model in memory, as `model.json` and its weight files; plain `tf.loadLayersModel` loads it.
 *
 * @throws what `streamTfjsModel` and its shards throw.
 */
export function writeTfjsModel(options: WriteTfjsOptions): TfjsArtifacts {
  const { modelJson, shards, notes } = streamTfjsModel(options);
  return { modelJson, shards: [...shards], notes };
}
