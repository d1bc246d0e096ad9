import type { JsonObject, ProgressCallback } from '../base/types.ts';
import { throwIfAborted } from '../base/errors.ts';
import type { Architecture, ModelFile, Quantization, TfjsArtifacts } from '../../converters/index.ts';
import { convertModelFile, readModelFile } from '../../converters/index.ts';
import { findModel } from '../../zoo/registry.ts';
import type { ModelCard } from '../../zoo/card.ts';
import { platform } from '../platform.ts';
import { expectedWeightsOf, weightLayers } from './expected-weights.ts';
import { metadataAsJson, metadataIn, metadataOfCard } from './metadata.ts';
import { recogniseCard } from './recognise.ts';

export interface ConvertOptions {
  /** The network of the zoo that a weights-only file belongs to. With or without top is found from the file. */
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
 * Converts the bytes of a Keras 1 or 2 .h5 file (whole model, or weights with `architecture`) to a TensorFlow.js
 * layers model.
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
  const named = options.architecture === undefined ? undefined : architectureFor(file, options.architecture);
  const card = named?.card ?? recogniseCard(file.layers);
  const metadata =
    metadataIn(file.userDefinedMetadata) ??
    (card === undefined ? undefined : metadataOfCard(card, inputSizeIn(file.config)));
  const artifacts = convertModelFile(file, {
    architecture: named?.architecture,
    quantize: options.quantize,
    shardSizeBytes: options.shardSizeBytes,
    userDefinedMetadata:
      metadata === undefined
        ? file.userDefinedMetadata
        : { ...file.userDefinedMetadata, ...metadataAsJson(metadata) },
  });
  return {
    ...artifacts,
    layers: named?.layers ?? file.layers.length,
    parameters: file.layers.flatMap(({ weights }) => weights).reduce((sum, { data }) => sum + data.length, 0),
    architecture: card?.name ?? metadata?.architecture,
  };
}

/** The zoo's network for weights-only files: with or without top and with as many classes as the file has. */
function architectureFor(
  file: ModelFile,
  name: string,
): { card: ModelCard; architecture: Architecture; layers: number } {
  const { card, build } = findModel(name);
  const bearing = file.layers.filter(({ weights }) => weights.length > 0);
  const withTop = build(card, {}, { kernel: 'zeros' });
  const includeTop = bearing.length >= weightLayers(withTop).length;
  withTop.dispose();
  const classes = includeTop ? bearing.at(-1)?.weights.at(-1)?.shape.at(-1) : undefined;
  const model = build(card, { includeTop, classes }, { kernel: 'zeros' });
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

/** `[height, width]` of the first input layer, or nothing. */
function inputSizeIn(config: JsonObject | undefined): (number | null)[] {
  const layers = (config?.config as JsonObject | undefined)?.layers;
  const first = Array.isArray(layers) ? (layers[0] as JsonObject | undefined) : undefined;
  const shape = (first?.config as JsonObject | undefined)?.batch_input_shape;
  return Array.isArray(shape) ? (shape.slice(1, 3) as (number | null)[]) : [];
}
