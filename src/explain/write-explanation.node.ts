import type * as tf from '@tensorflow/tfjs';
import type { Pixels, ProgressCallback } from '../base/types.ts';
import type { Prediction } from '../classify/classify.ts';
import { classify } from '../classify/classify.ts';
import type { ImageSource } from '../images/image-source.ts';
import { describeSource } from '../images/image-source.ts';
import { encodePng } from '../images/encode-png.node.ts';
import { loadPixels } from '../images/load-image.ts';
import { resizePixels } from '../images/resize.ts';
import { getMetadata } from '../models/metadata.ts';
import type { OutputKind } from '../output/place-folder.node.ts';
import type { OutputFile } from '../output/write-folder.node.ts';
import { checkOutputFolder, writeFolder } from '../output/write-folder.node.ts';
import { activationSheet } from './activation-sheet.node.ts';
import type { PictureOfLayer } from './explanation-page.ts';
import { GRAD_CAM_FILE, HEATMAP_FILE, explanationPage } from './explanation-page.ts';
import type { GradCam, GradCamOptions } from './grad-cam.ts';
import { gradCam } from './grad-cam.ts';
import type { ActivationOptions } from './layer-activations.ts';
import { layerActivations } from './layer-activations.ts';
import { drawHeatmap, overlayHeatmap } from './overlay.ts';

export interface ExplanationOptions extends GradCamOptions {
  /** Of which layers the activations are drawn, see `layerActivations`. Default `stages`. */
  readonly layers?: ActivationOptions['layers'];
  /** Channels that are drawn of each, at most. Default 64. */
  readonly maxChannels?: number;
  /** Replace an earlier explanation. Default false. */
  readonly force?: boolean;
  readonly onProgress?: ProgressCallback;
}

export interface Explanation extends GradCam {
  /** The five most probable classes. */
  readonly predictions: readonly Prediction[];
  /** What was written, by paths inside the folder. */
  readonly files: readonly string[];
}

/** Larger photos are made smaller for the pictures: pixels of the longer side. */
const LONGEST = 800;
const GAP = 8;
const PREDICTIONS = 5;
const PAGE_FILE = 'index.html';
const FOLDER = 'activations/';

const explanationOutput: OutputKind = {
  what: 'an explanation',
  owns: (path) =>
    [PAGE_FILE, GRAD_CAM_FILE, HEATMAP_FILE, FOLDER].includes(path) ||
    /^activations\/\d+-[\w.-]*\.png$/.test(path),
};

/** @throws as `writeExplanation`, before any work is done */
export function checkExplanationFolder(folder: string, force = false): Promise<void> {
  return checkOutputFolder(folder, force, explanationOutput);
}

/**
 * Writes a folder that explains what a classifier says of a photo: `index.html`, `grad-cam.png` (the photo, and the photo
 * with the heat map over it), `heatmap.png`, and `activations/NN-layer.png`. It is written whole or not at all. The model
 * stays the caller's.
 *
 * @throws FileError `OUTPUT_*`, and what `gradCam` and `layerActivations` throw
 */
export async function writeExplanation(
  model: tf.LayersModel,
  image: ImageSource,
  folder: string,
  options: ExplanationOptions = {},
): Promise<Explanation> {
  const { force, signal } = options;
  await checkExplanationFolder(folder, force);
  const files: string[] = [];
  let explanation: Omit<Explanation, 'files'> | undefined;
  async function* written(): AsyncGenerator<OutputFile> {
    for await (const { file, found } of explanationFiles(model, image, options)) {
      explanation = found;
      files.push(file.name);
      yield file;
    }
  }
  await writeFolder(folder, written(), { force, kind: explanationOutput, signal });
  return { ...explanation!, files };
}

async function* explanationFiles(
  model: tf.LayersModel,
  image: ImageSource,
  options: ExplanationOptions,
): AsyncGenerator<{ file: OutputFile; found: Omit<Explanation, 'files'> }> {
  const { layers: asked = 'stages', maxChannels, signal, engine, onProgress } = options;
  const { preprocessing, labels, resize } = options;
  onProgress?.({ phase: 'explain', done: 0, unit: 'layers' });
  const map = await gradCam(model, image, options);
  const recipe = { preprocessing, labels, resize, engine, signal };
  const { image: name, predictions } = await classify(image, { model, topK: PREDICTIONS, ...recipe });
  const found = { ...map, predictions };

  const photo = fitted(
    await loadPixels(image, { ...(signal && { signal }), name: describeSource(image, 0) }),
  );
  const both = sideBySide(photo, overlayHeatmap(photo, map));
  yield { file: { name: GRAD_CAM_FILE, bytes: await pngOf(both) }, found };
  yield { file: { name: HEATMAP_FILE, bytes: await pngOf(drawHeatmap(photo, map)) }, found };

  const layers: PictureOfLayer[] = [];
  const activations = layerActivations(model, image, {
    layers: asked,
    maxChannels,
    preprocessing,
    resize,
    engine,
    signal,
  });
  for await (const activation of activations) {
    const { name: layer, className, shape, channels } = activation;
    const number = String(layers.length + 1).padStart(2, '0');
    const file = `${FOLDER}${number}-${fileNameOf(layer)}.png`;
    layers.push({ name: layer, className, shape, channels, file });
    onProgress?.({ phase: 'explain', done: layers.length, unit: 'layers', note: layer });
    yield { file: { name: file, bytes: await activationSheet(activation) }, found };
  }
  const called = getMetadata(model)?.architecture ?? model.name;
  const page = explanationPage({ image: name, model: called, gradCam: map, predictions, layers });
  yield { file: { name: PAGE_FILE, bytes: page }, found };
}

/** Layers may be called anything. */
function fileNameOf(layer: string): string {
  return layer.replace(/[^\w.-]+/g, '-').slice(0, 80);
}

function fitted(pixels: Pixels): Pixels {
  const factor = LONGEST / Math.max(pixels.width, pixels.height);
  if (factor >= 1) return pixels;
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return resizePixels(pixels, { width: side(pixels.width), height: side(pixels.height) });
}

/** Two pictures of one size on white. */
function sideBySide(left: Pixels, right: Pixels): Pixels {
  const width = 2 * left.width + GAP;
  const data = new Uint8Array(width * left.height * 3).fill(255);
  for (let row = 0; row < left.height; row++) {
    const line = (pixels: Pixels) =>
      pixels.data.subarray(row * pixels.width * 3, (row + 1) * pixels.width * 3);
    data.set(line(left), row * width * 3);
    data.set(line(right), (row * width + left.width + GAP) * 3);
  }
  return { data, width, height: left.height };
}

function pngOf(pixels: Pixels): Promise<Uint8Array> {
  return encodePng({ ...pixels, channels: 3 });
}
