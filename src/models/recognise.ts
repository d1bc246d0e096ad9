import { WeightsError } from '../base/errors.ts';
import type { ModelFile } from '../../converters/index.ts';
import type { BuildOptions } from '../../zoo/build-options.ts';
import type { ModelCard } from '../../zoo/card.ts';
import { listCards, lookUp } from '../../zoo/registry.ts';
import type { VariantOptions } from '../../zoo/variants.ts';
import { differingOptions, variantFlags, variantOf, variantTitle, variantsOf } from '../../zoo/variants.ts';
import { expectedWeightsOf } from './expected-weights.ts';
import { resNetOf2016 } from './resnet-of-2016.ts';

/** Layers with the shapes of their weights, of a file or of a model. */
export interface LayerShapes {
  readonly layer: string;
  readonly weights: readonly { readonly shape: readonly (number | null)[] | null }[];
}

/** A network of the zoo in one of its widths and makes. */
export interface Recognised {
  readonly card: ModelCard;
  readonly variant: VariantOptions;
}

/**
 * Recognises a network of the zoo in a model that does not say what it is: all weight-bearing layers have the names,
 * the order and the shapes of the zoo's builder, with the 1000 published classes or without top. Then its
 * preprocessing and labels are known. With `anyOrder` names and shapes are enough.
 */
export function recogniseCard(
  layers: readonly LayerShapes[],
  { anyOrder = false }: { readonly anyOrder?: boolean } = {},
): Recognised | undefined {
  const found = signatureOf(layers, anyOrder);
  const parameters = countParameters(layers);
  for (const card of listCards()) {
    for (const { alpha, minimalistic, parameters: published } of variantsOf(card)) {
      const variant = differingOptions({ alpha, minimalistic }) ?? {};
      for (const includeTop of [true, false]) {
        if (parameters !== (includeTop ? published.top : published.noTop)) continue;
        const candidate = lookUp(card.name)!.build(card, { ...variant, includeTop }, { kernel: 'zeros' });
        const same = found === signatureOf(expectedWeightsOf(candidate), anyOrder);
        candidate.dispose();
        if (same) return { card, variant };
      }
    }
  }
  return undefined;
}

/**
 * The options that a recognised whole model was built with. What prepares pictures has no weights, or none that its
 * file names, so that only the layers tell whether it is there.
 *
 * @param classNames Classes of all layers, in order: after the input comes what prepares the pictures, if anything.
 */
export function optionsOfWhole({ card, variant }: Recognised, classNames: readonly unknown[]): BuildOptions {
  if (card.options?.includes('includePreprocessing') !== true) return variant;
  const includePreprocessing = ['Rescaling', 'Normalization'].some((kind) => kind === classNames[1]);
  return { ...variant, includePreprocessing };
}

/** The network that the tensors of a file belong to. Only of safetensors files the order says nothing. */
export function recogniseFile({ kind, layers }: Pick<ModelFile, 'kind' | 'layers'>): Recognised | undefined {
  const old = resNetOf2016({ layers });
  if (old !== undefined) return recogniseCard(old.file.layers, { anyOrder: true });
  return recogniseCard(layers, { anyOrder: kind === 'safetensors-weights' });
}

/**
 * What to throw where weights do not fit a network: an error that names the network that they belong to, or `error`
 * itself where that is not known.
 *
 * @param wanted The network that they were meant for.
 * @param howToName What to write to name a network, as `mobilenet --alpha 0.25`.
 */
export function mismatchOf(
  error: unknown,
  file: ModelFile,
  wanted: Recognised,
  { fileName = file.fileName, howToName }: { fileName?: string; howToName: (name: string) => string },
): unknown {
  if (!(error instanceof WeightsError)) return error;
  const wantedTitle = variantTitle(wanted.card, wanted.variant);
  const other = recogniseFile(file);
  if (other === undefined) return earlierNoTop(error, file, wanted, fileName) ?? error;
  const title = variantTitle(other.card, other.variant);
  if (title === wantedTitle) return error;
  const flags = variantFlags(other.card, other.variant);
  const options = differingOptions(other.variant);
  const call = `"${other.card.name}"${options === undefined ? '' : ` with ${JSON.stringify(options)}`}`;
  return new WeightsError('WEIGHTS_COUNT', `${fileName} holds weights of ${title}, not of ${wantedTitle}.`, {
    given: `${fileName} for ${variantFlags(wanted.card, wanted.variant)}`,
    expected: `weights of ${wantedTitle}`,
    nextStep: `name the network that they belong to: ${call} (${howToName(flags)})`,
    cause: error,
  });
}

/** The files without top of Keras before 2.8 have one layer more than MobileNetV3 without top has now. */
function earlierNoTop(
  cause: WeightsError,
  file: ModelFile,
  { card, variant }: Recognised,
  fileName: string,
): WeightsError | undefined {
  if (card.family !== 'mobilenet-v3') return undefined;
  const kernels = file.layers
    .filter(({ weights }) => weights.length > 0)
    .map(({ weights }) => weights[0]!.shape);
  const published = variantOf(card, variant);
  const last = kernels.at(-1);
  const isConv2 = last?.length === 4 && last[2] === published?.features.width && last[3] !== 1000;
  if (published === undefined || !isConv2) return undefined;
  const current = published.weights.find((each) => each.variant === 'noTop')!;
  return new WeightsError(
    'WEIGHTS_COUNT',
    `${fileName} is of Keras before 2.8: without top, its ${card.title} still ended in the convolution conv_2.`,
    {
      given: `${kernels.length} layers with weights, the last one of ${last[3]} filters`,
      expected: `a file that ends before conv_2, as ${current.fileName}`,
      nextStep: `take the file whose name ends in _v2: ${current.url}`,
      cause,
    },
  );
}

function countParameters(layers: readonly LayerShapes[]): number {
  const sizeOf = (shape: readonly (number | null)[] | null) =>
    (shape ?? [NaN]).reduce<number>((size, side) => size * (side ?? NaN), 1);
  return layers.flatMap(({ weights }) => weights).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function signatureOf(layers: readonly LayerShapes[], anyOrder: boolean): string {
  const bearing = layers.filter(({ weights }) => weights.length > 0);
  const lines = bearing.map(({ layer, weights }) => {
    const shapes = weights.map(({ shape }) => JSON.stringify(shape));
    return JSON.stringify([currentName(layer), anyOrder ? shapes.sort() : shapes]);
  });
  return JSON.stringify(anyOrder ? lines.sort() : lines);
}

/**
 * Keras 2 wrote `expanded_conv_1/expand/BatchNorm` and `conv1/bn` where Keras 3 has underscores and lower case. Layers
 * without a name of their own are numbered through a whole session: `conv2d_94` may be a network's first.
 */
function currentName(layer: string): string {
  return layer
    .toLowerCase()
    .replaceAll('/', '_')
    .replace('batchnorm', 'bn')
    .replace(/^(conv2d|(?:batch_|layer_)?normalization)_\d+$/, '$1');
}
