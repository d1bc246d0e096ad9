// Whether a JPEG may be shrunk while it is decoded: how far the resized picture then is from that of a full decode.
//   node bench/shrink-on-load.mjs
// libjpeg's shrinking (in its cosine transform) followed by our resize, against a full decode followed by our resize.
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { resizePixels } from 'dovecote';
import { median, rounded, saveResults, shared } from './support.mjs';

const data = join(shared, 'datasets', 'hymenoptera_data', 'train');
if (!existsSync(data)) {
  console.log('The study needs the photos in ../shared, which is not beside this checkout.');
  process.exit(0);
}
const photos = [];
for (const folder of ['ants', 'bees']) {
  const names = (await readdir(join(data, folder))).filter((name) => name.endsWith('.jpg'));
  photos.push(...names.sort().map((name) => join(data, folder, name)));
}

const decoded = (picture) => picture.raw().toBuffer({ resolveWithObject: true });
const toPixels = ({ data, info }) => ({ data, width: info.width, height: info.height });

async function differences(size, shrink) {
  const largest = [];
  let sum = 0;
  let within = 0;
  let count = 0;
  for (const photo of photos) {
    const bytes = await readFile(photo);
    const whole = await decoded(sharp(bytes, { ignoreIcc: true }));
    const { width, height, channels } = whole.info;
    if (channels !== 3 || Math.min(width, height) < size * shrink) continue;
    // At exactly this size all of the shrinking is done while decoding.
    const [w, h] = [Math.ceil(width / shrink), Math.ceil(height / shrink)];
    const options = { fit: 'fill', kernel: 'nearest', fastShrinkOnLoad: true };
    const shrunk = await decoded(sharp(bytes, { ignoreIcc: true }).resize(w, h, options));
    const a = resizePixels(toPixels(whole), { width: size, height: size }).data;
    const b = resizePixels(toPixels(shrunk), { width: size, height: size }).data;
    let most = 0;
    for (let i = 0; i < a.length; i++) {
      const difference = Math.abs(a[i] - b[i]);
      most = Math.max(most, difference);
      sum += difference;
      if (difference <= 1) within++;
    }
    count += a.length;
    largest.push(most);
  }
  return {
    size,
    shrink,
    photos: largest.length,
    photosWithin1: largest.filter((most) => most <= 1).length,
    mean: rounded(sum / count),
    valuesWithin1: rounded(within / count, 3),
    largest: { least: Math.min(...largest), median: median(largest), most: Math.max(...largest) },
  };
}

const rows = [];
for (const [size, shrink] of [
  [112, 2],
  [56, 2],
  [56, 4],
  [28, 8],
]) {
  rows.push(await differences(size, shrink));
}
const lines = [
  '| resized to | shrunk while decoding by | photos | of them within 1 grey level | values within 1 | mean difference | largest difference of a photo: least / median / most |',
  '|---|---|---|---|---|---|---|',
  ...rows.map(
    (row) =>
      `| ${row.size} | ${row.shrink} | ${row.photos} | ${row.photosWithin1} | ${rounded(100 * row.valuesWithin1, 1)} % | ${row.mean} | ${row.largest.least} / ${row.largest.median} / ${row.largest.most} |`,
  ),
];
console.log(lines.join('\n'));
await saveResults('shrink-on-load', { rows }, lines);
