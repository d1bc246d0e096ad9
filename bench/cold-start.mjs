// What a first `classify` takes, from the start of the process to its end, with the network of the package.
//   node bench/cold-start.mjs [--short]
// `node -e 0`, the command line and a program that imports the package take turns; the table has medians. What the time
// goes on is measured in processes of their own, step by step, so those steps are not exactly the command's.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { median, root, rounded, saveResults, shared } from './support.mjs';

const photo = join(shared, 'images', 'tabby_cat.jpeg');
const runs = process.argv.includes('--short') ? 5 : 15;

if (!existsSync(photo)) {
  console.log('The cold start needs the photo in ../shared, which is not beside this checkout.');
  process.exit(0);
}

const library = `
  const { classify } = await import('dovecote');
  await classify(${JSON.stringify(photo)});
`;
// As the command does it: tfjs by \`require\`, which saves Node the search for what it exports.
const steps = `
  import { createRequire } from 'node:module';
  const marks = [['Node', performance.now()]];
  const mark = (name) => marks.push([name, performance.now()]);
  const tf = createRequire(import.meta.url)('@tensorflow/tfjs');
  mark('tfjs, by require');
  await import('@tensorflow/tfjs');
  mark('tfjs, by import: what Node adds');
  const { loadModel, classify } = await import('dovecote');
  mark('dovecote');
  await import('sharp');
  mark('sharp');
  await import('onnxruntime-node');
  mark('onnxruntime-node');
  await tf.setBackend('cpu');
  const model = await loadModel();
  mark('build the network, read its weights');
  await classify(${JSON.stringify(photo)}, { model });
  mark('write it as ONNX, open the session, classify');
  await classify(${JSON.stringify(photo)}, { model });
  mark('a second photo: decode, resize, run');
  console.log(JSON.stringify(marks));
`;

function run(args, input) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    input,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return { ms: performance.now() - started, stdout };
}

const program = ['--input-type=module', '-'];
const commands = {
  'node -e 0': () => run(['-e', '0']),
  'dovecote classify': () => run([join('dist', 'cli.js'), 'classify', photo, '--quiet', '--json']),
  "import('dovecote'), classify": () => run(program, library),
};
const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
const parts = new Map();
// The first of each warms the disk's cache.
for (let round = 0; round <= runs; round++) {
  for (const [name, command] of Object.entries(commands)) {
    const { ms } = command();
    if (round > 0) times[name].push(ms);
  }
  if (round === 0 || round > 5) continue;
  const marks = JSON.parse(run(program, steps).stdout);
  marks.forEach(([name, at], index) => {
    parts.set(name, [...(parts.get(name) ?? []), at - (marks[index - 1]?.[1] ?? 0)]);
  });
}

const base = median(times['node -e 0']);
const results = {
  runs,
  ms: Object.fromEntries(Object.entries(times).map(([name, list]) => [name, rounded(median(list), 0)])),
  aboveNodeMs: Object.fromEntries(
    Object.entries(times).map(([name, list]) => [name, rounded(median(list) - base, 0)]),
  ),
  stepsMs: Object.fromEntries([...parts].map(([name, list]) => [name, rounded(median(list), 0)])),
};
const lines = [
  `| cold start, median of ${runs} | ms | ms above \`node -e 0\` |`,
  '|---|---|---|',
  ...Object.entries(results.ms).map(([name, ms]) => `| ${name} | ${ms} | ${results.aboveNodeMs[name]} |`),
  '',
  '| step, in one process | ms |',
  '|---|---|',
  ...Object.entries(results.stepsMs).map(([name, ms]) => `| ${name} | ${ms} |`),
];
console.log(lines.join('\n'));
await saveResults('cold-start', results, lines);
