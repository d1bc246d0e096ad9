// All benchmarks, one after the other, each in a process of its own; figures are never judged here.
//   npm run bench                  everything, half an hour on 2 cores
//   npm run bench -- --short       a quick look at the ratios (what .ci/run does)
//   npm run bench -- SECTION...    some of them
//     DOVECOTE_PYTHON (Keras), DOVECOTE_TORCH_PYTHON (PyTorch): Pythons other than python3 for the comparisons
// Each writes bench/results/SECTION.json and SECTION.md; bench/results/bench.md has them all.
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, root } from './support.mjs';

const SECTIONS = {
  engines: 'The networks alone, milliseconds an image',
  pipeline: 'A folder of photos to labels',
  precision: 'Networks in 8 and 16 bits',
  'fine-tune': 'Training on hymenoptera',
  'cold-start': 'Cold start of classify',
  'main-jobs': 'The main jobs, both engines',
  browser: 'In a page, in Chromium',
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => SECTIONS[name] === undefined);
if (unknown.length > 0) {
  console.error(`no such section: ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}`);
  process.exit(2);
}

function run(name) {
  const args = [join(root, 'bench', `${name}.mjs`), ...(values.short ? ['--short'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd: root });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
}

const folder = join(root, 'bench', 'results');
await mkdir(folder, { recursive: true });
const parts = [`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GiB, Node ${machine.node}`];
console.log(parts[0]);
for (const name of positionals.length > 0 ? positionals : Object.keys(SECTIONS)) {
  console.log(`\n## ${SECTIONS[name]}\n`);
  const table = join(folder, `${name}.md`);
  await rm(table, { force: true });
  const code = await run(name);
  if (code !== 0) {
    console.error(`bench/${name}.mjs ended with ${code}`);
    process.exitCode = 1;
  }
  // What needs the data beside the checkout has said so, and written nothing.
  const text = await readFile(table, 'utf8').catch(() => undefined);
  if (text !== undefined) parts.push(`## ${SECTIONS[name]}`, text.trim());
}
await writeFile(join(folder, 'bench.md'), `${parts.join('\n\n')}\n`);
console.log('\nwritten: bench/results/*.json, *.md; all of them: bench/results/bench.md');
