// Training on hymenoptera (244 photos of ants and bees, 153 to validate on): seconds of the whole process and accuracy, beside
// Keras with the same recipe where a Python has it.
//   node bench/fine-tune.mjs [JOB...] [--short] [--rounds 3]      JOB: head, squeezenet, mobilenetv2
//     DOVECOTE_PYTHON: a Python other than python3
// `cold` starts with an empty feature cache, `warm` has the features of the run before. Keras keeps the decoded photos in
// memory. MobileNetV2's weights are a formula (there are no trained ones here): its accuracy says nothing.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { readGolden } from '../examples/keras-parity/goldens.mjs';
import { median, root, rounded, saveResults, shared } from './support.mjs';

const run = promisify(execFile);
const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const data = join(shared, 'datasets', 'hymenoptera_data');
const weights = join(shared, 'weights', 'squeezenet_v1.1_keras2.0.9.h5');
if (![data, weights].every(existsSync)) {
  console.log('Training needs the photos and weights in ../shared, which is not beside this checkout.');
  process.exit(0);
}
const { gain } = await readGolden('mobilenetv2');
const RECIPES = {
  head: { epochs: flags.short ? 10 : 60, learningRate: 0.003, batchSize: 32, dropout: 0.3, l2: 0.1 },
  squeezenet: { epochs: flags.short ? 2 : 10, learningRate: 1e-4, batchSize: 32, from: 'fire8' },
  mobilenetv2: { epochs: flags.short ? 2 : 10, learningRate: 1e-4, batchSize: 32, from: 'block_16', gain },
};
const TITLES = {
  head: 'new head on frozen SqueezeNet',
  squeezenet: "SqueezeNet's last two fire modules and a new head",
  mobilenetv2: "MobileNetV2's last stage and a new head",
};
const jobs =
  positionals.length > 0 ? positionals : flags.short ? ['head', 'squeezenet'] : Object.keys(RECIPES);
const rounds = Number(flags.rounds ?? (flags.short ? 1 : 3));
const python = process.env.DOVECOTE_PYTHON ?? 'python3';
const cache = await mkdtemp(join(tmpdir(), 'dovecote-bench-'));

async function timed(program, args, recipe) {
  const started = performance.now();
  const env = { ...process.env, DOVECOTE_RECIPE: JSON.stringify(recipe) };
  const { stdout } = await run(program, args, { env, cwd: root, maxBuffer: 64e6 });
  return { processSeconds: (performance.now() - started) / 1000, ...JSON.parse(stdout) };
}

async function hasKeras() {
  if (flags.short) return false;
  return run(python, ['-c', 'import keras, tensorflow, h5py']).then(
    () => true,
    () => {
      console.log(`Keras: not compared with, ${python} has not got it`);
      return false;
    },
  );
}

const ours = (job) =>
  timed(process.execPath, ['bench/peers/fine-tune-job.mjs', job, data, weights, cache], RECIPES[job]);
const peers = {
  'dovecote, cold': async (job) => {
    await rm(cache, { recursive: true, force: true });
    return ours(job);
  },
  'dovecote, warm': ours,
  ...((await hasKeras()) && {
    Keras: (job) => timed(python, ['bench/peers/fine_tune.py', job, data, weights], RECIPES[job]),
  }),
};

const results = { rounds, recipes: RECIPES, jobs: {} };
const lines = [
  '| training | who | the whole process, s | of Keras | imports, s | an epoch, ms | accuracy at the end | at best |',
  '|---|---|---|---|---|---|---|---|',
];
try {
  for (const job of jobs) {
    const runs = Object.fromEntries(Object.keys(peers).map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, peer] of Object.entries(peers)) {
        try {
          runs[name].push(await peer(job));
        } catch (error) {
          if (name !== 'Keras') throw error;
          console.log(
            `Keras, ${job}: ${String(error.stderr ?? error)
              .trim()
              .split('\n')
              .at(-1)}`,
          );
        }
      }
    }
    const found = {};
    for (const [name, list] of Object.entries(runs)) {
      if (list.length === 0) continue;
      const of = (figure) => rounded(median(list.map((each) => each[figure])), 3);
      found[name] = Object.fromEntries(
        Object.keys(list[0])
          .filter((key) => typeof list[0][key] === 'number')
          .map((key) => [key, of(key)]),
      );
      found[name].runs = list.map(({ processSeconds }) => rounded(processSeconds));
      results.keras ??= list[0].version;
    }
    results.jobs[job] = found;
    for (const [name, figures] of Object.entries(found)) {
      const ofKeras =
        found.Keras === undefined ? '' : rounded(figures.processSeconds / found.Keras.processSeconds);
      const cells = [
        ...[TITLES[job], name, rounded(figures.processSeconds), ofKeras, rounded(figures.importSeconds)],
        ...[rounded(1000 * figures.epochSeconds, 0), figures.valAccuracy, figures.bestValAccuracy],
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
} finally {
  await rm(cache, { recursive: true, force: true });
}
console.log(lines.join('\n'));
await saveResults('fine-tune', results, lines);
