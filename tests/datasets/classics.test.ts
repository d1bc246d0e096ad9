import * as tf from '@tensorflow/tfjs';
import { packTar } from 'modern-tar';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import {
  checkDataset,
  loadCifar10,
  loadCifar100,
  loadFashionMnist,
  loadMnist,
  loadNotMnist,
  toLabelledImages,
  toTensors,
} from '../../src/node.ts';
import { downloadToCache } from '../../src/weights/index.node.ts';
import { file, inTurn } from '../support/fault-server.ts';
import { describeOnLoopback } from '../support/network.ts';
import { hasShared, shared } from '../support/shared.ts';
import { failureOf, sha256, useServerAndCache } from '../weights/setup.ts';
import { writeFiles } from './pictures.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-classics-'));
});
afterAll(() => rm(root, { recursive: true }));

function idx(shape: readonly number[], values: ArrayLike<number>, magic = 0x0800 + shape.length): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + values.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic);
  shape.forEach((side, at) => view.setUint32(4 + 4 * at, side));
  bytes.set(Uint8Array.from(values), 4 + 4 * shape.length);
  return bytes;
}

function npy(shape: string, values: Uint8Array, type = '|u1'): Uint8Array {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117) + '\n';
  const head = Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.from([1, 0, 118, 0])]);
  return Buffer.concat([head, Buffer.from(text), values]);
}

async function npz(arrays: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter());
  for (const [name, bytes] of Object.entries(arrays))
    await writer.add(`${name}.npy`, new Uint8ArrayReader(bytes));
  return writer.close();
}

async function tarGz(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name, size: body.length },
    body,
  }));
  return gzipSync(await packTar(entries));
}

const ramp = (length: number, step = 7) => Uint8Array.from({ length }, (_, at) => (at * step) % 256);
const codeOf = async (promise: Promise<unknown>) => (await failureOf(promise)).code;

