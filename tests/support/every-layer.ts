import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import type { EngineOutput } from '../../src/engines/compiled-model.ts';
import { disposeModel, features } from '../../src/node.ts';
import type { BuildOptions } from '../../zoo/build-options.ts';
import type { ModelCard } from '../../zoo/card.ts';
import { findModel } from '../../zoo/registry.ts';
import { goldenNames, parityModule, readGolden } from './keras-parity.ts';

const { fillWithSeededWeights, seededPictures } = await parityModule('seeded-weights.mjs');
const goldens = new Set(await goldenNames());

export interface Batch {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A network with the seeded weights, and batches of pictures for it. It is disposed after `use`. */
export async function withSeededNetwork(
  card: ModelCard,
  options: BuildOptions,
  use: (model: tf.LayersModel, pictures: (batch: number) => Batch) => Promise<void>,
): Promise<void> {
  const before = tf.memory().numTensors;
  const model = findModel(card.name).build(
    card,
    { ...options, classifierActivation: null },
    { kernel: 'zeros' },
  );
  try {
    fillWithSeededWeights(tf, model, await gainOf(card.name));
    const size = model.inputs[0]!.shape.slice(1) as number[];
    const two = seededPictures(size, card.preprocessing === 'none');
    const length = two.length / 2;
    await use(model, (batch) => {
      const data = new Float32Array(batch * length);
      for (let picture = 0; picture < batch; picture++) {
        const from = (picture % 2) * length;
        // No two pictures of a batch are the same.
        const dimmed = two.subarray(from, from + length).map((value) => value * (1 - picture / 20));
        data.set(dimmed, picture * length);
      }
      return { data, shape: [batch, ...size] };
    });
  } finally {
    await disposeModel(model);
  }
  expect(tf.memory().numTensors).toBe(before);
}

/** Keeps activations sane; see tests/oracle/zoo_weights.py. */
async function gainOf(name: string): Promise<number> {
  return goldens.has(name) ? (await readGolden(name)).gain : 0.7;
}

/** The largest difference, as a part of the range. Both have to be numbers. */
export function differenceOfEngines(first: EngineOutput, second: EngineOutput): number {
  expect(first.shape).toEqual(second.shape);
  expect(first.data.length).toBe(second.data.length);
  let [least, most, largest] = [Infinity, -Infinity, 0];
  for (let index = 0; index < first.data.length; index++) {
    const value = second.data[index]!;
    if (value < least) least = value;
    if (value > most) most = value;
    const difference = Math.abs(value - first.data[index]!);
    // NaN counts as a difference.
    if (!(difference <= largest)) largest = difference;
  }
  // A layer whose outputs are all the same has no range.
  return largest / (most > least ? most - least : Math.max(Math.abs(most), 1));
}

/** What the layers of a network give out on the tfjs engine, one after the other as they are named. */
export async function outputsOnTfjs(
  model: tf.LayersModel,
  names: readonly string[],
  { data, shape }: Batch,
): Promise<Map<string, EngineOutput>> {
  const network = await features(model, names, { engine: 'tfjs' });
  const outputs = await network.run(data, shape);
  await network.dispose();
  return new Map(names.map((name, index) => [name, outputs[index]!]));
}

/** Asks the onnx engine for layers, all in one session, and holds each to 1e-5 of its range. */
export async function holdOnnxTo(
  expected: ReadonlyMap<string, EngineOutput>,
  model: tf.LayersModel,
  names: readonly string[],
  { data, shape }: Batch,
): Promise<void> {
  const network = await features(model, names, { engine: 'onnx' });
  const outputs = await network.run(data, shape);
  await network.dispose();
  expect(network.outputs.map(({ name }) => name)).toEqual(names);
  const wrong = names
    .map((name, index) => ({ name, difference: differenceOfEngines(outputs[index]!, expected.get(name)!) }))
    .filter(({ difference }) => !(difference <= 1e-5));
  expect(wrong).toEqual([]);
}

/** Evenly chosen, the first and the last among them. */
export function spread<Item>(items: readonly Item[], count: number): Item[] {
  const step = (items.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, index) => items[Math.round(index * step)]!);
}
