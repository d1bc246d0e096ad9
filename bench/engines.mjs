// The networks alone, milliseconds an image: this package's onnx engine (uint8 pixels in, preprocessing in the graph)
// beside ONNX Runtime as it is (prepared float32 in), tfjs's WASM backend and, where a Python has them, Keras and PyTorch.
//   node bench/engines.mjs [NETWORK...] [--short] [--batches 1,16] [--rounds 3]
//     DOVECOTE_PYTHON (Keras), DOVECOTE_TORCH_PYTHON (PyTorch): Pythons other than python3
// All take turns, network by network and round by round; the table has medians. Weights are a formula (the same in Keras).
// The raw ONNX Runtime runs the graph that tf2onnx makes of Keras's network where there is one, else this package's own
// graph as `dovecote convert` writes it.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import {
  compileModel,
  convert,
  disposeModel,
  getMetadata,
  loadArchitecture,
  loadModel,
  saveModel,
} from 'dovecote';
import { readGolden } from '../examples/keras-parity/goldens.mjs';
import { fillWithSeededWeights } from '../examples/keras-parity/seeded-weights.mjs';
import { startPeer } from './peers/peer.mjs';
import { machine, median, saveResults } from './support.mjs';

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    batches: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const ALL = [
  'resnet50',
  'vgg16',
  'inceptionv3',
  'xception',
  'squeezenet',
  'mobilenetv2',
  'efficientnetb0',
  'efficientnet-lite0',
];
const SHORT = ['squeezenet', 'mobilenetv2', 'efficientnet-lite0'];
const networks = positionals.length > 0 ? positionals : flags.short ? SHORT : ALL;
const batches = (flags.batches ?? (flags.short ? '1' : '1,16')).split(',').map(Number);
const rounds = Number(flags.rounds ?? (flags.short ? 2 : 3));
const secondsOfBlock = flags.short ? 0.3 : 1.5;
const runsOfBlock = 30;

// Before onnxruntime-node is loaded: as the package itself does.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
const ort = createRequire(import.meta.url)('onnxruntime-node');
ort.env.logLevel = 'fatal';

const rounded = (value) => (value === undefined ? undefined : Number(value.toFixed(value < 20 ? 2 : 1)));

/** Milliseconds of each run, after one that does not count; at least two. */
async function block(run, seconds = secondsOfBlock) {
  await run();
  const times = [];
  const started = performance.now();
  while (times.length < 2 || (times.length < runsOfBlock && performance.now() - started < 1000 * seconds)) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times;
}

async function modelOf(name) {
  if (name === 'efficientnet-lite0') return { model: await loadModel(name), gain: undefined };
  const { gain } = await readGolden(name);
  const model = await loadArchitecture(name);
  fillWithSeededWeights(tf, model, gain);
  return { model, gain };
}

async function rawSession(path) {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 });
  const [input] = session.inputNames;
  return {
    run: (data, shape) => session.run({ [input]: new ort.Tensor('float32', data, shape) }),
    release: () => session.release(),
  };
}

/** The graph for the raw runtime: tf2onnx's of Keras's network, or our own. */
async function rawGraph(name, model, keras, loadedInKeras, folder) {
  const path = join(folder, `${name}.onnx`);
  if (loadedInKeras) {
    const answer = await keras.ask({ do: 'export', path });
    if (answer.error === undefined) return { path, from: 'tf2onnx' };
    console.log(`${name}: tf2onnx: ${answer.error}`);
  }
  const saved = join(folder, `${name}-model`);
  await saveModel(model, saved);
  await convert(saved, path);
  await rm(saved, { recursive: true });
  return { path, from: 'dovecote convert' };
}

/** A peer that ended over a network, too large for its export for example, is there again for the next. */
async function startAgain(kind, peers) {
  if (peers[kind]?.isGone()) peers[kind] = await startPeer(kind, pythons[kind]);
}

