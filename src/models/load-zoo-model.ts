import * as tf from '@tensorflow/tfjs';
import { requireOneOf } from '../base/checks.ts';
import { WeightsError, throwIfAborted } from '../base/errors.ts';
import type { JsonObject, WeightTensor } from '../base/types.ts';
import type { MatchOptions, ModelFile } from '../../converters/index.ts';
import {
  matchWeights,
  numbersOf,
  parseKerasConfig,
  readModelFile,
  withLayersOf,
} from '../../converters/index.ts';
import type { Initialisation } from '../../zoo/build-options.ts';
import type { ModelCard } from '../../zoo/card.ts';
import type { ZooEntry } from '../../zoo/registry.ts';
import { onHost } from '../../zoo/on-host.ts';
import type { VariantOptions } from '../../zoo/variants.ts';
import { platform } from '../platform.ts';
import { readEmbedded } from './embedded-weights.ts';
import { expectedWeightsOf, weightLayers } from './expected-weights.ts';
import type { LoadModelOptions, WeightsSource } from './load-model.ts';
import { metadataOfCard, setMetadata } from './metadata.ts';
import { withModelAt } from './model-bytes.ts';
import { holdsDeviationAsVariance } from './published-normalization.ts';
import { publishedWeights } from './published-weights.ts';
import { RESNET_OF_2016, resNetOf2016 } from './resnet-of-2016.ts';
import { withOpenFile } from './read-open-file.ts';
import { mismatchOf } from './recognise.ts';

/** `auto` takes the top when the weights have one; for training, where only the features count. */
export type LoadZooOptions = Omit<LoadModelOptions, 'includeTop'> & {
  readonly includeTop?: boolean | 'auto';
};

/** Builds a network of the zoo and fills it with weights. For the errors see `loadModel`. */
export async function loadZooModel(
  { card, build }: ZooEntry,
  options: LoadZooOptions = {},
): Promise<tf.LayersModel> {
  const { weights = 'imagenet', seed, signal } = options;
  if (options.by !== undefined) requireOneOf('by', options.by, ['position', 'name']);
  const kernel = weights === null ? 'glorotUniform' : 'zeros';
  const buildWith = (includeTop: boolean, published: boolean, of2016?: Initialisation['of2016']) =>
    build(card, { ...options, includeTop }, { kernel, seed, published, of2016 });
  let includeTop = options.includeTop === 'auto' || (options.includeTop ?? true);
  let published = weights === 'imagenet';
  // Options are checked before anything is read or fetched.
  let model = buildWith(includeTop, published);
  try {
    if (weights === null) return withMetadata(model, card, options);
    await withWeights(model, card, weights, options, (given, name) => {
      throwIfAborted(signal, `Loading ${card.title}`);
      const old = card.name === RESNET_OF_2016 ? resNetOf2016(given) : undefined;
      const file = old?.file ?? given;
      const found = file.layers.filter((layer) => layer.weights.length > 0).length;
      const noTop = options.includeTop === 'auto' && found < weightLayers(model).length;
      const publishedElsewhere = !published && holdsDeviationAsVariance(file);
      if (noTop || publishedElsewhere || old !== undefined) {
        includeTop &&= !noTop;
        published ||= publishedElsewhere;
        model.dispose();
        model = buildWith(includeTop, published, old?.initialisation);
      }
      // The order in the package's own file says nothing, and that of 2016 is another one.
      const embedded = weights === 'imagenet' && card.embedded !== undefined;
      const by = embedded || old !== undefined ? 'name' : options.by;
      const every = old !== undefined;
      fill(model, matched(model, card, file, { ...options, by, every, fileName: name }));
    });
    return withMetadata(model, card, options);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** @throws WeightsError, which names the network that the weights belong to where they are another's. */
function matched(
  model: tf.LayersModel,
  card: ModelCard,
  file: ModelFile,
  { by, every, fileName, alpha, minimalistic }: MatchOptions & VariantOptions,
): WeightTensor[][] {
  try {
    const expected = expectedWeightsOf(model);
    if (file.kind !== 'keras-v3-weights') return matchWeights(expected, file, { by, every, fileName });
    // There the objects have the names of their classes, and the model says which is which.
    const graph = parseKerasConfig(model.toJSON(null, false) as JsonObject);
    return matchWeights(expected, withLayersOf(file, graph), { by: 'name', fileName });
  } catch (error) {
    throw mismatchOf(
      error,
      file,
      { card, variant: { alpha, minimalistic } },
      {
        fileName,
        howToName: (name) => `\`--model ${name}\`; for training \`--base ${name}\``,
      },
    );
  }
}

function withMetadata(model: tf.LayersModel, card: ModelCard, options: LoadZooOptions): tf.LayersModel {
  setMetadata(model, metadataOfCard(card, model.inputs[0]!.shape.slice(1), options));
  return model;
}

/**
 * Puts tensors into the weight-bearing layers, in order. On the host their arrays become the weights without a copy;
 * the readers give out arrays that nothing else holds.
 */
function fill(model: tf.LayersModel, weights: readonly (readonly WeightTensor[])[]): void {
  onHost(() =>
    weightLayers(model).forEach((layer, index) => {
      const tensors = weights[index]!.map((weight) =>
        tf.tensor(numbersOf(weight), [...weight.shape], weight.dtype),
      );
      layer.setWeights(tensors);
      tf.dispose(tensors);
    }),
  );
}

/** Opens the weights, hands them to `use` with the name that errors show, and closes them. */
async function withWeights(
  model: tf.LayersModel,
  card: ModelCard,
  weights: Exclude<WeightsSource, null>,
  options: LoadZooOptions,
  use: (file: ModelFile, name: string) => void,
): Promise<void> {
  const { includeTop, classes = 1000, onProgress, signal } = options;
  if (weights instanceof ArrayBuffer || ArrayBuffer.isView(weights)) {
    const bytes = weights instanceof ArrayBuffer ? new Uint8Array(weights) : weights;
    return use(await readModelFile(bytes, { fileName: 'the given bytes' }), 'the given bytes');
  }
  if (weights !== 'imagenet') {
    return withModelAt(weights, { onProgress, signal }, (file) => use(file, String(weights)));
  }
  if (includeTop !== false && classes !== 1000) {
    throw new WeightsError('WEIGHTS_SHAPE', `The ImageNet weights of ${card.title} have 1000 classes.`, {
      given: `classes: ${classes}`,
      expected: 'classes: 1000 with the published top, or includeTop: false',
      nextStep: 'load without top and train a head of your own (`fineTune`)',
    });
  }
  if (card.embedded !== undefined) {
    const { fileName } = card.embedded;
    const bytes = await readEmbedded(card.embedded, { onProgress, signal });
    return use(await readModelFile(bytes, { fileName }), fileName);
  }
  const [, height, width] = model.inputs[0]!.shape as [null, number, number, 3];
  const published = publishedWeights(card, { ...options, inputSize: [height, width] });
  const { fileName } = published;
  const opened = await platform().openCached(published, { onProgress, signal });
  return withOpenFile(opened, { fileName }, (file) => use(file, fileName));
}
