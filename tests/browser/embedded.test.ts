import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { embeddedModel } from '../../src/embedded/index.ts';
import { BrowserPage, skipBrowserTests, type Answer } from '../support/chromium.ts';
import './globals.ts';

const photos = fileURLToPath(new URL('../../examples/photos', import.meta.url));
const artifact = fileURLToPath(embeddedModel.url);
const cats = ['tabby', 'tiger_cat', 'Egyptian_cat'];

describe.skipIf(skipBrowserTests)('the network of the package in a browser', () => {
  let page: BrowserPage;

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('page.ts', import.meta.url));
    // The bundle is served at the root; so is the file that its `new URL('./…', import.meta.url)` then means.
    page = await BrowserPage.open({ entry, folders: { photos, [embeddedModel.fileName]: artifact } });
  });

  afterAll(async () => {
    const errors = page.uncaughtErrors;
    await page.close();
    expect(errors).toEqual([]);
  });

  beforeEach(async () => {
    await page.evaluate(() => dovecote.clearCache(), undefined);
  });

  const fetched = () => page.requests.filter((path) => path === `/${embeddedModel.fileName}`).length;

  it('is not fetched by importing the package', async () => {
    const names = await page.evaluate(() => dovecote.listModels().map(({ name }) => name), undefined);
    expect(names).toContain(embeddedModel.name);
    expect(page.requests).toEqual(['/', '/bundle.js']);
  });

  it('is not fetched for another network, nor for its own layers without weights', async () => {
    await page.evaluate(async () => {
      for (const name of ['squeezenet', 'efficientnet-lite0']) {
        await dovecote.disposeModel(await dovecote.loadModel(name, { weights: null }));
      }
    }, undefined);
    expect(fetched()).toBe(0);
  });

  it('is fetched once by `classify(photo)`, sees the cat, and leaves no tensors behind', async () => {
    const { label, left } = await page.evaluate(async () => {
      const before = tf.memory().numTensors;
      const photo = await (await fetch('/photos/chelsea.jpg')).blob();
      const { predictions } = await dovecote.classify(photo);
      return { label: predictions[0]!.label, left: tf.memory().numTensors - before };
    }, undefined);
    expect(cats).toContain(label);
    expect(left).toBe(0);
    expect(fetched()).toBe(1);
  });

  it('is fetched once for many photos by a model that is kept, with progress in bytes', async () => {
    const before = fetched();
    const { labels, last } = await page.evaluate(async () => {
      const seen: { done: number; total?: number; unit: string }[] = [];
      const model = await dovecote.loadModel(undefined, { onProgress: (progress) => seen.push(progress) });
      const labels: string[] = [];
      for (const name of ['chelsea', 'coffee']) {
        const { predictions } = await dovecote.classify(`/photos/${name}.jpg`, { model });
        labels.push(predictions[0]!.label);
      }
      await dovecote.disposeModel(model);
      return { labels, last: seen.at(-1) };
    }, undefined);
    expect(cats).toContain(labels[0]);
    expect(labels[1]).toMatch(/espresso|cup|coffee/);
    expect(last).toMatchObject({ done: embeddedModel.size, unit: 'bytes' });
    expect(fetched() - before).toBe(1);
  });

  it('can be given by an address relative to the page', async () => {
    const label = await page.evaluate(async (address) => {
      const model = await dovecote.loadModel('efficientnet-lite0', { weights: address });
      const { predictions } = await dovecote.classify('/photos/chelsea.jpg', { model });
      await dovecote.disposeModel(model);
      return predictions[0]!.label;
    }, `./${embeddedModel.fileName}`);
    expect(cats).toContain(label);
  });

  /** What a user sees when the server gives this instead of the file. */
  async function refusal(answer: Answer) {
    const instead = await page.answerWith(`**/${embeddedModel.fileName}`, answer);
    try {
      return await page.evaluate(async () => {
        const before = tf.memory().numTensors;
        try {
          const { predictions } = await dovecote.classify('/photos/chelsea.jpg');
          return { code: 'classified', message: String(predictions[0]?.label), next: '', left: 0 };
        } catch (error) {
          if (!(error instanceof dovecote.DovecoteError)) throw error;
          const { code, message, nextStep: next } = error;
          return { code: String(code), message, next, left: tf.memory().numTensors - before };
        }
      }, undefined);
    } finally {
      await instead.stop();
    }
  }

  it.each<[string, Answer]>([
    ['a 404', { status: 404, contentType: 'text/plain', body: 'not here' }],
    ['a start page with status 200', { status: 200, contentType: 'text/html', body: '<!doctype html>' }],
  ])('that the bundler left behind (%s) is missed in words, with the way out', async (_, answer) => {
    const { code, message, next, left } = await refusal(answer);
    expect(code).toBe('FILE_NOT_FOUND');
    expect(message).toContain('The network of the package is not where it should be');
    expect(message).toMatch(/given: +http:\/\/127\.0\.0\.1:\d+\/efficientnet-lite0\.int8\.safetensors/);
    expect(next).toContain(`import address from 'dovecote/embedded/${embeddedModel.fileName}?url'`);
    expect(next).toContain('--loader:.safetensors=file');
    expect(next).toContain("loadModel('efficientnet-lite0', { weights: address })");
    expect(left).toBe(0);
  });

  it('that arrives with one bit turned is refused by its hash', async () => {
    const body = await readFile(artifact);
    body[body.length - 1]! ^= 1;
    const { code, message } = await refusal({ status: 200, contentType: 'application/octet-stream', body });
    expect(code).toBe('FORMAT_DAMAGED');
    expect(message).toContain('SHA-256');
  });
});