describe('MNIST and Fashion-MNIST', () => {
  const files = () => ({
    'train-images-idx3-ubyte.gz': gzipSync(idx([3, 2, 4], ramp(24))),
    'train-labels-idx1-ubyte': idx([3], [5, 0, 9]),
    't10k-images.idx3-ubyte': idx([1, 2, 4], ramp(8, 3)),
    't10k-labels.idx1-ubyte.gz': gzipSync(idx([1], [2])),
  });

  it('are read from a folder of IDX files, from one of them, and from an archive', async () => {
    const folder = writeFiles(join(root, 'idx'), files());
    const train = await loadMnist({ source: folder });
    expect(train).toEqual({
      name: 'mnist',
      split: 'train',
      images: ramp(24),
      labels: Uint8Array.of(5, 0, 9),
      classes: [...'0123456789'],
      count: 3,
      shape: [2, 4, 1],
      skipped: [],
    });
    const test = await loadFashionMnist({ source: join(folder, 't10k-images.idx3-ubyte'), split: 'test' });
    expect([test.name, test.count, test.classes[test.labels[0]!]]).toEqual(['fashion-mnist', 1, 'Pullover']);
    await writeFile(join(root, 'idx.tar.gz'), await tarGz(files()));
    expect(await loadMnist({ source: join(root, 'idx.tar.gz') })).toEqual(train);
  });

  it('are read from mnist.npz', async () => {
    const labels = new Uint8Array(24);
    labels.set([7], 0);
    labels.set([1], 8);
    const bytes = await npz({
      x_train: npy('3, 2, 4', ramp(24)),
      y_train: npy('3,', labels, '<i8'),
      x_test: npy('1, 2, 4', ramp(8)),
      y_test: npy('1,', Uint8Array.of(4)),
    });
    await writeFile(join(root, 'mnist.npz'), bytes);
    const train = await loadMnist({ source: join(root, 'mnist.npz') });
    expect([...train.labels]).toEqual([7, 1, 0]);
    expect(train.images).toEqual(ramp(24));
    expect((await loadMnist({ source: join(root, 'mnist.npz'), split: 'test' })).labels).toEqual(
      Uint8Array.of(4),
    );
    await writeFile(join(root, 'cut.npz'), bytes.subarray(0, 300));
    await writeFile(
      join(root, 'other.npz'),
      await npz({ x_train: npy('3, 2, 4', ramp(23)), y_train: npy('1,', ramp(1)) }),
    );
    await writeFile(join(root, 'less.npz'), await npz({ x_train: npy('3, 2, 4', ramp(24)) }));
    for (const name of ['cut.npz', 'other.npz', 'less.npz']) {
      expect(await codeOf(loadMnist({ source: join(root, name) }))).toBe('DATASET_FORMAT');
    }
  });

  it.each([
    ['magic', { 'train-images-idx3-ubyte.gz': gzipSync(idx([3, 2, 4], ramp(24), 0x0d03)) }, 'magic number'],
    ['cut', { 'train-images-idx3-ubyte.gz': gzipSync(idx([3, 2, 4], ramp(23))) }, 'cut off'],
    ['head', { 'train-images-idx3-ubyte.gz': gzipSync(idx([3, 2, 4], []).subarray(0, 9)) }, 'cut off'],
    ['long', { 'train-images-idx3-ubyte.gz': gzipSync(idx([3, 2, 4], ramp(25))) }, 'too long'],
    ['gzip', { 'train-images-idx3-ubyte.gz': gzipSync(ramp(900)).subarray(0, 60) }, 'no whole gzip'],
    ['count', { 'train-labels-idx1-ubyte': idx([2], [1, 2]) }, 'do not fit together'],
    ['class', { 'train-labels-idx1-ubyte': idx([3], [1, 10, 2]) }, 'label 2 names no class'],
  ])('are refused when damaged: %s', async (name, change, problem) => {
    const folder = writeFiles(join(root, `bad-${name}`), { ...files(), ...change });
    const failure = await failureOf(loadMnist({ source: folder }));
    expect([failure.code, failure.summary]).toEqual(['DATASET_FORMAT', expect.stringContaining(problem)]);
  });

  it('are refused when they are not there', async () => {
    const half = { 'train-images-idx3-ubyte.gz': files()['train-images-idx3-ubyte.gz'] };
    expect(await codeOf(loadMnist({ source: writeFiles(join(root, 'half'), half) }))).toBe(
      'DATASET_NOT_FOUND',
    );
    expect(await codeOf(loadMnist({ source: join(root, 'nowhere') }))).toBe('DATASET_NOT_FOUND');
    expect(await codeOf(loadMnist({ split: 'all' as never }))).toBe('USAGE_ARGUMENT');
    const none = { 'train-images-idx3-ubyte': idx([0, 2, 4], []), 'train-labels-idx1-ubyte': idx([0], []) };
    expect(await codeOf(loadMnist({ source: writeFiles(join(root, 'none'), none) }))).toBe('DATASET_EMPTY');
  });

  it.skipIf(!hasShared)('are read as they were published', async () => {
    const mnist = await loadMnist({ source: shared('datasets/mnist'), split: 'test' });
    expect([mnist.count, mnist.shape, [...mnist.labels.subarray(0, 5)]]).toEqual([
      10000,
      [28, 28, 1],
      [7, 2, 1, 0, 4],
    ]);
    const letters = await loadNotMnist({ source: shared('datasets/notmnist'), split: 'test' });
    expect([letters.count, letters.classes.join('')]).toEqual([10000, 'ABCDEFGHIJ']);
  });
});

describe('notMNIST', () => {
  it('is read from PNG files, whose damaged ones are told', async () => {
    const files: Record<string, Uint8Array> = {};
    for (const [at, letter] of [...'AB'].entries()) {
      for (let index = 0; index < 20; index++) {
        const raw = { width: 28, height: 28, channels: 1 } as const;
        const grey = new Uint8Array(784).fill(at * 100 + index);
        files[`notMNIST_small/${letter}/${String(index).padStart(2, '0')}.png`] = await sharp(grey, { raw })
          .png()
          .toBuffer();
      }
    }
    files['notMNIST_small/A/RGVtb2Ny.png'] = new Uint8Array();
    files['notMNIST_small/B/Q3Jvc3Mg.png'] = Buffer.from('not a PNG');
    files['notMNIST_small/readme.txt'] = Buffer.from('x');
    await writeFile(join(root, 'letters.tar.gz'), await tarGz(files));
    const source = join(root, 'letters.tar.gz');
    const train = await loadNotMnist({ source });
    const test = await loadNotMnist({ source, split: 'test' });
    expect([train.count, test.count]).toEqual([36, 4]);
    expect([...test.labels]).toEqual([0, 0, 1, 1]);
    expect([0, 1, 2, 3].map((at) => test.images[at * 784])).toEqual([9, 19, 109, 119]);
    expect(train.skipped.map(({ image }) => image)).toEqual([
      'notMNIST_small/A/RGVtb2Ny.png',
      'notMNIST_small/B/Q3Jvc3Mg.png',
    ]);
    expect(await loadNotMnist({ source: writeFiles(join(root, 'letters'), files) })).toEqual(train);
    expect(await codeOf(loadNotMnist({ source, signal: AbortSignal.abort() }))).toBe('ABORTED');
  });

  it('is refused where an archive is cut off', async () => {
    const bytes = await tarGz({ 'A/1.png': ramp(40_000, 11), 'A/2.png': ramp(40_000, 13) });
    await writeFile(join(root, 'cut.tar.gz'), bytes.subarray(0, bytes.length / 2));
    expect(await codeOf(loadNotMnist({ source: join(root, 'cut.tar.gz') }))).toBe('DATASET_FORMAT');
    await writeFile(join(root, 'text.tar.gz'), 'nothing of the kind');
    expect(await codeOf(loadNotMnist({ source: join(root, 'text.tar.gz') }))).toBe('DATASET_FORMAT');
  });
});

