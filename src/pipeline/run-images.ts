import { pMapIterable } from 'p-map';
import { EngineError, UsageError, throwIfAborted } from '../base/errors.ts';
import type { Pixels } from '../base/types.ts';
import type { CompiledModel } from '../engines/compiled-model.ts';
import type { ImageSource } from '../images/image-source.ts';
import { describeSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import type { ModelMetadata } from '../models/metadata.ts';

/** How a picture becomes a network's input. */
export type InputRecipe = Pick<ModelMetadata, 'inputSize' | 'resize' | 'preprocessing'>;

export interface RunImagesOptions {
  /** Pictures per run of the network. */
  readonly batchSize: number;
  readonly signal?: AbortSignal;
  /** What the pictures are called; default: their paths, URLs or places. */
  readonly names?: readonly string[];
  /**
   * Pictures that are decoded at the same time. Default: a batch, but 4 to 16. While the network runs it keeps the main
   * thread, on which the next one would be started.
   */
  readonly concurrency?: number;
  /** Decodes one picture at the network's input size; the default follows the recipe. */
  readonly decode?: (image: ImageSource, index: number) => Promise<Pixels>;
}

/** What came of one picture: the network's output row, all outputs behind each other, or why there is none. */
export type ImageResult =
  | {
      readonly index: number;
      readonly image: string;
      readonly output: Float32Array;
      readonly error?: undefined;
    }
  | { readonly index: number; readonly image: string; readonly output?: undefined; readonly error: unknown };

type Decoded =
  { index: number; image: string; pixels: Pixels } | { index: number; image: string; error: unknown };

/**
 * Decodes pictures and runs them through a network that takes pixels (`compileModel` with `pixels`); the results come in
 * the order of the pictures. While one batch is in the network the next is decoded; at most about three batches are held
 * in memory, and nothing more is decoded while nobody takes the results.
 */
export async function* runImages(
  images: Iterable<ImageSource>,
  network: CompiledModel,
  recipe: InputRecipe,
  options: RunImagesOptions,
): AsyncGenerator<ImageResult> {
  const { batchSize, signal, concurrency = Math.min(Math.max(batchSize, 4), 16) } = options;
  const [height, width] = recipe.inputSize;
  const imageSize = height * width * 3;
  const decode = options.decode ?? ((image, index) => decodeByRecipe(image, index, recipe, signal));

  const decoded = pMapIterable(
    indexed(images),
    async ({ image, index }): Promise<Decoded> => {
      const name = options.names?.[index] ?? describeSource(image, index);
      throwIfAborted(signal, 'Reading pictures');
      try {
        return { index, image: name, pixels: await decode(image, index) };
      } catch (error) {
        throwIfAborted(signal, 'Reading pictures');
        return { index, image: name, error };
      }
    },
    { concurrency, backpressure: Math.max(concurrency, 2 * batchSize) },
  );

  // Two buffers: one is filled while the network reads the other.
  const buffers = [allocate(batchSize, imageSize), allocate(batchSize, imageSize)] as const;
  let batchNumber = 0;
  let batch: Decoded[] = [];
  let filled = 0;
  let running: Promise<ImageResult[]> | undefined;

  const start = (): Promise<ImageResult[]> => {
    const buffer = buffers[batchNumber++ % 2 === 0 ? 0 : 1];
    return runBatch(network, batch, buffer.subarray(0, filled * imageSize), [filled, height, width, 3]);
  };

  try {
    for await (const item of decoded) {
      throwIfAborted(signal, 'Running the network');
      batch.push(item);
      if ('pixels' in item) {
        const buffer = buffers[batchNumber % 2 === 0 ? 0 : 1];
        buffer.set(item.pixels.data, filled++ * imageSize);
      }
      if (filled < batchSize && batch.length < 4 * batchSize) continue;
      const next = start();
      next.catch(() => undefined);
      const previous = running;
      running = next;
      batch = [];
      filled = 0;
      if (previous !== undefined) yield* await previous;
    }
    if (running !== undefined) yield* await running;
    running = undefined;
    if (batch.length > 0) yield* await start();
  } finally {
    // A consumer that stops early must not leave a run behind that still reads the buffers.
    await running?.catch(() => undefined);
  }
}

function allocate(batchSize: number, imageSize: number): Uint8Array {
  try {
    return new Uint8Array(batchSize * imageSize);
  } catch (cause) {
    throw new UsageError('USAGE_ARGUMENT', 'One batch does not fit into memory.', {
      given: `batchSize: ${batchSize}, of ${imageSize} bytes for each picture`,
      expected: 'a batch that fits into memory twice',
      nextStep: 'make batchSize smaller, or leave it out for the default',
      cause,
    });
  }
}

async function runBatch(
  network: CompiledModel,
  batch: readonly Decoded[],
  data: Uint8Array,
  shape: readonly number[],
): Promise<ImageResult[]> {
  const count = shape[0] as number;
  const outputs = count === 0 ? [] : await network.run(data, shape);
  const lengths = outputs.map((output) => output.data.length / count);
  const rowOf = (row: number): Float32Array => {
    const parts = outputs.map((output, index) => {
      const length = lengths[index]!;
      return output.data.subarray(row * length, (row + 1) * length);
    });
    const values = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      values.set(part, at);
      at += part.length;
    }
    return values;
  };
  let row = 0;
  return batch.map((item): ImageResult => {
    if ('error' in item) return item;
    const output = rowOf(row++);
    const { index, image } = item;
    return output.every(Number.isFinite)
      ? { index, image, output }
      : { index, image, error: noNumbers(image) };
  });
}

function noNumbers(image: string): EngineError {
  return new EngineError('ENGINE_FAILED', `The network's output for ${image} is not a number.`, {
    given: 'NaN or infinity among the outputs',
    expected: 'finite numbers',
    nextStep: "check the model's weights (a training that diverged leaves NaN) and its preprocessing",
  });
}

function decodeByRecipe(
  image: ImageSource,
  index: number,
  { inputSize, resize }: InputRecipe,
  signal?: AbortSignal,
): Promise<Pixels> {
  return loadPixels(image, { size: inputSize, ...resize, signal, name: describeSource(image, index) });
}

function* indexed(images: Iterable<ImageSource>): Generator<{ image: ImageSource; index: number }> {
  let index = 0;
  for (const image of images) yield { image, index: index++ };
}
