import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { file, startFaultServer, status } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import type { CliOptions } from '../support/run-cli.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { Workshop, blue, red } from './fixtures.ts';

interface Entry {
  image: string;
  predictions: { index: number; wnid: string; label: string; probability: number }[];
  error?: { code: string; message: string };
}

const shop = new Workshop('cli-classify');
const names = ['a b.png', 'x[1].png', 'größe-日本.jpeg', 'plain.webp', 'it"s,csv.png', 'photo:1.png'];
let server: FaultServer;

beforeAll(async () => {
  await ensureBuilt();
  await shop.network('network');
  // Labels by hand: what the network says is not the point here, but that it says it in the right place.
  const json = JSON.parse(readFileSync(shop.path('network/model.json'), 'utf8')) as {
    userDefinedMetadata: { dovecote: { labels: string[] } };
  };
  json.userDefinedMetadata.dovecote.labels = ['north', 'east', 'south', 'west'];
  writeFileSync(shop.path('network/model.json'), JSON.stringify(json));
  await shop.colours('photos', 3);
  await Promise.all(
    names.map((name, index) => shop.picture(`names/${name}`, index % 2 === 0 ? red : blue, 50 + index)),
  );
  shop.file('names/.hidden.png', 'no picture, and none that was asked for');
  shop.file('names/notes.txt', 'no picture');
  shop.file('text.jpg', 'this is text');
  shop.file('zero.png', '');
  server = await startFaultServer({
    '/photo': file(readFileSync(shop.path('photos/red/0.png')), { contentType: 'image/png' }),
    '/gone': status(404),
  });
});
afterAll(async () => {
  await server.close();
  shop.remove();
});

function classify(args: string[], options: CliOptions = {}) {
  return runCli(['classify', ...args, '--model', shop.path('network')], { cwd: shop.root, ...options });
}

async function entries(args: string[], options?: CliOptions): Promise<Entry[]> {
  return jsonOf<Entry[]>(await classify([...args, '--json'], options));
}

describe('classify --json', () => {
  it('gives an array with one entry for each picture, of exactly these fields, the most probable class first', async () => {
    const found = await entries(['photos/red/0.png']);
    expect(found).toHaveLength(1);
    expect(Object.keys(found[0]!)).toEqual(['image', 'predictions']);
    const { image, predictions } = found[0]!;
    expect(image).toBe('photos/red/0.png');
    // Four classes, though five predictions are the default.
    expect(predictions).toHaveLength(4);
    for (const each of predictions)
      expect(Object.keys(each)).toEqual(['index', 'wnid', 'label', 'probability']);
    expect(predictions.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3]);
    for (const { index, label, wnid } of predictions) {
      expect({ wnid, label }).toEqual({ wnid: '', label: ['north', 'east', 'south', 'west'][index] });
    }
    const probabilities = predictions.map(({ probability }) => probability);
    expect(probabilities).toEqual([...probabilities].sort((left, right) => right - left));
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  });

  it('takes files, folders and patterns, keeps their order, and takes a picture once', async () => {
    const found = await entries([
      'photos/red/2.png',
      'names',
      'photos/blue/[01].png',
      'photos/**/*.png',
      'names/x[1].png',
      '--top',
      '1',
    ]);
    expect(found.map(({ image }) => image)).toEqual([
      'photos/red/2.png',
      ...[...names].sort().map((name) => `names/${name}`),
      'photos/blue/0.png',
      'photos/blue/1.png',
      'photos/blue/2.png',
      'photos/red/0.png',
      'photos/red/1.png',
    ]);
    expect(found.every(({ predictions }) => predictions.length === 1)).toBe(true);
  });

  itOnLoopback('takes a URL among the others, once too', async () => {
    const url = `${server.url}/photo`;
    const found = await entries(['photos/red/2.png', url, 'photos/red', url]);
    expect(found.map(({ image }) => image)).toEqual([
      'photos/red/2.png',
      url,
      'photos/red/0.png',
      'photos/red/1.png',
    ]);
    const of = (image: string) => found.find((entry) => entry.image === image)?.predictions[0]?.probability;
    // The very bytes of the file that the server sends.
    expect(of(url)).toBeCloseTo(of('photos/red/0.png')!, 6);
  });

  it('says the same in batches of any size and on both engines', async () => {
    const runs = [
      ['--batch-size', '1'],
      ['--batch-size', '4'],
      ['--batch-size', '1000', '--engine', 'onnx'],
      ['--engine', 'tfjs'],
    ];
    const [first, ...others] = await Promise.all(runs.map((args) => entries(['photos', ...args])));
    expect(first).toHaveLength(6);
    const different = new Set(first!.map(({ predictions }) => predictions[0]!.probability));
    expect(different.size, 'pictures that cannot be told apart would prove nothing').toBe(6);
    for (const other of others) {
      expect(other.map(({ image }) => image)).toEqual(first!.map(({ image }) => image));
      other.forEach(({ predictions }, row) => {
        for (const { index, probability } of predictions) {
          const expected = first![row]!.predictions.find((each) => each.index === index)!;
          expect(Math.abs(probability - expected.probability)).toBeLessThan(1e-4);
        }
      });
    }
  });
});

