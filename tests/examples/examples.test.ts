import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import { hasShared, shared } from '../support/shared.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));
const weights = shared('weights/squeezenet_v1.1_keras2.0.9.h5');

let root: string;
beforeAll(async () => {
  await ensureBuilt();
  root = await mkdtemp(join(tmpdir(), 'dovecote-examples-'));
});
afterAll(() => rm(root, { recursive: true }));

async function example(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(repository, 'examples', `${name}.mjs`), ...args], {
    cwd: repository,
  });
  return stdout;
}

it('classify says what is on a photo without being given anything else', async () => {
  expect(await example('classify', join(repository, 'examples/photos/chelsea.jpg'))).toMatch(
    /^ *\d+\.\d % {2}(tabby|tiger_cat|Egyptian_cat)\n/,
  );
});

it('train makes a model of a folder and uses it', async () => {
  const folder = join(root, 'photos');
  for (const [label, background] of Object.entries({ dark: '#202833', light: '#f2e9d0' })) {
    await mkdir(join(folder, label), { recursive: true });
    for (let number = 0; number < 8; number++) {
      const noise = { type: 'gaussian', mean: 0, sigma: 20 + number } as const;
      const create = { width: 96, height: 96, channels: 3, background, noise } as const;
      await sharp({ create }).toFile(join(folder, label, `${number}.png`));
    }
  }
  const output = await example('train', folder, join(root, 'model'));
  expect(output).toMatch(/dark against light: validation accuracy [01]\.\d{3}/);
  expect(output).toMatch(/dark\/.*\.png: (dark|light) \d+\.\d %/);
});

it('keras-parity prints how far each engine is from Keras', async () => {
  const output = await example('keras-parity', '--small', 'mobilenet', 'mobilenetv3small-minimalistic');
  const difference = String.raw`\d\.\de-\d`;
  expect(output).toMatch(
    new RegExp(`^mobilenet +small +97x110 +3,228,864 +${difference} +${difference} +\\d+\\.\\d$`, 'm'),
  );
  expect(output).toMatch(/\nmobilenetv3small-minimalistic +small +97x110 +441,000 /);
  expect(output).toMatch(/\nAll within 0\.00001 of the range of Keras's values\.\n$/);
  const rows = await example('keras-parity', '--small', '--json', '--engine', 'onnx', 'mobilenet');
  const row = JSON.parse(rows) as { onnx: number; tfjs?: number };
  expect(row.onnx).toBeLessThan(1e-5);
  expect(row.tfjs).toBeUndefined();
});

it('keras-parity says which goldens there are when one is asked for that is not', async () => {
  await expect(example('keras-parity', 'resnet51')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no golden for resnet51\. There are: .*resnet50/) as string,
  });
});

/** Pictures with a bright row or column that tells the class. */
function classOnPicture(
  label: number,
  at: number,
  height: number,
  width: number,
  channels: number,
): Uint8Array {
  return Uint8Array.from({ length: height * width * channels }, (_, index) => {
    const row = Math.floor(index / (width * channels));
    return row >= 2 * label + 2 && row < 2 * label + 4 ? 230 + (at % 20) : (index * 7 + at * 13) % 40;
  });
}

describe('classics, a few steps on drawn pictures', () => {
  beforeAll(async () => {
    const header = (kind: number, ...sizes: number[]) =>
      Buffer.concat(
        [0x800 + kind, ...sizes].map((value) => Buffer.from(Uint32Array.of(value).buffer).swap32()),
      );
    const labels = Array.from({ length: 200 }, (_, at) => at % 10);
    const grey = labels.map((label, at) => classOnPicture(label, at, 28, 28, 1));
    for (const name of ['mnist', 'notmnist']) {
      const folder = join(root, name);
      await mkdir(folder);
      await writeFile(
        join(folder, 't10k-images-idx3-ubyte'),
        Buffer.concat([header(3, 200, 28, 28), ...grey]),
      );
      await writeFile(
        join(folder, 't10k-labels-idx1-ubyte'),
        Buffer.concat([header(1, 200), Buffer.from(labels)]),
      );
    }
    await mkdir(join(root, 'cifar'));
    const records = labels.flatMap((label, at) => [
      Uint8Array.of(label),
      ...[1, 2, 3].map((channel) => classOnPicture(label, at + channel, 32, 32, 1)),
    ]);
    for (const name of ['test_batch', ...[1, 2, 3, 4, 5].map((part) => `data_batch_${part}`)]) {
      await writeFile(join(root, 'cifar', `${name}.bin`), Buffer.concat(records));
    }
  });

  it.each([
    ['classics/mnist', 'mnist', /mnist: 160 pictures to train on, 40 held back[^]*held-back accuracy/],
    ['classics/notmnist', 'notmnist', /logistic regression: (9\d|100)\.\d\d %[^]*the network: \d+\.\d\d %/],
    ['classics/cifar10', 'cifar', /cifar10: 512 pictures to train on, 128 held back[^]*held-back accuracy/],
  ])('%s', { timeout: 120_000 }, async (name, source, expected) => {
    const { stdout, stderr } = await run(
      process.execPath,
      [join(repository, 'examples', `${name}.mjs`), '--source', join(root, source), '--short'],
      { cwd: repository },
    );
    expect(stderr).toMatch(/^Epoch 1\/1\n/);
    expect(stdout).toMatch(expected);
  });

  it('say how they are called', async () => {
    await expect(example('classics/mnist', '--fast')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/usage: node examples\/classics\/mnist\.mjs/) as string,
    });
    await expect(example('ants-and-bees')).rejects.toMatchObject({ code: 2 });
    await expect(example('similar-photos')).rejects.toMatchObject({ code: 2 });
  });
});

it('similar-photos finds the photo itself first', async () => {
  const photos = join(repository, 'examples', 'photos');
  const output = await example('similar-photos', photos, join(photos, 'coffee.jpg'), '--count', '2');
  expect(output).toMatch(/^4 photos in \d+\.\d s\n[^]*\n1\.000 {2}.*coffee\.jpg\n0\.\d{3} {2}/);
});

describe.skipIf(!hasShared)('classics on real pictures (need ../shared)', () => {
  it('MNIST is learnt, as its header says', { timeout: 300_000 }, async () => {
    const output = await example('classics/mnist', '--source', shared('datasets/mnist'), '--epochs', '1');
    const [, found] = /held-back accuracy (\d+\.\d\d) %/.exec(output)!;
    expect(Number(found)).toBeGreaterThan(90);
  });
  it('ants-and-bees trains the head, then the end of the network', { timeout: 300_000 }, async () => {
    const output = await example(
      'ants-and-bees',
      shared('datasets/hymenoptera_data'),
      ...['--short', '--from', 'top_conv'],
    );
    expect(output).toMatch(
      /the head alone: 9\d\.\d % of 153 photos[^]*\d+ layers from top_conv on: 9\d\.\d %/,
    );
  });
});

describe.skipIf(!hasShared)('examples on real weights (need ../shared)', () => {
  it('convert', async () => {
    const output = await example('convert', weights, join(root, 'web-model'));
    expect(output).toMatch(/67 layers, 1235496 parameters/);
    expect(output).toMatch(/plain tfjs loads it: squeezenet, output \[null,1000\]/);
  });
});
