import type { JsonObject, LayerWeights } from '../base/types.ts';
import { UsageError, throwIfAborted } from '../base/errors.ts';
import type { Architecture, ModelFile, Quantization, ResolvedModel } from '../../converters/index.ts';
import { countOf, resolveModelFile } from '../../converters/index.ts';
import type { Initialisation } from '../../zoo/build-options.ts';
import { findModel } from '../../zoo/registry.ts';
import type { VariantOptions } from '../../zoo/variants.ts';
import { differingOptions } from '../../zoo/variants.ts';
import { expectedWeightsOf, weightLayers } from './expected-weights.ts';
import type { ModelMetadata } from './metadata.ts';
import { metadataAsJson, metadataIn, metadataOfCard } from './metadata.ts';
import type { ReadModelOptions } from './model-bytes.ts';
import { holdsDeviationAsVariance } from './published-normalization.ts';
import type { Recognised } from './recognise.ts';
import { mismatchOf, optionsOfWhole, recogniseFile } from './recognise.ts';
import { RESNET_OF_2016, resNetOf2016 } from './resnet-of-2016.ts';

export interface ConvertOptions extends Pick<
  ReadModelOptions,
  'config' | 'limits' | 'onProgress' | 'signal'
> {
  /**
   * The network of the zoo that a weights-only file belongs to. With or without top is found from the file. Default:
   * the network that the names and shapes of all layers are of.
   */
  readonly architecture?: string;
  /** With `architecture`: the width of a MobileNet. Default 1. */
  readonly alpha?: number;
  /** With `architecture`: the MobileNetV3 without squeeze-and-excite, hard-swish and 5x5 kernels. Default false. */
  readonly minimalistic?: boolean;
  /** How weights are stored. Default `none`: float32. */
  readonly quantize?: Quantization;
  /**
   * With `uint8` and `uint16`: a scale for each output channel of a kernel, instead of one for the whole. The model then
   * needs this package imported where it is loaded. Default false.
   */
  readonly perChannel?: boolean;
  /** Of a Keras output: the weights without the layers, as `model.save_weights` writes them. Default false. */
  readonly weightsOnly?: boolean;
  /** Largest size of a weight file in bytes. Default 4 MiB. */
  readonly shardSizeBytes?: number;
}

/** What a conversion tells beside the model itself. */
export interface ConversionFacts {
  /** Weight-bearing and other layers. */
  readonly layers: number;
  /** Numbers in all weights together. */
  readonly parameters: number;
  /** The network of the zoo that this is, when it was named or recognised; its labels and preprocessing are attached. */
  readonly architecture?: string;
  /** Its width and make, where they are not the network's default. */
  readonly variant?: VariantOptions;
}

/** A model file whose layers and weights have found each other, on its way to an output. */
export interface Conversion extends ConversionFacts {
  readonly file: ModelFile;
  readonly model: ResolvedModel;
  /** What is known of the network, for a TensorFlow.js model. */
  readonly userDefinedMetadata?: JsonObject;
}

export function factsOf({ layers, parameters, architecture, variant }: Conversion): ConversionFacts {
  return { layers, parameters, architecture, variant };
}

/**
 * The part that does not depend on where the file came from, which has to be open until everything is written.
 *
 * @throws FormatError `FORMAT_*`; WeightsError `WEIGHTS_*`; ModelError `MODEL_UNKNOWN`; AbortedError `ABORTED`
 */
export function convertFile(given: ModelFile, options: ConvertOptions = {}): Conversion {
  throwIfAborted(options.signal, 'Converting');
  const recognised = options.architecture === undefined ? recogniseFile(given) : undefined;
  // A whole model says itself what it is made of.
  const wanted = wantedBy(options) ?? (given.config === undefined ? recognised : undefined);
  const old = wanted?.card.name === RESNET_OF_2016 ? resNetOf2016(given) : undefined;
  const file = old?.file ?? given;
  const named = wanted === undefined ? undefined : architectureFor(file, wanted, old?.initialisation);
  const known = wanted ?? recognised;
  const metadata =
    metadataIn(file.userDefinedMetadata) ?? (known === undefined ? undefined : metadataFor(file, known));
  const resolveAs = (architecture?: Architecture) =>
    resolveModelFile(file, { architecture, by: old === undefined ? undefined : 'name' });
  const model = named === undefined ? resolveAs() : fitting(file, named, resolveAs);
  return {
    file,
    model,
    userDefinedMetadata:
      metadata === undefined
        ? file.userDefinedMetadata
        : { ...file.userDefinedMetadata, ...metadataAsJson(metadata) },
    layers: named?.layers ?? file.layers.length,
    parameters: file.layers
      .flatMap(({ weights }) => weights)
      .reduce((sum, tensor) => sum + countOf(tensor), 0),
    architecture: known?.card.name ?? metadata?.architecture,
    variant: known === undefined ? metadata?.variant : differingOptions(known.variant),
  };
}

