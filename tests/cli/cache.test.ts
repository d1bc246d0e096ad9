import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { html, startFaultServer, status } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import type { CliOptions } from '../support/run-cli.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

interface Listed {
  name: string;
  weights: 'cached' | 'download' | 'none';
  url?: string;
  flops: number;
}

const shop = new Workshop('cli-cache');
let server: FaultServer;

beforeAll(async () => {
  await ensureBuilt();
  await shop.picture('photo.png', [200, 30, 30]);
  server = await startFaultServer();
});
afterAll(async () => {
  await server.close();
  shop.remove();
});

const cli = (args: string[], env: Record<string, string> = {}, options: CliOptions = {}) =>
  runCli(args, { cwd: shop.root, ...options, env: { DOVECOTE_CACHE: shop.path('cache'), ...env } });

describe('list', () => {
  it('shows every network and where its weights are', async () => {
    const [text, json] = await Promise.all([cli(['list']), cli(['list', '--json'])]);
    expect(text).toMatchObject({ stderr: '', code: 0 });
    expect(text.stdout).toMatch(
      /^name +input +parameters +MB +GFLOPs +top-1 % +top-5 % +weights +licence\n[^]*^squeezenet +227x227 +1,235,496 /m,
    );
    // Keras's documentation: 138.4 M parameters, 528 MB (MiB), top-1 71.3 %, top-5 90.1 %; 15.5 G multiply-adds.
    expect(text.stdout).toMatch(
      /^vgg16 +224x224 +138,357,544 +553\.4 +30\.9\d +71\.3 +90\.1 +to be downloaded +CC-BY-4\.0$/m,
    );
    const models = jsonOf<Listed[]>(json);
    expect(models.find(({ name }) => name === 'squeezenet')).toMatchObject({ weights: 'download' });
    expect(models.find(({ name }) => name === 'squeezenet1.0')).toMatchObject({ weights: 'none' });
    expect(models.find(({ name }) => name === 'mobilenet')).toMatchObject({
      parameters: 4_253_864,
      top1: 70.4,
      top5: 89.5,
      options: expect.arrayContaining(['alpha']) as string[],
    });
    for (const { flops } of models) expect(flops).toBeGreaterThan(1e8);
  });
});

describe('the network', () => {
  // A model whose weights are not in the package.
  const classify = ['classify', 'photo.png', '--model', 'squeezenet'];

  it('is not used with DOVECOTE_OFFLINE=1: the file is named, and where it would have to be', async () => {
    const offline = await cli([...classify, '--json'], { DOVECOTE_OFFLINE: '1' });
    expectFailure(offline, 'NETWORK_OFFLINE');
    expect(offline.stderr).toContain(shop.path('cache'));
    const url = await cli(['convert', `${server.url}/x.h5`, 'out'], { DOVECOTE_OFFLINE: '1' });
    expectFailure(url, 'NETWORK_OFFLINE');
    expect(server.requests()).toEqual([]);
  });

  itOnLoopback('that answers with a web page or an error leaves the cache empty', async () => {
    const models = jsonOf<Listed[]>(await cli(['list', '--json']));
    const url = models.find(({ name }) => name === 'squeezenet')!.url!;
    const asked = `/${url.replace('https://', '')}`;
    const env = { DOVECOTE_MIRROR: server.url };
    server.route(asked, html());
    expectFailure(await cli([...classify, '--quiet'], env), 'DOWNLOAD_CONTENT');
    server.route(asked, status(403));
    expectFailure(await cli([...classify, '--quiet'], env), 'NETWORK_STATUS');
    expect(server.requests(asked)).toHaveLength(2);
    expect(jsonOf<{ entries: unknown[] }>(await cli(['cache', 'list', '--json'])).entries).toEqual([]);
  });

  it('that cannot be reached is said, with what else can be done', async () => {
    const refused = await startFaultServer();
    await refused.close();
    const result = await cli(['inspect', `${refused.url}/x.h5`]);
    expectFailure(result, 'NETWORK_UNREACHABLE');
    expect(result.stderr).toContain('127.0.0.1');
    expectFailure(await cli(classify, { DOVECOTE_MIRROR: 'no url' }), 'USAGE_OPTION', 2);
  });
});

describe('cache list, verify and clear', () => {
  it('of an empty cache', async () => {
    const [list, verify, clear, unknown] = await Promise.all([
      cli(['cache', 'list']),
      cli(['cache', 'verify', '--json']),
      cli(['cache', 'clear']),
      cli(['cache', 'clear', 'nothing.h5']),
    ]);
    expect(list.stdout).toContain('is empty');
    expect(jsonOf<unknown[]>(verify)).toEqual([]);
    expect(clear.stdout).toMatch(/^removed 0 file/);
    expectFailure(unknown, 'USAGE_ARGUMENT', 2);
  });

  it('of a cache whose place is taken by a file', async () => {
    shop.file('taken', 'a file');
    expectFailure(await cli(['cache', 'list'], { DOVECOTE_CACHE: shop.path('taken') }), 'CACHE_ACCESS');
    expect(readFileSync(shop.path('taken'), 'utf8')).toBe('a file');
  });
});
