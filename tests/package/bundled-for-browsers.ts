/* eslint-disable no-console */
import { build as esbuild } from 'esbuild';
import { copyFile, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import prettyBytes from 'pretty-bytes';
import { expect } from 'vitest';
import type { InlineConfig } from 'vite';
import { build as viteBuild, createServer as viteServer } from 'vite';
import { embeddedModel } from '../../src/embedded/index.ts';
import { BrowserPage, skipBrowserTests } from '../support/chromium.ts';
import { rootFolder } from '../support/dist.ts';
import { hasLoopback } from '../support/network.ts';
import type { ConsumerProject, Install } from './consumer-project.ts';

const { fileName } = embeddedModel;
const assetName = /^efficientnet-lite0\.int8-[\w-]{8}\.safetensors$/;
const cats = ['tabby', 'tiger_cat', 'Egyptian_cat'];

/** What the pages below give to these tests. */
interface Outcome {
  readonly label?: string;
  readonly code?: string;
  readonly nextStep?: string;
}

/** A page as a user writes it; `classifyPhoto` is for the test to press the button. */
const pageProgram = (classifyBlob: string, ...imports: readonly string[]) => `
import { DovecoteError, classify, listModels, loadModel } from 'dovecote';
import { inspectModelFile } from 'dovecote/converters';
${imports.join('\n')}

Object.assign(globalThis, {
  bundleIsLoaded: listModels().length > 0 && typeof inspectModelFile === 'function' && typeof loadModel === 'function',
  classifyPhoto: async () => {
    const blob: Blob = await (await fetch('chelsea.jpg')).blob();
    try {
      ${classifyBlob}
      return { label: predictions[0]!.label };
    } catch (error) {
      if (!(error instanceof DovecoteError)) throw error;
      return { code: error.code, nextStep: error.nextStep };
    }
  },
});
`;

const byDefault = pageProgram('const { predictions } = await classify(blob);');

const byAddress = (specifier: string) =>
  pageProgram(
    `const model = await loadModel('efficientnet-lite0', { weights: address });
      const { predictions } = await classify(blob, { model });`,
    `import address from '${specifier}';`,
  );

const inOnnxRuntime = pageProgram(
  "const { predictions } = await classify(blob, { engine: 'onnx' });",
  "import 'dovecote/onnx-web';",
);

const inWorker = `
import { openWorker } from 'dovecote/browser';

Object.assign(globalThis, {
  bundleIsLoaded: true,
  classifyPhoto: async () => {
    const worker = await openWorker(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }));
    const model = await worker.loadModel();
    const { predictions } = await model.classify(await (await fetch('chelsea.jpg')).blob());
    worker.terminate();
    return { label: predictions[0]!.label };
  },
});
`;

async function writeWorkerPage(project: ConsumerProject, folder: string): Promise<string> {
  await project.write(`${folder}/worker.ts`, "import 'dovecote/onnx-web';\nimport 'dovecote/worker';\n");
  return writePage(project, folder, inWorker);
}

async function writePage(project: ConsumerProject, folder: string, program: string): Promise<string> {
  const html = `<!doctype html><link rel="icon" href="data:,"><script type="module" src="./main.ts"></script>`;
  await project.write(`${folder}/index.html`, html);
  await project.write(`${folder}/main.ts`, program);
  await project.write(`${folder}/public/.keep`, '');
  await copyFile(
    join(rootFolder, 'examples/photos/chelsea.jpg'),
    join(project.folder, folder, 'public/chelsea.jpg'),
  );
  return join(project.folder, folder);
}

interface Visit {
  readonly outcome: Outcome;
  /** File names of the requests for the network before and after the photo was classified. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

async function visit(opening: Promise<BrowserPage>): Promise<Visit> {
  const page = await opening;
  try {
    const asked = () => page.requests.map((path) => path.split('/').pop()!).filter(isNetwork);
    const before = asked();
    const outcome = await page.evaluate(
      () => (globalThis as unknown as { classifyPhoto(): Promise<Outcome> }).classifyPhoto(),
      undefined,
    );
    expect(page.uncaughtErrors).toEqual([]);
    return { outcome, before, after: asked() };
  } finally {
    await page.close();
  }
}

function isNetwork(name: string): boolean {
  return name.includes('safetensors');
}

/** Bundles the installed package as a stranger would. Chromium shows what came of it, where there is one. */
export function describeBundles(install: Install, project: () => ConsumerProject): void {
  install(
    'by esbuild without configuration, it holds no Node code, and says what is missing',
    async (context) => {
      const site = await writePage(project(), 'esbuild', byDefault);
      const { modules, code, warnings, size } = await bundleByEsbuild(site);
      expectBrowserCode(modules, code);
      expect(warnings).toEqual([]);
      console.info(`size of the bundle for browsers (esbuild, minified): ${prettyBytes(size)}`);
      if (skipBrowserTests) context.skip('it is built, but there is no Chromium to run it');
      const { outcome, before } = await visit(BrowserPage.openSite(join(site, 'out')));
      expect(before).toEqual([]);
      expect(outcome.code).toBe('FILE_NOT_FOUND');
      expect(outcome.nextStep).toContain('--loader:.safetensors=file');
    },
  );

  install('by esbuild with a loader for the file, it finds the cat', async (context) => {
    const site = await writePage(project(), 'esbuild-file', byAddress(`dovecote/embedded/${fileName}`));
    await bundleByEsbuild(site, { '.safetensors': 'file' });
    expect((await readdir(join(site, 'out'))).filter(isNetwork)).toHaveLength(1);
    if (skipBrowserTests) context.skip('it is built, but there is no Chromium to run it');
    const { outcome, before, after } = await visit(BrowserPage.openSite(join(site, 'out')));
    expect(cats).toContain(outcome.label);
    expect([before.length, after.length]).toEqual([0, 1]);
  });

  install('by Vite without configuration, it holds no Node code, and finds the cat', async (context) => {
    const site = await writePage(project(), 'vite', byDefault);
    const { modules, code, assets, warnings } = await bundleByVite(site);
    expectBrowserCode(modules, code);
    // tfjs-layers warns of its own `this` at the top level of a module.
    expect(warnings.filter((warning) => warning.includes('dovecote/dist'))).toEqual([]);
    console.info(`size of the bundle for browsers (Vite): ${prettyBytes(code.length)}`);
    const [asset, ...others] = assets.filter(isNetwork);
    expect(others).toEqual([]);
    expect(asset).toMatch(/^assets\//);
    expect(asset?.slice('assets/'.length)).toMatch(assetName);
    expect(await stat(join(site, 'dist', asset!))).toMatchObject({ size: embeddedModel.size });
    expect(code.length).toBeLessThan(8e6);
    if (skipBrowserTests) context.skip('it is built, but there is no Chromium to run it');
    const { outcome, before, after } = await visit(BrowserPage.openSite(join(site, 'dist')));
    expect(cats).toContain(outcome.label);
    expect(before).toEqual([]);
    expect(after).toEqual([asset?.slice('assets/'.length)]);
  });

  install("by Vite's dev server without configuration, it finds the cat", async (context) => {
    if (skipBrowserTests || !hasLoopback) context.skip('no Chromium, or no loopback interface');
    const site = await writePage(project(), 'vite-dev', byDefault);
    const { outcome, before, after } = await visitDevServer(site);
    expect(outcome).toEqual({ label: expect.stringMatching(cats.join('|')) as string });
    expect(before).toEqual([]);
    expect(after).toEqual([fileName]);
  });

  install("by Vite's dev server with a cache elsewhere, it says what to do, which helps", async (context) => {
    if (skipBrowserTests || !hasLoopback) context.skip('no Chromium, or no loopback interface');
    const cacheDir = join(project().folder, 'cache-elsewhere');
    const lost = await visitDevServer(await writePage(project(), 'vite-lost', byDefault), { cacheDir });
    expect(lost.outcome.code).toBe('FILE_NOT_FOUND');
    const specifier = /import address from '(.+?)'/.exec(lost.outcome.nextStep ?? '')?.[1];
    expect(specifier).toBe(`dovecote/embedded/${fileName}?url`);
    const site = await writePage(project(), 'vite-found', byAddress(specifier!));
    expect(cats).toContain((await visitDevServer(site, { cacheDir })).outcome.label);
  });

  install("by Vite with 'dovecote/onnx-web', ONNX Runtime finds the cat", async (context) => {
    await addOnnxRuntimeWeb(project());
    const site = await writePage(project(), 'vite-onnx', inOnnxRuntime);
    const { modules, assets, warnings } = await bundleByVite(site);
    expect(modules.some((path) => path.includes('onnxruntime-web/dist/'))).toBe(true);
    expect(warnings.filter((warning) => warning.includes('dovecote/dist'))).toEqual([]);
    expect(assets.filter((name) => name.endsWith('.wasm')).length).toBeGreaterThanOrEqual(1);
    if (skipBrowserTests) context.skip('it is built, but there is no Chromium to run it');
    const { outcome } = await visit(BrowserPage.openSite(join(site, 'dist')));
    expect(outcome).toEqual({ label: expect.stringMatching(cats.join('|')) as string });
  });

  install(
    "by Vite's dev server with 'dovecote/onnx-web', it says what to do, which helps",
    async (context) => {
      if (skipBrowserTests || !hasLoopback) context.skip('no Chromium, or no loopback interface');
      await addOnnxRuntimeWeb(project());
      const lost = await visitDevServer(await writePage(project(), 'vite-dev-onnx', inOnnxRuntime));
      expect(lost.outcome).toMatchObject({
        code: 'ENGINE_UNAVAILABLE',
        nextStep: expect.stringContaining("optimizeDeps: { exclude: ['onnxruntime-web'] }") as string,
      });
      const site = await writePage(project(), 'vite-dev-onnx-found', inOnnxRuntime);
      const { outcome } = await visitDevServer(site, {
        optimizeDeps: { exclude: ['onnxruntime-web'] },
        // It is linked to from outside the project.
        server: { fs: { strict: false } },
      });
      expect(outcome).toEqual({ label: expect.stringMatching(cats.join('|')) as string });
    },
  );

  install("by Vite with 'dovecote/worker', a worker finds the cat", async (context) => {
    await addOnnxRuntimeWeb(project());
    const site = await writeWorkerPage(project(), 'vite-worker');
    const { code, warnings } = await bundleByVite(site, { worker: { format: 'es' } });
    expect(warnings.filter((warning) => warning.includes('dovecote/dist'))).toEqual([]);
    // What is beside the worker: the page's own program.
    expect(code.length).toBeLessThan(100_000);
    if (skipBrowserTests) context.skip('it is built, but there is no Chromium to run it');
    const { outcome } = await visit(BrowserPage.openSite(join(site, 'dist')));
    expect(outcome).toEqual({ label: expect.stringMatching(cats.join('|')) as string });
  });

  install("by Vite's dev server with 'dovecote/worker', a worker finds the cat", async (context) => {
    if (skipBrowserTests || !hasLoopback) context.skip('no Chromium, or no loopback interface');
    await addOnnxRuntimeWeb(project());
    const site = await writeWorkerPage(project(), 'vite-dev-worker');
    const { outcome } = await visitDevServer(site, {
      // Named here, else Vite finds them when the worker starts, and loads the page anew.
      optimizeDeps: { include: ['dovecote/worker', 'dovecote/onnx-web'], exclude: ['onnxruntime-web'] },
      server: { fs: { strict: false } },
    });
    expect(outcome).toEqual({ label: expect.stringMatching(cats.join('|')) as string });
  });
}

/** The optional peer, as `npm install onnxruntime-web` would add it. */
async function addOnnxRuntimeWeb({ folder }: ConsumerProject): Promise<void> {
  const link = join(folder, 'node_modules/onnxruntime-web');
  if (await stat(link).catch(() => undefined)) return;
  await symlink(join(rootFolder, 'node_modules/onnxruntime-web'), link, 'dir');
}

async function bundleByEsbuild(site: string, loader: Record<string, 'file'> = {}) {
  const outfile = join(site, 'out/main.js');
  const { metafile, warnings } = await esbuild({
    entryPoints: [join(site, 'main.ts')],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    minify: true,
    metafile: true,
    logLevel: 'silent',
    outfile,
    loader,
  });
  const outside = Object.values(metafile.outputs).flatMap((output) =>
    output.imports.filter((entry) => entry.external && entry.kind !== 'file-loader'),
  );
  expect(outside).toEqual([]);
  const html = await readFile(join(site, 'index.html'), 'utf8');
  await writeFile(join(site, 'out/index.html'), html.replace('main.ts', 'main.js'));
  await copyFile(join(site, 'public/chelsea.jpg'), join(site, 'out/chelsea.jpg'));
  return {
    modules: Object.keys(metafile.inputs),
    code: await readFile(outfile, 'utf8'),
    warnings: warnings.map(({ text }) => text),
    size: (await stat(outfile)).size,
  };
}

async function bundleByVite(site: string, config: InlineConfig = {}) {
  const warnings: string[] = [];
  const result = await viteBuild({
    root: site,
    configFile: false,
    logLevel: 'silent',
    ...config,
    build: {
      chunkSizeWarningLimit: 1e6,
      rollupOptions: { onwarn: (warning) => warnings.push(warning.message) },
    },
  });
  if (Array.isArray(result) || !('output' in result)) throw new Error('Vite gave no output');
  const chunks = result.output.filter((file) => file.type === 'chunk');
  return {
    modules: chunks.flatMap((chunk) => chunk.moduleIds),
    code: chunks.map((chunk) => chunk.code).join('\n'),
    assets: result.output.filter((file) => file.type === 'asset').map((file) => file.fileName),
    warnings,
  };
}

async function visitDevServer(
  site: string,
  { server: serving, ...settings }: InlineConfig = {},
): Promise<Visit> {
  const server = await viteServer({
    root: site,
    configFile: false,
    logLevel: 'silent',
    server: { host: '127.0.0.1', port: 0, ...serving },
    ...settings,
  });
  try {
    await server.listen();
    return await visit(BrowserPage.openUrl(server.resolvedUrls!.local[0]!));
  } finally {
    await server.close();
  }
}

function expectBrowserCode(modules: readonly string[], code: string): void {
  expect(modules.some((path) => /node_modules\/dovecote\/dist\/(index|chunk-\w+)\.js$/.test(path))).toBe(
    true,
  );
  const nodeOnly =
    /node_modules\/(sharp|undici|onnxruntime-node|commander|cli-progress|proper-lockfile|env-paths)\/|dovecote\/dist\/(node|cli)\.js/;
  expect(modules.filter((path) => nodeOnly.test(path))).toEqual([]);
  expect(code).not.toMatch(/(from|import|require)\s*\(?\s*["'`]node:/);
  expect(code).not.toMatch(
    /(from|import\(|require\()\s*["'`](sharp|undici|onnxruntime-node|fs|path|module)["'`]/,
  );
}
