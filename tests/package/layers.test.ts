import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distFile, ensureBuilt, rootFolder } from '../support/dist.ts';

const run = promisify(execFile);

/** Inside the checkout, where `@tensorflow/tfjs` is found. */
let folder: string;
beforeAll(async () => {
  await ensureBuilt();
  folder = await mkdtemp(join(rootFolder, 'node_modules', '.dovecote-layers-'));
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const topology = {
  class_name: 'Sequential',
  config: {
    name: 'saved',
    layers: [
      {
        class_name: 'Normalization',
        config: { name: 'n', batch_input_shape: [null, 2, 2, 2], axis: [-1], mean: [1, 2], variance: [4, 4] },
      },
      {
        class_name: 'GroupedConv2D',
        config: {
          name: 'c',
          filters: 2,
          groups: 2,
          kernel_size: [1, 1],
          activation: 'hard_swish',
          kernel_initializer: { class_name: 'Ones', config: {} },
        },
      },
      { class_name: 'LayerScale', config: { name: 's', init_values: 0.5, projection_dim: 2 } },
      { class_name: 'StochasticDepth', config: { name: 'd', drop_path_rate: 0.5 } },
      { class_name: 'GlobalAveragePooling2DKeepDims', config: { name: 'p' } },
      { class_name: 'KerasIdentity', config: { name: 'i' } },
      {
        class_name: 'TensorOperation',
        config: { name: 't', operation: 'add', inputs: [{ tensor: 0 }, { value: 1 }] },
      },
    ],
  },
  keras_version: 'tfjs-layers 4.22.0',
  backend: 'tensor_flow.js',
};

/** A program that imports the package for its effect alone and loads a model with nothing but tfjs. */
const program = (dovecote: string) => `
  import * as tf from '@tensorflow/tfjs';
  ${dovecote === '' ? '' : `import '${dovecote}';`}
  const modelTopology = ${JSON.stringify(topology)};
  const model = await tf.loadLayersModel({ load: async () => ({ modelTopology }) });
  console.log(JSON.stringify([...model.predict(tf.fill([1, 2, 2, 2], 5)).dataSync()]));
`;
// (5 - 1) / 2 and (5 - 2) / 2 through x * relu6(x + 3) / 6, halved, and 1 more.
const wanted = [1 + (2 * 5) / 6 / 2, 1 + (1.5 * 4.5) / 6 / 2];

async function outputOf(file: string): Promise<number[]> {
  const { stdout } = await run(process.execPath, [file]);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as number[];
}

describe('plain tf.loadLayersModel, once the built package is imported', () => {
  it('does not know these layers without it', async () => {
    const file = join(folder, 'without.mjs');
    await writeFile(file, program(''));
    await expect(outputOf(file)).rejects.toThrow(/Unknown layer: Normalization/);
  });

  it('knows them in Node', async () => {
    const file = join(folder, 'node.mjs');
    await writeFile(file, program(distFile('node.js')));
    const output = await outputOf(file);
    output.forEach((value, index) => expect(value).toBeCloseTo(wanted[index]!, 5));
  }, 60_000);

  it('knows them in a bundle, where unused code is shaken off', async () => {
    const entry = join(folder, 'entry.mjs');
    await writeFile(entry, program(distFile('index.js')));
    const outfile = join(folder, 'bundle.mjs');
    await build({
      entryPoints: [entry],
      bundle: true,
      treeShaking: true,
      minify: true,
      // tfjs built for browsers does not run in Node; the package's own browser entry does.
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outfile,
      logLevel: 'error',
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
    });
    const output = await outputOf(outfile);
    output.forEach((value, index) => expect(value).toBeCloseTo(wanted[index]!, 5));
  }, 120_000);
});