describe('pictures that cannot be read', () => {
  it('are told with path and reason, the others are done, and the exit code is 1', async () => {
    const images = ['photos/red/0.png', 'text.jpg', 'zero.png', 'photos/blue/0.png', 'missing.png'];
    const [json, text, csv] = await Promise.all([
      classify([...images, '--json']),
      classify(images),
      classify([...images, '--csv', '--top', '1']),
    ]);
    for (const { code, stderr } of [json, text, csv]) {
      expect(code).toBe(1);
      expect(stderr).toMatch(/text\.jpg cannot be read/);
      expect(stderr).toMatch(/zero\.png has no bytes/);
      expect(stderr).toMatch(/no image missing\.png/);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
    const found = JSON.parse(json.stdout) as Entry[];
    expect(found.map(({ image }) => image)).toEqual(images);
    expect(found.map(({ error }) => error?.code)).toEqual([
      undefined,
      'IMAGE_UNREADABLE',
      'IMAGE_EMPTY',
      undefined,
      'IMAGE_NOT_FOUND',
    ]);
    for (const { predictions, error } of found) expect(predictions).toHaveLength(error === undefined ? 4 : 0);
    expect(text.stdout.match(/^\S.*png$/gm)).toEqual(['photos/red/0.png', 'photos/blue/0.png']);
    expect(text.stderr).toContain('3 of 5 could not be read');
    expect(csv.stdout.trim().split('\n')).toHaveLength(6);
    expect(csv.stdout).toMatch(/^text\.jpg,,,,,,.*cannot be read/m);
  });

  itOnLoopback('are an error each when there are no others', async () => {
    const { stdout, stderr, code } = await classify(['text.jpg', `${server.url}/gone`, '--json']);
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as Entry[]).map(({ error }) => error?.code)).toEqual([
      'IMAGE_UNREADABLE',
      'NETWORK_STATUS',
    ]);
    expect(stderr.match(/^ {2}code:/gm)).toHaveLength(2);
    expect(stderr.match(/^ {2}next:/gm)).toHaveLength(2);
  });
});

describe('classify for people', () => {
  it('prints the picture and percentages; progress goes to stderr, and not with --quiet', async () => {
    const [loud, quiet] = await Promise.all([
      classify(['photos/red/0.png', '--top', '2']),
      classify(['photos/red/0.png', '--top', '2', '--quiet']),
    ]);
    expect(loud.stdout).toMatch(/^photos\/red\/0\.png\n +\d+\.\d % {2}\w+\n +\d+\.\d % {2}\w+\n$/);
    expect(loud.stderr).toMatch(/classify: 1 image/);
    expect(quiet).toEqual({ stdout: loud.stdout, stderr: '', code: 0, signal: null });
  });

  it('prints CSV that a table program reads back', async () => {
    const result = await classify(['names', '--csv', '--top', '1']);
    expect(result).toMatchObject({ stderr: '', code: 0 });
    const lines = result.stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('image,rank,index,wnid,label,probability,error');
    expect(lines).toHaveLength(1 + names.length);
    expect(result.stdout).toMatch(/^"names\/it""s,csv\.png",1,\d,,(north|east|south|west),0\.\d+,$/m);
    expect(result.stdout).toMatch(/^names\/größe-日本\.jpeg,1,/m);
  });

  it('a reader that stops early is no failure, on stdout or on stderr', async () => {
    const status = 'set -o pipefail; "$@"';
    const [results, progress] = await Promise.all([
      classify(['photos', 'names'], { shell: `${status} 2>/dev/null | head -1` }),
      classify(['photos', 'names'], { shell: `${status} 2>&1 >/dev/null | head -1` }),
    ]);
    expect(results).toMatchObject({ stdout: 'photos/blue/0.png\n', code: 0 });
    expect(progress).toMatchObject({ code: 0 });
    expect(progress.stdout).toMatch(/^classify/);
  });

  it('keeps control characters in names away from the terminal', async ({ skip }) => {
    if (process.platform === 'win32') skip('no such names here');
    const { stdout, stderr } = await classify([`${'\u001b'}[2Jevil.png`]);
    expect(stdout).toBe('');
    expect(stderr).toContain('evil.png');
    expect(stderr).not.toContain('\u001b');
  });
});

