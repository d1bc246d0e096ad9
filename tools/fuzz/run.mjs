/**
 * Damages real model files and converts them: each has to end in a result or in an error with a code, within 10 s and
 * 1 GB, and leave nothing behind.
 *
 *     node tools/fuzz/run.mjs [--count 100000] [--seed 1] [--from 0] [--processes 2]
 *
 * The inputs are numbered; `--from 1234 --count 1` does number 1234 alone. Exit code 1 when one of them ends in any other way.
 */
import { fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const LIMIT_MS = 10_000;
const LIMIT_BYTES = 1e9;
/** A fresh process now and then: the peak of memory is that of a process. */
const INPUTS_PER_PROCESS = 2000;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    processes: { type: 'string', default: '2' },
  },
});
const [count, seed, from, processes] = ['count', 'seed', 'from', 'processes'].map((key) =>
  Number(values[key]),
);
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');

let next = from;
const end = from + count;
const endings = new Map();
const failures = [];
let slowest = { milliseconds: 0 };
let peak = 0;
let done = 0;

function note(result) {
  done += 1;
  const { ended, milliseconds } = result;
  const kind = /^[A-Z_]+$/.test(ended) || ended === 'result' ? ended : ended.split(' ')[0];
  endings.set(kind, (endings.get(kind) ?? 0) + 1);
  if (milliseconds > slowest.milliseconds) slowest = result;
  peak = Math.max(peak, result.peak ?? 0);
  const fails = kind !== 'result' && !/^[A-Z]+_[A-Z_]+$/.test(kind);
  if (fails || milliseconds > LIMIT_MS || (result.peak ?? 0) > LIMIT_BYTES) {
    failures.push(result);
    console.error(
      `FAILED number ${result.index} (${result.base} to ${result.target}): ${ended.split('\n').slice(0, 4).join(' | ')}, ` +
        `${Math.round(milliseconds)} ms, ${Math.round((result.peak ?? 0) / 1e6)} MB`,
    );
  }
  if (done % 5000 === 0) console.error(`${done} of ${count}`);
}

/** Works through inputs until there are none, in one process after another. */
async function work() {
  while (next < end) await oneProcess();
}

function oneProcess() {
  return new Promise((resolve) => {
    const child = fork(join(here, 'child.mjs'), [JSON.stringify({ root, seed })], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let current;
    let given = 0;
    let ready = false;
    let timer;
    let stderr = '';
    child.stderr.on('data', (text) => (stderr = (stderr + text).slice(-2000)));
    const give = () => {
      if (next >= end || given === INPUTS_PER_PROCESS) return child.disconnect();
      current = next++;
      given += 1;
      timer = setTimeout(() => child.kill('SIGKILL'), 3 * LIMIT_MS);
      child.send(current);
    };
    child.on('message', (message) => {
      clearTimeout(timer);
      if (message === 'ready') ready = true;
      else note(message);
      current = undefined;
      give();
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (current !== undefined) {
        note({
          index: current,
          base: '?',
          target: '?',
          ended: `DIED ${signal ?? code} ${stderr}`,
          milliseconds: 0,
        });
      } else if (!ready) {
        console.error(`the process could not start: ${stderr}`);
        process.exit(1);
      }
      resolve();
    });
  });
}

const started = performance.now();
await Promise.all(Array.from({ length: processes }, work));
console.log(
  JSON.stringify(
    {
      inputs: done,
      seed,
      seconds: Math.round((performance.now() - started) / 1000),
      endings: Object.fromEntries([...endings].sort((a, b) => b[1] - a[1])),
      slowest: { index: slowest.index, base: slowest.base, milliseconds: Math.round(slowest.milliseconds) },
      peakMB: Math.round(peak / 1e6),
      failures: failures.length,
    },
    undefined,
    2,
  ),
);
process.exitCode = failures.length === 0 && done === count ? 0 : 1;
