import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { expect } from 'vitest';
import type { EngineName } from '../../src/node.ts';
import { compileModel, disposeModel } from '../../src/node.ts';
import type { BuildOptions } from '../../zoo/build-options.ts';
import { findModel } from '../../zoo/registry.ts';
import { rootFolder } from './dist.ts';

/** Values that Keras gave out: all of them, or `samples` at hashed places. */
export interface GoldenValues {
  readonly shape: readonly number[];
  readonly range: readonly [number, number];
  readonly samples?: number;
  readonly values: string;
}

export interface GoldenCase {
  readonly case: 'top' | 'noTop' | 'small';
  readonly includeTop: boolean;
  readonly pooling: 'avg' | 'max' | null;
  readonly inputShape: readonly [number, number, number];
  readonly parameters: number;
  readonly trainable: number;
  /** sha256 of the shapes of all weights, in the order of Keras's files. */
  readonly digest: string;
  readonly output: GoldenValues;
  /** Of the case `top`: the names of Keras 3's layers, and what some of them give out. */
  readonly layers?: readonly string[];
  readonly between?: readonly (GoldenValues & { readonly layer: string })[];
  /** Of the other cases: the last names, and the number of layers that hold weights. */
  readonly lastLayers?: readonly string[];
  readonly weightLayers?: number;
}

export interface Golden {
  readonly model: string;
  readonly options: Pick<BuildOptions, 'alpha' | 'minimalistic'>;
  readonly builtinPreprocessing: boolean;
  /** Of the kernels, see tests/oracle/zoo_weights.py. */
  readonly gain: number;
  readonly cases: readonly GoldenCase[];
}

interface Parity {
  'seeded-weights.mjs': {
    fillWithSeededWeights: (tfjs: typeof tf, model: tf.LayersModel, gain: number) => void;
    seededPictures: (shape: readonly number[], builtinPreprocessing: boolean) => Float32Array;
    leafLayers: (layers: readonly tf.layers.Layer[]) => Iterable<tf.layers.Layer>;
  };
  'goldens.mjs': {
    goldenNames: () => Promise<string[]>;
    readGolden: (name: string) => Promise<Golden>;
    differenceFrom: (golden: GoldenValues, data: Float32Array, shape: readonly number[]) => number;
  };
}

/** The modules of examples/keras-parity, which are plain JavaScript. */
export async function parityModule<Name extends keyof Parity>(name: Name): Promise<Parity[Name]> {
  const url = pathToFileURL(join(rootFolder, 'examples', 'keras-parity', name)).href;
  return (await import(/* @vite-ignore */ url)) as Parity[Name];
}

const { fillWithSeededWeights, seededPictures } = await parityModule('seeded-weights.mjs');
export const { goldenNames, readGolden, differenceFrom } = await parityModule('goldens.mjs');

/** The network of a golden, with zeros for weights. */
function buildEmpty(golden: Golden, { includeTop, pooling, inputShape }: GoldenCase): tf.LayersModel {
  const { card, build } = findModel(golden.model);
  const options = {
    ...golden.options,
    includeTop,
    pooling,
    inputShape,
    classifierActivation: 'linear',
  } as const;
  return build(card, options, { kernel: 'zeros' });
}

/** The network of a golden, with the seeded weights. */
export function buildGolden(golden: Golden, expected: GoldenCase): tf.LayersModel {
  const model = buildEmpty(golden, expected);
  fillWithSeededWeights(tf, model, golden.gain);
  return model;
}

/** Holds the structure alone to Keras, which costs little for the largest networks too. */
export async function checkBuilt(golden: Golden, expected: GoldenCase): Promise<void> {
  const model = buildEmpty(golden, expected);
  try {
    checkStructure(model, expected);
  } finally {
    await disposeModel(model);
  }
}

export interface CheckOptions {
  readonly engines: readonly Exclude<EngineName, 'auto'>[];
}

/**
 * Holds one case of a golden to Keras: the layers' names and order, the parameters, the digest of the shapes, and on
 * each engine the output and the layers in between, within 1e-5 of the range. Returns the differences.
 */
export async function checkCase(
  golden: Golden,
  expected: GoldenCase,
  { engines }: CheckOptions,
): Promise<Record<string, number>> {
  const before = tf.memory().numTensors;
  const model = buildGolden(golden, expected);
  const differences: Record<string, number> = {};
  try {
    checkStructure(model, expected);
    const pictures = seededPictures(expected.inputShape, golden.builtinPreprocessing);
    const between = expected.between ?? [];
    const last = model.layers.at(-1)!.name;
    for (const engine of engines) {
      const outputs = [...between.map(({ layer }) => layer), last];
      const compiled = await compileModel(model, { engine, outputs });
      expect(compiled.engine).toBe(engine);
      const results = await compiled.run(pictures, [2, ...expected.inputShape]);
      const goldens = [...between, expected.output];
      goldens.forEach((values, index) => {
        const { data, shape } = results[index]!;
        const difference = differenceFrom(values, data, shape);
        expect(difference, `${engine}: ${outputs[index]}`).toBeLessThanOrEqual(1e-5);
        differences[engine] = Math.max(differences[engine] ?? 0, difference);
      });
      await compiled.dispose();
    }
  } finally {
    await disposeModel(model);
  }
  expect(tf.memory().numTensors).toBe(before);
  return differences;
}

function checkStructure(model: tf.LayersModel, expected: GoldenCase): void {
  expect(model.countParams()).toBe(expected.parameters);
  const trainable = model.trainableWeights.reduce((sum, weight) => sum + size(weight.shape), 0);
  expect(trainable).toBe(expected.trainable);
  expect(shapeDigest(model)).toBe(expected.digest);
  const names = model.layers.map((layer) => layer.name);
  // Keras has operations between layers (`x + y`) that are no layers of it; ours are layers with names of their own.
  if (expected.layers !== undefined) {
    const wanted = new Set(expected.layers);
    expect(names.filter((name) => wanted.has(name))).toEqual(expected.layers);
  }
  if (expected.lastLayers !== undefined) {
    const wanted = new Set(expected.lastLayers);
    expect(names.filter((name) => wanted.has(name))).toEqual(expected.lastLayers);
  }
}

const size = (shape: readonly (number | null)[]) => shape.reduce<number>((all, side) => all * (side ?? 1), 1);

/** sha256 of the shapes of all weights: dimensions joined by x, one weight a line. */
export function shapeDigest(model: tf.LayersModel): string {
  const lines = model.layers.flatMap((layer) =>
    layer.weights.map(({ shape }) => (shape.length === 0 ? 'scalar' : shape.join('x'))),
  );
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}
