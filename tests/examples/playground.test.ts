import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Download } from 'playwright-core';
import sharp from 'sharp';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { classify, convertBytes, disposeModel, exportFile, loadModel } from '../../src/node.ts';
import { ensureBuilt, rootFolder } from '../support/dist.ts';
import { hasShared, shared } from '../support/shared.ts';
import { skipSites, VisitedSite } from '../support/site.ts';
import { colourModel } from '../support/tiny-model.ts';

const photos = join(rootFolder, 'examples', 'photos');
const CLASSES = ['ants', 'bees'] as const;
const EACH = 30;

describe.skipIf(skipSites)('the playground', () => {
  let folder: string;
  let site: VisitedSite;

  beforeAll(async () => {
    await ensureBuilt();
    folder = await mkdtemp(join(tmpdir(), 'dovecote-playground-'));
    const root = join(rootFolder, 'examples', 'playground');
    await build({ root, logLevel: 'error', build: { outDir: join(folder, 'site') } });
    await fillClasses(join(folder, 'insects'));
    site = await VisitedSite.open(join(folder, 'site'), { viewport: { width: 1440, height: 900 } });
    await ready();
  });
  afterAll(async () => {
    await site.close();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    expect(site.problems).toEqual([]);
    expect(site.foreign).toEqual([]);
  });

  const page = () => site.page;
  const text = async (selector: string) => (await page().textContent(selector)) ?? '';
  const says = (pattern: RegExp) =>
    page().waitForFunction(
      ([source]) => new RegExp(source!).test(document.getElementById('status')!.textContent),
      [pattern.source],
      { timeout: 90_000 },
    );
  const ready = () => says(/^Ready\.$/);
  const downloaded = async (click: () => Promise<void>): Promise<{ name: string; bytes: Uint8Array }> => {
    const [download] = await Promise.all([page().waitForEvent('download'), click()]);
    return { name: download.suggestedFilename(), bytes: await bytesOf(download) };
  };

  it('says what is on a photo, as Node does', async () => {
    await page().setInputFiles('#look-file', [join(photos, 'coffee.jpg'), join(photos, 'chelsea.jpg')]);
    await page().waitForSelector('#answer:not([hidden])');
    await ready();
    const shown = await page().locator('#labels li .row').allTextContents();
    const { predictions } = await classify(join(photos, 'chelsea.jpg'));
    expect(shown.map((row) => row.replace(/[\d. ]+%$/, ''))).toEqual(
      predictions.map(({ label }) => label.replaceAll('_', ' ')),
    );
    shown.forEach((row, index) =>
      // What is left is the difference between two decoders of JPEG.
      expect(
        Math.abs(Number(/([\d.]+) %$/.exec(row)![1]) / 100 - predictions[index]!.probability),
      ).toBeLessThan(0.02),
    );
    expect(await page().locator('#strip img').count()).toBe(2);
  });

  it('shows where it looked, for a class of choice', async () => {
    const before = await canvasOf('#photo');
    await page().selectOption('#cam-class', { label: 'Egyptian cat' });
    await page().click('#cam');
    await page().waitForSelector('#cam-off:not([hidden])');
    expect(await text('#photo-caption')).toMatch(/what speaks for Egyptian cat \(3\d\.\d %\)/);
    expect(await canvasOf('#photo')).not.toBe(before);
    await page().click('#cam-off');
    await page().waitForFunction(
      (old) => (document.getElementById('photo') as HTMLCanvasElement).toDataURL() === old,
      before,
    );
  });

  it('walks through the layers, by keyboard too', async () => {
    await page().focus('#layer');
    const seen = new Set<string>();
    for (let index = 0; index < 3; index++) {
      await page().keyboard.press('ArrowRight');
      await page().waitForFunction(
        (position) => document.getElementById('layer-name')!.textContent.startsWith(`${position} of`),
        index + 2,
      );
      seen.add(await canvasOf('#tiles'));
    }
    expect(seen.size).toBe(3);
    await page().keyboard.press('End');
    await page().waitForFunction(() =>
      document.getElementById('layer-name')!.textContent.startsWith('140 of 140'),
    );
    expect(await text('#layer-name')).toMatch(/7 × 7, the first 64 of 1280 channels/);
    expect(await page().isDisabled('#layer-next')).toBe(true);
  });

  it('tells in words what is no photo', async () => {
    await writeFile(join(folder, 'broken.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]));
    await page().setInputFiles('#look-file', join(folder, 'broken.jpg'));
    await page().waitForSelector('#alert .bad');
    expect(await text('#alert')).toMatch(/broken\.jpg.*Next: .*\.$/);
    await page().setInputFiles('#look-file', join(photos, 'README.md'));
    await page().waitForFunction(() => /no photos/.test(document.getElementById('alert')!.textContent));
  });

  it('moves between its parts by arrow keys', async () => {
    await page().focus('#tab-look');
    await page().keyboard.press('ArrowRight');
    expect(await page().evaluate(() => document.activeElement!.id)).toBe('tab-train');
    expect(await page().isVisible('#panel-train')).toBe(true);
    expect(await page().isVisible('#panel-look')).toBe(false);
    expect(await text('#train-hint')).toContain('Two classes');
    expect(await page().isDisabled('#train')).toBe(true);
  });

  it('trains on a folder of classes, with curves and a confusion matrix', async () => {
    await page().setInputFiles('#train-folder', join(folder, 'insects'));
    await says(/60 photos added/);
    expect(
      await page()
        .locator('.card input[type=text]')
        .evaluateAll((all) => all.map((each) => (each as HTMLInputElement).value)),
    ).toEqual([...CLASSES]);
    await page().click('#train');
    await says(/^Trained in/);
    expect(await text('#trained-text')).toMatch(/^\d+\.\d % right on 12 photos .* it learnt from 48\./);
    expect(Number(/^[\d.]+/.exec(await text('#trained-text'))![0])).toBeGreaterThanOrEqual(75);
    const cells = await page().locator('#confusion td').allTextContents();
    expect(cells.reduce((sum, cell) => sum + Number(cell), 0)).toBe(12);
    expect(await page().locator('.u-legend').allTextContents()).toEqual([
      expect.stringContaining('validation'),
      expect.stringContaining('validation loss'),
    ]);
    expect(await linesOf('#chart-loss canvas')).toBeGreaterThan(100);
    // Once more: the base is as it was.
    const first = await text('#trained-text');
    await page().evaluate(() => (document.getElementById('status')!.textContent = ''));
    await page().click('#train');
    await says(/^Trained in/);
    expect(await text('#trained-text')).toBe(first);
  });

  it('takes what is dropped: folders as classes, photos into one of them, photos to look at, a model', async () => {
    await page().reload();
    await ready();
    await page().click('#tab-train');
    await drop('#train-drop', [join(folder, 'insects', 'ants'), join(folder, 'insects', 'bees')]);
    await says(/60 photos added/);
    await drop('.card:nth-child(2)', [join(photos, 'coffee.jpg')]);
    await page().getByText('31 photos').waitFor();
    await page().click('#tab-look');
    await drop('#look-drop', [join(photos, 'rocket.jpg'), join(photos, 'chelsea.jpg')]);
    await page().waitForSelector('#answer:not([hidden])');
    await ready();
    expect(await page().locator('#strip img').count()).toBe(2);
    expect(await page().locator('#labels li').first().textContent()).toMatch(/cat|tabby/);
    const model = colourModel();
    const file = await exportFile(model, 'h5');
    await disposeModel(model);
    await writeFile(join(folder, 'colour.h5'), new Uint8Array(await file.arrayBuffer()));
    await page().click('#tab-convert');
    await drop('#convert-drop', [join(folder, 'colour.h5')]);
    await page().waitForSelector('#converted:not([hidden])');
    expect(await text('#convert-name')).toBe('colour.h5');
    // Beside a box a drop does not make the browser leave the page.
    await drop('h1', [join(photos, 'rocket.jpg')]);
    expect(await text('#convert-name')).toBe('colour.h5');
    await page().click('#tab-train');
    await page().click('#train');
    await says(/^Trained in/);
  });

  it('gives the model away for TensorFlow.js, ONNX and Keras, the same one', async () => {
    const picture = join(folder, 'insects', 'bees', (await readdir(join(folder, 'insects', 'bees')))[0]!);
    const tfjs = await downloaded(() => page().click('[data-export=tfjs]'));
    const onnx = await downloaded(() => page().click('[data-export=onnx]'));
    const keras = await downloaded(() => page().click('[data-export=keras]'));
    expect([tfjs, onnx, keras].map(({ name }) => name)).toEqual([
      'efficientnet-lite0_transfer.zip',
      'efficientnet-lite0_transfer.onnx',
      'efficientnet-lite0_transfer.keras',
    ]);
    expect(Buffer.from(tfjs.bytes).includes('["ants","bees"]')).toBe(true);
    expect(Buffer.from(onnx.bytes).includes('["ants","bees"]')).toBe(true);
    await writeFile(join(folder, 'own.keras'), keras.bytes);
    const model = await loadModel(join(folder, 'own.keras'));
    const { predictions } = await classify(picture, {
      model,
      labels: CLASSES,
      preprocessing: 'lite',
      resize: { mode: 'cover', filter: 'bicubic', cropFraction: 0.875 },
    });
    await disposeModel(model);
    await page().click('#test');
    await ready();
    await page().setInputFiles('#look-file', picture);
    await says(/^Looking/);
    await ready();
    const shown = await page().locator('#labels li').first().textContent();
    expect(shown).toContain(predictions[0]!.label);
    expect(Math.abs(Number(/([\d.]+) %$/.exec(shown!)![1]) / 100 - predictions[0]!.probability)).toBeLessThan(
      0.03,
    );
  });

  it('keeps the model in the browser, and forgets it', async () => {
    await page().click('#tab-train');
    await page().click('#keep');
    await says(/^Kept/);
    await page().reload();
    await ready();
    await page().selectOption('#model', { label: 'ants or bees (kept here)' });
    await page().click('#look-sample');
    await page().waitForSelector('#answer:not([hidden])');
    expect((await page().locator('#labels li .row span:first-child').allTextContents()).sort()).toEqual([
      ...CLASSES,
    ]);
    await page().click('#forget');
    await page().waitForFunction(
      () => (document.getElementById('model') as HTMLSelectElement).options.length === 1,
    );
    await page().reload();
    await ready();
    expect(await page().locator('#model option').count()).toBe(1);
  });

  it('fills a class from the camera while a button is held, by key too, and can be stopped', async () => {
    await page().click('#tab-train');
    await page().click('#train-camera');
    await page().waitForSelector('#train-video:not([hidden])');
    for (const name of ['wave', 'rest']) {
      await page().click('#add-class');
      const card = page().locator('.card').last();
      await card.locator('input[type=text]').fill(name);
      await card.getByText('Hold to record').focus();
      await page().keyboard.down('Enter');
      await card.getByText(/^([4-9]|\d\d) photos$/).waitFor();
      await page().keyboard.up('Enter');
    }
    await page().click('#train-camera');
    expect(await page().isVisible('#train-video')).toBe(false);
    await page().fill('#epochs', '400');
    await page().check('#augment');
    await page().click('#train');
    await page().waitForSelector('#stop:not([hidden])');
    await says(/^train: \d+ of 400/);
    await page().click('#stop');
    await says(/^Trained in|^Ready/);
    expect(await page().isVisible('#stop')).toBe(false);
  });

  it('converts a Keras file as Node does', async () => {
    const model = colourModel();
    const [h5, keras] = [await exportFile(model, 'h5'), await exportFile(model, 'keras')];
    await disposeModel(model);
    await page().click('#tab-convert');
    for (const [file, to] of [
      [h5, 'onnx'],
      [keras, 'h5'],
      [keras, 'tfjs'],
    ] as const) {
      const bytes = new Uint8Array(await file.arrayBuffer());
      await page().setInputFiles('#convert-file', {
        name: file.name,
        mimeType: 'application/octet-stream',
        buffer: Buffer.from(bytes),
      });
      await page().waitForFunction(
        (name) => document.getElementById('inspection')!.textContent.startsWith(name),
        file.name,
      );
      expect(await text('#inspection')).toContain('GlobalAveragePooling2D');
      await page().selectOption('#to', to);
      const found = await downloaded(() => page().click('#convert-form .primary'));
      if (to === 'tfjs') {
        expect(found.name).toBe('colour-tfjs.zip');
        expect(Buffer.from(found.bytes).includes('model.json')).toBe(true);
        continue;
      }
      expect(found.name).toBe(`colour.${to}`);
      const expected = (await convertBytes(bytes, { to })).bytes;
      if (to === 'onnx') expect(Buffer.compare(found.bytes, expected)).toBe(0);
      else expect(found.bytes.length).toBe(expected.length);
    }
  });

  it.skipIf(!hasShared)('converts published weights, and refuses what is no model in words', async () => {
    await page().setInputFiles('#convert-file', shared('weights/squeezenet_v1.1_keras2.0.9.h5'));
    await page().waitForFunction(() => document.getElementById('inspection')!.textContent.includes('fire9'));
    await page().selectOption('#to', 'onnx');
    const { name, bytes } = await downloaded(() => page().click('#convert-form .primary'));
    expect(name).toBe('squeezenet_v1.1_keras2.0.9.onnx');
    expect(bytes.length).toBeGreaterThan(4.9e6);
    await page().setInputFiles('#convert-file', {
      name: 'notes.h5',
      mimeType: '',
      buffer: Buffer.from('notes'),
    });
    await page().waitForSelector('#alert .bad');
    expect(await text('#alert')).toMatch(/notes\.h5.*Next:/);
    expect(await page().isVisible('#converted')).toBe(false);
  });

  it('has no serious fault that axe-core finds, in light and dark, and fits a phone', async () => {
    await page().reload();
    await ready();
    await page().click('#look-sample');
    await page().waitForSelector('#answer:not([hidden])');
    await page().setInputFiles('#train-folder', join(folder, 'insects'));
    const faults: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page().emulateMedia({ colorScheme });
      for (const width of [1440, 390]) {
        await page().setViewportSize({ width, height: 844 });
        for (const tab of ['look', 'train', 'convert']) {
          await page().click(`#tab-${tab}`);
          const found = await site.faults();
          faults.push(...found.map((fault) => `${tab} ${colorScheme} ${width} ${fault}`));
          const wide = await page().evaluate(() => document.documentElement.scrollWidth);
          expect(wide).toBeLessThanOrEqual(width);
        }
      }
    }
    expect(faults).toEqual([]);
  });

  /** Files and folders of this machine, dropped as from its desktop. */
  const drop = async (selector: string, files: readonly string[]) => {
    const target = page().locator(selector);
    await target.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await target.boundingBox())!;
    const chrome = await page().context().newCDPSession(page());
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await chrome.send('Input.dispatchDragEvent', {
        type,
        x: x + width / 2,
        y: y + Math.min(height / 2, 20),
        data: { items: [], files: [...files], dragOperationsMask: 1 },
      });
    }
    await chrome.detach();
  };

  /** Pixels of a chart that have the colour of its second line. */
  const linesOf = (selector: string) =>
    page().evaluate((given) => {
      const canvas = document.querySelector<HTMLCanvasElement>(given)!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        if (data[at + 3]! > 200 && data[at]! > data[at + 2]! + 80) count++;
      return count;
    }, selector);

  const canvasOf = (selector: string) =>
    page().evaluate((given) => document.querySelector<HTMLCanvasElement>(given)!.toDataURL(), selector);
});

