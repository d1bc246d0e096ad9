/**
 * Kills `dovecote train` with SIGKILL at random moments and resumes it, until it has been killed 20 times (or as often as the
 * first argument says) and has ended; then compares the model, the CSV log and the tags' bytes with those of an unbroken run.
 *
 *     node bench/resume.mjs [kills] [seed]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, shared } from './support.mjs';

const kills = Number(process.argv[2] ?? 20);
let state = Number(process.argv[3] ?? 1);
/** Numbers in [0, 1), by a linear congruential generator. */
const random = () => (state = (state * 1664525 + 1013904223) % 2 ** 32) / 2 ** 32;
const photos = join(shared, 'datasets', 'hymenoptera_data');
if (!existsSync(photos)) {
  console.log('shared/datasets is not here: nothing to train on');
  process.exit(0);
}
const place = mkdtempSync(join(tmpdir(), 'dovecote-resume-'));
const options = [
  ...[
    'train',
    join(photos, 'train'),
    '--validation',
    join(photos, 'val'),
    '--seed',
    '3',
    '--json',
    '--quiet',
  ],
  ...['--epochs', '3', '--augment', '--schedule', 'oneCycle', '--weight-decay', '0.01', '--mixup', '0.2'],
  ...['--unfrozen-epochs', '2', '--unfreeze-from', 'top_conv', '--checkpoint-seconds', '0.5'],
];

function start(name, more = []) {
  const args = [
    ...[join(root, 'dist', 'cli.js'), ...options, '--out', join(place, name)],
    ...['--csv-log', join(place, `${name}.csv`), '--tensorboard', join(place, `${name}-log`), ...more],
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  child.stdout.resume();
  const ended = new Promise((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, errors })),
  );
  return { child, ended };
}

const hashOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
const model = (name) =>
  readdirSync(join(place, name))
    .filter((file) => file.endsWith('.bin'))
    .map((file) => hashOf(join(place, name, file)))
    .join(' ');
const history = (name) =>
  JSON.stringify(JSON.parse(readFileSync(join(place, name, 'training.json'), 'utf8')).history);

let from = performance.now();
const whole = await start('whole').ended;
if (whole.code !== 0) throw new Error(whole.errors);
const seconds = (performance.now() - from) / 1000;
console.log(`unbroken: ${seconds.toFixed(1)} s, weights ${model('whole')}`);

let killed = 0;
let runs = 0;
from = performance.now();
for (;;) {
  runs++;
  const { child, ended } = start('broken', ['--resume']);
  if (killed < kills) {
    // Of every moment of a run: its start, features, steps, checkpoints, saving.
    const wait = delay(1000 * random() * Math.min(seconds * 0.6, 12)).then(() => child.kill('SIGKILL'));
    const { code, signal, errors } = await ended;
    await wait;
    if (signal === 'SIGKILL') {
      killed++;
      continue;
    }
    if (code !== 0) throw new Error(errors);
    console.log(`ended after ${killed} kills; once more from nothing`);
    if (model('broken') !== model('whole')) throw new Error('other weights');
    for (const name of ['broken', 'broken.csv', 'broken-log']) rmSync(join(place, name), { recursive: true });
    continue;
  }
  const { code, errors } = await ended;
  if (code !== 0) throw new Error(errors);
  break;
}
console.log(
  `killed ${killed} times in ${runs} runs, ${((performance.now() - from) / 1000).toFixed(1)} s, weights ${model('broken')}`,
);
const same = {
  weights: model('broken') === model('whole'),
  history: history('broken') === history('whole'),
  'CSV log': hashOf(join(place, 'broken.csv')) === hashOf(join(place, 'whole.csv')),
  'size of the TensorBoard log': sizes('broken') === sizes('whole'),
  'no checkpoint left': !existsSync(join(place, 'broken.checkpoints')),
};
for (const [what, is] of Object.entries(same)) console.log(`${is ? 'same' : 'DIFFERENT'}: ${what}`);
rmSync(place, { recursive: true });
if (!Object.values(same).every(Boolean)) process.exitCode = 1;

function sizes(name) {
  return ['train', 'validation']
    .flatMap((part) => {
      const folder = join(place, `${name}-log`, part);
      return readdirSync(folder).map((file) => readFileSync(join(folder, file)).length);
    })
    .join(' ');
}
