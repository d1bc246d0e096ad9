import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, rootFolder } from '../support/dist.ts';
import { skipSites, VisitedSite } from '../support/site.ts';
import { colourPicture } from '../support/tiny-model.ts';

const examples = join(rootFolder, 'examples');
const cat = join(examples, 'photos', 'chelsea.jpg');
const CATS = /tiger cat|tabby|Egyptian cat/;

let folder: string;
beforeAll(async () => {
  await ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'dovecote-pages-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What every example has to keep to. */
async function expectSound(site: VisitedSite): Promise<void> {
  for (const width of [1280, 390]) {
    await site.page.setViewportSize({ width, height: 844 });
    expect(await site.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  }
  expect(await site.faults()).toEqual([]);
  expect(site.problems).toEqual([]);
  expect(site.foreign).toEqual([]);
}

describe.skipIf(skipSites)('the example with Vite and React', () => {
  it('says what is on photos, and in words what is none', async () => {
    const out = join(folder, 'react');
    await build({ root: join(examples, 'react'), logLevel: 'error', build: { outDir: out } });
    const site = await VisitedSite.open(out);
    try {
      const { page } = site;
      await page.waitForSelector('input[type=file]:enabled');
      await page.setInputFiles('input[type=file]', [
        { name: 'chelsea.jpg', mimeType: 'image/jpeg', buffer: await readFile(cat) },
        { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no photo') },
      ]);
      await page.waitForSelector('.problem');
      expect(await page.textContent('.problem')).toMatch(/notes\.jpg.*Next:/);
      expect(await page.locator('ol li').first().textContent()).toMatch(CATS);
      expect(await page.locator('ol li').count()).toBe(3);
      await expectSound(site);
    } finally {
      await site.close();
    }
  });
});

describe.skipIf(skipSites)('the plain page', () => {
  it.each([true, false])(
    'classifies, trains and gives the model away, in a page that is isolated: %s',
    async (isolated) => {
      const place = join(folder, `plain-${isolated}`);
      await cp(join(examples, 'plain', 'index.html'), join(place, 'index.html'));
      await promisify(execFile)(process.execPath, [
        join(examples, 'plain', 'make-vendor.mjs'),
        join(place, 'vendor'),
      ]);
      const site = await VisitedSite.open(place, { isolated });
      try {
        const { page } = site;
        const ready = () =>
          page.waitForFunction(() => document.getElementById('status')!.textContent === 'Ready.');
        await ready();
        await page.setInputFiles('#photo', cat);
        await page.waitForSelector('#labels li');
        expect(await page.textContent('#labels li')).toMatch(CATS);
        const shades = (red: number, blue: number) =>
          Promise.all(
            [0, 1, 2, 3, 4, 5].map(async (step) => ({
              name: `${step}.png`,
              mimeType: 'image/png',
              buffer: await colourPicture(red * (150 + 15 * step), 10 * step, blue * (150 + 15 * step)),
            })),
          );
        await page.fill('#first-name', 'red');
        await page.setInputFiles('#first', await shades(1, 0));
        await page.fill('#second-name', 'blue');
        await page.setInputFiles('#second', await shades(0, 1));
        await page.click('#form button');
        await page.waitForSelector('#download:not([hidden])');
        await ready();
        await page.setInputFiles('#photo', (await shades(0, 1))[3]!);
        await page.waitForFunction(() => document.getElementById('labels')!.textContent.startsWith('blue'));
        const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
        expect(download.suggestedFilename()).toMatch(/\.onnx$/);
        expect((await readFile(await download.path())).includes('["blue","red"]')).toBe(true);
        await page.setInputFiles('#photo', {
          name: 'notes.jpg',
          mimeType: '',
          buffer: Buffer.from('no photo'),
        });
        await page.waitForFunction(() => document.getElementById('problem')!.textContent.includes('Next:'));
        await expectSound(site);
      } finally {
        await site.close();
      }
    },
  );
});
