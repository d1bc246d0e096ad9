// A folder of photos to labels: photos a second beside decoding alone (with resizing) and the network alone.
//   node bench/pipeline.mjs [NETWORK...] [--short] [--passes 20]
// Decoding, the network and both together take turns; figures are medians. The processor's time shows what could be had
// at most: where decoding and the network each keep all cores busy, nothing can overlap, and the bound is the sum of both.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import {
  classifyStream,
  compileModel,
  disposeModel,
  getMetadata,
  loadArchitecture,
  loadModel,
  loadPixels,
  setMetadata,
} from 'dovecote';
import { readGolden } from '../examples/keras-parity/goldens.mjs';
import { fillWithSeededWeights } from '../examples/keras-parity/seeded-weights.mjs';
import { machine, median, rounded, saveResults, shared } from './support.mjs';

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, passes: { type: 'string' } },
});
const data = join(shared, 'datasets', 'hymenoptera_data');
if (!existsSync(data)) {
  console.log('The pipeline needs the photos in ../shared, which is not beside this checkout.');
  process.exit(0);
}
const networks =
  positionals.length > 0
    ? positionals
    : flags.short
      ? ['efficientnet-lite0']
      : ['efficientnet-lite0', 'squeezenet', 'resnet50'];
const rounds = flags.short ? 1 : 3;
const passes = Number(flags.passes ?? (flags.short ? 3 : 20));
const BATCH = 16;
const CONCURRENCY = 4;

const photos = [];
for (const folder of ['train/ants', 'train/bees', 'val/ants', 'val/bees']) {
  const names = (await readdir(join(data, folder))).filter((name) => name.endsWith('.jpg'));
  photos.push(...names.sort().map((name) => join(data, folder, name)));
}
if (flags.short) photos.length = 96;

async function modelOf(name) {
  if (name === 'efficientnet-lite0') return loadModel(name);
  if (name === 'squeezenet')
    return loadModel(name, { weights: join(shared, 'weights', 'squeezenet_v1.1_keras2.0.9.h5') });
  // The numbers are a formula; how long it takes does not depend on them.
  const { gain } = await readGolden(name);
  const model = await loadArchitecture(name);
  const untrained = await loadModel(name, { weights: null, seed: 1 });
  setMetadata(model, getMetadata(untrained));
  await disposeModel(untrained);
  fillWithSeededWeights(tf, model, gain);
  return model;
}

/** Wall-clock and processor time of all cores, milliseconds a photo. */
async function timed(work) {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { wall: wall / photos.length, cpu: (user + system) / 1000 / photos.length };
}

async function decodeAll({ inputSize, resize }) {
  const queue = photos.values();
  const worker = async () => {
    for (const photo of queue) await loadPixels(photo, { size: inputSize, ...resize });
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

async function runAll(network, [height, width]) {
  const pixels = Uint8Array.from({ length: BATCH * height * width * 3 }, (_, i) => (i * 7919) % 251);
  for (let done = 0; done < photos.length; done += BATCH) {
    const count = Math.min(BATCH, photos.length - done);
    await network.run(pixels.subarray(0, count * height * width * 3), [count, height, width, 3]);
  }
}

async function classifyAll(model) {
  for await (const { error } of classifyStream(photos, { model, batchSize: BATCH, topK: 1 })) {
    if (error !== undefined) throw error;
  }
}

async function measure(name) {
  const model = await modelOf(name);
  const metadata = getMetadata(model);
  const network = await compileModel(model, { engine: 'onnx', pixels: metadata.preprocessing });
  const parts = {
    decode: () => decodeAll(metadata),
    network: () => runAll(network, metadata.inputSize),
    both: () => classifyAll(model),
  };
  const found = Object.fromEntries(Object.keys(parts).map((part) => [part, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [part, work] of Object.entries(parts)) {
      const figures = await timed(work);
      if (round > 0) found[part].push(figures);
    }
  }
  await network.dispose();
  const of = (part, kind) => median(found[part].map((figures) => figures[kind]));
  const slower = Math.max(of('decode', 'wall'), of('network', 'wall'));
  const bound = Math.max(slower, (of('decode', 'cpu') + of('network', 'cpu')) / machine.cores);
  const result = {
    msPerPhoto: { decode: of('decode', 'wall'), network: of('network', 'wall'), both: of('both', 'wall') },
    cpuMsPerPhoto: { decode: of('decode', 'cpu'), network: of('network', 'cpu'), both: of('both', 'cpu') },
    photosPerSecond: 1000 / of('both', 'wall'),
    ofSlower: slower / of('both', 'wall'),
    boundOfSlower: slower / bound,
  };
  await disposeModel(model);
  return result;
}

/** Resident memory after each pass over the folder. */
async function memoryOfPasses() {
  const model = await loadModel();
  const rss = [];
  for (let pass = 0; pass < passes; pass++) {
    await classifyAll(model);
    globalThis.gc?.();
    rss.push(rounded(process.memoryUsage().rss / 2 ** 20, 0));
  }
  await disposeModel(model);
  return rss;
}

const results = { photos: photos.length, batch: BATCH, networks: {}, rssMb: await memoryOfPasses() };
const lines = [
  '| network | decode + resize alone, ms | network alone, ms | both, ms | photos/s | of the slower | at most, by processor time |',
  '|---|---|---|---|---|---|---|',
];
for (const name of networks) {
  const found = await measure(name);
  results.networks[name] = found;
  const { decode, network, both } = found.msPerPhoto;
  const cells = [decode, network, both, found.photosPerSecond, found.ofSlower, found.boundOfSlower];
  lines.push(`| ${name} | ${cells.map((cell) => rounded(cell)).join(' | ')} |`);
}
lines.push('', `resident memory over ${passes} passes, MB: ${results.rssMb.join(' ')}`);
console.log(`${photos.length} photos, batches of ${BATCH}\n\n${lines.join('\n')}`);
await saveResults('pipeline', results, lines);
