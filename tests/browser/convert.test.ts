import type { Tensor, io } from '@tensorflow/tfjs';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertBytes } from '../../src/node.ts';
import { corpusFile } from '../converters-keras/corpus-files.ts';
import { goldenOf, largestDifference } from '../converters-onnx/corpus.ts';
import { BrowserPage, skipBrowserTests } from '../support/chromium.ts';
import './globals.ts';

const source = 'text_classifier.keras3.keras';

describe.skipIf(skipBrowserTests)('the converter in a browser', () => {
  let folder: string;
  let page: BrowserPage;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dovecote-browser-convert-'));
    await writeFile(join(folder, 'model.keras'), corpusFile(source));
    await writeFile(join(folder, 'cut.keras'), corpusFile(source).subarray(0, 5000));
    const entry = fileURLToPath(new URL('page.ts', import.meta.url));
    page = await BrowserPage.open({ entry, folders: { models: folder } });
  });

  afterAll(async () => {
    const errors = page.uncaughtErrors;
    await page.close();
    await rm(folder, { recursive: true });
    expect(errors).toEqual([]);
  });

  it('writes the same ONNX file as in Node, byte for byte', async () => {
    const hash = await page.evaluate(async () => {
      const given = new Uint8Array(await (await fetch('/models/model.keras')).arrayBuffer());
      const { bytes } = await dovecote.convertBytes(given, { to: 'onnx' });
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    }, undefined);
    const { bytes } = await convertBytes(corpusFile(source), { to: 'onnx' });
    expect(hash).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('writes Keras files, reads them back, and plain tfjs computes what Keras computes', async () => {
    const { inputs, outputs } = goldenOf({ file: source, model: 'text_classifier', version: '3' });
    const results = await page.evaluate(async ({ data, shape }) => {
      const given = new Uint8Array(await (await fetch('/models/model.keras')).arrayBuffer());
      const before = tf.memory().numTensors;
      const computed: number[][] = [];
      for (const to of ['keras', 'h5'] as const) {
        const { bytes } = await dovecote.convertBytes(given, { to });
        const { modelJson, shards } = await dovecote.convertBytes(bytes);
        const manifest = modelJson.weightsManifest as unknown as { weights: io.WeightsManifestEntry[] }[];
        const model = await tf.loadLayersModel({
          load: () =>
            Promise.resolve({
              modelTopology: modelJson.modelTopology as object,
              weightSpecs: manifest.flatMap(({ weights }) => weights),
              weightData: shards[0]!.bytes.slice().buffer,
            }),
        });
        computed.push(
          Array.from(tf.tidy(() => (model.predict(tf.tensor(data, shape)) as Tensor).dataSync())),
        );
        await dovecote.disposeModel(model);
      }
      return { computed, left: tf.memory().numTensors - before };
    }, inputs[0]!);
    for (const computed of results.computed)
      expect(largestDifference(computed, outputs[0]!.data)).toBeLessThanOrEqual(1e-5);
    expect(results.left).toBe(0);
  });

  it('refuses a file that is cut off by its code', async () => {
    const code = await page.evaluate(async () => {
      const given = new Uint8Array(await (await fetch('/models/cut.keras')).arrayBuffer());
      return dovecote.convertBytes(given).then(
        () => 'converted',
        (error: unknown) => (error instanceof dovecote.DovecoteError ? error.code : String(error)),
      );
    }, undefined);
    expect(code).toBe('FORMAT_DAMAGED');
  });
});
