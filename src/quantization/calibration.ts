import type * as tf from '@tensorflow/tfjs';
import pMap from 'p-map';
import { UsageError, throwIfAborted } from '../base/errors.ts';
import type { Pixels, ProgressCallback } from '../base/types.ts';
import type { TensorRange } from '../../converters/onnx/index.ts';
import { RangeObserver, observedGraph, quantizableTensors } from '../../converters/onnx/index.ts';
import { inputRecipeOf } from '../classify/recipe.ts';
import type { CompileOptions, EngineInput } from '../engines/compiled-model.ts';
import { writtenAsOnnx } from '../engines/onnx-engine.ts';
import type { ImageSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import { preprocessPixels } from '../images/preprocess.ts';
import { platform } from '../platform.ts';

/** Ranges hardly change with more; what is measured on the other half does not either. */
const MOST_PICTURES = 128;

export interface CalibrationOptions extends Pick<CompileOptions, 'calibration' | 'outputs' | 'pixels'> {
  readonly onProgress?: ProgressCallback | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Prepared pictures, in two halves: one for the ranges, one to compare with. */
export interface CalibrationInputs {
  readonly ranges: readonly EngineInput[];
  readonly compared: readonly EngineInput[];
  /** Of one picture, `[1, height, width, 3]`. */
  readonly shape: readonly number[];
}

/**
 * Reads the calibration pictures; those that cannot be read are left out.
 *
 * @throws UsageError `USAGE_ARGUMENT` when not two can be read; ModelError `MODEL_INPUT` for a model that takes no pictures
 */
export async function readCalibration(
  model: tf.LayersModel,
  { calibration, pixels, onProgress, signal }: CalibrationOptions,
): Promise<CalibrationInputs> {
  const recipe = inputRecipeOf(model, { ...(pixels === undefined ? {} : { preprocessing: pixels }) });
  const sources = spread(await sourcesOf(calibration), MOST_PICTURES);
  const [height, width] = recipe.inputSize;
  let done = 0;
  const read = async (image: ImageSource): Promise<EngineInput | undefined> => {
    throwIfAborted(signal, 'Reading the calibration pictures');
    const picture = await loadPixels(image, {
      size: recipe.inputSize,
      ...recipe.resize,
      ...(signal && { signal }),
    }).catch(() => undefined);
    onProgress?.({ phase: 'calibration', done: ++done, total: sources.length, unit: 'images' });
    return picture === undefined ? undefined : inputOf(picture);
  };
  const inputOf = (picture: Pixels): EngineInput => {
    if (pixels !== undefined) return picture.data;
    const prepared = new Float32Array(height * width * 3);
    preprocessPixels(picture, recipe.preprocessing, prepared, 0);
    return prepared;
  };
  const inputs = (await pMap(sources, read, { concurrency: 4 })).filter((input) => input !== undefined);
  throwIfAborted(signal, 'Reading the calibration pictures');
  if (inputs.length < 2) {
    throw new UsageError('USAGE_ARGUMENT', 'There are not enough calibration pictures.', {
      given: `${inputs.length} of ${sources.length} pictures could be read`,
      expected: 'at least 2, better 32 or more, like those that the model is for',
      nextStep: 'give a folder of photos, or an array of pictures, as `calibration` (`--calibration`)',
    });
  }
  return {
    ranges: inputs.filter((_, index) => index % 2 === 0),
    compared: inputs.filter((_, index) => index % 2 === 1),
    shape: [1, height, width, 3],
  };
}

async function sourcesOf(calibration: CompileOptions['calibration']): Promise<readonly ImageSource[]> {
  if (Array.isArray(calibration)) return calibration as readonly ImageSource[];
  const { listPictures } = platform();
  if (typeof calibration === 'string' && listPictures !== undefined) return listPictures(calibration);
  throw new UsageError('USAGE_ARGUMENT', 'A network is held in fewer bits with the help of pictures.', {
    given: `calibration: ${calibration === undefined ? 'nothing' : typeof calibration}`,
    expected:
      listPictures === undefined ? 'an array of pictures' : 'a folder of photos, or an array of pictures',
    nextStep: 'pass pictures like those that the model is for as `calibration` (`--calibration`)',
  });
}

/** At most `most` of them, evenly spread: folders are sorted by class. */
function spread<Item>(items: readonly Item[], most: number): readonly Item[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, index) => items[Math.floor((index * items.length) / most)]!);
}

/** The ranges of all activations that `quantizeGraph` asks for, on these pictures. */
export async function activationRanges(
  model: tf.LayersModel,
  { ranges: inputs, shape }: CalibrationInputs,
  { outputs, pixels, onProgress, signal }: CalibrationOptions,
): Promise<Map<string, TensorRange>> {
  let names: string[] = [];
  const observed = await writtenAsOnnx(
    model,
    { ...(outputs && { outputs }), ...(pixels && { pixels }) },
    (graph) => {
      names = quantizableTensors(graph);
      return observedGraph(graph, names);
    },
  );
  const observers = names.map(() => new RangeObserver());
  const session = await platform().createOnnxSession(observed.bytes);
  try {
    const places = names.map((_, index) => session.outputNames.indexOf(`observed:${index}`));
    for (const [done, input] of inputs.entries()) {
      throwIfAborted(signal, 'Calibrating');
      const results = await session.run(input, shape);
      observers.forEach((observer, index) => observer.observe(results[places[index]!]!.data));
      onProgress?.({ phase: 'ranges', done: done + 1, total: inputs.length, unit: 'images' });
    }
  } finally {
    await session.release();
  }
  return new Map(names.map((name, index) => [name, observers[index]!.range()]));
}