describe('Ctrl-C', () => {
  it('stops at once when it is pressed again, even if a read is stuck', async ({ skip }) => {
    if (process.platform === 'win32') skip('there are no named pipes here');
    execFileSync('mkfifo', [shop.path('pipe.png')]);
    const result = await classify(['photos', 'pipe.png', '--batch-size', '1'], {
      interruptAt: [/classify:/, /press Ctrl-C again/],
    });
    expect(result).toMatchObject({ stdout: '', code: null, signal: 'SIGINT' });
  });
});

// How SqueezeNet's card wants its pictures.
const preparation = ['--preprocessing', 'caffe', '--resize', 'fill', '--crop-fraction', String(227 / 256)];

describe('labels and preparation of a model that says nothing about them', () => {
  beforeAll(() => {
    const json = JSON.parse(readFileSync(shop.path('network/model.json'), 'utf8')) as Record<string, unknown>;
    delete json.userDefinedMetadata;
    shop.file('bare/model.json', JSON.stringify(json));
    const shard = 'group1-shard1of1.bin';
    shop.file(`bare/${shard}`, readFileSync(shop.path('network', shard)));
  });
  const bare = (args: string[]) =>
    runCli(['classify', 'photos/red/0.png', '--model', 'bare', '--top', '1', '--json', ...args], {
      cwd: shop.root,
    });

  it('come from --labels and --preprocessing', async () => {
    shop.file('lines.txt', 'north\r\neast\r\nsouth\r\nwest\r\n');
    shop.file('labels.json', '["north", "east", "south", "west"]');
    const expected = (await entries(['photos/red/0.png', '--top', '1']))[0]!.predictions[0]!;
    const given = await Promise.all(
      ['lines.txt', 'labels.json'].map((labels) => bare(['--labels', labels, ...preparation])),
    );
    for (const result of given) {
      expect(jsonOf<Entry[]>(result)[0]!.predictions[0]).toMatchObject({
        index: expected.index,
        label: expected.label,
        wnid: '',
      });
    }
    const numbered = jsonOf<Entry[]>(await bare(preparation));
    expect(numbered[0]!.predictions[0]!.label).toBe(`class ${expected.index}`);
  });

  it('are asked for, and have to fit', async () => {
    shop.file('three.txt', 'a\nb\nc\n');
    shop.file('index.json', '{"0": ["n01440764", "tench"]}');
    expectFailure(await bare([]), 'MODEL_INPUT');
    expectFailure(await bare(['--preprocessing', 'tf', '--labels', 'three.txt']), 'MODEL_INPUT');
    expectFailure(await bare(['--preprocessing', 'tf', '--labels', 'index.json']), 'USAGE_ARGUMENT', 2);
    expectFailure(await bare(['--preprocessing', 'tf', '--labels', 'none.txt']), 'FILE_NOT_FOUND');
  });

  it('computes in 8 bits when asked to, and says on stderr what that costs', async () => {
    const { code, stdout, stderr } = await classify([
      'photos',
      '--precision',
      'int8',
      '--calibration',
      'photos',
      '--csv',
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout.split('\n')[0]).toBe('image,rank,index,wnid,label,probability,error');
    const human = await classify(['photos', '--precision', 'int8', '--calibration', 'photos']);
    expect(human.stderr).toMatch(/int8: [\d.]+ ms a photo instead of [\d.]+ .* on [\d.]+ % of 3 photos/);
    const none = await classify(['photos', '--precision', 'int8']);
    expectFailure(none, 'USAGE_ARGUMENT', 2);
  });
});
