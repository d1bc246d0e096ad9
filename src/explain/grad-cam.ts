import * as tf from '@tensorflow/tfjs';
import { EngineError, ModelError, reasonOf, throwIfAborted } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import { endsWithLogits, softmax } from '../classify/probabilities.ts';
import type { RecipeOptions } from '../classify/recipe.ts';
import { recipeOf } from '../classify/recipe.ts';
import { compileModel } from '../engines/compile-model.ts';
import type { CompiledModel, EngineName, EngineOutput } from '../engines/compiled-model.ts';
import type { ImageSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import { requireModel } from '../models/require-model.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import { platform } from '../platform.ts';
import { registerTrainingKernels } from '../training/kernels/register.ts';
import type { LayerCall, OpenedModel } from './layer-calls.ts';
import { callNamed, isFeatureMap, openModel } from './layer-calls.ts';
import { partialModel } from './partial-model.ts';
import type { ClassOptions } from './pick-class.ts';
import { pickClass } from './pick-class.ts';
import type { Remainder } from './remainder.ts';
import { remainderBehind, runRemainder } from './remainder.ts';

export interface GradCamOptions extends RecipeOptions, ClassOptions {
  /**
   * Name of the layer whose feature map is looked at; of a layer inside a nested model too. Default: the last layer that
   * gives out a feature map `[batch, rows, columns, channels]` of more than one place.
   */
  readonly layer?: string;
  /** What runs the layers up to it. Default `auto`. */
  readonly engine?: EngineName;
  readonly signal?: AbortSignal;
}

export interface GradCam {
  /** Row-major `[height, width]`, 0 to 1: how much each place speaks for the class. All 0 where no place does. */
  readonly heatmap: Float32Array;
  /** Of the heat map: the columns and rows of the layer's feature map. */
  readonly width: number;
  readonly height: number;
  readonly layer: string;
  readonly classIndex: number;
  /** Name of the class; `class 3` where the model has no names. */
  readonly label: string;
  /** Of the class, 0 to 1. */
  readonly probability: number;
  /** What ran the layers up to the feature map. */
  readonly engine: CompiledModel['engine'];
  /** `[height, width]` of what the network saw, and how the photo became that: `overlayHeatmap` needs both. */
  readonly inputSize: InputRecipe['inputSize'];
  readonly resize: InputRecipe['resize'];
}

/**
 * Where a classifier looked: Grad-CAM. The channels of a layer's feature map are summed up, each weighted by the mean
 * gradient of the class's score, negative sums are dropped, and the largest becomes 1. The score is what goes into a final softmax or
 * sigmoid, not what comes out, whose gradient vanishes where the network is sure.
 *
 * The layers up to the feature map run in the fast engine, those behind it in tfjs, with gradients.
 *
 * @param model A classifier with one input `[batch, height, width, 3]` and one output `[batch, classes]`. It stays yours
 *   and as it is.
 * @throws ModelError `MODEL_INPUT`, `MODEL_OPTION` (no such layer, or one without a feature map); UsageError
 *   `USAGE_ARGUMENT` (no such class); ImageError `IMAGE_*`; EngineError `ENGINE_*`; AbortedError `ABORTED`
 * @source Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017,
 *   equations 1 and 2
 */
export async function gradCam(
  model: tf.LayersModel,
  image: ImageSource,
  options: GradCamOptions = {},
): Promise<GradCam> {
  requireModel(model, 'model');
  const { recipe, labels } = recipeOf(model, options);
  const opened = openModel(model);
  const { name, call } = layerOf(model, opened, options.layer);
  const remainder = remainderBehind(call, opened.calls, opened.outputs[0]!);
  const { inputSize, resize } = recipe;
  const { engine, signal } = options;
  await platform().prepareTfjs();
  registerTrainingKernels();
  const pixels = await loadPixels(image, { size: inputSize, ...resize, ...(signal && { signal }) });
  const upTo = await runUpTo(model, opened, remainder, pixels, recipe, engine);
  throwIfAborted(signal, 'Explaining');
  const tensors = upTo.values.map(({ data, shape }) => tf.tensor(data, shape, 'float32'));
  try {
    const probabilities = await probabilitiesOf(model, remainder, tensors);
    const classIndex = pickClass(probabilities, labels, options);
    const gradient = await gradientOf(remainder, tensors, classIndex, probabilities.length, name);
    const [features] = upTo.values as [EngineOutput];
    const [, height = 1, width = 1] = features.shape;
    return {
      heatmap: heatmapOf(features, gradient),
      width,
      height,
      layer: name,
      classIndex,
      label: labels[classIndex]?.label ?? `class ${classIndex}`,
      probability: probabilities[classIndex]!,
      engine: upTo.engine,
      inputSize,
      resize,
    };
  } finally {
    tf.dispose(tensors);
  }
}

function layerOf(model: tf.LayersModel, { named }: OpenedModel, asked: string | undefined): LayerCall {
  const chosen =
    asked === undefined
      ? named.findLast(({ call }) => isFeatureMap(call))
      : callNamed(named, asked, { model, option: 'layer' });
  if (chosen?.call.shapes.length === 1 && chosen.call.shapes[0]!.length === 4) return chosen;
  throw new ModelError('MODEL_OPTION', `There is no feature map to explain "${model.name}" by.`, {
    given:
      chosen === undefined
        ? 'a model without a layer of rows, columns and channels'
        : `layer: "${chosen.name}" with output ${JSON.stringify(chosen.call.shapes)}`,
    expected: 'a layer with one output of shape [batch, rows, columns, channels]',
    nextStep: '`dovecote summary` shows the layers and their shapes',
  });
}

/** What the calls behind the layer read, for one picture; the feature map first. */
async function runUpTo(
  model: tf.LayersModel,
  { calls }: OpenedModel,
  { given }: Remainder,
  pixels: Pixels,
  { inputSize, preprocessing }: InputRecipe,
  engine: EngineName | undefined,
): Promise<{ values: EngineOutput[]; engine: CompiledModel['engine'] }> {
  const part = partialModel(model, calls, given, inputSize);
  try {
    const network = await compileModel(part.model, {
      ...(engine === undefined ? {} : { engine }),
      pixels: preprocessing,
    });
    try {
      const values = await network.run(pixels.data, [1, ...inputSize, 3]);
      return { values, engine: network.engine };
    } finally {
      await network.dispose();
    }
  } finally {
    part.release();
  }
}

async function probabilitiesOf(
  model: tf.LayersModel,
  remainder: Remainder,
  tensors: readonly tf.Tensor[],
): Promise<Float32Array> {
  const output = tf.tidy(() => tf.cast(runRemainder(remainder, tensors, { logits: false }), 'float32'));
  try {
    const values = await output.data<'float32'>();
    return endsWithLogits(model) ? softmax(values) : values;
  } finally {
    output.dispose();
  }
}

/** Of the class's score by the feature map. */
async function gradientOf(
  remainder: Remainder,
  [features, ...others]: readonly tf.Tensor[],
  classIndex: number,
  classes: number,
  layer: string,
): Promise<Float32Array> {
  const score = (x: tf.Tensor) => {
    const scores = runRemainder(remainder, [x, ...others], { logits: true });
    return tf.sum(tf.mul(tf.reshape(scores, [classes]), tf.oneHot(classIndex, classes)));
  };
  let gradient: tf.Tensor | undefined;
  try {
    gradient = tf.tidy(() => tf.grad(score)(features!));
    return await gradient.data<'float32'>();
  } catch (cause) {
    throw new EngineError(
      'ENGINE_UNSUPPORTED_LAYER',
      `tfjs has no gradients of the layers behind "${layer}": ${reasonOf(cause)}`,
      {
        given: `layer: "${layer}"`,
        expected: 'a layer with layers behind it whose gradients are known',
        nextStep: 'name a layer nearer to the end of the model',
        cause,
      },
    );
  } finally {
    gradient?.dispose();
  }
}

/** Equations 1 and 2 of the paper, and the largest value made 1. */
function heatmapOf({ data, shape }: EngineOutput, gradient: Float32Array): Float32Array {
  const channels = shape[3]!;
  const places = data.length / channels;
  const weights = new Float64Array(channels);
  gradient.forEach((value, index) => (weights[index % channels]! += value / places));
  const heatmap = Float64Array.from({ length: places }, (_, place) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      sum += weights[channel]! * data[place * channels + channel]!;
    }
    return Math.max(sum, 0);
  });
  const largest = heatmap.reduce((most, value) => Math.max(most, value), 0);
  return Float32Array.from(heatmap, (value) => (largest === 0 ? 0 : value / largest));
}
