import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import type { CliOptions } from '../support/run-cli.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

interface Report {
  valAccuracy: number;
  epochs: number;
  bestEpoch: number;
  wallSeconds: number;
  classes: string[];
  out: string;
  stopped: string;
  trainingImages: number;
  validationImages: number;
  skipped: { image: string; reason: string }[];
}

const shop = new Workshop('cli-train');

beforeAll(async () => {
  await ensureBuilt();
  await shop.network('base');
  await shop.colours('photos', 6);
  await shop.colours('validation', 2, 100);
  shop.file('photos/read me.txt', 'a stray file');
  shop.file('photos/red/notes.md', 'another one');
  shop.file('photos/red/.DS_Store', 'hidden, and not worth a word');
  shop.file('photos/blue/damaged.png', readFileSync(shop.path('photos/blue/0.png')).subarray(0, 500));
  await sharp(shop.path('photos/blue/0.png')).gif().toFile(shop.path('photos/blue/moving.gif'));
});
afterAll(() => shop.remove());

const train = (args: string[], options: CliOptions = {}) =>
  runCli(['train', 'photos', '--base', 'base', ...args], { cwd: shop.root, ...options });

const weights = (folder: string) => readFileSync(shop.path(folder, 'group1-shard1of1.bin'));

describe('train', () => {
  it('learns two colours, reports as JSON, and classify needs nothing but the folder', async () => {
    const result = await train(['--validation', 'validation', '--out', 'model', '--epochs', '12', '--json']);
    const report = jsonOf<Report>(result);
    expect(result.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(report).toMatchObject({
      valAccuracy: 1,
      epochs: 12,
      classes: ['blue', 'red'],
      out: 'model',
      stopped: 'completed',
      trainingImages: 12,
      validationImages: 4,
    });
    expect(report.wallSeconds).toBeGreaterThan(0);
    expect(report.skipped.map(({ image }) => image).sort()).toEqual([
      'photos/blue/damaged.png',
      'photos/blue/moving.gif',
      'photos/read me.txt',
      'photos/red/notes.md',
    ]);
    for (const { reason } of report.skipped) expect(reason).not.toBe('');

    const classified = await runCli(['classify', 'validation', '--model', 'model', '--json'], {
      cwd: shop.root,
    });
    const entries =
      jsonOf<{ image: string; predictions: { label: string; probability: number }[] }[]>(classified);
    expect(entries.map(({ image, predictions }) => [image.split('/')[1], predictions[0]!.label])).toEqual([
      ['blue', 'blue'],
      ['blue', 'blue'],
      ['red', 'red'],
      ['red', 'red'],
    ]);
    expect(entries[0]!.predictions).toHaveLength(2);
    expect(entries[0]!.predictions[0]!.probability).toBeGreaterThan(0.9);
  });

  it('says the same to a person: what was skipped, the confusion, the accuracy, and what to do next', async () => {
    const { stdout, stderr, code } = await train(['--out', 'told', '--epochs', '3']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/skipped 4 file\(s\):[^]*photos\/blue\/moving\.gif: GIF/);
    expect(stderr).toMatch(/dovecote classify photo\.jpg --model told/);
    expect(stdout).toMatch(/Confusion matrix[^]*blue +red[^]*precision %[^]*validation accuracy \d+\.\d %/);
    expect(stdout).toMatch(/saved to told\n$/);
  });

  it('names the rows and columns of the confusion matrix alike, also when classes are called by numbers', async () => {
    mkdirSync(shop.path('digits'));
    symlinkSync(shop.path('photos/blue'), shop.path('digits/10'));
    symlinkSync(shop.path('photos/red'), shop.path('digits/2'));
    const args = ['train', 'digits', '--base', 'base', '--out', 'digit-model', '--epochs', '12', '--quiet'];
    const { stdout } = await runCli(args, { cwd: shop.root });
    expect(stdout).toMatch(/\n +10 +2\n10 +1 +0\n2 +0 +1\n/);
  });

  it('gives the same weights for the same seed, byte by byte, and others for another seed', async () => {
    const run = (out: string, seed: string, more: string[] = []) =>
      train(['--out', out, '--seed', seed, '--epochs', '4', '--validation-split', '0.34', '--json', ...more]);
    const first = jsonOf<Report>(await run('seed-7', '7'));
    const [again, other] = await Promise.all([run('seed-7-again', '7'), run('seed-8', '8')]);
    expect(jsonOf<Report>(again).valAccuracy).toBe(first.valAccuracy);
    expect(first.validationImages).toBe(4);
    expect(first.trainingImages).toBe(8);
    expect(weights('seed-7').equals(weights('seed-7-again'))).toBe(true);
    expect(weights('seed-7').equals(weights('seed-8'))).toBe(false);
    expect(other.code).toBe(0);

    const augmented = await run('augmented', '7', ['--augment']);
    expect(jsonOf<Report>(augmented)).toMatchObject({ epochs: 4, valAccuracy: 1 });
    jsonOf(await run('augmented-again', '7', ['--augment']));
    expect(weights('augmented').equals(weights('augmented-again'))).toBe(true);
    expect(weights('augmented').equals(weights('seed-7'))).toBe(false);
  });
});

describe('a training that is killed', () => {
  const options = ['--epochs', '400', '--patience', '0', '--unfrozen-epochs', '2', '--csv-log'];
  const run = (out: string, more: string[] = [], killWhen?: () => boolean) =>
    train(['--out', out, ...options, `${out}.csv`, '--checkpoint-seconds', '0', '--json', ...more], {
      ...(killWhen && { killWhen }),
    });
  const isThere = (path: string) => () => existsSync(shop.path(path));
  const text = (path: string) => readFileSync(shop.path(path), 'utf8');

  it('goes on by --resume, to the model and the log of one that was not', { timeout: 120_000 }, async () => {
    const expected = jsonOf<Report>(await run('whole'));
    expect(existsSync(shop.path('whole.checkpoints'))).toBe(false);
    const killed = await run('killed', [], isThere('killed.checkpoints/stage-1.safetensors'));
    expect(killed.signal).toBe('SIGKILL');
    const again = await train(['--out', 'killed', ...options, 'other.csv', '--quiet']);
    expectFailure(again, 'CHECKPOINT_EXISTS');
    expect(again.stderr).toContain('--resume');
    const other = await train([
      '--out',
      'killed',
      ...options,
      'killed.csv',
      '--quiet',
      '--resume',
      '--seed',
      '2',
    ]);
    expectFailure(other, 'CHECKPOINT_MISMATCH');
    expect(other.stderr).toMatch(/seed: 2/);
    let checkpoints = 0;
    const inSecondStage = () => {
      if (isThere('killed.checkpoints/stage-2.safetensors')()) checkpoints++;
      return checkpoints > 3;
    };
    await run('killed', ['--resume'], inSecondStage);
    const report = jsonOf<Report>(await run('killed', ['--resume']));
    expect({ ...report, wallSeconds: 0, out: '', stages: [] }).toEqual({
      ...{ ...expected, wallSeconds: 0, out: '', stages: [] },
    });
    expect(weights('killed').equals(weights('whole'))).toBe(true);
    expect(text('killed.csv')).toBe(text('whole.csv'));
    expect(text('whole.csv').trimEnd().split('\r\n')).toHaveLength(1 + 402);
    expect(existsSync(shop.path('killed.checkpoints'))).toBe(false);
    // Killed between saving and clearing up: the model that is there is this training's own.
    expect((await run('killed', ['--resume'])).code).toBe(0);
    expect(weights('killed').equals(weights('whole'))).toBe(true);
  });

  it('begins anew with --force, and never mistakes the model of another training for its own', async () => {
    const quick = ['--out', 'anew', '--quiet'];
    expect((await train([...quick, '--epochs', '2'])).code).toBe(0);
    const before = weights('anew');
    expectFailure(await train([...quick, '--epochs', '3', '--resume', '--seed', '5']), 'OUTPUT_EXISTS');
    expect(weights('anew').equals(before)).toBe(true);
    expect((await train([...quick, '--epochs', '2', '--seed', '5', '--force'])).code).toBe(0);
    expect(weights('anew').equals(before)).toBe(false);
    expect(existsSync(shop.path('anew.checkpoints'))).toBe(false);
  });

  it('can be resumed behind Ctrl-C, which keeps the best so far', async () => {
    const stopped = await train(['--out', 'stopped', '--epochs', '100000', '--patience', '0'], {
      interruptAt: [/^train: /m],
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('--resume');
    expect(existsSync(shop.path('stopped/model.json'))).toBe(true);
    expect(existsSync(shop.path('stopped.checkpoints/stage-1.safetensors'))).toBe(true);
  });

  it('is refused a --resume without checkpoints', async () => {
    expectFailure(await train(['--out', 'x', '--resume', '--no-checkpoints']), 'USAGE_ARGUMENT', 2);
  });
});

describe('train takes', () => {
  it('a table, and the options of the second stage, of augmentation and of the optimizer', async () => {
    const rows = readdirSync(shop.path('photos'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /^(blue|red)\/\d+\.png$/.test(file),
    );
    shop.file(
      'photos/table.csv',
      `image,label\n${rows.map((row) => `${row},${row.split('/')[0]}`).join('\n')}\n`,
    );
    const result = await runCli(
      [
        ...['train', 'photos/table.csv', '--base', 'base', '--out', 'from-table', '--json', '--epochs', '4'],
        ...['--unfrozen-epochs', '2', '--unfreeze-from', '0', '--schedule', 'cosine', '--warm-up', '0.2'],
        ...[
          '--weight-decay',
          '0.01',
          '--label-smoothing',
          '0.1',
          '--mixup',
          '0.2',
          '--global-clip-norm',
          '1',
        ],
        ...['--rotation', '10', '--cutout', '0.2', '--tensorboard', 'board'],
      ],
      { cwd: shop.root },
    );
    const report = jsonOf<Report & { stages: { trainedLayers: number; epochs: number }[] }>(result);
    expect(report).toMatchObject({ classes: ['blue', 'red'], epochs: 6 });
    expect(report.stages.map(({ epochs }) => epochs)).toEqual([4, 2]);
    expect(report.stages[0]!.trainedLayers).toBe(1);
    expect(report.stages[1]!.trainedLayers).toBeGreaterThan(1);
    expect(readdirSync(shop.path('board')).sort()).toEqual(['train', 'validation']);
  });
});

describe('train refuses', () => {
  it('an output that exists, before it trains', async () => {
    shop.file('taken/thesis.doc', 'years of work');
    const refused = await train(['--out', 'taken', '--force']);
    expectFailure(refused, 'OUTPUT_EXISTS');
    expect(refused.stderr, 'no work was begun').not.toMatch(/features|train:/);
    expect(readdirSync(shop.path('taken'))).toEqual(['thesis.doc']);
  });

  it('folders that cannot be learnt from, without writing anything', async () => {
    mkdirSync(shop.path('nothing'));
    await shop.picture('single/red/0.png', [200, 0, 0]);
    await shop.colours('lonely', 1);
    await shop.picture('strangers/red/0.png', [200, 0, 0]);
    await shop.picture('strangers/green/0.png', [0, 200, 0]);
    shop.file('unreadable/a/1.png', 'text');
    shop.file('unreadable/a/2.png', 'text');
    shop.file('unreadable/b/1.png', 'text');
    shop.file('unreadable/b/2.png', 'text');
    const cases: [folder: string, code: string, says: RegExp, more?: string[]][] = [
      ['not-there', 'DATASET_NOT_FOUND', /not-there/],
      ['base/model.json', 'DATASET_FORMAT', /\.csv, \.tsv or \.jsonl/],
      ['nothing', 'DATASET_EMPTY', /subfolder/],
      ['single', 'DATASET_ONE_CLASS', /"red"/],
      ['lonely', 'DATASET_CLASSES', /at least 2/],
      ['photos', 'DATASET_CLASSES', /green/, ['--validation', 'strangers']],
    ];
    const waiting = [...cases];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [folder, code, says, more = []] = next;
        const result = await runCli(
          ['train', folder, '--base', 'base', '--out', 'refused', '--quiet', ...more],
          {
            cwd: shop.root,
          },
        );
        expectFailure(result, code);
        expect(result.stderr).toMatch(says);
      }
    };
    await Promise.all([work(), work()]);
    const unreadable = await runCli(
      ['train', 'unreadable', '--base', 'base', '--out', 'refused', '--quiet'],
      {
        cwd: shop.root,
      },
    );
    expectFailure(unreadable, 'DATASET_EMPTY');
    expect(unreadable.stderr).toMatch(/unreadable\/b\/\d\.png \(/);
    expect(existsSync(shop.path('refused'))).toBe(false);
  });
});

describe('Ctrl-C', () => {
  it('in the middle of training saves the best so far and says so; the exit code is 130', async () => {
    const { stdout, stderr, code } = await train(
      ['--out', 'interrupted', '--epochs', '100000000', '--patience', '0'],
      { interruptAt: [/^train: /m] },
    );
    expect(code).toBe(130);
    expect(stderr).toContain('stopping');
    expect(stdout).toMatch(/stopped by you/);
    expect(stdout).toMatch(/saved to interrupted \(the best so far\)/);
    const classified = await runCli(
      ['classify', 'validation', '--model', 'interrupted', '--top', '1', '--json'],
      { cwd: shop.root },
    );
    expect(jsonOf<unknown[]>(classified)).toHaveLength(4);
  });

  it('before the first epoch has ended leaves nothing; the exit code is 130', async () => {
    // Enough large pictures for seconds of work after the first of them.
    const large = await shop.picture('large.png', [200, 90, 30], 5, 1200);
    for (const label of ['one', 'two']) {
      mkdirSync(shop.path('many', label), { recursive: true });
      for (let index = 0; index < 400; index++) symlinkSync(large, shop.path('many', label, `${index}.png`));
    }
    const result = await runCli(['train', 'many', '--base', 'base', '--out', 'never'], {
      cwd: shop.root,
      interruptAt: [/features/],
    });
    expectFailure(result, 'ABORTED', 130);
    expect(result.stderr).toContain('there is nothing to keep');
    expect(readdirSync(shop.root).filter((name) => name.includes('never'))).toEqual([]);
  });
});

describe('a trained folder', () => {
  it('is replaced with --force, and only then', async () => {
    const once = ['--out', 'replaced', '--epochs', '1', '--quiet'];
    expect(await train(once)).toMatchObject({ code: 0 });
    const before = weights('replaced');
    writeFileSync(shop.path('replaced/training.json'), 'of the first run');
    expectFailure(await train([...once, '--seed', '9']), 'OUTPUT_EXISTS');
    expect(weights('replaced').equals(before)).toBe(true);
    expect(await train([...once, '--seed', '9', '--force'])).toMatchObject({ code: 0 });
    expect(weights('replaced').equals(before)).toBe(false);
    expect(JSON.parse(readFileSync(shop.path('replaced/training.json'), 'utf8'))).toMatchObject({
      epochs: 1,
    });
  });
});