/** The network that the options name, if they do. */
function wantedBy({ architecture, alpha, minimalistic }: ConvertOptions): Recognised | undefined {
  if (architecture !== undefined)
    return { card: findModel(architecture).card, variant: { alpha, minimalistic } };
  if (alpha === undefined && minimalistic === undefined) return undefined;
  throw new UsageError(
    'USAGE_ARGUMENT',
    '`alpha` and `minimalistic` say what they mean with a network only.',
    {
      given: `${alpha === undefined ? 'minimalistic' : 'alpha'} without architecture`,
      expected: 'architecture: the name of a MobileNet',
      nextStep:
        'name the network (`--architecture mobilenet`), or leave them out: known files are recognised',
    },
  );
}

function metadataFor(file: ModelFile, known: Recognised): ModelMetadata {
  const layers = layersIn(file.config);
  const options =
    file.config === undefined
      ? known.variant
      : optionsOfWhole(
          known,
          layers.map((layer) => layer.class_name),
        );
  return metadataOfCard(known.card, inputSizeIn(file.config), options);
}

/** Weights that are another network's are told by its name. */
function fitting<T>(file: ModelFile, named: NamedNetwork, convert: (architecture: Architecture) => T): T {
  try {
    return convert(named.architecture);
  } catch (error) {
    throw mismatchOf(error, file, named, { howToName: (name) => `\`--architecture ${name}\`` });
  }
}

interface NamedNetwork extends Recognised {
  readonly architecture: Architecture;
  readonly layers: number;
}

/** The zoo's network for weights-only files: with or without top and with as many classes as the file has. */
function architectureFor(
  file: ModelFile,
  { card, variant }: Recognised,
  of2016?: Initialisation['of2016'],
): NamedNetwork {
  const { build } = findModel(card.name);
  const classifier = classifierIn(file, { card, variant });
  const classes = classifier?.weights.at(-1)?.shape.at(-1);
  const model = build(
    card,
    { ...variant, includeTop: classifier !== undefined, classes },
    { kernel: 'zeros', published: holdsDeviationAsVariance(file), of2016 },
  );
  try {
    return {
      card,
      variant,
      architecture: { topology: model.toJSON(null, false) as JsonObject, weights: expectedWeightsOf(model) },
      layers: model.layers.length,
    };
  } finally {
    model.dispose();
  }
}

/** By its name where the order says nothing; else the last layer, where there are enough of them. */
function classifierIn({ kind, layers }: ModelFile, { card, variant }: Recognised): LayerWeights | undefined {
  const bearing = layers.filter(({ weights }) => weights.length > 0);
  if (kind === 'safetensors-weights') return bearing.find(({ layer }) => layer === card.classifier);
  const withTop = findModel(card.name).build(card, variant, { kernel: 'zeros' });
  const wanted = weightLayers(withTop).length;
  withTop.dispose();
  return bearing.length >= wanted ? bearing.at(-1) : undefined;
}

/** `[height, width]` of the first input layer, or nothing. */
function inputSizeIn(config: JsonObject | undefined): (number | null)[] {
  const shape = (layersIn(config)[0]?.config as JsonObject | undefined)?.batch_input_shape;
  return Array.isArray(shape) ? (shape.slice(1, 3) as (number | null)[]) : [];
}

function layersIn(config: JsonObject | undefined): JsonObject[] {
  const layers = (config?.config as JsonObject | undefined)?.layers;
  return Array.isArray(layers) ? (layers as JsonObject[]) : [];
}