describe('CIFAR', () => {
  const golden = (name: string) =>
    gunzipSync(readFileSync(new URL(`goldens/${name}.pkl.gz`, import.meta.url)));
  /** What tests/oracle/cifar_pickles.py writes, channels last. */
  const expected = (index: number) =>
    Uint8Array.from({ length: 3072 }, (_, at) => {
      const place = (at % 3) * 1024 + Math.floor(at / 3);
      return (131 * index + 7 * place + Math.floor(place / 1024)) % 256;
    });
  const two = Buffer.concat([expected(0), expected(1)]);
  const planes = (index: number) =>
    Uint8Array.from({ length: 3072 }, (_, at) => (131 * index + 7 * at + Math.floor(at / 1024)) % 256);

  it.each(['cifar10-protocol2', 'cifar10-protocol4'])('10 is read from pickles: %s', async (name) => {
    const path = join(root, `${name}.tar.gz`);
    const batch = golden(name);
    const files = Object.fromEntries([3, 1].map((at) => [`cifar-10-batches-py/data_batch_${at}`, batch]));
    await writeFile(path, await tarGz({ ...files, 'cifar-10-batches-py/batches.meta': ramp(9) }));
    const train = await loadCifar10({ source: path });
    expect([train.count, train.shape, [...train.labels]]).toEqual([4, [32, 32, 3], [3, 9, 3, 9]]);
    expect(sha256(train.images)).toBe(sha256(Buffer.concat([two, two])));
    expect(await codeOf(loadCifar10({ source: path, split: 'test' }))).toBe('DATASET_NOT_FOUND');
  });

  it('100 is read from pickles of Python 2, with fine and coarse labels', async () => {
    const folder = writeFiles(join(root, 'cifar-100-python'), { train: golden('cifar100-python2') });
    const fine = await loadCifar100({ source: folder });
    expect([...fine.labels].map((label) => fine.classes[label])).toEqual(['worm', 'apple']);
    expect(sha256(fine.images)).toBe(sha256(two));
    const coarse = await loadCifar100({ source: folder, labels: 'coarse' });
    expect([...coarse.labels].map((label) => coarse.classes[label])).toEqual([
      'non-insect_invertebrates',
      'fruit_and_vegetables',
    ]);
    expect([fine.classes.length, coarse.classes.length]).toEqual([100, 20]);
  });

  it('is read from binary records', async () => {
    const ten = Buffer.concat([Uint8Array.of(9), planes(0), Uint8Array.of(1), planes(1)]);
    const source = writeFiles(join(root, 'bin10'), { 'test_batch.bin': ten, 'readme.html': 'x' });
    const test = await loadCifar10({ source, split: 'test' });
    expect([...test.labels]).toEqual([9, 1]);
    expect(sha256(test.images)).toBe(sha256(two));
    const hundred = Buffer.concat([Uint8Array.of(4, 99), planes(0)]);
    const folder = writeFiles(join(root, 'bin100'), { 'train.bin': hundred });
    expect([...(await loadCifar100({ source: folder })).labels]).toEqual([99]);
    expect([...(await loadCifar100({ source: folder, labels: 'coarse' })).labels]).toEqual([4]);
    const cut = writeFiles(join(root, 'bin-cut'), { 'test_batch.bin': ten.subarray(1) });
    expect(await codeOf(loadCifar10({ source: cut, split: 'test' }))).toBe('DATASET_FORMAT');
  });

  it('is refused where a pickle is damaged or names what is no array', async () => {
    const load = (name: string, train: Uint8Array) =>
      codeOf(loadCifar100({ source: writeFiles(join(root, name), { train }) }));
    const good = golden('cifar100-python2');
    expect(await load('pickle-cut', good.subarray(0, 3000))).toBe('DATASET_FORMAT');
    expect(await load('pickle-list', Buffer.from('\x80\x02].', 'latin1'))).toBe('DATASET_FORMAT');
    expect(await load('pickle-run', Buffer.from('cos\nsystem\n(U\x02lstR.', 'latin1'))).toBe('FORMAT_UNSAFE');
    expect(await load('pickle-10', golden('cifar10-protocol2'))).toBe('DATASET_FORMAT');
  });
});

