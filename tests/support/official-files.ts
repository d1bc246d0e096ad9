import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import type { NumericArray } from '../../src/base/types.ts';
import { compileModel, disposeModel, loadModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { findModel } from '../../zoo/registry.ts';
import { rootFolder } from './dist.ts';
import { writeKerasH5, type LayerToWrite } from './keras-h5-writer.ts';
import { differenceFrom, parityModule, readGolden, type Golden } from './keras-parity.ts';

const run = promisify(execFile);
const { fillWithSeededWeights, leafLayers, seededPictures } = await parityModule('seeded-weights.mjs');

/** The files that the issue of the zoo names. */
export const SHOWN = ['vgg16', 'resnet50', 'inceptionv3', 'xception', 'densenet121'];

interface Shaped {
  readonly shapes: readonly (readonly number[])[];
}

/** The seeded weights of layers, numbered in their order. */
export function seededArrays(layers: readonly Shaped[], gain: number): NumericArray[][] {
  // The formula asks for a model and for tfjs; it only looks at shapes, and hands the arrays on.
  const filled: NumericArray[][] = [];
  const host = { tensor: (data: NumericArray) => data, dispose: () => undefined };
  const model = {
    layers: layers.map(({ shapes }) => ({
      weights: shapes.map((shape) => ({ shape })),
      setWeights: (arrays: NumericArray[]) => filled.push(arrays),
    })),
  };
  fillWithSeededWeights(host as unknown as typeof tf, model as unknown as tf.LayersModel, gain);
  return filled;
}

/** Keras 2's names of the layers that Keras 3 has renamed. */
function nameInKeras2(model: string, layer: string): string {
  if (!model.startsWith('densenet')) return layer;
  return layer.replace(/^conv1_(conv|bn)$/, 'conv1/$1');
}

/** The layers of a network's file as Keras 2 would write it, with the seeded weights. */
export async function officialLayers(golden: Golden, includeTop: boolean): Promise<LayerToWrite[]> {
  await platform().prepareTfjs();
  const { card, build } = findModel(golden.model);
  const model = build(card, { ...golden.options, includeTop }, { kernel: 'zeros' });
  const layers = model.layers.map((layer) => ({
    name: nameInKeras2(golden.model, layer.name),
    // The formula opens models inside the model; a file has one group for each of them.
    leaves: [...leafLayers([layer])].map((leaf) => leaf.weights.map(named)),
  }));
  model.dispose();
  const leaves = layers.flatMap((layer) => layer.leaves).filter((weights) => weights.length > 0);
  const arrays = seededArrays(
    leaves.map((weights) => ({ shapes: weights.map(({ shape }) => shape) })),
    golden.gain,
  );
  return layers.map(({ name, leaves: own }) => ({
    name,
    weights: own.flatMap((weights) =>
      weights.map(({ role, shape }, index) => ({
        name: `${name}/${role}:0`,
        shape,
        data: arrays[leaves.indexOf(weights)]![index]!,
      })),
    ),
  }));
}

function named({ originalName, shape }: tf.LayersModel['weights'][number]) {
  return { role: originalName.split('/').at(-1)!, shape: shape as number[] };
}

/** Writes a network's file as Keras 2 would, without Python. */
export async function writeOfficialFile(path: string, golden: Golden, includeTop: boolean): Promise<void> {
  const layers = await officialLayers(golden, includeTop);
  await writeKerasH5(path, layers, { kerasVersion: '2.18.0', backend: 'tensorflow' });
}

/**
 * Loads a network with the weights of a file, and holds its logits, or its features without top, to the golden of real
 * Keras.
 */
export async function expectKerasOutputs(
  golden: Golden,
  weights: string,
  { includeTop = true }: { readonly includeTop?: boolean } = {},
): Promise<void> {
  const expected = golden.cases.find((each) => each.case === (includeTop ? 'top' : 'noTop'))!;
  await platform().prepareTfjs();
  const before = tf.memory().numTensors;
  const model = await loadModel(golden.model, {
    ...golden.options,
    weights,
    includeTop,
    ...(includeTop ? { classifierActivation: 'linear' } : { inputShape: expected.inputShape }),
  });
  try {
    const compiled = await compileModel(model, { engine: 'onnx' });
    const pictures = seededPictures(expected.inputShape, golden.builtinPreprocessing);
    const [output] = await compiled.run(pictures, [2, ...expected.inputShape]);
    await compiled.dispose();
    expect(differenceFrom(expected.output, output!.data, output!.shape)).toBeLessThanOrEqual(1e-5);
  } finally {
    await disposeModel(model);
  }
  expect(tf.memory().numTensors).toBe(before);
}

/** A Python that has tf_keras: DOVECOTE_PYTHON, or python3. Undefined, and a line that says why, where there is none. */
export async function kerasPython(): Promise<string | undefined> {
  const python = process.env['DOVECOTE_PYTHON'] ?? 'python3';
  try {
    await run(python, ['-c', 'import tf_keras'], { env: quiet });
    return python;
  } catch {
    // eslint-disable-next-line no-console
    console.warn(`skipping files of real Keras: ${python} cannot import tf_keras (set DOVECOTE_PYTHON)`);
    return undefined;
  }
}

const quiet = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };

/** Real Keras 2 in one process, for TensorFlow takes longer to import than most networks to write. */
export class KerasWriter {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string, undefined>;
  #errors = '';

  constructor(
    python: string,
    private readonly folder: string,
  ) {
    const script = join(rootFolder, 'tests/oracle/zoo.py');
    const options = { env: quiet, stdio: ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'] };
    this.#process = spawn(python, [script, '--files', folder, '-'], options);
    this.#process.stderr.on('data', (text) => (this.#errors += String(text)));
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Writes `NAME.h5` and `NAME_notop.h5`, and returns their paths. */
  async write(name: string): Promise<{ readonly top: string; readonly noTop: string }> {
    this.#process.stdin.write(`${name}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`Keras wrote no files of ${name}: ${this.#errors}`);
      if (value === `wrote ${name}`) break;
    }
    return { top: join(this.folder, `${name}.h5`), noTop: join(this.folder, `${name}_notop.h5`) };
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
  }
}

export { readGolden };
