import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { compileModel } from '../../src/engines/compile-model.ts';
import { createOnnxSessionNode } from '../../src/engines/ort-session.node.ts';
import type { Platform } from '../../src/platform.ts';
import { registerPlatform } from '../../src/platform.ts';

const unused = () => Promise.reject(new Error('not part of these tests'));

/** Registers a platform that has nothing but the ONNX engine, and picks the exact but slow cpu backend. */
export async function prepareEngines(
  createOnnxSession: Platform['createOnnxSession'] = createOnnxSessionNode,
): Promise<void> {
  const silent = tf.findBackend('cpu') as { firstUse?: boolean };
  silent.firstUse = false;
  await tf.setBackend('cpu');
  registerPlatform({
    name: 'node',
    readBytes: unused,
    openFile: unused,
    isFolder: () => Promise.resolve(false),
    openCached: unused,
    readAsset: unused,
    readImageFolder: unused,
    readDataset: unused,
    decodeImage: unused,
    prepareTfjs: () => Promise.resolve(),
    createOnnxSession,
  });
}

/** Numbers of about normal size, the same for the same seed (a linear congruential generator). */
export function seeded(length: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  });
}

/** Fills every weight with seeded numbers; variances stay positive. */
export function seedWeights(model: tf.LayersModel, seed = 1): void {
  tf.tidy(() => {
    model.setWeights(
      model.weights.map((weight, index) => {
        const size = weight.shape.reduce<number>((product, side) => product * (side ?? 1), 1);
        const numbers = seeded(size, seed + index);
        const positive = weight.originalName.includes('variance');
        return tf.tensor(
          positive ? numbers.map((x) => Math.abs(x) + 0.5) : numbers,
          weight.shape as number[],
        );
      }),
    );
  });
}

/** Relative to the largest expected number, or to 1; NaN when there is one on either side. */
export function largestDifference(given: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(given.length).toBe(expected.length);
  let scale = 1;
  let difference = 0;
  for (let index = 0; index < expected.length; index++) {
    scale = Math.max(scale, Math.abs(expected[index]!));
    difference = Math.max(difference, Math.abs(given[index]! - expected[index]!));
  }
  return difference / scale;
}

export interface Compared {
  readonly difference: number;
  readonly shapes: number[][];
}

/** The largest difference between both engines, relative to the largest output; shapes must be equal. */
export async function compareEngines(
  model: tf.LayersModel,
  shape: readonly number[],
  outputs?: readonly string[],
): Promise<Compared> {
  const data = seeded(
    shape.reduce((product, side) => product * side, 1),
    99,
  );
  const onnx = await compileModel(model, { engine: 'onnx', outputs });
  const tfjs = await compileModel(model, { engine: 'tfjs', outputs });
  try {
    const ours = await onnx.run(data, shape);
    const theirs = await tfjs.run(data, shape);
    expect(ours.map((output) => output.shape)).toEqual(theirs.map((output) => output.shape));
    expect(onnx.outputs.map(({ name }) => name)).toEqual(tfjs.outputs.map(({ name }) => name));
    const differences = ours.map((output, index) => largestDifference(output.data, theirs[index]!.data));
    const difference = Math.max(...differences);
    return { difference, shapes: ours.map((output) => output.shape) };
  } finally {
    await onnx.dispose();
    await tfjs.dispose();
  }
}

/** A model of one path with seeded weights. */
export function chainModel(inputShape: (number | null)[], ...layers: tf.layers.Layer[]): tf.LayersModel {
  const input = tf.input({ shape: inputShape });
  let x: tf.SymbolicTensor = input;
  for (const layer of layers) x = layer.apply(x) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: x });
  seedWeights(model);
  return model;
}