describe('a classic data set', () => {
  it('becomes labelled pictures and tensors', async () => {
    const folder = writeFiles(join(root, 'small'), {
      'train-images-idx3-ubyte': idx([2, 1, 2], [0, 255, 51, 102]),
      'train-labels-idx1-ubyte': idx([2], [1, 3]),
    });
    const classic = await loadMnist({ source: folder });
    const images = toLabelledImages(classic);
    expect(images[1]).toEqual({
      image: { data: Uint8Array.of(51, 51, 51, 102, 102, 102), width: 2, height: 1 },
      label: '3',
      name: 'picture 2 of mnist, train',
    });
    expect(toLabelledImages(classic, { count: 1 }).length).toBe(1);
    expect(await checkDataset(images)).toMatchObject({ ok: true, images: 2 });
    const before = tf.memory().numTensors;
    const tensors = toTensors(classic);
    expect([tensors.images.shape, tensors.labels.shape]).toEqual([
      [2, 1, 2, 1],
      [2, 10],
    ]);
    const values = [...(await tensors.images.data())];
    values.forEach((value, at) => expect(value).toBeCloseTo([0, 1, 0.2, 0.4][at]!, 6));
    const indices = tensors.labels.argMax(1);
    expect([...(await indices.data())]).toEqual([1, 3]);
    const plain = toTensors(classic, { scale: 1 });
    expect([...(await plain.images.data())]).toEqual([0, 255, 51, 102]);
    expect(() => toTensors(classic, { scale: NaN })).toThrow(
      expect.objectContaining({ code: 'USAGE_ARGUMENT' }),
    );
    tf.dispose([tensors, plain, indices]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describeOnLoopback('a classic data set on the network', () => {
  const context = useServerAndCache();

  it('is fetched once, checked by its hash, and fetched on where it was interrupted', async () => {
    const ten = Buffer.concat(
      Array.from({ length: 20 }, () => Buffer.concat([Uint8Array.of(9), ramp(3072, 5)])),
    );
    const name = 'cifar-10-batches-bin/test_batch.bin';
    const archive = await packTar([{ header: { name, size: ten.length }, body: ten }]);
    const broken = file(archive, { dropAfter: 30_000, dropWhen: context.hasReached });
    const url = context.server.route('/cifar.tar.gz', inTurn(broken, file(archive)));
    const options = { ...context.options, source: url, split: 'test' } as const;
    expect((await loadCifar10(options)).count).toBe(20);
    expect((await loadCifar10({ ...options, offline: true })).count).toBe(20);
    const requests = context.server.requests('/cifar.tar.gz');
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=30000-']);
    const wrong = { url, fileName: 'other.tar.gz', sha256: sha256(ten) };
    expect(await codeOf(downloadToCache(wrong, context.options))).toBe('DOWNLOAD_HASH');
  });

  it('by default comes from where it was published, which a mirror may stand in for', async () => {
    const bytes = await npz({ x_train: npy('1, 1, 1', ramp(1)), y_train: npy('1,', ramp(1)) });
    const path = '/storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz';
    context.server.route(path, file(bytes));
    const options = { ...context.options, mirror: context.server.url };
    // Other bytes than the published ones are not taken.
    expect(await codeOf(loadMnist(options))).toBe('DOWNLOAD_HASH');
    expect(context.server.requests(path).length).toBeGreaterThan(0);
    expect(await codeOf(loadCifar100({ ...options, offline: true }))).toBe('NETWORK_OFFLINE');
  });
});
