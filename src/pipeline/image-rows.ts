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

/** Numbers of the rows of all pictures. */
export type RowValues = Float32Array | Uint8Array;

export interface ImageRowsOptions<Values extends RowValues> {
  /** What the rows are kept in. */
  readonly allocate: (length: number) => Values;
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

export interface ImageRows<Values extends RowValues> {
  /** What the network makes of each readable picture, all its outputs behind each other: row-major `[indices.length, width]`. */
  readonly values: Values;
  readonly width: number;
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
export async function imageRows<Values extends RowValues>(
  images: readonly ImageSource[],
  network: CompiledModel,
  recipe: InputRecipe,
  options: ImageRowsOptions<Values>,
): Promise<ImageRows<Values>> {
  const { batchSize, phase, store, names, onProgress, signal } = options;
  const found = new RowsInPlace(images.length, options.allocate);
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
  return { ...found.close(), skipped, stored };
}

/** One block for the rows of all pictures, so that no row is held twice. */
class RowsInPlace<Values extends RowValues> {
  #values: Values | undefined;
  #width = 0;
  readonly #there = new Set<number>();

  constructor(
    private readonly count: number,
    private readonly allocate: (length: number) => Values,
  ) {}

  get size(): number {
    return this.#there.size;
  }

  has(index: number): boolean {
    return this.#there.has(index);
  }

  set(index: number, row: Float32Array): void {
    this.#width = row.length;
    this.#values ??= this.allocate(this.count * row.length);
    this.#values.set(row, index * row.length);
    this.#there.add(index);
  }

  /** Rows of pictures that could not be read are left out; the others move up. */
  close(): { values: Values; width: number; indices: number[] } {
    const width = this.#width;
    const values = this.#values ?? this.allocate(0);
    const indices = [...this.#there].sort((a, b) => a - b);
    indices.forEach((index, at) => {
      if (index > at) values.copyWithin(at * width, index * width, (index + 1) * width);
    });
    return { values: values.subarray(0, indices.length * width) as Values, width, indices };
  }
}

/** With a store, the key is of the very bytes that are decoded. */
function decoderOf(
  { store, decode, signal }: ImageRowsOptions<RowValues>,
  { inputSize, resize }: InputRecipe,
  keys: Map<number, string>,
): ImageRowsOptions<RowValues>['decode'] {
  if (store === undefined || decode !== undefined) return decode;
  return async (image, index) => {
    const name = describeSource(image, index);
    const bytes = await bytesOfSource(image, signal);
    if (bytes !== undefined) keys.set(index, await store.keyOf(bytes));
    return loadPixels(bytes ?? image, { size: inputSize, ...resize, ...(signal && { signal }), name });
  };
}
