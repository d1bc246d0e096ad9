import { createRequire as requireFrom } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium, serveFolder, skipBrowserTests, type Site } from './chromium.ts';
import { hasLoopback } from './network.ts';

const axeProgram = requireFrom(import.meta.url).resolve('axe-core/axe.min.js');

/** In the page. */
declare const axe: {
  run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
};

/** Without a server of this machine there is no site; a worker's requests cannot be answered within the browser either. */
export const skipSites = skipBrowserTests || !hasLoopback;

/** A built site in Chromium as a visitor sees it; whatever goes wrong in it is kept. */
export class VisitedSite {
  /** Errors on the console, uncaught ones, and failed requests. */
  readonly problems: string[] = [];
  /** Requests to anything but the site. */
  readonly foreign: string[] = [];

  private constructor(
    readonly page: Page,
    readonly url: string,
    private readonly browser: Browser,
    private readonly site: Site,
  ) {}

  /** @param folder With an index.html. */
  static async open(
    folder: string,
    options: BrowserContextOptions & {
      /** Whether the page is cross-origin isolated, so that WebAssembly may have threads. */
      readonly isolated?: boolean;
      /** In the folder. Default `index.html`. */
      readonly path?: string;
    } = {},
  ): Promise<VisitedSite> {
    const { isolated = true, path = '', ...context } = options;
    const browser = await launchChromium([
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
    ]);
    const site = await serveFolder(folder, isolated);
    const page = await (await browser.newContext(context)).newPage();
    const url = `http://127.0.0.1:${site.port}/`;
    const visited = new VisitedSite(page, url, browser, site);
    page.on('console', (message) => {
      if (message.type() === 'error') visited.problems.push(message.text());
    });
    page.on('pageerror', (error) => visited.problems.push(error.message));
    page.on('requestfailed', (request) => {
      // A visitor who goes on ends what is still being loaded.
      const reason = request.failure()?.errorText;
      if (reason !== 'net::ERR_ABORTED') visited.problems.push(`${request.url()}: ${reason}`);
    });
    page.on('request', (request) => {
      const asked = request.url();
      if (!asked.startsWith(url) && !/^(blob|data):/.test(asked)) visited.foreign.push(asked);
    });
    await page.goto(url + path);
    return visited;
  }

  /** What axe-core finds in the page as it is now. */
  async faults(): Promise<string[]> {
    const isThere = await this.page.evaluate(() => 'axe' in globalThis);
    if (!isThere) await this.page.addScriptTag({ path: axeProgram });
    const { violations } = await this.page.evaluate(() => axe.run());
    return violations.map(({ id, impact, nodes }) => `${impact} ${id} ${nodes[0]!.html}`);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.site.close();
  }
}
