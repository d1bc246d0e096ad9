// One training picture: a drawing, somewhere on some background.
import { join } from 'node:path';
import sharp from 'sharp';
import { drawingToSvg } from './drawings.mjs';
import { createRandom } from './random.mjs';
import { backgroundPhotos, photoFolder, pictureSize } from './settings.mjs';

const size = pictureSize;
const transparent = { r: 0, g: 0, b: 0, alpha: 0 };

/**
 * The drawing at a random size, place and angle on a random background, as JPEG. The same seed and key give the same
 * bytes.
 *
 * @param {object} icons An icon set.
 * @param {string} name The drawing's name in it.
 * @param {number} seed
 * @param {string} key
 */
export async function renderPicture(icons, name, seed, key) {
  const random = createRandom(seed, key);
  const background = await random.pick([plain, gradient, clouds, photo])(random);
  const { data, info } = await drawing(icons, name, random);
  const place = (extent) => Math.round(random.between(0, size - extent));
  return sharp(background)
    .composite([{ input: data, left: place(info.width), top: place(info.height) }])
    .flatten()
    .jpeg({ quality: 90 })
    .toBuffer();
}

async function drawing(icons, name, random) {
  const svg = drawingToSvg(icons, name, Math.round(size * random.between(0.45, 0.8)));
  const upright = await sharp(Buffer.from(svg))
    .flop(random.between(0, 1) < 0.5)
    .png()
    .toBuffer();
  // The turned square fits: at 18 degrees a side of 0.8 becomes one of 1.01.
  return sharp(upright)
    .rotate(random.between(-18, 18), { background: transparent })
    .resize(size, size, { fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer({ resolveWithObject: true });
}

const colour = (random) =>
  `hsl(${Math.round(random.between(0, 360))} ${Math.round(random.between(10, 90))}% ${Math.round(random.between(15, 95))}%)`;

function fill(definitions, paint) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}">${definitions}<rect width="100%" height="100%" fill="${paint}"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

function plain(random) {
  return fill('', colour(random));
}

function gradient(random) {
  const turn = Math.round(random.between(0, 360));
  const stops = [0, 1].map((offset) => `<stop offset="${offset}" stop-color="${colour(random)}"/>`);
  return fill(
    `<linearGradient id="g" gradientTransform="rotate(${turn} 0.5 0.5)">${stops.join('')}</linearGradient>`,
    'url(#g)',
  );
}

/** Noise around a colour, from fine grain to soft patches. */
function clouds(random) {
  const grain = random.pick([4, 12, 48, 128]);
  const strength = random.between(0.1, 0.5);
  const middle = random.bytes(3);
  const noise = random
    .bytes(grain * grain * 3)
    .map((value, index) => Math.min(255, Math.max(0, middle[index % 3] + strength * (value - 128))));
  return sharp(noise, { raw: { width: grain, height: grain, channels: 3 } })
    .resize(size, size, { kernel: 'cubic' })
    .png()
    .toBuffer();
}

async function photo(random) {
  const file = join(photoFolder, random.pick(backgroundPhotos));
  const { width, height } = await sharp(file).metadata();
  const side = Math.round(Math.min(width, height) * random.between(0.3, 0.9));
  return sharp(file)
    .extract({
      left: Math.floor(random.between(0, width - side)),
      top: Math.floor(random.between(0, height - side)),
      width: side,
      height: side,
    })
    .resize(size, size)
    .png()
    .toBuffer();
}
