// Measures building and loading a network from a local file: time, and how far the process grows at most.
//   node bench/zoo-load.mjs NAME FILE [--runs 5] [--module PATH]
// Each run is a process of its own, and the file is in the page cache. `python tests/oracle/zoo.py --files FOLDER vgg16`
// writes a file of Keras's format.
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    module: { type: 'string' },
    once: { type: 'boolean', default: false },
  },
});
const [name, file] = positionals;
if (name === undefined || file === undefined) {
  console.error('give the name of a network and the path of its weights');
  process.exit(2);
}

/** Bytes that the process holds, or held at most. Linux only. */
async function memory(field) {
  const status = await readFile('/proc/self/status', 'utf8');
  return 1024 * Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)[1]);
}

async function once() {
  const { loadModel, disposeModel } = await import(
    values.module === undefined ? 'dovecote' : pathToFileURL(values.module).href
  );
  const tf = await import('@tensorflow/tfjs');
  // The base: everything is imported, and the backend and the HDF5 library are up.
  await disposeModel(await loadModel('squeezenet', { weights: null }));
  await import('h5wasm').then(({ ready }) => ready);
  const base = await memory('VmRSS');
  const started = performance.now();
  const model = await loadModel(name, { weights: file });
  const seconds = (performance.now() - started) / 1000;
  const peak = await memory('VmHWM');
  const parameters = model.countParams();
  await disposeModel(model);
  console.log(JSON.stringify({ seconds, base, peak, parameters, left: tf.memory().numTensors }));
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

async function repeated() {
  const { size } = await stat(file);
  // Into the page cache.
  await readFile(file);
  const runs = [];
  for (let run = 0; run < Number(values.runs); run++) {
    const args = [fileURLToPath(import.meta.url), name, file, '--once'];
    if (values.module !== undefined) args.push('--module', values.module);
    const { stdout } = await promisify(execFile)(process.execPath, args);
    runs.push(JSON.parse(stdout.trim().split('\n').at(-1)));
  }
  const seconds = runs.map((run) => run.seconds);
  const growth = runs.map((run) => (run.peak - run.base) / size);
  console.log(`${name}: ${runs[0].parameters} parameters, ${(size / 1e6).toFixed(0)} MB`);
  console.log(
    `time     median ${median(seconds).toFixed(2)} s (${seconds.map((s) => s.toFixed(2)).join(', ')})`,
  );
  console.log(
    `memory   at most ${median(growth).toFixed(2)} times the file beyond the base of ` +
      `${(median(runs.map((run) => run.base)) / 1e6).toFixed(0)} MB (${growth.map((g) => g.toFixed(2)).join(', ')})`,
  );
}

await (values.once ? once() : repeated());
