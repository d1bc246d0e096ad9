// A folder to train on and one to validate on, as `dovecote train` wants them: a subfolder for each class.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { findDrawings } from './drawings.mjs';
import { renderPicture } from './render.mjs';
import { classes, picturesPerVendor } from './settings.mjs';

/**
 * What is going to be drawn: which vendor's drawing, for which class, into which file.
 *
 * @param {readonly object[]} vendors As `loadVendor` gives them.
 */
export function planPictures(vendors) {
  return vendors.flatMap((vendor) =>
    Object.entries(classes).flatMap(([label, wanted]) => {
      const names = findDrawings(vendor.icons, wanted);
      if (names.length === 0) throw new Error(`${vendor.set} has no drawing of the class ${label}`);
      return Array.from({ length: picturesPerVendor[vendor.role] }, (_, index) => ({
        vendor,
        label,
        drawing: names[index % names.length],
        file: posix.join(vendor.role, label, `${vendor.set}-${String(index + 1).padStart(2, '0')}.jpg`),
      }));
    }),
  );
}

/**
 * Draws all pictures into `folder`.
 *
 * @param {string} folder
 * @param {readonly object[]} plan As `planPictures` gives it.
 * @param {{ seed: number, onProgress: (progress: object) => void, signal: AbortSignal }} options
 */
export async function drawPictures(folder, plan, { seed, onProgress, signal }) {
  for (const subfolder of new Set(plan.map(({ vendor, label }) => join(vendor.role, label))))
    await mkdir(join(folder, subfolder), { recursive: true });
  let done = 0;
  const waiting = plan.values();
  const work = async () => {
    for (const { vendor, drawing, file } of waiting) {
      signal.throwIfAborted();
      await writeFile(join(folder, file), await renderPicture(vendor.icons, drawing, seed, file));
      done += 1;
      onProgress({ phase: 'draw', done, total: plan.length, unit: 'images' });
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
}
