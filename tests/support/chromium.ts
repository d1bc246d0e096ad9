import { build } from 'esbuild';
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, extname, join, normalize } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

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
  /** Folders to serve: `{ photos: '/some/folder' }` gives `/photos/cat.png`. */
  readonly folders?: Readonly<Record<string, string>>;
}

/** A page in a real Chromium, served from this machine, with the bundle of `entry` loaded. */
export class BrowserPage {
  private constructor(
    private readonly browser: Browser,
    private readonly server: Server,
    private readonly page: Page,
    /** Same server, but for the browser another site: `http://localhost:PORT`. */
    readonly otherOrigin: string,
    private readonly problems: string[],
  ) {}

  static async open({ entry, folders = {} }: BrowserPageOptions): Promise<BrowserPage> {
    if (chromiumPath === undefined) {
      throw new Error('no chromium in PATH; on Debian: apt-get install chromium');
    }
    const bundle = await bundleForBrowsers(entry);
    const server = await serve({ '/': page, '/bundle.js': bundle }, folders);
    const { port } = server.address() as AddressInfo;
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    });
    const tab = await browser.newPage();
    const problems: string[] = [];
    tab.on('pageerror', (error) => problems.push(error.message));
    await tab.goto(`http://127.0.0.1:${port}/`);
    try {
      await tab.waitForFunction('globalThis.bundleIsLoaded === true', undefined, { timeout: 60_000 });
    } catch (error) {
      throw new Error(`the bundle did not load: ${problems.join('; ')}`, { cause: error });
    }
    return new BrowserPage(browser, server, tab, `http://localhost:${port}`, problems);
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

  async close(): Promise<void> {
    await this.browser.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
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
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
};

async function serve(
  pages: Readonly<Record<string, string | Uint8Array>>,
  folders: Readonly<Record<string, string>>,
): Promise<Server> {
  const contentOf = async (path: string) => {
    const fixed = pages[path];
    if (fixed !== undefined) return fixed;
    const [, folder = '', ...rest] = normalize(path).split('/');
    const root = folders[folder];
    return root === undefined ? undefined : readFile(join(root, ...rest)).catch(() => undefined);
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    void contentOf(path).then((content) => {
      if (content === undefined) response.writeHead(404).end('not here');
      else {
        const type = path === '/' ? 'text/html' : (types[extname(path)] ?? 'application/octet-stream');
        response.writeHead(200, { 'content-type': type }).end(content);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
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
