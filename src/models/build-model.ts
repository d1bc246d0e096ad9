import * as tf from '@tensorflow/tfjs';
import { DovecoteError, FormatError, reasonOf } from '../base/errors.ts';
import type { JsonObject, WeightTensor } from '../base/types.ts';
import type { ModelFile, ResolvedModel } from '../../converters/index.ts';
import { numbersOf } from '../../converters/index.ts';
import { onHost } from '../../zoo/on-host.ts';
import { baseName } from './location.ts';

/** What a model is made of. */
export interface ModelParts extends Pick<ResolvedModel, 'layers'> {
  /** As `tf.loadLayersModel` takes it. */
  readonly topology: JsonObject;
}

const tensorOf = (weight: WeightTensor) => tf.tensor(numbersOf(weight), [...weight.shape], weight.dtype);

/** The initialisers of tfjs that draw numbers; Glorot's, He's and LeCun's are variance scaling. */
const drawing = [
  tf.initializers.randomNormal({}),
  tf.initializers.randomUniform({}),
  tf.initializers.truncatedNormal({}),
  tf.initializers.orthogonal({}),
  Object.getPrototypeOf(tf.initializers.glorotUniform({})) as object,
].map((initializer) => Object.getPrototypeOf(initializer) as { apply: Initialize });
type Initialize = (shape: number[], dtype?: tf.DataType) => tf.Tensor;

/**
 * Runs `build` with zeros for random numbers, which would be replaced at once: drawing them takes longer than all else, and
 * an orthogonal matrix of a large recurrent layer takes minutes.
 */
function withoutInitialValues<T>(build: () => T): T {
  const own = drawing.map(({ apply }) => apply);
  for (const initializer of drawing) initializer.apply = (shape, dtype) => tf.zeros(shape, dtype);
  try {
    return build();
  } finally {
    drawing.forEach((initializer, i) => (initializer.apply = own[i]!));
  }
}

/** The layers are made before the promise is there: nothing is awaited, and what tfjs forgets of the making is freed. */
function layersOf(topology: JsonObject): Promise<tf.LayersModel> {
  let made: Promise<tf.LayersModel> | undefined;
  tf.tidy(() => {
    made = tf.models.modelFromJSON(topology);
  });
  return made!;
}

/**
 * Makes a tf.LayersModel of a topology and its weights. It is built on the host, so that the arrays which are read become the weights without a copy.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED` for what TensorFlow.js cannot build; what reading a tensor throws
 */
export async function buildModel(
  { topology, layers }: ModelParts,
  file: Pick<ModelFile, 'fileName' | 'userDefinedMetadata'>,
): Promise<tf.LayersModel> {
  let model: tf.LayersModel | undefined;
  const tensors: Record<string, tf.Tensor> = {};
  try {
    const made = await withoutInitialValues(() => onHost(() => layersOf(topology)));
    model = made;
    onHost(() => {
      for (const weight of layers.flatMap(({ weights }) => weights)) tensors[weight.name] = tensorOf(weight);
      made.loadWeights(tensors);
    });
    if (file.userDefinedMetadata !== undefined) model.setUserDefinedMetadata(file.userDefinedMetadata);
    return model;
  } catch (error) {
    model?.dispose();
    // Of reading a tensor.
    if (error instanceof DovecoteError) throw error;
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `TensorFlow.js cannot build the model in ${baseName(file.fileName)}: ${reasonOf(error)}`,
      {
        given: file.fileName,
        expected: 'a model of layers that TensorFlow.js knows',
        nextStep: '`dovecote inspect` shows what is in the file',
        cause: error,
      },
    );
  } finally {
    tf.dispose(tensors);
  }
}
