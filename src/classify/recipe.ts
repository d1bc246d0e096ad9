import type * as tf from '@tensorflow/tfjs';
import { ModelError } from '../base/errors.ts';
import { preprocessingModes } from '../../zoo/card.ts';
import type { ClassLabel } from '../../zoo/labels/imagenet.ts';
import type { ModelMetadata } from '../models/metadata.ts';
import { getMetadata, labelsOf } from '../models/metadata.ts';
import { lookUp } from '../../zoo/registry.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';

export interface RecipeOptions {
  readonly preprocessing?: ModelMetadata['preprocessing'];
  readonly labels?: ModelMetadata['labels'];
  readonly resize?: Partial<ModelMetadata['resize']>;
}

/**
 * How a model wants its pictures and what its classes are called: from the options, else from its metadata.
 *
 * @throws ModelError `MODEL_INPUT` when the model is no image classifier, or when neither says how to prepare pictures.
 */
export function recipeOf(
  model: tf.LayersModel,
  options: RecipeOptions = {},
): { recipe: InputRecipe; labels: readonly ClassLabel[] } {
  const metadata = getMetadata(model);
  const recipe = inputRecipeOf(model, options);
  const output = model.outputs[0]?.shape;
  if (model.outputs.length !== 1 || output?.length !== 2 || endsInFeatures(model, metadata)) {
    throw new ModelError('MODEL_INPUT', `The model "${model.name}" is not a classifier.`, {
      given: `output of shape ${model.outputs.map((each) => JSON.stringify(each.shape)).join(', ')}`,
      expected: 'one output of shape [batch, classes]',
      nextStep: 'load it with its top (`includeTop: true`), or use `extractFeatures`',
    });
  }
  const named = options.labels ?? metadata?.labels;
  const classes = output[1] ?? 0;
  const labels = named === undefined ? [] : labelsOf({ labels: named });
  if (named !== undefined && labels.length !== classes) {
    // A head of another width than the label set: numbers say more than wrong names.
    if (options.labels === undefined) return { recipe, labels: [] };
    throw new ModelError(
      'MODEL_INPUT',
      `The model has ${classes} classes, but ${labels.length} labels were given.`,
      {
        given: `${labels.length} labels`,
        expected: `${classes} labels in index order`,
        nextStep: 'give one label for each class',
      },
    );
  }
  return { recipe, labels };
}

/** Whether it is a network of the zoo without its top, pooled: its outputs are features, not classes. */
function endsInFeatures(model: tf.LayersModel, metadata: ModelMetadata | undefined): boolean {
  if (metadata?.architecture === undefined || metadata.labels !== 'imagenet') return false;
  const card = lookUp(metadata.architecture)?.card;
  if (card === undefined || model.outputs[0]?.shape[1] === labelsOf(metadata).length) return false;
  return !model.layers.some((layer) => layer.name === card.classifier);
}

/** The part of the recipe that does not depend on the output. */
export function inputRecipeOf(model: tf.LayersModel, options: RecipeOptions = {}): InputRecipe {
  const metadata = getMetadata(model);
  const input = model.inputs[0]?.shape;
  if (model.inputs.length !== 1 || input?.length !== 4 || input[3] !== 3) {
    throw new ModelError('MODEL_INPUT', `The model "${model.name}" does not take colour pictures.`, {
      given: `input of shape ${model.inputs.map((each) => JSON.stringify(each.shape)).join(', ')}`,
      expected: 'one input of shape [batch, height, width, 3]',
      nextStep: 'use a model for RGB pictures',
    });
  }
  const preprocessing = options.preprocessing ?? metadata?.preprocessing;
  if (preprocessing === undefined) {
    throw new ModelError(
      'MODEL_INPUT',
      `The model "${model.name}" does not say how its pictures have to be prepared.`,
      {
        given: 'a model without Dovecote metadata',
        expected: `preprocessing: ${preprocessingModes.join(', ')}`,
        nextStep:
          'pass `preprocessing` (`--preprocessing` on the command line); Keras names the mode of each of its networks',
      },
    );
  }
  const height = input[1] ?? metadata?.inputSize[0];
  const width = input[2] ?? metadata?.inputSize[1];
  if (height == null || width == null) {
    throw new ModelError(
      'MODEL_INPUT',
      `The model "${model.name}" takes pictures of any size and does not say which is best.`,
      {
        given: `input of shape ${JSON.stringify(input)}`,
        expected: 'a fixed input size',
        nextStep: 'build the model with a fixed `inputShape`, or attach its size with `setMetadata`',
      },
    );
  }
  const resize = {
    mode: 'fill',
    filter: 'bilinear',
    cropFraction: 1,
    ...metadata?.resize,
    ...options.resize,
  } as const;
  return { inputSize: [height, width], resize, preprocessing };
}
