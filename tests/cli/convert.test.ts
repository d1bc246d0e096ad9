import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corpusFile } from '../converters-keras/corpus-files.ts';
import { ensureBuilt } from '../support/dist.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { file, html, startFaultServer, status } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import type { CliOptions } from '../support/run-cli.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

interface Converted {
  out: string;
  layers: number;
  parameters: number;
  files: string[];
  bytes: number;
  warnings: string[];
}

const shop = new Workshop('cli-convert');
let model: Buffer;
let server: FaultServer;

beforeAll(async () => {
  await ensureBuilt();
  model = readFileSync(shop.keras('keras1_network_tf.h5'));
  server = await startFaultServer({
    '/model.h5': file(model),
    '/stalls.h5': file(model, { stallAfter: 1000 }),
    '/portal.h5': html(),
    '/forbidden.h5': status(403),
  });
});
afterAll(async () => {
  await server.close();
  shop.remove();
});

const cli = (args: string[], options: CliOptions = {}) => runCli(args, { cwd: shop.root, ...options });
const listing = (folder = '.') => readdirSync(shop.path(folder)).sort();

/** Names and bytes of all files in a folder. */
function contentOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    listing(folder).map((name) => [name, readFileSync(shop.path(folder, name)).toString('base64')]),
  );
}

