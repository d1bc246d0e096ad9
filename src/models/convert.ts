import type { JsonObject, LayerWeights, ProgressCallback } from '../base/types.ts';
import { throwIfAborted } from '../base/errors.ts';
import type { Architecture, ModelFile, Quantization, TfjsArtifacts } from '../../converters/index.ts';
import { convertModelFile, readModelFile } from '../../converters/index.ts';
import type { ZooEntry } from '../../zoo/registry.ts';
import { findModel } from '../../zoo/registry.ts';
import type { ModelCard } from '../../zoo/card.ts';
import { platform } from '../platform.ts';
import { expectedWeightsOf, weightLayers } from './expected-weights.ts';
import { metadataAsJson, metadataIn, metadataOfCard } from './metadata.ts';
import { holdsDeviationAsVariance } from './published-normalization.ts';
import { mismatchOf, recogniseFile } from './recognise.ts';

export interface ConvertOptions {
  /**
   * The network of the zoo that a weights-only file belongs to. With or without top is found from the file. Default:
   * the network that the names and shapes of all layers are of.
   */
  readonly architecture?: string;
  /** How weights are stored. Default `none`: float32. */
  readonly quantize?: Quantization;
  /** Largest size of a weight file in bytes. Default 4 MiB. */
  readonly shardSizeBytes?: number;
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

/** A converted model in memory, ready to be written or to be loaded with `tf.loadLayersModel`. */
export interface ConvertedModel extends TfjsArtifacts {
  /** Weight-bearing and other layers. */
  readonly layers: number;
  /** Numbers in all weights together. */
  readonly parameters: number;
  /** The network of the zoo that this is, when it was named or recognised; its labels and preprocessing are attached. */
  readonly architecture?: string;
}

/**
 * Converts the bytes of a Keras 1 or 2 .h5 file (whole model, or weights with `architecture`), or of a .safetensors
 * file with the weights of a network of the zoo, to a TensorFlow.js layers model.
 *
 * @throws FormatError `FORMAT_*`; WeightsError `WEIGHTS_*`; ModelError `MODEL_UNKNOWN`; AbortedError `ABORTED`
 */
export async function convertBytes(bytes: Uint8Array, options: ConvertOptions = {}): Promise<ConvertedModel> {
  await platform().prepareTfjs();
  const file = await readModelFile(bytes, { fileName: 'the given bytes' });
  return convertFile(file, options);
}

/** The part that does not depend on where the file came from. */
export function convertFile(file: ModelFile, options: ConvertOptions = {}): ConvertedModel {
  throwIfAborted(options.signal, 'Converting');
  const recognised = options.architecture === undefined ? recogniseFile(file) : undefined;
  // A whole model says itself what it is made of.
  const name = options.architecture ?? (file.config === undefined ? recognised?.name : undefined);
  const named = name === undefined ? undefined : architectureFor(file, name);
  const card = named?.card ?? recognised;
  const metadata =
    metadataIn(file.userDefinedMetadata) ??
    (card === undefined ? undefined : metadataOfCard(card, inputSizeIn(file.config)));
  const convertAs = (architecture?: Architecture) =>
    convertModelFile(file, {
      architecture,
      quantize: options.quantize,
      shardSizeBytes: options.shardSizeBytes,
      userDefinedMetadata:
        metadata === undefined
          ? file.userDefinedMetadata
          : { ...file.userDefinedMetadata, ...metadataAsJson(metadata) },
    });
  const artifacts = named === undefined ? convertAs() : fitting(file, named, convertAs);
  return {
    ...artifacts,
    layers: named?.layers ?? file.layers.length,
    parameters: file.layers.flatMap(({ weights }) => weights).reduce((sum, { data }) => sum + data.length, 0),
    architecture: card?.name ?? metadata?.architecture,
  };
}

/** Weights that are another network's are told by its name. */
function fitting<T>(file: ModelFile, named: NamedNetwork, convert: (architecture: Architecture) => T): T {
  try {
    return convert(named.architecture);
  } catch (error) {
    throw mismatchOf(error, file, named.card, { howToName: (name) => `\`--architecture ${name}\`` });
  }
}

interface NamedNetwork {
  readonly card: ModelCard;
  readonly architecture: Architecture;
  readonly layers: number;
}

/** The zoo's network for weights-only files: with or without top and with as many classes as the file has. */
function architectureFor(file: ModelFile, name: string): NamedNetwork {
  const entry = findModel(name);
  const { card, build } = entry;
  const classifier = classifierIn(file, entry);
  const classes = classifier?.weights.at(-1)?.shape.at(-1);
  const model = build(
    card,
    { includeTop: classifier !== undefined, classes },
    { kernel: 'zeros', published: holdsDeviationAsVariance(file) },
  );
  try {
    return {
      card,
      architecture: { topology: model.toJSON(null, false) as JsonObject, weights: expectedWeightsOf(model) },
      layers: model.layers.length,
    };
  } finally {
    model.dispose();
  }
}

/** By its name where the order says nothing; else the last layer, where there are enough of them. */
function classifierIn({ kind, layers }: ModelFile, { card, build }: ZooEntry): LayerWeights | undefined {
  const bearing = layers.filter(({ weights }) => weights.length > 0);
  if (kind === 'safetensors-weights') return bearing.find(({ layer }) => layer === card.classifier);
  const withTop = build(card, {}, { kernel: 'zeros' });
  const wanted = weightLayers(withTop).length;
  withTop.dispose();
  return bearing.length >= wanted ? bearing.at(-1) : undefined;
}

/** `[height, width]` of the first input layer, or nothing. */
function inputSizeIn(config: JsonObject | undefined): (number | null)[] {
  const layers = (config?.config as JsonObject | undefined)?.layers;
  const first = Array.isArray(layers) ? (layers[0] as JsonObject | undefined) : undefined;
  const shape = (first?.config as JsonObject | undefined)?.batch_input_shape;
  return Array.isArray(shape) ? (shape.slice(1, 3) as (number | null)[]) : [];
}
