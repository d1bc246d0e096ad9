import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrowserPage, skipBrowserTests } from '../support/chromium.ts';
import { differenceFrom, parityModule, readGolden } from '../support/keras-parity.ts';
import { writeOfficialFile } from '../support/official-files.ts';
import './globals.ts';

describe.skipIf(skipBrowserTests)("a network of Keras's with a weights file, in a browser", () => {
  let folder: string;
  let page: BrowserPage;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dovecote-browser-weights-'));
    const golden = await readGolden('mobilenetv2-0.35');
    const { inputShape } = golden.cases.find((each) => each.case === 'small')!;
    const { seededPictures } = await parityModule('seeded-weights.mjs');
    await writeOfficialFile(join(folder, 'mobilenetv2_notop.h5'), golden, false);
    await writeFile(join(folder, 'pictures.bin'), seededPictures(inputShape, golden.builtinPreprocessing));
    const entry = fileURLToPath(new URL('page.ts', import.meta.url));
    page = await BrowserPage.open({ entry, folders: { data: folder } });
  });

  afterAll(async () => {
    const errors = page.uncaughtErrors;
    await page.close();
    await rm(folder, { recursive: true, force: true });
    expect(errors).toEqual([]);
  });

  it('gives out what Keras does, and leaves no tensors behind', async () => {
    const golden = await readGolden('mobilenetv2-0.35');
    const { inputShape, output } = golden.cases.find((each) => each.case === 'small')!;
    const seen = await page.evaluate(async (inputShape) => {
      await tf.ready();
      const before = tf.memory().numTensors;
      const model = await dovecote.loadModel('mobilenetv2', {
        alpha: 0.35,
        includeTop: false,
        pooling: 'avg',
        inputShape: [...inputShape] as [number, number, number],
        weights: '/data/mobilenetv2_notop.h5',
      });
      const values = new Float32Array(await (await fetch('/data/pictures.bin')).arrayBuffer());
      const pictures = tf.tensor(values, [2, ...inputShape]);
      const features = model.predict(pictures) as ReturnType<typeof tf.tensor>;
      const data = Array.from(await features.data());
      const { shape } = features;
      tf.dispose([pictures, features]);
      await dovecote.disposeModel(model);
      return { data, shape, left: tf.memory().numTensors - before, backend: tf.getBackend() };
    }, inputShape);
    // eslint-disable-next-line no-console
    console.info(`tfjs backend in the browser: ${seen.backend}`);
    expect(differenceFrom(output, Float32Array.from(seen.data), seen.shape)).toBeLessThanOrEqual(1e-4);
    expect(seen.left).toBe(0);
  });

  it("says whose weights they are where they are another network's", async () => {
    const message = await page.evaluate(async () => {
      try {
        await dovecote.loadModel('mobilenet', { includeTop: false, weights: '/data/mobilenetv2_notop.h5' });
        return 'loaded';
      } catch (error) {
        return error instanceof dovecote.DovecoteError ? `${error.code} ${error.summary}` : String(error);
      }
    }, undefined);
    expect(message).toMatch(/^WEIGHTS_COUNT .*MobileNetV2 \(alpha 0\.35\)/);
  });
});