async function bytesOf(download: Download): Promise<Uint8Array> {
  return new Uint8Array(await readFile(await download.path()));
}

/** Real photos of ants and bees where they are there; else crosses and rings. */
async function fillClasses(place: string): Promise<void> {
  for (const [number, label] of CLASSES.entries()) {
    await mkdir(join(place, label), { recursive: true });
    if (hasShared) {
      const source = shared(`datasets/hymenoptera_data/train/${label}`);
      const files = (await readdir(source)).filter((name) => name.endsWith('.jpg')).sort();
      for (const name of files.slice(0, EACH)) await cp(join(source, name), join(place, label, name));
      continue;
    }
    for (let index = 0; index < EACH; index++) {
      const [x, y] = [48 + (index % 7), 48 + (index % 5)];
      const shape =
        number === 0
          ? `<path d="M${x - 25} ${y}h50M${x} ${y - 25}v50" transform="rotate(${index * 7} 50 50)"/>`
          : `<circle cx="${x}" cy="${y}" r="${22 + (index % 6)}"/>`;
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><rect width="100" height="100" fill="hsl(${index * 12} 60% 85%)"/><g fill="none" stroke="#222" stroke-width="8">${shape}</g></svg>`;
      await writeFile(join(place, label, `${index}.jpg`), await sharp(Buffer.from(svg)).jpeg().toBuffer());
    }
  }
}
