/** Converts damaged inputs one by one, and tells of each how it ended. Started by run.mjs with an IPC channel. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DovecoteError, convert, inspect } from 'dovecote/node';
import { baseFiles } from './bases.mjs';
import { inputNumber } from './inputs.mjs';

const { root, seed } = JSON.parse(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'dovecote-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('disconnect', () => process.exit());

/** Some models as tfjs folders, to be damaged too. */
async function tfjsBases(files) {
  const bases = [];
  for (const { name, bytes } of files.filter((_, i) => i % 9 === 0)) {
    const source = join(folder, 'base.bin');
    const out = join(folder, 'base');
    writeFileSync(source, bytes);
    try {
      const { files: names } = await convert(source, out);
      bases.push({
        name: `${name} as tfjs`,
        kind: 'tfjs',
        files: names.map((file) => ({ name: file, bytes: new Uint8Array(readFileSync(join(out, file))) })),
      });
    } catch (error) {
      if (!(error instanceof DovecoteError)) throw error;
    }
    rmSync(out, { recursive: true, force: true });
    rmSync(source);
  }
  return bases;
}

/** The same model as weights alone, with its layers beside it. */
async function weightsBases(files) {
  const bases = [];
  for (const { name, bytes } of files.filter((_, i) => i % 25 === 0)) {
    const source = join(folder, 'base.bin');
    const weights = join(folder, 'base.weights.h5');
    const layers = join(folder, 'base');
    writeFileSync(source, bytes);
    try {
      await convert(source, weights);
      await convert(source, layers);
      bases.push({
        name: `${name} as weights`,
        kind: 'weights',
        files: [
          { name: 'model.bin', bytes: new Uint8Array(readFileSync(weights)) },
          { name: 'config.json', bytes: new Uint8Array(readFileSync(join(layers, 'model.json'))) },
        ],
      });
    } catch (error) {
      if (!(error instanceof DovecoteError)) throw error;
    }
    for (const made of [source, weights, layers]) rmSync(made, { recursive: true, force: true });
  }
  return bases;
}

const OUTPUTS = { tfjs: 'out', onnx: 'out.onnx', keras: 'out.keras', h5: 'out.h5' };

async function attempt(index) {
  const { base, target, files } = await inputNumber(index, seed, bases);
  const work = join(folder, String(index));
  mkdirSync(join(work, 'in'), { recursive: true });
  for (const { name, bytes } of files) writeFileSync(join(work, 'in', name), bytes);
  const input = files[0].name === 'model.json' ? join(work, 'in') : join(work, 'in', files[0].name);
  const started = performance.now();
  let ended;
  try {
    const config = files[1]?.name === 'config.json' ? join(work, 'in', 'config.json') : undefined;
    if (target === 'inspect') await inspect(input, { config });
    else await convert(input, join(work, OUTPUTS[target]), { config });
    ended = 'result';
  } catch (error) {
    ended = error instanceof DovecoteError ? error.code : `UNCODED ${error?.stack ?? error}`;
  }
  const milliseconds = performance.now() - started;
  const wanted = ended === 'result' && target !== 'inspect' ? ['in', OUTPUTS[target]] : ['in'];
  const left = readdirSync(work).sort();
  if (left.join() !== wanted.sort().join()) ended = `LEFT BEHIND ${left.join()} after ${ended}`;
  rmSync(work, { recursive: true, force: true });
  return { index, base, target, ended, milliseconds, peak: process.resourceUsage().maxRSS * 1024 };
}

const files = baseFiles(root);
const bases = [...files, ...(await tfjsBases(files)), ...(await weightsBases(files))];
process.on('message', async (index) => process.send(await attempt(index)));
process.send('ready');
