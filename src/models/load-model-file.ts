import type * as tf from '@tensorflow/tfjs';
import { FormatError, UsageError } from '../base/errors.ts';
import type { ModelFile } from '../../converters/index.ts';
import { resolveModelFile } from '../../converters/index.ts';
import { extraOptions } from '../../zoo/card.ts';
import { lookUp } from '../../zoo/registry.ts';
import { variantFlags, variantTitle } from '../../zoo/variants.ts';
import { platform } from '../platform.ts';
import type { ModelParts } from './build-model.ts';
import { buildModel } from './build-model.ts';
import { expectedWeightsOf } from './expected-weights.ts';
import type { LoadModelOptions } from './load-model.ts';
import { baseName, looksLikeLocation } from './location.ts';
import type { FileInMemory } from './model-files.ts';
import { readModelFiles } from './model-files.ts';
import { withModelAt } from './model-bytes.ts';
import { getMetadata, metadataOfCard, setMetadata } from './metadata.ts';
import { optionsOfWhole, recogniseCard, recogniseFile } from './recognise.ts';

/** Options of zoo builders that make no sense for a finished model. */
const builderOptions = [
  'includeTop',
  'inputShape',
  'pooling',
  'classes',
  'classifierActivation',
  'version',
  'seed',
  ...extraOptions,
] as const;

/** Whether `model` means a finished model, at a path or URL, and not a network of the zoo. */
export async function isModelFile(model: string): Promise<boolean> {
  return lookUp(model) === undefined && (looksLikeLocation(model) || (await platform().isFolder(model)));
}

/**
 * Loads a finished model from a folder, model.json or whole-model .h5 file.
 *
 * @throws UsageError `USAGE_ARGUMENT` for builder options; the errors of `readModelAt`; FormatError
 * `FORMAT_UNSUPPORTED` for a weights-only file
 */
export async function loadModelFile(
  location: string,
  options: LoadModelOptions = {},
): Promise<tf.LayersModel> {
  const wrong = [...builderOptions, 'weights' as const].filter((option) => options[option] != null);
  if (wrong.length > 0 && !(wrong.length === 1 && options.weights === 'imagenet')) {
    throw new UsageError('USAGE_ARGUMENT', `${wrong.join(', ')} cannot be used with a finished model.`, {
      given: `${location} with ${wrong.join(', ')}`,
      expected: 'a finished model without building options, or the name of a zoo model with them',
      nextStep: `leave ${wrong.join(', ')} out`,
    });
  }
  const kept = platform().loadKept?.(location);
  if (kept !== undefined) return kept;
  const { onProgress, signal } = options;
  return withModelAt(location, { onProgress, signal }, instantiate);
}

/**
 * Loads a finished model whose files are in memory, such as a user has chosen in a page: one `.h5` or `.keras` file, or a
 * `model.json` with all its weight files.
 *
 * @throws FileError `FILE_NOT_FOUND` where a weight file is missing; FormatError `FORMAT_*`
 */
export async function loadModelFiles(files: readonly FileInMemory[]): Promise<tf.LayersModel> {
  await platform().prepareTfjs();
  return instantiate(await readModelFiles(files));
}

/** Turns a file's config and tensors into a tf.LayersModel; attaches the card when the network is known. */
async function instantiate(file: ModelFile): Promise<tf.LayersModel> {
  if (file.refusal !== undefined) throw file.refusal;
  if (file.config === undefined) {
    const known = recogniseFile(file);
    const name = known === undefined ? 'NAME' : variantFlags(known.card, known.variant);
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `${baseName(file.fileName)} holds weights only, not a model.`,
      {
        given: file.fileName,
        expected: 'a whole-model file, or the name of the network that the weights belong to',
        nextStep: `load the network by name with these weights: \`--model ${name} --weights FILE\``,
      },
    );
  }
  const model = await buildModel(resolved(file), file);
  if (getMetadata(model) === undefined) {
    const known = recogniseCard(expectedWeightsOf(model));
    const size = model.inputs[0]?.shape.slice(1) ?? [];
    const classes = model.layers.map((layer) => layer.getClassName());
    if (known !== undefined)
      setMetadata(model, metadataOfCard(known.card, size, optionsOfWhole(known, classes)));
  }
  return model;
}

/** @throws FormatError which names the network, where the weights are one's and only its layers cannot be read. */
function resolved(file: ModelFile): ModelParts {
  try {
    const { layers, topology } = resolveModelFile(file);
    return { layers, topology: topology() };
  } catch (error) {
    if (!(error instanceof FormatError) || error.code !== 'FORMAT_UNSUPPORTED_LAYER') throw error;
    const known = recogniseFile(file);
    if (known === undefined) throw error;
    const title = variantTitle(known.card, known.variant);
    const flags = variantFlags(known.card, known.variant);
    throw new FormatError(error.code, error.summary, {
      given: error.given,
      expected: error.expected,
      nextStep: `its weights are those of ${title}: load the network by name with them: \`--model ${flags} --weights FILE\``,
      cause: error,
    });
  }
}
