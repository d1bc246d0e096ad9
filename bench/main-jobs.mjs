// The main jobs on real photos, from the files to the result: classify on both engines, features, convert.
//   node bench/main-jobs.mjs [--short]
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { classify, disposeModel, extractFeatures, loadModel } from 'dovecote';
import { median, root, rounded, saveResults, shared } from './support.mjs';

const weights = join(shared, 'weights', 'squeezenet_v1.1_keras2.0.9.h5');
const data = join(shared, 'datasets', 'hymenoptera_data', 'train');
const cli = join(root, 'dist', 'cli.js');

const short = process.argv.includes('--short');
const photoCount = short ? 32 : 160;
const repeats = short ? 1 : 3;

if (![weights, data].every(existsSync)) {
  console.log(
    'The main jobs need the real weights and photos in ../shared, which is not beside this checkout.',
  );
  process.exit(0);
}

async function milliseconds(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Runs a command; seconds, peak RSS in MB and exit code. */
function runNode(args) {
  // Linux's maxRSS of a child starts from its parent's; VmHWM does not.
  const program = `process.on('exit', () => {
    const { readFileSync } = process.getBuiltinModule('node:fs');
    let kilobytes = process.resourceUsage().maxRSS;
    try { kilobytes = /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]; } catch {}
    process.stderr.write('\\npeakRSS=' + kilobytes);
  })`;
  const hook = `data:text/javascript,${encodeURIComponent(program)}`;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', hook, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code !== 0) reject(new Error(`${args.join(' ')} ended with ${code}: ${errors}`));
      else
        resolve({ ms: performance.now() - started, rssMb: Number(/peakRSS=(\d+)/.exec(errors)[1]) / 1024 });
    });
  });
}

async function repeated(count, work) {
  const runs = [];
  for (let run = 0; run < count; run++) runs.push(await work());
  return runs;
}

const photos = [];
for (const label of ['ants', 'bees']) {
  const folder = join(data, label);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
  photos.push(...names.slice(0, photoCount / 2).map((name) => join(folder, name)));
}

const engines = ['onnx', 'tfjs'];

async function measure(name, options) {
  const model = await loadModel(name, options);
  for (const engine of engines) await classify(photos.slice(0, 16), { model, engine });
  const times = { onnx: [], tfjs: [] };
  // Alternating, so that a slow minute of the machine hits both.
  for (let run = 0; run < repeats; run++) {
    for (const engine of engines)
      times[engine].push((await milliseconds(() => classify(photos, { model, engine }))) / photos.length);
  }
  const [onnx, tfjs] = engines.map((engine) => rounded(median(times[engine])));
  const featureMs = await repeated(repeats, () => milliseconds(() => extractFeatures(model, photos)));
  await disposeModel(model);
  return {
    msPerPhoto: { onnx, tfjs },
    featuresPerSecond: rounded((1000 * photos.length) / median(featureMs), 1),
  };
}

const networks = {
  'efficientnet-lite0': await measure('efficientnet-lite0', {}),
  squeezenet: await measure('squeezenet', { weights }),
};

const work = await mkdtemp(join(tmpdir(), 'dovecote-bench-'));
let number = 0;
const converted = await repeated(short ? 3 : 7, () =>
  runNode([cli, 'convert', weights, join(work, `out-${number++}`), '--quiet']),
).finally(() => rm(work, { recursive: true, force: true }));
const convert = {
  ms: rounded(median(converted.map(({ ms }) => ms)), 0),
  peakRssMb: rounded(median(converted.map(({ rssMb }) => rssMb)), 0),
  nodeRssMb: rounded((await runNode(['-e', '0'])).rssMb, 0),
};

const lines = [
  `| ${photos.length} photos, files to labels | onnx, ms a photo | tfjs (${tf.getBackend()}), ms a photo | times as fast | features, photos/s |`,
  '|---|---|---|---|---|',
  ...Object.entries(networks).map(
    ([
      name,
      {
        msPerPhoto: { onnx, tfjs },
        featuresPerSecond,
      },
    ]) => {
      return `| ${name} | ${onnx} | ${tfjs} | ${rounded(tfjs / onnx)} | ${featuresPerSecond} |`;
    },
  ),
  '',
  `convert SqueezeNet .h5 (5 MB): ${convert.ms} ms, peak RSS ${convert.peakRssMb} MB (node alone: ${convert.nodeRssMb} MB)`,
];
console.log(lines.join('\n'));
await saveResults(
  'main-jobs',
  { photos: photos.length, repeats, tfjsBackend: tf.getBackend(), networks, convert },
  lines,
);