describe('convert', () => {
  it('writes a model, says what it wrote, and never over what is there unless asked', async () => {
    const first = await cli(['convert', 'keras1_network_tf.h5', 'web/model']);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(/^web\/model: 22 layers, 4,557 parameters, \d+(\.\d+)? kB\n$/);
    expect(listing('web/model')).toEqual(['group1-shard1of1.bin', 'model.json']);
    const before = contentOf('web/model');

    expectFailure(await cli(['convert', 'keras1_network_tf.h5', 'web/model', '--quiet']), 'OUTPUT_EXISTS');
    expect(contentOf('web/model')).toEqual(before);

    const forced = jsonOf<Converted>(
      await cli([
        'convert',
        'keras1_network_tf.h5',
        'web/model',
        '--force',
        '--json',
        '--shard-size',
        '10kB',
      ]),
    );
    expect(forced).toMatchObject({ out: 'web/model', layers: 22, parameters: 4557, warnings: [] });
    expect(forced.files).toEqual([
      'model.json',
      ...listing('web/model').filter((name) => name !== 'model.json'),
    ]);
    expect(listing('web/model').length).toBe(3);
    for (const name of forced.files.slice(1)) {
      expect(statSync(shop.path('web/model', name)).size).toBeLessThanOrEqual(10_000);
    }
    const sizes = forced.files.map((name) => statSync(shop.path('web/model', name)).size);
    expect(forced.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(listing('web')).toEqual(['model']);
  });

  it('leaves a folder with files of somebody else alone, even with --force', async () => {
    shop.file('home/thesis.doc', 'years of work');
    expectFailure(
      await cli(['convert', 'keras1_network_tf.h5', 'home', '--force', '--quiet']),
      'OUTPUT_EXISTS',
    );
    shop.file('occupied', 'a file');
    expectFailure(
      await cli(['convert', 'keras1_network_tf.h5', 'occupied', '--force', '--quiet']),
      'OUTPUT_EXISTS',
    );
    expect(listing('home')).toEqual(['thesis.doc']);
    expect(readFileSync(shop.path('occupied'), 'utf8')).toBe('a file');
  });

  it('stores weights as asked', async () => {
    const dtypes = ['none', 'float16', 'uint8', 'uint16'];
    const results = await Promise.all(
      dtypes.map((dtype) =>
        cli(['convert', 'keras1_network_tf.h5', `as-${dtype}`, '--quantize', dtype, '--json']),
      ),
    );
    const shardSizes = results.map((result) => {
      const { out, files } = jsonOf<Converted>(result);
      return files.slice(1).reduce((sum, name) => sum + statSync(shop.path(out, name)).size, 0);
    });
    expect(shardSizes[0]).toBe(4 * 4557);
    [2, 1, 2].forEach((bytes, index) => {
      // A few small tensors stay as they are.
      expect(shardSizes[index + 1]).toBeGreaterThanOrEqual(bytes * 4557);
      expect(shardSizes[index + 1]).toBeLessThan(1.05 * bytes * 4557);
    });
    // Each can be read back whole.
    const inspections = await Promise.all(dtypes.map((dtype) => cli(['inspect', `as-${dtype}`])));
    for (const { code, stdout } of inspections) {
      expect(code).toBe(0);
      expect(stdout).toContain('4,557');
    }
  });

  itOnLoopback('takes a URL, and the same file gives the same bytes', async () => {
    const result = jsonOf<Converted>(await cli(['convert', `${server.url}/model.h5`, 'from-url', '--json']));
    expect(result.parameters).toBe(4557);
    await cli(['convert', 'keras1_network_tf.h5', 'from-file', '--quiet']);
    expect(contentOf('from-url')).toEqual(contentOf('from-file'));
  });

  itOnLoopback('stopped by Ctrl-C it leaves nothing, and the exit code is 130', async () => {
    const result = await cli(['convert', `${server.url}/stalls.h5`, 'stopped'], {
      interruptAt: [/download/],
    });
    expectFailure(result, 'ABORTED', 130);
    expect(server.requests('/stalls.h5')).toHaveLength(1);
    expect(listing()).not.toContain('stopped');
  });
});

describe('other outputs', () => {
  const corpus = (name: string) => shop.file(name, Buffer.from(corpusFile(name)));

  it.each(['net.onnx', 'net.keras', 'net.h5', 'net.weights.h5'])(
    '%s is told by its name, and checked against the input',
    async (output) => {
      corpus('text_classifier.keras3.keras');
      const { code, stdout } = await cli([
        'convert',
        'text_classifier.keras3.keras',
        output,
        '--check',
        '--quiet',
      ]);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^${output}: 10 layers, 518 parameters, [\\d.]+ kB\\n`));
      expect(stdout).toMatch(/check: the input by (onnx|tfjs), the output by (onnx|tfjs)/);
      expect(stdout).toMatch(/dense \[2, 1\]: largest difference \d\.\de-\d+ of 0\.\d+/);
      expect(statSync(shop.path(output)).isFile()).toBe(true);
    },
  );

  it('weights and layers that lie apart come together', async () => {
    corpus('text_classifier.keras3.keras');
    await cli(['convert', 'text_classifier.keras3.keras', 'apart', '--quiet']);
    await cli(['convert', 'text_classifier.keras3.keras', 'apart.weights.h5', '--quiet']);
    const together = ['convert', 'apart.weights.h5', 'together.keras', '--quiet'];
    expectFailure(await cli(together), 'FORMAT_UNSUPPORTED');
    expect(await cli([...together, '--config', 'apart/model.json'])).toMatchObject({ code: 0 });
    const looked = jsonOf<{ kind: string; parameters: number }>(
      await cli(['inspect', 'together.keras', '--json']),
    );
    expect(looked).toMatchObject({ kind: 'keras-v3', parameters: 518 });
  });

  it('a bound of the reader can be moved, by a name that is known', async () => {
    corpus('dense_mlp.keras3.keras');
    const args = (limit: string) => [
      'convert',
      'dense_mlp.keras3.keras',
      'bounded',
      '--quiet',
      '--limit',
      limit,
    ];
    expectFailure(await cli(args('tensorBytes=16')), 'FORMAT_LIMIT');
    expect(await cli(args('tensorBytes=1GB'))).toMatchObject({ code: 0 });
    expect(await cli(args('bytes=1GB'))).toMatchObject({ code: 2 });
  });

  it('options that the output has no place for are refused', async () => {
    corpus('dense_mlp.keras3.keras');
    const args = ['convert', 'dense_mlp.keras3.keras', 'odd.onnx', '--quiet'];
    expectFailure(await cli([...args, '--quantize', 'uint8']), 'USAGE_OPTION', 2);
    expectFailure(await cli([...args, '--weights-only']), 'USAGE_OPTION', 2);
    expect(await cli([...args, '--to', 'pb'])).toMatchObject({ code: 2 });
  });
});

describe('files that are not converted', () => {
  it('damaged anywhere: it is said, and nothing is written', async () => {
    const cuts = [0, 7, 100, 2000, Math.floor(model.length / 2), model.length - 1];
    for (const cut of cuts) shop.file(`cut-${cut}.h5`, model.subarray(0, cut));
    const results = await Promise.all(
      cuts.map((cut) => cli(['convert', `cut-${cut}.h5`, `out-${cut}`, '--quiet'])),
    );
    results.forEach((result, index) => {
      expectFailure(result, index < 1 ? 'FORMAT_UNKNOWN' : 'FORMAT_DAMAGED');
      expect(result.stderr).toContain(`cut-${cuts[index]}.h5`);
    });
    expect(listing().filter((name) => name.includes('out-'))).toEqual([]);
  });

  it('custom layers and Lambdas are named and never executed; weights alone, links and bombs are refused', async () => {
    const refused: [name: string, code: string, says: RegExp][] = [
      ['keras2_custom.h5', 'FORMAT_UNSUPPORTED_LAYER', /sneaky \(Lambda\)[^]*doubled \(Scale\)/],
      ['keras2_weights.h5', 'FORMAT_UNSUPPORTED', /--architecture/],
      ['keras2_link_external.h5', 'FORMAT_UNSAFE', /elsewhere\.h5/],
      ['keras2_bomb.h5', 'FORMAT_LIMIT', /bomb/],
      ['keras2_other.h5', 'FORMAT_UNKNOWN', /measurements/],
    ];
    for (const [name] of refused) shop.keras(name);
    const results = await Promise.all(
      refused.map(([name]) => cli(['convert', name, `out-${name.slice(0, -3)}`, '--json'])),
    );
    results.forEach((result, index) => {
      expectFailure(result, refused[index]![1]);
      expect(result.stderr).toMatch(refused[index]![2]);
    });
    expect(listing().filter((name) => name.includes('out-'))).toEqual([]);
  });

  it('weights that do not belong to the named architecture, and an architecture that there is not', async () => {
    const [wrong, unknown, missing] = await Promise.all([
      cli(['convert', 'keras2_weights.h5', 'x1', '--architecture', 'squeezenet', '--quiet']),
      cli(['convert', 'keras2_weights.h5', 'x2', '--architecture', 'squeezent', '--quiet']),
      cli(['convert', 'not-there.h5', 'x3', '--quiet']),
    ]);
    expectFailure(wrong, 'WEIGHTS_COUNT');
    expectFailure(unknown, 'MODEL_UNKNOWN', 2);
    expect(unknown.stderr).toContain('Did you mean "squeezenet"');
    expectFailure(missing, 'FILE_NOT_FOUND');
    expect(listing().filter((name) => /^\.?x\d/.test(name))).toEqual([]);
  });

  itOnLoopback('what a server sends instead of a file', async () => {
    const [portal, forbidden] = await Promise.all([
      cli(['convert', `${server.url}/portal.h5`, 'y1', '--quiet']),
      cli(['inspect', `${server.url}/forbidden.h5`]),
    ]);
    expectFailure(portal, 'DOWNLOAD_CONTENT');
    expectFailure(forbidden, 'NETWORK_STATUS');
    expect(listing()).not.toContain('y1');
  });
});

describe('inspect and summary', () => {
  it('show what is in a file, for people and for programs', async () => {
    const [text, json, drawn, rows] = await Promise.all([
      cli(['inspect', 'keras1_network_tf.h5']),
      cli(['inspect', 'keras1_network_tf.h5', '--json']),
      cli(['summary', 'squeezenet']),
      cli(['summary', 'squeezenet', '--json']),
    ]);
    expect(text.stdout).toMatch(/Keras 1\.2\.2[^]*inputs: +image \[null, 9, 9, 3\]/);
    expect(jsonOf<{ layers: unknown[] }>(json).layers).toHaveLength(22);
    expect(drawn.stdout).toContain('1,235,496');
    expect(drawn.stdout).toContain('fire9/concat');
    const total = jsonOf<{ parameters?: number; weights?: number }[]>(rows);
    expect(total.length).toBeGreaterThan(30);
  });

  it('say what a file is when it is none of theirs', async () => {
    shop.file('notes.txt', 'just text');
    shop.file('broken/model.json', '{"modelTopology": {');
    shop.file('other/model.json', '{"a": 1}');
    mkdirSync(shop.path('empty'));
    const [text, broken, other, empty] = await Promise.all([
      cli(['inspect', 'notes.txt']),
      cli(['summary', 'broken']),
      cli(['inspect', 'other/model.json']),
      cli(['summary', 'empty']),
    ]);
    expectFailure(text, 'FORMAT_UNKNOWN');
    expectFailure(broken, 'FORMAT_DAMAGED');
    expectFailure(other, 'FORMAT_UNKNOWN');
    expectFailure(empty, 'FILE_NOT_FOUND');
  });

  it('a model.json without its weights, or with half of them, is said to be so', async () => {
    await cli(['convert', 'keras1_network_tf.h5', 'whole', '--quiet']);
    const json = readFileSync(shop.path('whole/model.json'));
    shop.file('no-shard/model.json', json);
    shop.file('half/model.json', json);
    const shard = readFileSync(shop.path('whole/group1-shard1of1.bin'));
    writeFileSync(shop.path('half/group1-shard1of1.bin'), shard.subarray(0, shard.length / 2));
    const [missing, half] = await Promise.all([cli(['summary', 'no-shard']), cli(['inspect', 'half'])]);
    expectFailure(missing, 'FILE_NOT_FOUND');
    expect(missing.stderr).toContain('group1-shard1of1.bin');
    expectFailure(half, 'FORMAT_DAMAGED');
  });
});

describe('disks', () => {
  const mounted: string[] = [];
  const mount = (name: string, options: string): boolean => {
    mkdirSync(shop.path(name));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', shop.path(name)], { stdio: 'ignore' });
      mounted.push(shop.path(name));
      return true;
    } catch {
      return false;
    }
  };
  afterAll(() => mounted.forEach((path) => execFileSync('umount', [path])));

  it('that are full or read-only are named, and nothing half-written stays', async ({ skip }) => {
    if (!mount('full', 'size=12k') || !mount('read-only', 'ro,size=64k')) {
      skip('a small file system cannot be mounted here (that takes root)');
    }
    const [full, locked] = await Promise.all([
      cli(['convert', 'keras1_network_tf.h5', 'full/a/model', '--quiet']),
      cli(['convert', 'keras1_network_tf.h5', 'read-only/a/model', '--quiet']),
    ]);
    expectFailure(full, 'OUTPUT_DISK_FULL');
    expectFailure(locked, 'OUTPUT_ACCESS');
    expect(listing('full')).toEqual([]);
  });
});
