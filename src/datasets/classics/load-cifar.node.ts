import { basename } from 'node:path';
import { requireOneOf } from '../../base/checks.ts';
import type { ArchiveFile } from './archive.node.ts';
import { filesOf, localPathOf, missingFiles } from './archive.node.ts';
import type { ClassicDataset } from './classic.ts';
import { classicOf, damaged } from './classic.ts';
import type { LoadClassicOptions } from './load-mnist.node.ts';
import { byteArrayOf, readPickle } from './pickle.ts';
import { compareNames } from '../labelled-images.ts';
import { cifar100Classes, cifar100CoarseClasses, cifar10Classes, cifarFiles } from './sources.ts';

export interface LoadCifar100Options extends LoadClassicOptions {
  /** 100 classes, or the 20 that they are grouped to. Default `fine`. */
  readonly labels?: 'fine' | 'coarse';
}

/** How a data set's files are named and what their records are. */
interface Layout {
  readonly name: 'cifar10' | 'cifar100';
  readonly classes: readonly string[];
  /** Files of the part: pickles without an ending, records with `.bin`. */
  readonly files: RegExp;
  /** In a pickle. */
  readonly key: string;
  /** Bytes of labels before each picture in a file of records, and which one counts. */
  readonly labelBytes: number;
  readonly labelPlace: number;
}

const SIDE = 32;
const PLANE = SIDE * SIDE;

/**
 * The 10 classes of CIFAR-10: 50,000 pictures to train on and 10,000 to test on, 32 x 32, RGB.
 *
 * @param options.source The archive of Python pickles or that of binary records (`.tar.gz`), or its folder.
 * @throws as `loadMnist`; FormatError `FORMAT_UNSAFE` for a pickle that holds other things than pictures
 */
export function loadCifar10(options: LoadClassicOptions = {}): Promise<ClassicDataset> {
  const { split = 'train' } = options;
  return loadCifar(options, {
    name: 'cifar10',
    classes: cifar10Classes,
    files: split === 'train' ? /^data_batch_[1-5](\.bin)?$/ : /^test_batch(\.bin)?$/,
    key: 'labels',
    labelBytes: 1,
    labelPlace: 0,
  });
}

/**
 * The 100 classes of CIFAR-100, or the 20 that they are grouped to: 50,000 pictures to train on and 10,000 to test on,
 * 32 x 32, RGB.
 *
 * @param options.source As for `loadCifar10`.
 * @throws as `loadCifar10`
 */
export async function loadCifar100(options: LoadCifar100Options = {}): Promise<ClassicDataset> {
  const { split = 'train', labels = 'fine' } = options;
  requireOneOf('labels', labels, ['fine', 'coarse']);
  return loadCifar(options, {
    name: 'cifar100',
    classes: labels === 'fine' ? cifar100Classes : cifar100CoarseClasses,
    files: split === 'train' ? /^train(\.bin)?$/ : /^test(\.bin)?$/,
    key: `${labels}_labels`,
    labelBytes: 2,
    labelPlace: labels === 'fine' ? 1 : 0,
  });
}

async function loadCifar(options: LoadClassicOptions, layout: Layout): Promise<ClassicDataset> {
  const { split = 'train', source = cifarFiles[layout.name], signal } = options;
  requireOneOf('split', split, ['train', 'test']);
  const path = await localPathOf(source, options);
  const batches: { name: string; images: Uint8Array; labels: Uint8Array }[] = [];
  for await (const file of filesOf(path, (name) => layout.files.test(basename(name)), signal)) {
    const batch = file.name.endsWith('.bin') ? ofRecords(file, layout) : await ofPickle(file, layout);
    batches.push({ name: basename(file.name), ...batch });
  }
  if (batches.length === 0) throw missingFiles(path, `files named ${layout.files.source}`);
  // In the order of Keras, whatever the archive's.
  batches.sort((left, right) => compareNames(left.name, right.name));
  return classicOf(
    {
      name: layout.name,
      split,
      images: joined(batches.map(({ images }) => images)),
      labels: joined(batches.map(({ labels }) => labels)),
      classes: layout.classes,
      shape: [SIDE, SIDE, 3],
    },
    path,
  );
}

async function ofPickle({ name, bytes }: ArchiveFile, layout: Layout) {
  const batch = await readPickle(bytes, name);
  const { shape, data } = byteArrayOf(batch.get('data'), `data of ${name}`);
  const given = batch.get(layout.key);
  const isList =
    Array.isArray(given) && given.every((label) => Number.isInteger(label) && label >= 0 && label < 256);
  if (!isList || given.length !== shape[0] || shape[1] !== 3 * PLANE) {
    throw damaged(name, 'pictures and labels do not fit together', {
      given: `data of ${shape.join(' x ')}, ${Array.isArray(given) ? given.length : 'no'} ${layout.key}`,
      expected: `data of count x ${3 * PLANE}, and as many ${layout.key} from 0 to 255`,
    });
  }
  const images = new Uint8Array(data.length);
  given.forEach((_, index) => interleave(data, index * 3 * PLANE, images, index * 3 * PLANE));
  return { images, labels: Uint8Array.from(given as number[]) };
}

function ofRecords({ name, bytes }: ArchiveFile, { labelBytes, labelPlace }: Layout) {
  const record = labelBytes + 3 * PLANE;
  const count = bytes.length / record;
  if (!Number.isInteger(count) || count === 0) {
    throw damaged(name, 'it is cut off', {
      given: `${bytes.length} bytes`,
      expected: `records of ${record} bytes`,
    });
  }
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    labels[index] = bytes[index * record + labelPlace]!;
    interleave(bytes, index * record + labelBytes, images, index * 3 * PLANE);
  }
  return { images, labels };
}

/** Three planes become pixels. */
function interleave(from: Uint8Array, start: number, to: Uint8Array, target: number): void {
  for (let channel = 0; channel < 3; channel++) {
    for (let place = 0; place < PLANE; place++) {
      to[target + place * 3 + channel] = from[start + channel * PLANE + place]!;
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
