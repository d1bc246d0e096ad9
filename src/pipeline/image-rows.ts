import pMap from 'p-map';
import { reasonOf } from '../base/errors.ts';
import type { Pixels, ProgressCallback } from '../base/types.ts';
import type { CompiledModel } from '../engines/compiled-model.ts';
import type { ImageSource } from '../images/image-source.ts';
import { describeSource } from '../images/image-source.ts';
import { bytesOfSource } from '../images/source-bytes.ts';
import { loadPixels } from '../images/load-image.ts';
import type { FeatureStore } from '../platform.ts';
import type { InputRecipe } from './run-images.ts';
import { runImages } from './run-images.ts';

export interface ImageRowsOptions {
  /** Pictures per run of the network. */
  readonly batchSize: number;
  /** Shown in progress. */
  readonly phase: string;
  /** Where rows of earlier runs are; not for pictures that `decode` varies. */
  readonly store?: FeatureStore | undefined;
  readonly decode?: ((image: ImageSource, index: number) => Promise<Pixels>) | undefined;
  /** What the pictures are called in `skipped`. */
  readonly names?: readonly (string | undefined)[] | undefined;
  readonly onProgress?: ProgressCallback | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImageRows {
  /** What the network makes of each readable picture: all its outputs behind each other. */
  readonly rows: readonly Float32Array[];
  /** For each row the index of its picture, from small to large. */
  readonly indices: readonly number[];
  readonly skipped: readonly { readonly image: string; readonly reason: string }[];
  /** How many rows came out of the store. */
  readonly stored: number;
}

/** Pictures that are looked up at the same time. */
const LOOKUPS = 8;

/**
 * Runs pictures through a network that takes pixels. With a store, pictures whose rows are there are neither decoded nor
 * run, and new rows are put there; what cannot be stored is computed all the same.
 */
export async function imageRows(
  images: readonly ImageSource[],
  network: CompiledModel,
  recipe: InputRecipe,
  options: ImageRowsOptions,
): Promise<ImageRows> {
  const { batchSize, phase, store, names, onProgress, signal } = options;
  const found = new Map<number, Float32Array>();
  const skipped: { image: string; reason: string }[] = [];
  const report = () =>
    onProgress?.({ phase, done: found.size + skipped.length, total: images.length, unit: 'images' });
  if (store !== undefined) {
    const lookUp = async (image: ImageSource, index: number) => {
      // An unreadable picture is told of when it is to be decoded.
      const bytes = await bytesOfSource(image, signal).catch(() => undefined);
      const row = bytes === undefined ? undefined : await store.get(await store.keyOf(bytes));
      if (row !== undefined) found.set(index, row);
    };
    await pMap(images, lookUp, { concurrency: LOOKUPS, ...(signal === undefined ? {} : { signal }) });
    if (found.size > 0) report();
  }
  const stored = found.size;
  const missing = images.map((_, index) => index).filter((index) => !found.has(index));
  const keys = new Map<number, string>();
  const decode = decoderOf(options, recipe, keys);
  const results = runImages(
    missing.map((index) => images[index]!),
    network,
    recipe,
    {
      batchSize: Math.min(batchSize, Math.max(missing.length, 1)),
      names: missing.map((index) => names?.[index] ?? describeSource(images[index]!, index)),
      ...(signal === undefined ? {} : { signal }),
      ...(decode === undefined ? {} : { decode: (image, position) => decode(image, missing[position]!) }),
    },
  );
  for await (const result of results) {
    const index = missing[result.index]!;
    if (result.output === undefined) skipped.push({ image: result.image, reason: reasonOf(result.error) });
    else {
      found.set(index, result.output);
      const key = keys.get(index);
      if (key !== undefined) await store?.put(key, result.output);
    }
    report();
  }
  const indices = [...found.keys()].sort((a, b) => a - b);
  return { rows: indices.map((index) => found.get(index)!), indices, skipped, stored };
}

/** With a store, the key is of the very bytes that are decoded. */
function decoderOf(
  { store, decode, signal }: ImageRowsOptions,
  { inputSize, resize }: InputRecipe,
  keys: Map<number, string>,
): ImageRowsOptions['decode'] {
  if (store === undefined || decode !== undefined) return decode;
  return async (image, index) => {
    const name = describeSource(image, index);
    const bytes = await bytesOfSource(image, signal);
    if (bytes !== undefined) keys.set(index, await store.keyOf(bytes));
    return loadPixels(bytes ?? image, { size: inputSize, ...resize, ...(signal && { signal }), name });
  };
}
