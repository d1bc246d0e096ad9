import { readFile, readdir } from 'node:fs/promises';
import { sampledPlaces } from './seeded-weights.mjs';

/** What real Keras said; tests/oracle/zoo.py wrote it. */
const folder = new URL('../../tests/zoo/goldens/keras/', import.meta.url);

export async function goldenNames() {
  const files = await readdir(folder);
  return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
}

export async function readGolden(name) {
  return JSON.parse(await readFile(new URL(`${name}.json`, folder), 'utf8'));
}

/** The largest difference from Keras, as a part of the range of Keras's values. */
export function differenceFrom(golden, data, shape) {
  if (shape.join() !== golden.shape.join())
    throw new Error(`the output has the shape [${shape}], Keras says [${golden.shape}]`);
  const bytes = Uint8Array.from(Buffer.from(golden.values, 'base64'));
  const expected = new Float32Array(bytes.buffer);
  const places = golden.samples === undefined ? undefined : sampledPlaces(golden.samples, data.length);
  let largest = 0;
  expected.forEach((value, index) => {
    const difference = Math.abs(value - data[places === undefined ? index : places[index]]);
    // NaN counts as a difference.
    if (!(difference <= largest)) largest = difference;
  });
  const [least, most] = golden.range;
  return largest / (most - least);
}
