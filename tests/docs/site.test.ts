import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rootFolder } from '../support/dist.ts';
import { skipSites, VisitedSite } from '../support/site.ts';

let site: string;
let pages: { file: string; text: string }[];

describe('the site of npm run docs', () => {
  beforeAll(async () => {
    site = await mkdtemp(join(tmpdir(), 'dovecote-docs-'));
    const typedoc = join(rootFolder, 'node_modules', 'typedoc', 'bin', 'typedoc');
    // Warnings are errors: links that lead nowhere, types that are used and not described.
    await promisify(execFile)(process.execPath, [typedoc, '--out', site], { cwd: rootFolder });
    const files = (await readdir(site, { recursive: true })).filter((name) => name.endsWith('.html'));
    pages = await Promise.all(
      files.map(async (name) => ({ file: join(site, name), text: await readFile(join(site, name), 'utf8') })),
    );
  });
  afterAll(() => rm(site, { recursive: true, force: true }));

  it('has the guide and every entry of the package', () => {
    const names = pages.map(({ file }) => relative(site, file));
    expect(names).toEqual(
      expect.arrayContaining([
        'index.html',
        'documents/Layers_of_Keras_and_what_the_converter_does_with_them.html',
        'documents/Playground.html',
        'functions/dovecote.classify.html',
        'functions/dovecote_browser.openWorker.html',
        'classes/dovecote.Learner.html',
        'modules/dovecote_converters.html',
      ]),
    );
  });

  it('has no link that leads nowhere', () => {
    const anchors = new Map(
      pages.map(({ file, text }) => [
        file,
        new Set([...text.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id)),
      ]),
    );
    const broken = pages.flatMap(({ file, text }) =>
      [...text.matchAll(/\b(?:href|src)="([^"]*)"/g)].flatMap(([, link]) => {
        if (/^(https?:|mailto:|data:)/.test(link!)) return [];
        const [path, anchor] = link!.replaceAll('&amp;', '&').split('#');
        const target = path === '' ? file : resolve(dirname(file), decodeURIComponent(path!));
        const isThere =
          existsSync(target) &&
          (anchor === undefined ||
            anchor === '' ||
            (anchors.get(target)?.has(decodeURIComponent(anchor)) ?? true));
        return isThere ? [] : [`${relative(site, file)}: ${link}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('takes nothing from other servers', async () => {
    const taken = /<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)="(?:https?:)?\/\//;
    expect(pages.filter(({ text }) => taken.test(text)).map(({ file }) => relative(site, file))).toEqual([]);
    const assets = (await readdir(join(site, 'assets'))).filter((name) => name.endsWith('.css'));
    for (const name of assets) {
      expect(await readFile(join(site, 'assets', name), 'utf8')).not.toMatch(/url\(["']?(https?:)?\/\//);
    }
  });

  it.skipIf(skipSites)('reads well on a phone, in light and dark', async () => {
    const visited = await VisitedSite.open(site, { viewport: { width: 390, height: 844 } });
    try {
      for (const colorScheme of ['light', 'dark'] as const) {
        await visited.page.emulateMedia({ colorScheme });
        for (const path of ['', 'functions/dovecote.classify.html', 'documents/Playground.html']) {
          await visited.page.goto(visited.url + path);
          expect(await visited.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
            390,
          );
        }
      }
      expect(visited.problems).toEqual([]);
      expect(visited.foreign).toEqual([]);
    } finally {
      await visited.close();
    }
  });
});
