// Measures conversions of a large file to every output: time against copying and hashing it, and how far the process
// grows beyond its base.
//   node bench/convert.mjs FILE [--architecture NAME] [--runs 3]
// Each run is a process of its own, and the file is in the page cache. `python tests/oracle/zoo.py --files FOLDER vgg16`
// writes a file of Keras's format. Linux only.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    architecture: { type: 'string' },
    runs: { type: 'string', default: '3' },
    once: { type: 'string' },
  },
});
const [file] = positionals;
if (file === undefined) {
  console.error('give the path of a model file');
  process.exit(2);
}

/** Bytes that the process holds, or held at most. */
async function memory(field) {
  const status = await readFile('/proc/self/status', 'utf8');
  return 1024 * Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)[1]);
}

async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), 'dovecote-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function once(output) {
  const { convert, convertBytes } = await import('dovecote');
  // The base: everything is imported, and the backend and the HDF5 library are up.
  await convertBytes(new Uint8Array(8)).catch(() => undefined);
  const base = await memory('VmRSS');
  await inFolder(async (folder) => {
    const started = performance.now();
    const { bytes } = await convert(file, join(folder, output), { architecture: values.architecture });
    const seconds = (performance.now() - started) / 1000;
    console.log(JSON.stringify({ seconds, base, peak: await memory('VmHWM'), bytes }));
  });
}

const copyAndHash = () =>
  inFolder(async (folder) => {
    const started = performance.now();
    await copyFile(file, join(folder, 'copy'));
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(join(folder, 'copy'), { highWaterMark: 2 ** 20 }))
      hash.update(chunk);
    hash.digest('hex');
    return (performance.now() - started) / 1000;
  });

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

const OUTPUTS = ['tfjs', 'model.onnx', 'model.keras', 'model.h5'];

async function inOwnProcess(output) {
  const args = [fileURLToPath(import.meta.url), file, '--once', output];
  if (values.architecture !== undefined) args.push('--architecture', values.architecture);
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

async function repeated() {
  const { size } = await stat(file);
  // Into the page cache.
  await readFile(file);
  const copies = [];
  const results = new Map(OUTPUTS.map((output) => [output, []]));
  // One after another in each round: how fast a machine writes changes from minute to minute.
  for (let round = 0; round < Number(values.runs); round++) {
    copies.push(await copyAndHash());
    for (const output of OUTPUTS) results.get(output).push(await inOwnProcess(output));
  }
  console.log(`${(size / 1e6).toFixed(0)} MB; copied and hashed in ${median(copies).toFixed(2)} s`);
  for (const [output, runs] of results) {
    const seconds = median(runs.map((run) => run.seconds));
    const growth = median(runs.map((run) => (run.peak - run.base) / 1e6));
    console.log(
      `${output.padEnd(12)} ${seconds.toFixed(2)} s (${(seconds / median(copies)).toFixed(2)} of copying and hashing), ` +
        `${growth.toFixed(0)} MB beyond a base of ${(median(runs.map((run) => run.base)) / 1e6).toFixed(0)} MB`,
    );
  }
}

await (values.once === undefined ? repeated() : once(values.once));
