import type * as tf from '@tensorflow/tfjs';
import type { JsonObject } from '../base/types.ts';
import type { BuildOptions } from '../../zoo/build-options.ts';
import type { ModelCard, PreprocessingMode } from '../../zoo/card.ts';
import { preprocessingModes } from '../../zoo/card.ts';
import type { ResizeFilter, ResizeMode } from '../images/resize-options.ts';
import type { ClassLabel } from '../../zoo/labels/imagenet.ts';
import { imagenetLabels } from '../../zoo/labels/imagenet.ts';
import type { VariantOptions } from '../../zoo/variants.ts';
import { differingOptions } from '../../zoo/variants.ts';

/**
 * What has to be known to use a classifier, carried in a tfjs model's user-defined metadata under the key
 * `dovecote`, so that it survives `model.save` and `tf.loadLayersModel`.
 */
export interface ModelMetadata {
  readonly version: 1;
  /** Name of the zoo's card that the network, or its base, was built from. */
  readonly architecture?: string;
  /** The options that tell its width and make from the card's, where they do. */
  readonly variant?: VariantOptions;
  /** A label set of the zoo, or the names of the classes in index order. */
  readonly labels: 'imagenet' | readonly string[];
  readonly preprocessing: PreprocessingMode;
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  readonly resize: {
    readonly mode: ResizeMode;
    readonly filter: ResizeFilter;
    readonly cropFraction: number;
  };
  /** The layer on which a new head stands, where no card tells it. */
  readonly features?: string;
  readonly licence?: string;
  readonly source?: string;
}

const key = 'dovecote';

/** The metadata of a network of the zoo, built with these options at `inputShape`. */
export function metadataOfCard(
  card: ModelCard,
  inputShape: readonly (number | null)[],
  options: VariantOptions & Pick<BuildOptions, 'includePreprocessing'> = {},
): ModelMetadata {
  const size = card.inputSize.default;
  const outside = options.includePreprocessing === false ? card.builtinPreprocessing : undefined;
  return {
    version: 1,
    architecture: card.name,
    variant: differingOptions(options),
    labels: card.labels,
    preprocessing: outside ?? card.preprocessing,
    inputSize: [inputShape[0] ?? size, inputShape[1] ?? size],
    resize: { ...card.resize },
    licence: card.licence,
    source: card.source,
  };
}

/** Attaches metadata; what else stands in the model's user-defined metadata stays. */
export function setMetadata(model: tf.LayersModel, metadata: ModelMetadata): void {
  const others = (model.getUserDefinedMetadata() ?? {}) as JsonObject;
  model.setUserDefinedMetadata({ ...others, ...metadataAsJson(metadata) });
}

/** What a model.json has under `userDefinedMetadata`. */
export function metadataAsJson(metadata: ModelMetadata): JsonObject {
  return { [key]: JSON.parse(JSON.stringify(metadata)) as JsonObject };
}

/** The metadata of a model, or undefined when it carries none that this version understands. */
export function getMetadata(model: tf.LayersModel): ModelMetadata | undefined {
  return metadataIn(model.getUserDefinedMetadata());
}

/** The metadata in a `userDefinedMetadata` object of a model.json, checked field by field. */
export function metadataIn(userDefined: unknown): ModelMetadata | undefined {
  const found = (userDefined as Record<string, unknown> | undefined)?.[key] as
    Partial<ModelMetadata> | undefined;
  if (typeof found !== 'object' || found === null || found.version !== 1) return undefined;
  const labelsAreLegal =
    found.labels === 'imagenet' ||
    (Array.isArray(found.labels) && found.labels.every((label) => typeof label === 'string'));
  const sizeIsLegal =
    Array.isArray(found.inputSize) &&
    found.inputSize.length === 2 &&
    found.inputSize.every((side) => Number.isInteger(side) && side > 0);
  const preprocessingIsLegal = (preprocessingModes as readonly unknown[]).includes(found.preprocessing);
  const resizeIsLegal = typeof found.resize === 'object' && found.resize !== null;
  const variantIsLegal =
    found.variant === undefined || (typeof found.variant === 'object' && found.variant !== null);
  if (!labelsAreLegal || !sizeIsLegal || !preprocessingIsLegal || !resizeIsLegal || !variantIsLegal)
    return undefined;
  return found as ModelMetadata;
}

/** Index -> wnid and label. Classes of one's own have an empty wnid. */
export function labelsOf(metadata: Pick<ModelMetadata, 'labels'>): readonly ClassLabel[] {
  if (metadata.labels === 'imagenet') return imagenetLabels;
  return metadata.labels.map((label) => ({ wnid: '', label }));
}
