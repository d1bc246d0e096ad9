import {
  copyFileSync,
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { efficientNetLite0 } from '../../zoo/cards/efficientnet-lite.ts';
import { distFile, ensureBuilt, rootFolder } from '../support/dist.ts';
import type { CliOptions } from '../support/run-cli.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

interface Entry {
  image: string;
  predictions: { index: number; wnid: string; label: string; probability: number }[];
}

const shop = new Workshop('cli-embedded');
const { fileName, size } = efficientNetLite0.embedded!;
const cat = join(rootFolder, 'examples/photos/chelsea.jpg');

beforeAll(async () => {
  await ensureBuilt();
  await shop.colours('holiday photos', 6);
});
afterAll(() => shop.remove());

const env = { DOVECOTE_OFFLINE: '1', DOVECOTE_CACHE: shop.path('cache') };
const cli = (args: string[], options: CliOptions = {}) =>
  runCli(args, { cwd: shop.root, ...options, env: { ...env, ...options.env } });

describe('without a model, offline and with an empty cache', () => {
  it('classify says that a cat is a cat, and leaves no cache behind', async () => {
    const [text, json] = await Promise.all([cli(['classify', cat]), cli(['classify', cat, '--json'])]);
    expect(text).toMatchObject({ code: 0 });
    expect(text.stdout.split('\n')[1]).toMatch(
      /^ +\d+\.\d % {2}(tabby|tiger[_ ]cat|Egyptian[_ ]cat) \(n0\d+\)$/,
    );
    const [entry] = jsonOf<Entry[]>(json);
    expect(entry!.predictions).toHaveLength(5);
    expect([281, 282, 285]).toContain(entry!.predictions[0]!.index);
    expect(existsSync(shop.path('cache'))).toBe(false);
  });

  it('classify with the network by name or alias says the same', async () => {
    const [nameless, ...named] = await Promise.all(
      [[], ['--model', 'efficientnet-lite0'], ['--model', 'EfficientNet_Lite0']].map((more) =>
        cli(['classify', cat, '--json', ...more]),
      ),
    );
    for (const each of named) expect(jsonOf(each)).toEqual(jsonOf(nameless!));
  });

  it('list says that it is in the package, and how large', async () => {
    const [text, json] = await Promise.all([cli(['list']), cli(['list', '--json'])]);
    expect(text.stdout).toMatch(/^efficientnet-lite0 .* 5\.3 .*in the package +Apache-2\.0$/m);
    expect(text.stdout).toMatch(/^efficientnet-lite4 .*bring your own +-$/m);
    const models = jsonOf<{ name: string; weights: string; bytes?: number; url?: string }[]>(json);
    expect(models[0]).toMatchObject({ name: 'efficientnet-lite0', weights: 'embedded', bytes: size });
    expect(models[0]).not.toHaveProperty('url');
    expect(models.filter(({ weights }) => weights === 'embedded')).toHaveLength(1);
    expect(models.find(({ name }) => name === 'squeezenet')).toMatchObject({ weights: 'download' });
  });

  it('train writes a model named after the folder, here, and never over an earlier one', async () => {
    const train = (...more: string[]) => cli(['train', 'holiday photos', '--epochs', '5', '--json', ...more]);
    const first = await train();
    expect(first).toMatchObject({ code: 0 });
    const report = JSON.parse(first.stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;
    expect(report).toMatchObject({ out: 'holiday photos-model', classes: ['blue', 'red'], valAccuracy: 1 });
    expect(readdirSync(shop.path('holiday photos-model'))).toContain('model.json');

    const json = readFileSync(shop.path('holiday photos-model/model.json'));
    expectFailure(await train(), 'OUTPUT_EXISTS');
    expect(readFileSync(shop.path('holiday photos-model/model.json')).equals(json)).toBe(true);
    expect(await train('--force')).toMatchObject({ code: 0 });

    // A model of its own: it knows its classes, and needs the package's network no more.
    const photo = shop.path('holiday photos/red/0.png');
    const [entry] = jsonOf<Entry[]>(
      await cli(['classify', photo, '--model', 'holiday photos-model', '--json']),
    );
    expect(entry!.predictions[0]!.label).toBe('red');
  });

  it('train among the photos writes beside their folder: a model is no class of photos', async () => {
    const photos = await shop.colours('else where/my photos', 6);
    const output = shop.path('else where/my photos-model');
    for (const [folder, cwd, out] of [
      ['.', photos, '../my photos-model'],
      ['..', join(photos, 'red'), '../../my photos-model'],
      [`${photos}/`, join(photos, 'red'), '../../my photos-model'],
      ['my photos/', shop.path('else where'), 'my photos-model'],
    ] as const) {
      const result = await cli(['train', folder, '--epochs', '1'], { cwd });
      expect(result).toMatchObject({ code: 0 });
      expect(result.stdout).toMatch(new RegExp(`^saved to ${out}$`, 'm'));
      // To be typed as it is.
      expect(result.stderr).toContain(`next: dovecote classify photo.jpg --model '${out}'\n`);
      expect(existsSync(join(output, 'model.json'))).toBe(true);
      rmSync(output, { recursive: true });
    }
    expect(readdirSync(photos).sort()).toEqual(['blue', 'red']);
  });
});

describe('a package whose network is damaged', () => {
  const copy = shop.path('copy');
  const network = join(copy, 'dist', fileName);

  beforeAll(() => {
    cpSync(join(rootFolder, 'dist'), join(copy, 'dist'), { recursive: true });
    copyFileSync(join(rootFolder, 'package.json'), join(copy, 'package.json'));
    symlinkSync(join(rootFolder, 'node_modules'), join(copy, 'node_modules'));
  });

  /** The command line of the copy. */
  const damagedCli = (args: string[]) => cli(args, { shell: '"$1" "$PWD/copy/dist/cli.js" "${@:3}"' });

  it('works as long as it is not', async () => {
    expect(jsonOf<Entry[]>(await damagedCli(['classify', cat, '--json']))[0]!.predictions).toHaveLength(5);
  });

  it.each<[string, (bytes: Buffer) => Buffer | undefined, string, RegExp]>([
    [
      'one bit is another',
      (bytes) => ((bytes[3_000_000]! ^= 1), bytes),
      'FORMAT_DAMAGED',
      /SHA-256 [0-9a-f]{64}/,
    ],
    ['it is cut off', (bytes) => bytes.subarray(0, 1_000_000), 'FORMAT_DAMAGED', /1000000 bytes/],
    ['it is empty', () => Buffer.alloc(0), 'FORMAT_DAMAGED', /0 bytes/],
    ['it is a pointer of git', () => Buffer.from('version https://git-lfs'), 'FORMAT_DAMAGED', /23 bytes/],
    ['it is missing', () => undefined, 'FILE_NOT_FOUND', /not where it should be|cannot be read/],
  ])('says so when %s', async (_, damage, code, names) => {
    const bytes = damage(readFileSync(distFile(fileName)));
    if (bytes === undefined) rmSync(network);
    else writeFileSync(network, bytes);
    const [classify, train] = await Promise.all([
      damagedCli(['classify', cat]),
      damagedCli(['train', 'holiday photos', '--out', 'never']),
    ]);
    for (const result of [classify, train]) {
      expectFailure(result, code);
      expect(result.stderr).toContain(fileName);
      expect(result.stderr).toMatch(names);
      expect(result.stderr).toMatch(/next: .*install the package again/);
    }
    expect(readdirSync(shop.root).filter((name) => name.includes('never'))).toEqual([]);
  });
});
