import type * as tf from '@tensorflow/tfjs';
import { UsageError } from '../base/errors.ts';
import { endsWithLogits } from '../classify/probabilities.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import { recipeOf } from '../classify/recipe.ts';
import type { JsonObject } from '../base/types.ts';
import { getMetadata, metadataAsJson } from '../models/metadata.ts';
import type { FileInMemory } from '../models/model-files.ts';
import { modelFilesOf } from '../models/model-files.ts';
import { preprocessingOf, readmeOf } from './preprocessing-text.ts';

/** A classifier with all that others have to know to use it. */
export interface NamedModel {
  readonly classes: readonly string[];
  /** What an ONNX file carries. */
  readonly metadata: Readonly<Record<'labels' | 'preprocessing', string>>;
  /**
   * What lies beside the model: how it is used, its labels, its preprocessing.
   *
   * @param name What it is called.
   * @param formats Those that lie beside.
   */
  texts(name: string, formats: readonly string[]): FileInMemory[];
  /** As a TensorFlow.js layers model that carries it along, which is not left with the caller's model. */
  files(): Promise<FileInMemory[]>;
}

/** @throws UsageError `USAGE_ARGUMENT` where the classes have no names; ModelError `MODEL_INPUT` */
export function namedModel(
  model: tf.LayersModel,
  options: Pick<RecipeOptions, 'labels' | 'preprocessing' | 'resize'>,
): NamedModel {
  const { recipe, labels } = recipeOf(model, options);
  const classes = labels.map(({ label }) => label);
  if (classes.length === 0) {
    throw new UsageError('USAGE_ARGUMENT', 'The model does not say what its classes are called.', {
      given: model.name,
      expected: 'a model with names for its classes',
      nextStep: 'give them as `labels` (`--labels <file>`)',
    });
  }
  const { inputSize, resize, preprocessing } = recipe;
  const metadata = {
    version: 1 as const,
    ...getMetadata(model),
    ...{ inputSize, resize, preprocessing, labels: classes },
  };
  const described = preprocessingOf(recipe, classes, endsWithLogits(model) ? 'logits' : 'probabilities');
  return {
    classes,
    metadata: { labels: JSON.stringify(classes), preprocessing: JSON.stringify(described) },
    texts: (name, formats) => [
      textFile('README.txt', readmeOf(name, formats, classes)),
      textFile('labels.txt', labelsText(classes)),
      textFile('preprocessing.json', `${JSON.stringify(described, undefined, 2)}\n`),
    ],
    files: () =>
      modelFilesOf(model, {
        userDefinedMetadata: {
          ...(model.getUserDefinedMetadata() as JsonObject | undefined),
          ...metadataAsJson(metadata),
        },
      }),
  };
}

/** One line for each class; `preprocessing.json` has those names whole that have several lines. */
function labelsText(classes: readonly string[]): string {
  return classes.map((label) => `${label.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' ')}\n`).join('');
}

function textFile(name: string, text: string): FileInMemory {
  return { name, bytes: new TextEncoder().encode(text) };
}
