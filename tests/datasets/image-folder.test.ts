import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/random.ts';
import { readImageFolder } from '../../src/datasets/image-folder.node.ts';
import { compareNames, datasetOf, splitDataset } from '../../src/datasets/labelled-images.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-datasets-'));
});
afterAll(() => rm(root, { recursive: true }));

async function folder(name: string, files: readonly string[]): Promise<string> {
  for (const file of files) {
    await mkdir(join(root, name, file, '..'), { recursive: true });
    await writeFile(join(root, name, file), '');
  }
  return join(root, name);
}

describe('a folder of class folders', () => {
  it('gives sorted classes and their photos, in subfolders too', async () => {
    const path = await folder('good', [
      'b/2.JPG',
      'b/1.png',
      'a/deep/er/3.webp',
      'B/4.jpeg',
      'a/.hidden.jpg',
      '.git/x.jpg',
    ]);
    const { classes, images, skipped } = await readImageFolder(path);
    expect(classes).toEqual(['B', 'a', 'b']);
    expect(images.map(({ label, name }) => [label, name!.slice(path.length + 1)])).toEqual([
      ['B', 'B/4.jpeg'],
      ['a', 'a/deep/er/3.webp'],
      ['b', 'b/1.png'],
      ['b', 'b/2.JPG'],
    ]);
    expect(skipped).toEqual([]);
  });
  it('lists stray files, GIFs, other files and empty folders with a reason', async () => {
    const path = await folder('stray', [
      'a/1.jpg',
      'b/1.jpg',
      'b/move.gif',
      'b/notes.txt',
      'readme.md',
      'c/only.txt',
    ]);
    const { classes, skipped } = await readImageFolder(path);
    expect(classes).toEqual(['a', 'b']);
    expect(skipped.map(({ image }) => image.slice(path.length + 1)).sort()).toEqual([
      'b/move.gif',
      'b/notes.txt',
      'c',
      'c/only.txt',
      'readme.md',
    ]);
    expect(skipped.every(({ reason }) => reason.length > 5)).toBe(true);
  });
  it('does not run in circles through links', async () => {
    const path = await folder('loop', ['a/1.jpg', 'b/1.jpg']);
    await symlink(path, join(path, 'a', 'self'));
    expect((await readImageFolder(path)).images).toHaveLength(2);
  });
  it.each([
    ['a folder that is not there', 'DATASET_NOT_FOUND', []],
    ['one class only', 'DATASET_ONE_CLASS', ['a/1.jpg', 'a/2.jpg']],
    ['no pictures at all', 'DATASET_EMPTY', ['a/x.txt', 'b/y.txt']],
    ['pictures without class folders', 'DATASET_EMPTY', ['1.jpg', '2.jpg']],
  ])('%s is refused with %s', async (name, code, files) => {
    const path = files.length > 0 ? await folder(name, files) : join(root, 'missing');
    await expect(readImageFolder(path)).rejects.toMatchObject({
      code,
      nextStep: expect.any(String) as string,
    });
  });
  it('a file in place of the folder is refused', async () => {
    const path = await folder('file', ['a/1.jpg']);
    await expect(readImageFolder(join(path, 'a', '1.jpg'))).rejects.toMatchObject({
      code: 'DATASET_NOT_FOUND',
    });
  });
});

describe('splitting', () => {
  const images = Array.from({ length: 50 }, (_, index) => ({
    image: `${index}.jpg`,
    label: index < 40 ? 'many' : 'few',
  }));
  it('sets the same share of every class aside, each picture on one side', () => {
    const { training, validation } = splitDataset(datasetOf(images), 0.2, createRandom(1));
    const count = (part: typeof training, label: string) =>
      part.images.filter((each) => each.label === label).length;
    expect([count(validation, 'many'), count(validation, 'few')]).toEqual([8, 2]);
    const names = [...training.images, ...validation.images].map(({ image }) => image);
    expect(new Set(names).size).toBe(50);
    expect(training.classes).toEqual(['few', 'many']);
  });
  it('leaves at least one picture of each class on both sides', () => {
    const small = datasetOf([...images.slice(0, 2), ...images.slice(40, 42)]);
    for (const fraction of [0.01, 0.99]) {
      const { training, validation } = splitDataset(small, fraction, createRandom(1));
      expect([training.images.length, validation.images.length]).toEqual([2, 2]);
    }
  });
  it('depends on the seed alone', () => {
    const split = (seed: number) =>
      splitDataset(datasetOf(images), 0.2, createRandom(seed)).validation.images.map(({ image }) => image);
    expect(split(1)).toEqual(split(1));
    expect(split(1)).not.toEqual(split(2));
  });
  it('refuses a class with one picture, by name', () => {
    const lone = datasetOf([...images.slice(0, 3), images[45]!]);
    expect(() => splitDataset(lone, 0.2, createRandom(1))).toThrow(
      expect.objectContaining({
        code: 'DATASET_CLASSES',
        message: expect.stringContaining('"few"') as string,
      }),
    );
  });
  it('refuses pictures of one class', () => {
    expect(() => datasetOf(images.slice(0, 3))).toThrow(
      expect.objectContaining({ code: 'DATASET_ONE_CLASS' }),
    );
  });
});

describe('pictures in memory', () => {
  it('have classes in the order of code points, as in Python, not of UTF-16 units', () => {
    // sorted(['a', 'Z', '\uff21', '\U0001f41c', 'ab', '__proto__']) in Python 3
    const sorted = ['Z', '__proto__', 'a', 'ab', '\uff21', '\u{1f41c}'];
    expect([...sorted].reverse().sort(compareNames)).toEqual(sorted);
  });

  it('are named by their place in the array, or as the caller says', () => {
    const bytes = new Uint8Array(7);
    const { images } = datasetOf([
      { image: bytes, label: 'a' },
      { image: 'photos/b.jpg', label: 'b' },
      { image: bytes, label: 'b', name: 'my bee' },
    ]);
    expect(images.map(({ name }) => name)).toEqual([
      'image 1 (7 bytes) of the data set',
      'photos/b.jpg',
      'my bee',
    ]);
  });

  it('need a label each', () => {
    const wrong = [{ image: 'a.jpg', label: 'a' }, { image: 'b.jpg' }] as Parameters<typeof datasetOf>[0];
    expect(() => datasetOf(wrong)).toThrow(/Picture 2 of the data set has no label/);
    expect(() => datasetOf(undefined as unknown as [])).toThrow(/cannot be used/);
  });
});
