import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, rootFolder } from '../support/dist.ts';
import type { Page } from '../support/html-page.ts';
import { attribute, elementsIn, parsePage, textOf } from '../support/html-page.ts';

const demo = join(rootFolder, 'examples', 'demo.mjs');

let root: string;
beforeAll(async () => {
  await ensureBuilt();
  root = await mkdtemp(join(tmpdir(), 'dovecote-demo-test-'));
});
afterAll(() => rm(root, { recursive: true }));

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A working directory and a folder for temporary files of its own. */
async function places(name: string): Promise<{ cwd: string; temporary: string; env: NodeJS.ProcessEnv }> {
  const [cwd, temporary] = [join(root, name, 'work'), join(root, name, 'tmp')];
  await mkdir(cwd, { recursive: true });
  await mkdir(temporary, { recursive: true });
  const cache = join(root, name, 'no-cache');
  return {
    cwd,
    temporary,
    env: { ...process.env, TMPDIR: temporary, DOVECOTE_CACHE: cache, DOVECOTE_OFFLINE: '1' },
  };
}

function runDemo(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[] = [], program = demo) {
  return new Promise<Run>((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { cwd, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

describe('the demo, without the internet and without ../shared', () => {
  let run: Run;
  let html: string;
  let page: Page;
  let where: Awaited<ReturnType<typeof places>>;

  beforeAll(async () => {
    where = await places('whole');
    run = await runDemo(where.cwd, where.env);
    html = await readFile(join(where.cwd, 'demo-output', 'report.html'), 'utf8').catch(() => '');
    page = parsePage(html);
  });

  it('ends well, and writes plain lines where there is no terminal', () => {
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    // eslint-disable-next-line no-control-regex
    expect(run.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it('sees a cat on the photo of Chelsea and an espresso in the cup', () => {
    expect(run.stdout).toMatch(/chelsea\.jpg\n +\d+\.\d % {2}(tabby|tiger_cat|Egyptian_cat)\n/);
    expect(run.stdout).toMatch(/coffee\.jpg\n +\d+\.\d % {2}espresso\n/);
  });

  it("recognises most drawings of a vendor that it never saw: far more than guessing's 16.7 %", () => {
    const accuracy = Number(/validation accuracy (\d+\.\d) %/.exec(run.stdout)?.[1]);
    expect(accuracy).toBeGreaterThan(60);
  });

  it('answers after saving and loading as it did in training', () => {
    expect(textOf(page.byId('confusion')!).replace(/\s+/g, ' ')).toContain(
      'exactly what training had measured',
    );
  });

  it('names the report, the model and what to try next', () => {
    expect(run.stdout).toContain(join('demo-output', 'report.html'));
    expect(run.stdout).toMatch(/cli\.js classify photo\.jpg\n/);
    expect(run.stdout).toMatch(/cli\.js train photos\/ --out my-model\//);
  });

  it('leaves the report, the model and nothing else', async () => {
    expect((await readdir(where.cwd)).sort()).toEqual(['demo-output']);
    expect(await readdir(where.temporary)).toEqual([]);
    const output = await readdir(join(where.cwd, 'demo-output'));
    expect(output.sort()).toEqual(['made-by-dovecote-demo.json', 'model', 'report.html']);
    const model = await readFile(join(where.cwd, 'demo-output', 'model', 'model.json'), 'utf8');
    const { userDefinedMetadata } = JSON.parse(model) as { userDefinedMetadata: { dovecote: object } };
    expect(userDefinedMetadata.dovecote).toMatchObject({
      labels: ['bird', 'car', 'cat', 'dog', 'fish', 'flower'],
      architecture: 'efficientnet-lite0',
    });
  });

  it('writes a page that is valid and has every section', () => {
    expect(page.errors).toEqual([]);
    const sections = page.all('section').map((section) => attribute(section, 'id'));
    expect(sections).toEqual('photos drawings curves confusion mistakes timings next credits'.split(' '));
    for (const section of page.all('section')) {
      expect(elementsIn(section).some(({ tagName }) => tagName === 'h2')).toBe(true);
      expect(textOf(section).trim().length).toBeGreaterThan(40);
    }
    const targets = page.all('a').flatMap((link) => /^#(.*)/.exec(attribute(link, 'href')!)?.[1] ?? []);
    expect(targets).toEqual(sections);
  });

  it('shows the photos with five bars each, the curves, the confusion matrix and every mistake', () => {
    const within = (id: string, tagName: string) =>
      elementsIn(page.byId(id)!).filter((element) => element.tagName === tagName);
    expect(within('photos', 'img')).toHaveLength(4);
    const bars = within('photos', 'svg').map((svg) => attribute(svg, 'aria-label')!);
    expect(bars).toHaveLength(4);
    bars.forEach((label) => expect(label.match(/\d+\.\d %/g)).toHaveLength(5));
    expect(within('drawings', 'img')).toHaveLength(6 * 6);
    expect(within('curves', 'svg')).toHaveLength(2);
    const counts = within('confusion', 'text')
      .map(textOf)
      .filter((text) => /^\d+$/.test(text));
    expect(counts).toHaveLength(36);
    expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(120);
    expect(within('confusion', 'tr')).toHaveLength(7);
    const wrong = Number(/(\d+) of 120 pictures/.exec(textOf(page.byId('mistakes')!))![1]);
    const accuracy = Number(/validation accuracy (\d+\.\d) %/.exec(run.stdout)![1]);
    expect((100 * (120 - wrong)) / 120).toBeCloseTo(accuracy, 1);
    expect(within('mistakes', 'img')).toHaveLength(Math.min(wrong, 48));
  });

  it('needs no script and asks for nothing: pictures lie in the page, each with a description', () => {
    for (const name of ['script', 'link', 'iframe', 'object', 'embed', 'base', 'source', 'image', 'use'])
      expect(page.all(name), name).toEqual([]);
    for (const image of page.all('img')) {
      expect(attribute(image, 'src')).toMatch(/^data:image\/jpeg;base64,[A-Za-z0-9+/]+=*$/);
      expect(attribute(image, 'alt')).toMatch(/\S/);
    }
    for (const svg of page.all('svg')) expect(attribute(svg, 'aria-label')).toMatch(/\S/);
    for (const { attrs } of page.elements) {
      for (const { name, value } of attrs) {
        expect(name).not.toMatch(/^on|^srcset$|^background$|^poster$/);
        expect(value).not.toMatch(/url\((?!#)|javascript:/i);
      }
    }
    for (const style of page.all('style')) expect(textOf(style)).not.toMatch(/@import|url\(/);
  });

  it('fits light and dark and narrow screens', () => {
    expect(attribute(page.all('html')[0]!, 'lang')).toBe('en');
    expect(html).toContain('width=device-width');
    expect(textOf(page.all('style')[0]!)).toContain('prefers-color-scheme: dark');
  });

  it('names the vendors and their licences, for those who pass the page on', () => {
    const credits = textOf(page.byId('credits')!);
    for (const licence of ['Apache 2.0', 'CC BY 4.0', 'CC BY-SA 4.0', 'MIT', 'CC0', 'public domain'])
      expect(credits).toContain(licence);
  });
});

describe('a demo that cannot do its work', () => {
  it('keeps a folder of somebody else and says so, before any work', async () => {
    const { cwd, temporary, env } = await places('occupied');
    await mkdir(join(cwd, 'demo-output'));
    await writeFile(join(cwd, 'demo-output', 'thesis.txt'), 'three years of work');
    const { code, stdout, stderr } = await runDemo(cwd, env);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/demo-output.*thesis\.txt[^]*next: move it away/);
    expect(await readFile(join(cwd, 'demo-output', 'thesis.txt'), 'utf8')).toBe('three years of work');
    expect(await readdir(cwd)).toEqual(['demo-output']);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('says that it has no place for temporary files', async () => {
    const { cwd, env } = await places('nowhere');
    const { code, stderr } = await runDemo(cwd, { ...env, TMPDIR: join(root, 'does-not-exist') });
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot write into .*does-not-exist[^]*next: .*TMPDIR/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(await readdir(cwd)).toEqual([]);
  });

  it('says that the package is not built', async () => {
    const { cwd, env } = await places('unbuilt');
    for (const name of ['package.json', 'examples'])
      await cp(join(rootFolder, name), join(cwd, name), { recursive: true });
    await symlink(join(rootFolder, 'node_modules'), join(cwd, 'node_modules'));
    const { code, stderr } = await runDemo(cwd, env, [], join(cwd, 'examples', 'demo.mjs'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/not built[^]*next: npm run build/);
  });

  it('says that packages are missing', async () => {
    const { cwd, env } = await places('bare');
    for (const name of ['package.json', 'dist', 'examples'])
      await cp(join(rootFolder, name), join(cwd, name), { recursive: true });
    const { code, stderr } = await runDemo(cwd, env, [], join(cwd, 'examples', 'demo.mjs'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/not installed[^]*next: npm install/);
  });

  it.each([[['--seed', 'x']], [['--sede', '1']]])('refuses %j', async (args) => {
    const { cwd, env } = await places('usage');
    const { code, stderr } = await runDemo(cwd, env, args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/next: npm run demo -- --seed 2|next: npm run demo, or/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

it('leaves nothing behind after Ctrl-C in the middle of drawing, and links pictures where links work', async () => {
  const { cwd, temporary, env } = await places('interrupted');
  const child = spawn(process.execPath, [demo], { cwd, env: { ...env, FORCE_HYPERLINK: '1' } });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stdout.on('data', (text: Buffer) => {
    if (!stdout.includes('2. Draw') && `${stdout}${text.toString()}`.includes('2. Draw')) void interrupt();
    stdout += text.toString();
  });
  let drawnBefore = 0;
  const interrupt = async () => {
    const folder = (await readdir(temporary)).find((name) => name.startsWith('dovecote-demo-'))!;
    while (drawnBefore === 0 && child.exitCode === null) {
      const entries = await readdir(join(temporary, folder), { recursive: true });
      drawnBefore = entries.filter((name) => name.endsWith('.jpg')).length;
    }
    child.kill('SIGINT');
  };
  expect(await ended).toBe(130);
  expect(drawnBefore).toBeGreaterThan(0);
  expect(stderr).toMatch(/stopped/);
  expect(await readdir(temporary)).toEqual([]);
  expect(await readdir(cwd)).toEqual([]);
  // eslint-disable-next-line no-control-regex
  expect(stdout).toMatch(/\u001b\]8;;file:\/\/[^\u0007]*chelsea\.jpg\u0007[^\u0007]*\u001b\]8;;\u0007/);
});
