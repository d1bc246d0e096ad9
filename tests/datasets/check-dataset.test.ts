import * as tf from '@tensorflow/tfjs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDataset, readDataset, splitDataset } from '../../src/node.ts';
import type { DatasetReport, Progress, SameImages } from '../../src/node.ts';
import { createRandom } from '../../src/base/random.ts';
import { Groups, joinNearDuplicates } from '../../src/datasets/near-duplicates.ts';
import { hashWords, thumbBytes } from '../../src/datasets/picture-print.ts';
import { hasShared, shared } from '../support/shared.ts';
import { failureOf } from '../weights/setup.ts';
import { spots, spotsPng, writeFiles } from './pictures.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote check '));
});
afterAll(() => rm(root, { recursive: true }));

const namesOf = (groups: readonly SameImages[], folder: string) =>
  groups.map(({ kind, images }) => [kind, ...images.map(({ image }) => image.slice(folder.length + 1))]);

describe('a nasty folder', () => {
  let folder: string;
  let report: DatasetReport;
  const progress: Progress[] = [];

  beforeAll(async () => {
    const photos: Record<string, Uint8Array> = {};
    for (let index = 0; index < 20; index++) photos[`růže/ro se ${index}.png`] = await spotsPng(index);
    for (let index = 0; index < 20; index++) photos[`猫 cat/${index}.png`] = await spotsPng(100 + index);
    photos['two/1.png'] = await spotsPng(201);
    photos['two/2.png'] = await spotsPng(202);
    photos['růže/empty.jpg'] = new Uint8Array();
    photos['růže/page.jpg'] = Buffer.from('<!doctype html><p>Not found');
    photos['猫 cat/cut off.png'] = (await spotsPng(120)).subarray(0, 900);
    photos['猫 cat/copy of 3.png'] = photos['猫 cat/3.png']!;
    photos['two/as rose 5.png'] = photos['růže/ro se 5.png']!;
    photos['růže/7 small.jpg'] = await (await spots(7)).resize(60, 60).jpeg({ quality: 70 }).toBuffer();
    folder = writeFiles(join(root, 'nasty'), { ...photos, 'two/notes.txt': 'x' });
    report = await checkDataset(folder, { onProgress: (each) => progress.push(each) });
  });

  it('is told file by file', () => {
    expect(report.ok).toBe(false);
    expect(report.images).toBe(48);
    expect(
      report.unreadable.map(({ image, code, label }) => [image.slice(folder.length + 1), code, label]),
    ).toEqual([
      ['růže/empty.jpg', 'IMAGE_EMPTY', 'růže'],
      ['růže/page.jpg', 'IMAGE_UNREADABLE', 'růže'],
      ['猫 cat/cut off.png', 'IMAGE_UNREADABLE', '猫 cat'],
    ]);
    expect(report.unreadable[1]!.reason).toBe('an HTML page');
    expect(report.skipped.length).toBe(1);
    expect(progress.at(-1)).toMatchObject({ done: 48, total: 48, unit: 'images' });
  });

  it('has duplicates, near-duplicates and one file under two classes', () => {
    expect(namesOf(report.duplicates, folder)).toEqual([
      ['same', 'růže/ro se 5.png', 'two/as rose 5.png'],
      ['same', '猫 cat/3.png', '猫 cat/copy of 3.png'],
    ]);
    expect(namesOf(report.nearDuplicates, folder)).toEqual([
      ['near', 'růže/7 small.jpg', 'růže/ro se 7.png'],
    ]);
    expect(report.conflicts.length).toBe(1);
    expect(report.leaks).toEqual([]);
  });

  it('counts classes and remarks on small ones', () => {
    expect(report.classes).toEqual([
      { label: 'růže', training: 21 },
      { label: 'two', training: 3 },
      { label: '猫 cat', training: 21 },
    ]);
    expect(report.remarks).toEqual(['the class "two" has 3 pictures only: 10 and more are better']);
  });

  it('is split all the same', async () => {
    const dataset = await readDataset(folder);
    const { training, validation, remarks } = splitDataset(dataset);
    expect(training.images.length + validation.images.length).toBe(48);
    expect(remarks).toEqual([]);
  });
});

