import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddedModel } from '../../src/embedded/index.ts';
import { BrowserPage, skipBrowserTests } from '../support/chromium.ts';
import './globals.ts';

const address = `/${embeddedModel.fileName}`;

describe.skipIf(skipBrowserTests)('the cache of a site', () => {
  let page: BrowserPage;

  beforeAll(async () => {
    page = await BrowserPage.open({
      entry: fileURLToPath(new URL('page.ts', import.meta.url)),
      folders: { [embeddedModel.fileName]: fileURLToPath(embeddedModel.url) },
    });
  });
  afterAll(async () => {
    const errors = page.uncaughtErrors;
    await page.close();
    expect(errors).toEqual([]);
  });

  const fetched = () => page.requests.filter((path) => path === address).length;
  const load = () =>
    page.evaluate(async () => {
      const phases = new Set<string>();
      const model = await dovecote.loadModel(undefined, { onProgress: ({ phase }) => phases.add(phase) });
      await dovecote.disposeModel(model);
      return [...phases];
    }, undefined);

  it('keeps the network of the package: it is fetched once', async () => {
    expect(await load()).toEqual([`fetch ${embeddedModel.fileName}`]);
    expect(await load()).toEqual([`read ${embeddedModel.fileName}`]);
    expect(fetched()).toBe(1);
    const kept = await page.evaluate(() => dovecote.listCache(), undefined);
    expect(kept).toEqual([
      {
        fileName: embeddedModel.fileName,
        url: expect.stringContaining(address) as string,
        size: embeddedModel.size,
        storedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      },
    ]);
  });

  it('fetches anew what is damaged in the cache', async () => {
    const before = fetched();
    await page.evaluate(async () => {
      const store = await caches.open('dovecote-weights-v1');
      const [key] = await store.keys();
      const response = (await store.match(key!))!;
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes[1_000_000]! ^= 1;
      await store.put(key!, new Response(bytes, { headers: response.headers }));
    }, undefined);
    expect(await load()).toEqual([`fetch ${embeddedModel.fileName}`]);
    expect(fetched() - before).toBe(1);
    expect(await load()).toEqual([`read ${embeddedModel.fileName}`]);
  });

  it('keeps nothing whose hash is not that of the published file, and says so', async () => {
    await page.evaluate(() => dovecote.clearCache(), undefined);
    const answer = await page.answerWith(`**${address}`, {
      status: 200,
      contentType: 'application/octet-stream',
      body: new Uint8Array(embeddedModel.size),
    });
    const code = await page.evaluate(
      () => dovecote.loadModel().catch((error: unknown) => (error as { code?: string }).code),
      undefined,
    );
    await answer.stop();
    expect(code).toBe('FORMAT_DAMAGED');
    expect(await page.evaluate(() => dovecote.listCache(), undefined)).toEqual([]);
    expect(await load()).toEqual([`fetch ${embeddedModel.fileName}`]);
  });

  it('is cleared by name, whole, and not of what is not there', async () => {
    const seen = await page.evaluate(async (name) => {
      const refused = await dovecote
        .clearCache({ names: ['nothing.h5'] })
        .catch((error: unknown) => (error as { code?: string }).code);
      const cleared = await dovecote.clearCache({ names: [name] });
      return { refused, cleared, left: await dovecote.listCache() };
    }, embeddedModel.fileName);
    expect(seen).toEqual({
      refused: 'USAGE_ARGUMENT',
      cleared: { files: [embeddedModel.fileName], bytes: embeddedModel.size },
      left: [],
    });
  });

  it('knows published files by their MD5 where nothing else is known of them', async () => {
    // The published weights of a network of the zoo: Keras tells their MD5 alone.
    const body = Buffer.from('not the published file');
    const answer = await page.answerWith('**/resnet50_weights_tf_dim_ordering_tf_kernels.h5', {
      status: 200,
      contentType: 'application/octet-stream',
      body,
    });
    const message = await page.evaluate(
      () => dovecote.loadModel('resnet50').catch((error: unknown) => (error as Error).message),
      undefined,
    );
    await answer.stop();
    expect(message).toContain(createHash('md5').update(body).digest('hex'));
    expect(await page.evaluate(() => dovecote.listCache(), undefined)).toEqual([]);
  });
});
