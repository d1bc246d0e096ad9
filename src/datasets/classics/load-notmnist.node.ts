import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { requireOneOf } from '../../base/checks.ts';
import { DovecoteError, reasonOf, throwIfAborted } from '../../base/errors.ts';
import { loadPixels } from '../../images/load-image.ts';
import type { SkippedImage } from '../labelled-images.ts';
import { compareNames } from '../labelled-images.ts';
import { filesOf, localPathOf, missingFiles } from './archive.node.ts';
import type { ClassicDataset } from './classic.ts';
import { classicOf } from './classic.ts';
import type { LoadClassicOptions } from './load-mnist.node.ts';
import { loadGrey } from './load-mnist.node.ts';
import { letters, notMnistFile } from './sources.ts';

const SIDE = 28;

/**
 * The letters A to J of notMNIST, 28 x 28, grey. The archive of PNG files has no parts of its own: of each letter every
 * tenth picture, by name, is in `test`, all others in `train`. Its few files that are no pictures are in `skipped`.
 *
 * @param options.source `notMNIST_small.tar.gz`, a folder of it with the subfolders A to J, or a folder of IDX files.
 * @throws as `loadMnist`
 */
export async function loadNotMnist(options: LoadClassicOptions = {}): Promise<ClassicDataset> {
  const { split = 'train', source = notMnistFile, signal, onProgress } = options;
  requireOneOf('split', split, ['train', 'test']);
  const path = await localPathOf(source, options);
  if (await hasIdx(path, signal)) return loadGrey('notmnist', split, path, letters, options);
  const skipped: SkippedImage[] = [];
  const rows: { name: string; label: number; pixels: Uint8Array }[] = [];
  for await (const { name, bytes } of filesOf(path, (file) => letterOf(file) >= 0, signal)) {
    throwIfAborted(signal, `Reading ${path}`);
    try {
      const { data, width, height } = await loadPixels(bytes, { name, signal });
      if (width !== SIDE || height !== SIDE) {
        skipped.push({ image: name, reason: `it has ${width} x ${height} pixels, not ${SIDE} x ${SIDE}` });
      } else {
        const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, at) => data[at * 3]!);
        rows.push({ name, label: letterOf(name), pixels });
      }
    } catch (error) {
      throwIfAborted(signal, `Reading ${path}`);
      if (error instanceof DovecoteError && error.code === 'IMAGE_DECODER') throw error;
      skipped.push({ image: name, reason: reasonOf(error) });
    }
    onProgress?.({ phase: 'read notMNIST', done: rows.length + skipped.length, unit: 'images' });
  }
  if (rows.length + skipped.length === 0) throw missingFiles(path, 'PNG files in folders A to J');
  rows.sort((left, right) => left.label - right.label || compareNames(left.name, right.name));
  const places = new Map<number, number>();
  const kept = rows.filter(({ label }) => {
    const place = places.get(label) ?? 0;
    places.set(label, place + 1);
    return (place % 10 === 9) === (split === 'test');
  });
  const images = new Uint8Array(kept.length * SIDE * SIDE);
  kept.forEach(({ pixels }, index) => images.set(pixels, index * SIDE * SIDE));
  const labels = Uint8Array.from(kept, ({ label }) => label);
  skipped.sort((left, right) => compareNames(left.image, right.image));
  const shape = [SIDE, SIDE, 1] as const;
  return classicOf({ name: 'notmnist', split, images, labels, classes: letters, shape, skipped }, path);
}

/** Index of the letter whose folder a PNG is in, or -1. */
function letterOf(name: string): number {
  if (!/\.png$/i.test(name) || basename(name).startsWith('.')) return -1;
  return letters.indexOf(basename(dirname(name)));
}

async function hasIdx(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (/idx[13]-ubyte(\.gz)?$/.test(path)) return true;
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return false;
  for await (const file of filesOf(path, (name) => /idx[13]-ubyte(\.gz)?$/.test(name), signal)) {
    return file.name !== '';
  }
  return false;
}
