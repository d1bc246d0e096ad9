// The main job in one go: classify a photo, train ants against bees, use the new model.
//   npm run demo
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DovecoteError, disposeModel, loadModel } from 'dovecote';

const root = fileURLToPath(new URL('..', import.meta.url));
const shared = join(root, '..', 'shared');
const cli = join(root, 'dist', 'cli.js');
const shown = (path) => relative(process.cwd(), path) || '.';

const photo = join(shared, 'images', 'tabby_cat.jpeg');
const photos = join(shared, 'datasets', 'hymenoptera_data');
const sharedWeights = join(shared, 'weights', 'squeezenet_v1.1_keras2.0.9.h5');

async function main() {
  const weights = existsSync(sharedWeights) ? ['--weights', shown(sharedWeights)] : await publishedWeights();
  const missing = [];
  if (!existsSync(photo)) missing.push(`a photo (${shown(photo)})`);
  if (!existsSync(photos)) missing.push(`a folder of photos to train on (${shown(photos)})`);
  if (weights === undefined)
    missing.push(
      "SqueezeNet's weights (not in ../shared, not in the cache, and the internet is not reachable)",
    );
  if (missing.length > 0) {
    console.log('The demo lacks:');
    missing.forEach((what) => console.log(`  - ${what}`));
    console.log('\nOn your own photos:');
    console.log('  node dist/cli.js classify photo.jpg            (fetches the weights once, 5 MB)');
    console.log('  node dist/cli.js train my-photos/ --out my-model/');
    return;
  }
  const work = await mkdtemp(join(tmpdir(), 'dovecote-demo-'));
  try {
    const out = join(work, 'ants-and-bees');
    title('1. What is on this photo? SqueezeNet, 1000 ImageNet classes');
    await dovecote('classify', shown(photo), ...weights);
    title('2. Train a new head: ants against bees, 244 photos, the base stays frozen');
    await dovecote(
      'train',
      shown(join(photos, 'train')),
      '--validation',
      shown(join(photos, 'val')),
      ...weights,
      '--out',
      out,
    );
    title('3. Use it: the saved folder knows its labels, preprocessing and input size');
    const bees = join(photos, 'val', 'bees');
    const [bee] = (await readdir(bees)).sort();
    await dovecote('classify', shown(join(bees, bee)), '--model', out);
    console.log('\nNow your own photos: one folder for each class, then');
    console.log('  node dist/cli.js train my-photos/ --out my-model/');
    console.log('  node dist/cli.js classify photo.jpg --model my-model/');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Options for the published weights when they are in the cache or can be fetched, else undefined. */
async function publishedWeights() {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), 15_000);
  try {
    // Mirrors, proxies and the cache all count, as they do for everybody else.
    await disposeModel(
      await loadModel('squeezenet', { signal: stalled.signal, onProgress: () => timer.refresh() }),
    );
    return [];
  } catch (error) {
    if (error instanceof DovecoteError) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function title(text) {
  console.log(`\n\n${text}\n${'-'.repeat(text.length)}`);
}

function dovecote(...args) {
  console.log(
    `$ node dist/cli.js ${args.map((arg) => (arg.startsWith(tmpdir()) ? '<temporary folder>' : arg)).join(' ')}\n`,
  );
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`dovecote ${args[0]} ended with ${code}`)),
    );
  });
}

await main();
