import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
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

describe.skipIf(!hasShared)('examples on real weights (need ../shared)', () => {
  it('convert', async () => {
    const output = await example('convert', weights, join(root, 'web-model'));
    expect(output).toMatch(/67 layers, 1235496 parameters/);
    expect(output).toMatch(/plain tfjs loads it: squeezenet, output \[null,1000\]/);
  });
});
