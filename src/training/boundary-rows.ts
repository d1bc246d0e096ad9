import type * as tf from '@tensorflow/tfjs';
import type { Pixels, ProgressCallback } from '../base/types.ts';
import type { SkippedImage } from '../datasets/labelled-images.ts';
import type { EngineName } from '../engines/compiled-model.ts';
import { compileModel } from '../engines/compile-model.ts';
import type { ImageSource } from '../images/image-source.ts';
import { describeSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import { preprocessPixels } from '../images/preprocess.ts';
import type { FeatureStore } from '../platform.ts';
import { platform } from '../platform.ts';
import type { RowValues } from '../pipeline/image-rows.ts';
import { imageRows } from '../pipeline/image-rows.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import type { SplitModel } from './split-model.ts';

/** What the trained half of a model reads, one row for each picture: row-major `[indices.length, width]`. */
export interface BoundaryRows {
  readonly values: RowValues;
  readonly width: number;
  /** For each row the index of its picture. */
  readonly indices: readonly number[];
  readonly skipped: readonly SkippedImage[];
  readonly stored: number;
}

export interface BoundaryOptions {
  readonly phase: string;
  readonly names: readonly (string | undefined)[];
  readonly decode?: ((image: ImageSource, index: number) => Promise<Pixels>) | undefined;
  readonly onProgress?: ProgressCallback | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Brings pictures to where a model is trained. */
export interface BoundarySource {
  /** What computes the frozen half; undefined when there is none. */
  readonly engine: 'onnx' | 'tfjs' | undefined;
  /** Bytes that the row of one picture takes in memory. */
  readonly rowBytes: number;
  /** Why features could not be kept on disk. */
  readonly problem: () => string | undefined;
  rowsOf(images: readonly ImageSource[], options: BoundaryOptions): Promise<BoundaryRows>;
  /** Rows as the tensors of one batch, the caller's to dispose of. */
  batch(tensors: typeof tf, rows: readonly RowValues[]): tf.Tensor[];
  dispose(): Promise<void>;
}

export interface SourceOptions {
  readonly engine?: EngineName | undefined;
  /** `false`: nothing is kept on disk; a path: kept under that folder. Default: in the cache folder, in Node. */
  readonly cache?: boolean | string | undefined;
}

/** Pictures that go through the frozen half together. */
const BATCH_SIZE = 16;

/** @throws EngineError `ENGINE_*`; ModelError `MODEL_INPUT` */
export async function boundarySource(
  split: SplitModel,
  recipe: InputRecipe,
  options: SourceOptions,
): Promise<BoundarySource> {
  const prefix = split.prefix(recipe.inputSize);
  return prefix === undefined ? ofPixels(recipe) : ofPrefix(prefix, recipe, options);
}

/** Nothing is frozen: pictures are kept as pixels and prepared for each step. */
function ofPixels(recipe: InputRecipe): BoundarySource {
  const [height, width] = recipe.inputSize;
  const size = height * width * 3;
  return {
    engine: undefined,
    rowBytes: size,
    problem: () => undefined,
    rowsOf(images, { phase, names, decode, onProgress, signal }) {
      const network = {
        engine: 'tfjs' as const,
        inputShape: [null, height, width, 3],
        inputType: 'uint8' as const,
        outputs: [],
        run: (data: Float32Array | Uint8Array, shape: readonly number[]) =>
          Promise.resolve([{ data: Float32Array.from(data), shape: [...shape] }]),
        dispose: () => Promise.resolve(),
      };
      const load = (image: ImageSource, index: number) =>
        loadPixels(image, {
          size: recipe.inputSize,
          ...recipe.resize,
          ...(signal && { signal }),
          name: names[index] ?? describeSource(image, index),
        });
      return imageRows(images, network, recipe, {
        allocate: (length) => new Uint8Array(length),
        batchSize: BATCH_SIZE,
        phase,
        names,
        decode: decode ?? load,
        onProgress,
        signal,
      });
    },
    batch(tensors, rows) {
      const prepared = new Float32Array(rows.length * size);
      rows.forEach((row, index) => {
        const pixels = { data: row as Uint8Array, width, height };
        preprocessPixels(pixels, recipe.preprocessing, prepared, index * size);
      });
      return [tensors.tensor4d(prepared, [rows.length, height, width, 3])];
    },
    dispose: () => Promise.resolve(),
  };
}

async function ofPrefix(
  prefix: NonNullable<ReturnType<SplitModel['prefix']>>,
  recipe: InputRecipe,
  { engine, cache = true }: SourceOptions,
): Promise<BoundarySource> {
  const shapes = prefix.model.outputs.map(({ shape }) => shape.slice(1) as number[]);
  const sizes = shapes.map((shape) => shape.reduce((product, side) => product * side, 1));
  const network = await compileModel(prefix.model, {
    ...(engine === undefined ? {} : { engine }),
    pixels: recipe.preprocessing,
    fingerprint: cache !== false,
  }).catch((error: unknown) => {
    prefix.release();
    throw error;
  });
  const store = await featureStoreOf(network.fingerprint, recipe, cache);
  return {
    engine: network.engine,
    rowBytes: 4 * sizes.reduce((sum, size) => sum + size, 0),
    problem: () => store?.problem,
    rowsOf: (images, { phase, names, decode, onProgress, signal }) =>
      imageRows(images, network, recipe, {
        allocate: (length) => new Float32Array(length),
        batchSize: BATCH_SIZE,
        phase,
        names,
        decode,
        // Pictures that are varied at random are new ones each time.
        store: decode === undefined ? store : undefined,
        onProgress,
        signal,
      }),
    batch(tensors, rows) {
      let from = 0;
      return shapes.map((shape, index) => {
        const size = sizes[index]!;
        const values = new Float32Array(rows.length * size);
        rows.forEach((row, at) => values.set(row.subarray(from, from + size), at * size));
        from += size;
        return tensors.tensor(values, [rows.length, ...shape]);
      });
    },
    async dispose() {
      prefix.release();
      await network.dispose();
    },
  };
}

/**
 * The store of a network's features: its graph and weights are in the fingerprint, how pictures get to it in the recipe.
 * The number is that of how this package decodes and resizes; it goes up when that changes.
 */
export async function featureStoreOf(
  fingerprint: string | undefined,
  recipe: InputRecipe,
  cache: boolean | string,
): Promise<FeatureStore | undefined> {
  if (cache === false || fingerprint === undefined) return undefined;
  const network = JSON.stringify({ decoding: 1, fingerprint, recipe });
  return platform().openFeatureStore?.(network, typeof cache === 'string' ? cache : undefined);
}
