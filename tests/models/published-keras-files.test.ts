import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { convert, disposeModel, loadModel } from '../../src/node.ts';
import { findModel } from '../../zoo/registry.ts';
import { variantOf } from '../../zoo/variants.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { file, html, inTurn, startFaultServer, status } from '../support/fault-server.ts';
import { describeOnLoopback } from '../support/network.ts';
import { expectKerasOutputs, readGolden, writeOfficialFile } from '../support/official-files.ts';

/** Keras publishes no hash of MobileNet's files, so that a made one can stand in for the published one. */
const golden = await readGolden('mobilenet-0.25');
const published = variantOf(findModel('mobilenet').card, { alpha: 0.25 })!.weights.find(
  ({ variant, inputSize }) => variant === 'noTop' && inputSize === 224,
)!;
const fileOf = (name: string) => findModel(name).card.weights.find(({ variant }) => variant === 'noTop')!;

let folder: string;
let bytes: Uint8Array;
let server: FaultServer;
let cache: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dovecote-published-keras-'));
  const path = join(folder, published.fileName);
  await writeOfficialFile(path, golden, false);
  bytes = await readFile(path);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  server = await startFaultServer();
  cache = await mkdtemp(join(folder, 'cache-'));
  vi.stubEnv('DOVECOTE_CACHE', cache);
  vi.stubEnv('DOVECOTE_MIRROR', server.url);
  vi.stubEnv('DOVECOTE_OFFLINE', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

const pathOf = (url: string) => `/${new URL(url).host}${new URL(url).pathname}`;
/** Names of what the cache holds besides its own notes. */
const cached = async () =>
  (await readdir(join(cache, 'weights')).catch(() => [])).filter((name) => name.endsWith('.h5'));

describeOnLoopback("a network's published weights", () => {
  it('come from their address once, make the network of Keras, and then need no network', async () => {
    const path = server.route(pathOf(published.url), file(bytes)).slice(server.url.length);
    for (const offline of ['', '', '1']) {
      vi.stubEnv('DOVECOTE_OFFLINE', offline);
      await expectKerasOutputs(golden, 'imagenet', { includeTop: false });
    }
    expect(server.requests()).toHaveLength(1);
    expect(server.requests(path)).toHaveLength(1);
    expect(await cached()).toHaveLength(1);
  });

  it('are the same file when their address is given, for `loadModel` and for `convert`', async () => {
    server.route(pathOf(published.url), file(bytes));
    await expectKerasOutputs(golden, published.url, { includeTop: false });
    await expectKerasOutputs(golden, 'imagenet', { includeTop: false });
    vi.stubEnv('DOVECOTE_OFFLINE', '1');
    const { architecture } = await convert(published.url, join(cache, 'converted'));
    expect(architecture).toBe('mobilenet');
    expect(server.requests()).toHaveLength(1);
  });

  it('at an address of nobody are read anew each time, and not kept', async () => {
    const url = server.route('/mine.h5', file(bytes));
    await expectKerasOutputs(golden, url, { includeTop: false });
    await expectKerasOutputs(golden, url, { includeTop: false });
    expect(server.requests('/mine.h5')).toHaveLength(2);
    expect(await cached()).toEqual([]);
  });

  it('go on where a connection broke', async () => {
    const dropped = file(bytes, { dropAfter: Math.floor(bytes.length / 2) });
    server.route(pathOf(published.url), inTurn(dropped, file(bytes)));
    await expectKerasOutputs(golden, 'imagenet', { includeTop: false });
    expect(server.requests().at(-1)!.headers.range).toMatch(/^bytes=[1-9]/);
  });
});

describeOnLoopback('what is not the published file', () => {
  it.each(['vgg16', 'resnet50', 'convnexttiny'])('is refused by the hash on the card of %s', async (name) => {
    const { url, md5, sha256 } = fileOf(name);
    server.route(pathOf(url), file(bytes));
    for (const weights of ['imagenet', url]) {
      await expect(loadModel(name, { weights, includeTop: false })).rejects.toMatchObject({
        code: 'DOWNLOAD_HASH',
        expected: expect.stringContaining(sha256 ?? md5!) as string,
      });
    }
    expect(await cached()).toEqual([]);
  });

  it.each([
    ['a refusal', status(403), 'NETWORK_STATUS'],
    ['a web page', html(), 'DOWNLOAD_CONTENT'],
  ])('%s never enters the cache', async (_, answer, code) => {
    server.route(pathOf(published.url), answer);
    for (const weights of ['imagenet', published.url]) {
      const load = loadModel('mobilenet', { alpha: 0.25, includeTop: false, weights });
      await expect(load).rejects.toMatchObject({ code });
    }
    expect(await cached()).toEqual([]);
  });

  it('offline, is not asked for: the error says where the file may be put', async () => {
    vi.stubEnv('DOVECOTE_OFFLINE', '1');
    for (const weights of ['imagenet', published.url]) {
      const load = loadModel('mobilenet', { alpha: 0.25, includeTop: false, weights });
      await expect(load).rejects.toMatchObject({
        code: 'NETWORK_OFFLINE',
        message: expect.stringContaining(cache) as string,
      });
    }
    expect(server.requests()).toEqual([]);
  });

  it("is said to be another network's where it is", async () => {
    server.route(pathOf(published.url), file(bytes));
    await expect(loadModel('vgg16', { weights: published.url })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      summary: expect.stringContaining('MobileNet (alpha 0.25)') as string,
    });
    const model = await loadModel('mobilenet', { alpha: 0.25, weights: published.url, includeTop: false });
    expect(model.countParams()).toBe(218_544);
    await disposeModel(model);
  });
});