describe('photos in training and validation', () => {
  it('are leaks: the same file, and the same photo saved anew', async () => {
    const photo = await spots(9);
    const training = [
      { image: await spotsPng(1), label: 'a', name: 't1' },
      { image: await photo.clone().png().toBuffer(), label: 'b', name: 't2' },
      { image: await spotsPng(3), label: 'b', name: 't3' },
    ];
    const validation = [
      { image: await spotsPng(1), label: 'a', name: 'v1' },
      { image: await photo.clone().jpeg({ quality: 60 }).toBuffer(), label: 'b', name: 'v2' },
      { image: await spotsPng(4), label: 'b', name: 'v3' },
    ];
    const tensors = tf.memory().numTensors;
    const report = await checkDataset({ training, validation });
    expect(report.leaks.map(({ kind, images }) => [kind, ...images.map(({ image }) => image)])).toEqual([
      ['same', 't1', 'v1'],
      ['near', 't2', 'v2'],
    ]);
    expect(report.ok).toBe(false);
    const clean = await checkDataset({
      training,
      validation: [validation[2]!, { ...validation[2]!, image: await spotsPng(6), label: 'a' }],
    });
    expect(clean.ok).toBe(true);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('may be named by a table, and may be pixels', async () => {
    const image = { data: new Uint8Array(300).fill(7), width: 10, height: 10 };
    const other = { data: new Uint8Array(300).fill(200), width: 10, height: 10 };
    const report = await checkDataset([
      { image, label: 'a', split: 'training' },
      { image: { ...image }, label: 'a', split: 'test' },
      { image: other, label: 'b', split: 'training' },
    ]);
    expect(report.leaks.length).toBe(1);
    expect(report.nearDuplicates).toEqual([]);
    expect(report.classes).toEqual([
      { label: 'a', training: 1, test: 1 },
      { label: 'b', training: 1, test: 0 },
    ]);
  });

  it('can be stopped, and wrong options are refused', async () => {
    const images = [
      { image: await spotsPng(1), label: 'a' },
      { image: '/nowhere.png', label: 'b' },
    ];
    const signal = AbortSignal.abort();
    expect((await failureOf(checkDataset(images, { signal }))).code).toBe('ABORTED');
    expect((await failureOf(checkDataset(images, { distance: 33 }))).code).toBe('USAGE_ARGUMENT');
    expect((await checkDataset(images)).unreadable[0]).toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it.skipIf(!hasShared)('are none in the photos of ants and bees', async () => {
    const report = await checkDataset({
      training: shared('datasets/hymenoptera_data/train'),
      validation: shared('datasets/hymenoptera_data/val'),
    });
    expect(report).toMatchObject({ ok: true, images: 397, duplicates: [], nearDuplicates: [], leaks: [] });
  });
});

describe('the search for near-duplicates', () => {
  it.each([0, 4, 8, 13])('finds every pair within %i bits and no other', (distance) => {
    const random = createRandom(distance + 1);
    const count = 300;
    const hashes = Uint32Array.from({ length: count * hashWords }, () => random() * 2 ** 32);
    // Each second one is the one before, with up to 18 bits turned.
    for (let item = 1; item < count; item += 2) {
      for (let word = 0; word < hashWords; word++) {
        hashes[item * hashWords + word] = hashes[(item - 1) * hashWords + word]!;
      }
      for (let turned = 0; turned < (item % 20) - 1; turned++) {
        const bit = Math.floor(random() * 256);
        hashes[item * hashWords + (bit >>> 5)]! ^= 1 << (bit & 31);
      }
    }
    const distanceOf = (left: number, right: number) => {
      let bits = 0;
      for (let word = 0; word < hashWords; word++) {
        const differing = (hashes[left * hashWords + word]! ^ hashes[right * hashWords + word]!) >>> 0;
        bits += differing.toString(2).replaceAll('0', '').length;
      }
      return bits;
    };
    const groups = new Groups(count);
    const items = Array.from({ length: count }, (_, index) => index);
    joinNearDuplicates({ hashes, thumbs: new Uint8Array(count * thumbBytes) }, items, distance, groups);
    const expected = items.filter((item) => item % 2 === 1 && distanceOf(item - 1, item) <= distance);
    expect(groups.lists()).toEqual(expected.map((item) => [item - 1, item]));
    expect(expected.length).toBeGreaterThan(5);
  });

  it('looks at colours where hashes are the same', () => {
    const groups = new Groups(3);
    const thumbs = new Uint8Array(3 * thumbBytes).fill(100);
    thumbs.fill(130, thumbBytes, 2 * thumbBytes);
    joinNearDuplicates({ hashes: new Uint32Array(3 * hashWords), thumbs }, [0, 1, 2], 10, groups);
    expect(groups.lists()).toEqual([[0, 2]]);
  });
});
