// Finds photos that look alike, by the features of a network: no training, no labels.
//   node examples/similar-photos.mjs FOLDER PHOTO [--count 5]
// Measured on 2 cores: 244 photos in 3 s, then one search in 20 ms.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildImageIndex } from 'dovecote';

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: { count: { type: 'string', default: '5' } },
});
const [folder, photo] = positionals;
if (photo === undefined) {
  console.error('usage: node examples/similar-photos.mjs FOLDER PHOTO [--count 5]');
  process.exit(2);
}
const names = await readdir(folder, { recursive: true });
const photos = names.filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).map((name) => join(folder, name));

let started = performance.now();
const index = await buildImageIndex('efficientnet-lite0', photos);
console.log(`${photos.length} photos in ${((performance.now() - started) / 1000).toFixed(1)} s`);

started = performance.now();
const found = await index.search(photo, { topK: Number(flags.count) });
console.log(`most similar to ${photo}, in ${Math.round(performance.now() - started)} ms:`);
for (const { image, similarity } of found) console.log(`${similarity.toFixed(3)}  ${image}`);
await index.dispose();
