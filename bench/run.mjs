// Measures the main jobs on real photos and writes bench/results/bench.json and a table.
//   npm run bench             all photos, three repeats
//   npm run bench -- --short  fewer photos, one repeat (what .ci/run does)
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { classify, compileModel, disposeModel, extractFeatures, loadModel } from 'dovecote';

const root = fileURLToPath(new URL('..', import.meta.url));
const shared = join(root, '..', 'shared');
const weights = join(shared, 'weights', 'squeezenet_v1.1_keras2.0.9.h5');
const cat = join(shared, 'images', 'tabby_cat.jpeg');
const cli = join(root, 'dist', 'cli.js');

const short = process.argv.includes('--short');
const photoCount = short ? 32 : 160;
const repeats = short ? 1 : 3;

if (![weights, cat].every(existsSync)) {
  console.log(
    'The benchmark needs the real weights and photos in ../shared, which is not beside this checkout.',
  );
  process.exit(0);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const rounded = (value, digits = 2) => Number(value.toFixed(digits));

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
  const folder = join(shared, 'datasets', 'hymenoptera_data', 'train', label);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
  photos.push(...names.slice(0, photoCount / 2).map((name) => join(folder, name)));
}

const results = {
  date: new Date().toISOString(),
  machine: {
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGb: rounded(totalmem() / 2 ** 30, 1),
    node: process.version,
  },
  photos: photos.length,
  repeats,
  networks: {},
};
const coldRuns = short ? 3 : 7;
const coldRun = async (args) => median((await repeated(coldRuns, () => runNode(args))).map(({ ms }) => ms));
results.coldNodeMs = rounded(await coldRun(['-e', '0']), 0);

const engines = ['onnx', 'tfjs'];

async function measure(name, options, flags) {
  const model = await loadModel(name, options);
  const found = { msPerImage: {}, runs: {}, network: {}, coldClassifyMs: {} };
  for (const engine of engines) await classify(photos.slice(0, 16), { model, engine });
  const times = { onnx: [], tfjs: [] };
  // Alternating, so that a slow minute of the machine hits both.
  for (let run = 0; run < repeats; run++) {
    for (const engine of engines)
      times[engine].push((await milliseconds(() => classify(photos, { model, engine }))) / photos.length);
  }
  for (const engine of engines) {
    found.msPerImage[engine] = rounded(median(times[engine]));
    found.runs[engine] = times[engine].map((ms) => rounded(ms));
  }
  found.ratio = rounded(found.msPerImage.tfjs / found.msPerImage.onnx);
  const [, height, width] = model.inputs[0].shape;
  for (const engine of engines) {
    const network = await compileModel(model, { engine });
    for (const batch of [1, 16]) {
      const input = new Float32Array(batch * height * width * 3).fill(0.1);
      const shape = [batch, height, width, 3];
      await network.run(input, shape);
      const runs = await repeated(short ? 3 : 10, () => milliseconds(() => network.run(input, shape)));
      found.network[`${engine}, batch ${batch}`] = rounded(median(runs) / batch);
    }
    await network.dispose();
  }
  const featureMs = await repeated(repeats, () => milliseconds(() => extractFeatures(model, photos)));
  found.featuresPerSecond = rounded((1000 * photos.length) / median(featureMs), 1);
  await disposeModel(model);
  for (const engine of engines) {
    const args = [cli, 'classify', cat, '--model', name, ...flags, '--json', '--engine', engine];
    found.coldClassifyMs[engine] = rounded(await coldRun(args), 0);
  }
  results.networks[name] = found;
}

await measure('efficientnet-lite0', {}, []);
await measure('squeezenet', { weights }, ['--weights', weights]);
results.tfjsBackend = tf.getBackend();

const work = await mkdtemp(join(tmpdir(), 'dovecote-bench-'));
let number = 0;
const converted = await repeated(coldRuns, () =>
  runNode([cli, 'convert', weights, join(work, `out-${number++}`), '--quiet']),
).finally(() => rm(work, { recursive: true, force: true }));
results.convert = {
  ms: rounded(median(converted.map(({ ms }) => ms)), 0),
  peakRssMb: rounded(median(converted.map(({ rssMb }) => rssMb)), 0),
};
const base = await runNode(['-e', '0']);
results.convert.nodeRssMb = rounded(base.rssMb, 0);

const rows = [
  ...Object.entries(results.networks).flatMap(([name, found]) => [
    [
      `${name}: classify, onnx`,
      `${found.msPerImage.onnx} ms an image (${photos.length} photos, decoding included)`,
    ],
    [`${name}: classify, tfjs (${results.tfjsBackend})`, `${found.msPerImage.tfjs} ms an image`],
    [`${name}: onnx against tfjs, end to end`, `${found.ratio} times faster`],
    ...Object.entries(found.network).map(([what, ms]) => [
      `${name}: network alone, ${what}`,
      `${ms} ms an image`,
    ]),
    [`${name}: features`, `${found.featuresPerSecond} images a second`],
    [
      `${name}: cold start, classify one photo, onnx / tfjs`,
      engines.map((e) => `${found.coldClassifyMs[e]} ms`).join(' / '),
    ],
  ]),
  ['cold start, node -e 0', `${results.coldNodeMs} ms`],
  [
    'convert SqueezeNet .h5 (5 MB)',
    `${results.convert.ms} ms, peak RSS ${results.convert.peakRssMb} MB (node alone: ${results.convert.nodeRssMb} MB)`,
  ],
];
console.log(`\n${results.machine.cpu}, ${results.machine.cores} cores, Node ${results.machine.node}\n`);
console.log('| what | figure |\n|---|---|');
rows.forEach(([what, figure]) => console.log(`| ${what} | ${figure} |`));
await mkdir(join(root, 'bench', 'results'), { recursive: true });
await writeFile(join(root, 'bench', 'results', 'bench.json'), JSON.stringify(results, undefined, 2));
console.log('\nwritten: bench/results/bench.json');