async function measure(name, peers, folder) {
  const { model, gain } = await modelOf(name);
  const [, height, width] = model.inputs[0].shape;
  const loaded = {};
  for (const kind of Object.keys(peers)) {
    await startAgain(kind, peers);
    const peer = peers[kind];
    if (peer === undefined) continue;
    const answer = await peer.ask({ do: 'load', network: name, size: height, gain: gain ?? 1 });
    loaded[kind] = answer.error === undefined;
  }
  const graph = await rawGraph(name, model, peers.keras, loaded.keras === true && gain !== undefined, folder);
  if (peers.keras?.isGone()) {
    await startAgain('keras', peers);
    await peers.keras?.ask({ do: 'load', network: name, size: height, gain: gain ?? 1 });
  }
  const raw = await rawSession(graph.path);
  const ours = await compileModel(model, { engine: 'onnx', pixels: getMetadata(model).preprocessing });
  const tfjs = await compileModel(model, { engine: 'tfjs' });
  const found = { rawGraph: graph.from, batches: {} };
  for (const batch of batches) {
    const shape = [batch, height, width, 3];
    const pixels = Uint8Array.from({ length: batch * height * width * 3 }, (_, i) => (i * 7919) % 251);
    const prepared = Float32Array.from(pixels, (value) => value / 127.5 - 1);
    const times = { ours: [], raw: [], tfjs: [], keras: [], pytorch: [] };
    for (let round = 0; round < rounds; round++) {
      times.raw.push(...(await block(() => raw.run(prepared, shape))));
      times.ours.push(...(await block(() => ours.run(pixels, shape))));
      if (round === 0) times.tfjs.push(...(await block(() => tfjs.run(prepared, shape), 0)));
      for (const [kind, peer] of Object.entries(peers)) {
        if (!loaded[kind] || peer === undefined) continue;
        const answer = await peer.ask({ do: 'time', batch, seconds: secondsOfBlock, runs: runsOfBlock });
        if (answer.error === undefined) times[kind].push(...answer.ms);
        else console.log(`${name}, ${kind}: ${answer.error}`);
      }
    }
    const figures = {};
    for (const [who, list] of Object.entries(times))
      if (list.length > 0) figures[who] = rounded(median(list) / batch);
    found.batches[batch] = { ...figures, oursToRaw: rounded(median(times.ours) / median(times.raw)) };
  }
  await raw.release();
  await ours.dispose();
  await tfjs.dispose();
  await disposeModel(model);
  await rm(graph.path);
  return found;
}

const peers = {};
const pythons = {
  keras: process.env.DOVECOTE_PYTHON ?? 'python3',
  pytorch: process.env.DOVECOTE_TORCH_PYTHON ?? process.env.DOVECOTE_PYTHON ?? 'python3',
};
for (const kind of flags.short ? [] : ['keras', 'pytorch']) {
  const peer = await startPeer(kind, pythons[kind]);
  if (peer !== undefined) peers[kind] = peer;
}
const folder = await mkdtemp(join(tmpdir(), 'dovecote-bench-'));
const results = {
  versions: {
    onnxruntime: JSON.parse(
      await readFile(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    ).version,
    tfjs: tf.version.tfjs,
    ...Object.fromEntries(Object.entries(peers).map(([kind, { version }]) => [kind, version])),
  },
  networks: {},
};
const columns = ['ours', 'raw', 'tfjs', ...Object.keys(peers)];
const titles = {
  ours: 'dovecote',
  raw: 'ONNX Runtime alone',
  tfjs: 'tfjs WASM',
  keras: 'Keras',
  pytorch: 'PyTorch',
};
const header = [
  'network',
  'batch',
  ...columns.map((column) => titles[column]),
  'dovecote : ONNX Runtime',
  'its graph',
];
const lines = [`| ${header.join(' | ')} |`, `|${header.map(() => '---').join('|')}|`];
console.log(lines.join('\n'));
try {
  for (const name of networks) {
    const found = await measure(name, peers, folder);
    results.networks[name] = found;
    for (const [batch, figures] of Object.entries(found.batches)) {
      const cells = [
        name,
        batch,
        ...columns.map((column) => figures[column] ?? ''),
        figures.oursToRaw,
        found.rawGraph,
      ];
      lines.push(`| ${cells.join(' | ')} |`);
      console.log(lines.at(-1));
    }
  }
} finally {
  Object.values(peers).forEach((peer) => peer?.stop());
  await rm(folder, { recursive: true, force: true });
}
results.tfjsBackend = tf.getBackend();
const versions = Object.entries(results.versions).map(([what, version]) => `${what} ${version}`);
const title = `Milliseconds an image, medians. ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${versions.join(', ')}; tfjs on ${results.tfjsBackend}.`;
console.log(`\n${title}`);
await saveResults('engines', results, [title, '', ...lines]);
