import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeModel, saveModel } from '../../src/node.ts';
import { BrowserPage, skipBrowserTests } from '../support/chromium.ts';
import { itOnLoopback } from '../support/network.ts';
import { hasShared, shared } from '../support/shared.ts';
import { colourModel } from '../support/tiny-model.ts';
import './globals.ts';

/** tf_keras 2.18 on this file and photo: Pillow's BILINEAR, BGR minus the means of ImageNet. */
const kerasSays: readonly (readonly [
  recipe: string,
  resize: { cropFraction: number } | undefined,
  expected: Readonly<Record<string, number>>,
])[] = [
  ['as the card says', undefined, { tabby: 0.7366, tiger_cat: 0.1761, Egyptian_cat: 0.0871 }],
  ['stretched', { cropFraction: 1 }, { tabby: 0.8373, Egyptian_cat: 0.1187, tiger_cat: 0.044 }],
];

describe.skipIf(skipBrowserTests)('the browser entry', () => {
  let page: BrowserPage;

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('page.ts', import.meta.url));
    const folders = { weights: shared('weights'), images: shared('images') };
    page = await BrowserPage.open({ entry, folders });
  });

  afterAll(async () => {
    const errors = page.uncaughtErrors;
    await page.close();
    expect(errors).toEqual([]);
  });

  it('builds a model and draws its summary', async () => {
    const text = await page.evaluate(async () => {
      const model = await dovecote.loadModel('squeezenet', { weights: null });
      const drawn = dovecote.summary(model);
      await dovecote.disposeModel(model);
      return drawn;
    }, undefined);
    expect(text).toContain('fire9/concat');
    expect(text).toContain('1,235,496');
  });

  it('refuses an unknown model by its code', async () => {
    const code = await page.evaluate(async () => {
      try {
        await dovecote.loadModel('squeezenot');
        return 'loaded';
      } catch (error) {
        return error instanceof dovecote.DovecoteError ? error.code : String(error);
      }
    }, undefined);
    expect(code).toBe('MODEL_UNKNOWN');
  });

  itOnLoopback(
    "loads a model from another site's server that compresses, as content delivery networks do",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'dovecote-browser-'));
      const model = colourModel();
      await saveModel(model, join(folder, 'colours'));
      await disposeModel(model);
      const server = createServer((request, response) => {
        void readFile(join(folder, new URL(request.url!, 'http://x').pathname)).then((bytes) => {
          const body = gzipSync(bytes);
          // The page sees this length (of the compressed body), but not that it is compressed.
          response.writeHead(200, {
            'access-control-allow-origin': '*',
            'content-encoding': 'gzip',
            'content-length': body.length,
          });
          response.end(body);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/colours/model.json`;
      try {
        const label = await page.evaluate(async (address) => {
          const loaded = await dovecote.loadModel(address);
          const green = { width: 1, height: 1, data: new Uint8Array([0, 255, 0]) };
          const { predictions } = await dovecote.classify(green, { model: loaded });
          await dovecote.disposeModel(loaded);
          return predictions[0]!.label;
        }, url);
        expect(label).toBe('green');
      } finally {
        server.closeAllConnections();
        server.close();
        await rm(folder, { recursive: true });
      }
    },
  );

  it.skipIf(!hasShared).each(kerasSays)(
    'reads a Keras file from a URL, classifies an <img> %s as Keras does, and leaves no tensors behind',
    async (_, resize, expected) => {
      const seen = await page.evaluate(
        async ({ resize }) => {
          const before = tf.memory().numTensors;
          const model = await dovecote.loadModel('squeezenet', {
            weights: '/weights/squeezenet_v1.1_keras2.0.9.h5',
          });
          const loaded = tf.memory().numTensors;
          const photo = new Image();
          photo.src = '/images/tabby_cat.jpeg';
          await photo.decode();
          const { predictions } = await dovecote.classify(photo, { model, resize, topK: 3 });
          const made = tf.memory().numTensors - loaded;
          await dovecote.disposeModel(model);
          return { predictions, made, left: tf.memory().numTensors - before, backend: tf.getBackend() };
        },
        { resize },
      );
      // eslint-disable-next-line no-console
      console.info(`tfjs backend in the browser: ${seen.backend}`);
      expect(seen.predictions.map(({ label }) => label)).toEqual(Object.keys(expected));
      for (const { label, probability } of seen.predictions) {
        expect(Math.abs(probability - (expected[label] ?? NaN)), label).toBeLessThan(1e-3);
      }
      expect([seen.made, seen.left]).toEqual([0, 0]);
    },
  );
});
