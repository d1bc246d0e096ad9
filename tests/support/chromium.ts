import { build } from 'esbuild';
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, extname, join, normalize } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { hasLoopback } from './network.ts';

/** Where Chromium is, or undefined. */
export const chromiumPath = findChromium();

// In CI a missing browser is a failure: the tests then run, and say what they lack.
export const skipBrowserTests = chromiumPath === undefined && process.env['CI'] !== 'true';

if (skipBrowserTests) {
  // eslint-disable-next-line no-console
  console.warn('skipping the browser tests: no chromium in PATH (Debian: apt-get install chromium)');
}

export interface BrowserPageOptions {
  /** TypeScript that is bundled for browsers and runs in the page. */
  readonly entry: string;
  /** Further bundles, by their addresses: `{ '/worker.js': 'worker.ts' }`. */
  readonly modules?: Readonly<Record<string, string>>;
  /** Folders to serve: `{ photos: '/some/folder' }` gives `/photos/cat.png`. */
  readonly folders?: Readonly<Record<string, string>>;
  /** Whether the page is cross-origin isolated, so that WebAssembly may have threads. */
  readonly isolated?: boolean;
  /** Further flags of Chromium. */
  readonly flags?: readonly string[];
}

/**
 * A page in a real Chromium with the bundle of `entry` loaded. A server on this machine serves it; where that cannot
 * be reached, the same answers are given within the browser.
 */
export class BrowserPage {
  private constructor(
    private readonly browser: Browser,
    private readonly site: Site,
    private readonly page: Page,
    /** Same site, but for the browser another one: `http://localhost:PORT`. */
    readonly otherOrigin: string,
    private readonly problems: string[],
    private readonly asked: string[],
  ) {}

  static async open({
    entry,
    modules = {},
    folders = {},
    isolated = false,
    flags = [],
  }: BrowserPageOptions): Promise<BrowserPage> {
    requireChromium();
    const bundles = await Promise.all(
      Object.entries({ '/bundle.js': entry, ...modules }).map(
        async ([address, module]) => [address, await bundleForBrowsers(module)] as const,
      ),
    );
    const site = answers({ '/': page, ...Object.fromEntries(bundles) }, folders);
    return BrowserPage.show(site, isolated, flags);
  }

  /** A site that somebody's bundler has built: a folder with an index.html. Its program sets `bundleIsLoaded`. */
  static openSite(folder: string): Promise<BrowserPage> {
    return BrowserPage.show(siteAnswers(folder));
  }

  /** A site that is being served already. Its program sets `bundleIsLoaded`. */
  static openUrl(url: string): Promise<BrowserPage> {
    return BrowserPage.show(new URL(url));
  }

  private static async show(
    what: Answers | URL,
    isolated = false,
    flags: readonly string[] = [],
  ): Promise<BrowserPage> {
    requireChromium();
    const browser = await launchChromium(flags);
    const tab = await browser.newPage();
    const site = await (what instanceof URL
      ? { port: Number(what.port), close: () => Promise.resolve() }
      : hasLoopback
        ? serve(what, isolated)
        : pretend(what, tab, isolated));
    const problems: string[] = [];
    const requests: string[] = [];
    tab.on('pageerror', (error) => problems.push(error.message));
    tab.on('request', (request) => requests.push(request.url()));
    await tab.goto(what instanceof URL ? what.href : `http://127.0.0.1:${site.port}/`);
    try {
      await tab.waitForFunction('globalThis.bundleIsLoaded === true', undefined, { timeout: 60_000 });
    } catch (error) {
      throw new Error(`the bundle did not load: ${problems.join('; ')}`, { cause: error });
    }
    return new BrowserPage(browser, site, tab, `http://localhost:${site.port}`, problems, requests);
  }

  /** Runs a function in the page. It sees its argument and the page's globals, nothing of the test's file. */
  evaluate<Result, Argument>(
    run: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result> {
    return this.page.evaluate(run as never, argument as never);
  }

  /** Errors that nothing in the page has caught. */
  get uncaughtErrors(): readonly string[] {
    return this.problems;
  }

  /** Paths of all that the page has asked for so far, itself included. */
  get requests(): readonly string[] {
    return this.asked.map((url) => new URL(url).pathname);
  }

  /** From now on gives this answer to what the glob matches; `stop` ends it. */
  async answerWith(glob: string, answer: Answer): Promise<{ stop(): Promise<void> }> {
    const { status, contentType } = answer;
    const body = Buffer.from(answer.body);
    await this.page.route(glob, (route) => route.fulfill({ status, contentType, body }));
    return { stop: () => this.page.unroute(glob) };
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.site.close();
  }
}

/** @param flags More of them. */
export function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  requireChromium();
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...flags,
    ],
  });
}

function requireChromium(): void {
  if (chromiumPath === undefined) {
    throw new Error('no chromium in PATH; on Debian: apt-get install chromium');
  }
}

const page =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>test</title>' +
  '<script type="module">import "/bundle.js"; globalThis.bundleIsLoaded = true;</script>';

async function bundleForBrowsers(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return file.contents;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
};

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** What there is at a URL. */
type Answers = (url: string) => Promise<Answer>;

export interface Site {
  readonly port: number;
  close(): Promise<void>;
}

function answers(
  pages: Readonly<Record<string, string | Uint8Array>>,
  folders: Readonly<Record<string, string>>,
): Answers {
  return async (url) => {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    const [, folder = '', ...rest] = normalize(path).split('/');
    const root = folders[folder];
    const file = () => root && readFile(join(root, ...rest)).catch(() => undefined);
    const body = pages[path] ?? (await file());
    if (body === undefined) return { status: 404, contentType: 'text/plain', body: 'not here' };
    const contentType = path === '/' ? 'text/html' : (types[extname(path)] ?? 'application/octet-stream');
    return { status: 200, contentType, body };
  };
}

function siteAnswers(folder: string): Answers {
  const missing: Answer = { status: 404, contentType: 'text/plain', body: 'not here' };
  return async (url) => {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    const name = path === '/' ? '/index.html' : normalize(path);
    const contentType = types[extname(name)] ?? 'application/octet-stream';
    return readFile(join(folder, name)).then(
      (body) => ({ status: 200, contentType, body }),
      () => missing,
    );
  };
}

const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** A server on this machine for what a bundler has built. */
export function serveFolder(folder: string, isolated: boolean): Promise<Site> {
  return serve(siteAnswers(folder), isolated);
}

async function serve(answer: Answers, isolated: boolean): Promise<Site> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/').then(({ status, contentType, body }) => {
      response.writeHead(status, { 'content-type': contentType, ...(isolated ? isolation : {}) }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers within the browser what the page asks for. It still tells sites apart, as it does with real ones. */
async function pretend(answer: Answers, tab: Page, isolated: boolean): Promise<Site> {
  await tab.route('**/*', async (route) => {
    const { status, contentType, body } = await answer(route.request().url());
    const headers = { 'content-type': contentType, ...(isolated ? isolation : {}) };
    await route.fulfill({ status, headers, body: Buffer.from(body) });
  });
  return { port: 8080, close: () => Promise.resolve() };
}

function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
