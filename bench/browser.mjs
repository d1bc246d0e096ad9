// The browser: what classifying and training in a page takes, in Debian's Chromium without a GPU.
//   npm run build && node bench/browser.mjs [--short]
// Parity with Node on the same pixels, milliseconds an image on each engine, the first label of the playground with an empty
// and with a full cache, and training on 2 classes of 30 photos (../shared) with the longest task of the page's thread.
/* global document, PerformanceObserver */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { build as buildSite } from 'vite';
import { classify, disposeModel, loadModel } from 'dovecote';
import { median, root, rounded, saveResults, shared } from './support.mjs';

const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(chromiumPath)) {
  console.log(`there is no ${chromiumPath} (Debian: apt-get install chromium): left out`);
  process.exit();
}
const short = process.argv.includes('--short');
const photos = ['astronaut', 'chelsea', 'coffee', 'rocket'].map((name) =>
  join(root, 'examples/photos', `${name}.jpg`),
);
const packageFolder = (name) => dirname(fileURLToPath(import.meta.resolve(`${name}/package.json`)));

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.css': 'text/css',
};
const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const folder = await mkdtemp(join(tmpdir(), 'dovecote-bench-browser-'));
const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: [
    ...['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    // WebGPU in software.
    ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  ],
});
try {
  const engines = await measureEngines();
  const page = await measurePlayground();
  const lines = [
    '| engine | ms an image, batch 1 | batch 16 | largest difference to Node |',
    '|---|---|---|---|',
    ...engines.map(
      ({ name, single, batch, difference }) => `| ${name} | ${single} | ${batch} | ${difference} |`,
    ),
    '',
    ...Object.entries(page).map(([name, value]) => `- ${name}: ${value}`),
  ];
  console.log(lines.join('\n'));
  await saveResults('browser', { engines, page }, lines);
} finally {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
}

/** The same pixels in Node and in the page, on each engine that runs here. */
async function measureEngines() {
  const place = join(folder, 'engines');
  await build({
    stdin: {
      contents: `
        import * as tf from '@tensorflow/tfjs';
        import { setWasmPaths, setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
        import * as dovecote from './dist/index.js';
        import './dist/onnx-web.js';
        Object.assign(globalThis, { tf, dovecote, setWasmPaths, setThreadsCount });`,
      resolveDir: root,
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    outfile: join(place, 'bundle.js'),
    logLevel: 'error',
  });
  // The bundle is served at the root, where it looks for the network.
  const network = 'efficientnet-lite0.int8.safetensors';
  await cp(join(root, 'dist', network), join(place, network));
  await cp(dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/wasm'))), join(place, 'ort'), {
    recursive: true,
  });
  await cp(join(packageFolder('@tensorflow/tfjs-backend-wasm'), 'dist'), join(place, 'tfjs-wasm'), {
    recursive: true,
  });
  const pixels = await Promise.all(
    photos.map(async (path) => {
      const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      return { data: [...data], width: info.width, height: info.height };
    }),
  );
  const model = await loadModel();
  const given = pixels.map((each) => ({ ...each, data: Uint8Array.from(each.data) }));
  const expected = (await classify(given, { model, topK: 1000 })).map(probabilities);
  await disposeModel(model);
  const results = [];
  for (const [name, settings] of [
    ['onnx, WebAssembly, 1 thread', { engine: 'onnx', threads: 1 }],
    ['onnx, WebAssembly, 2 threads', { engine: 'onnx', threads: 2 }],
    ['onnx, WebAssembly, 2 threads, int8', { engine: 'onnx', threads: 2, precision: 'int8' }],
    ['onnx, WebGPU (software)', { engine: 'onnx', device: 'webgpu' }],
    ['tfjs, WebAssembly, 2 threads', { engine: 'tfjs', backend: 'wasm' }],
    ['tfjs, WebGL (software)', { engine: 'tfjs', backend: 'webgl' }],
  ]) {
    // A page of its own for each: settings of a runtime are those of its start.
    const site = await serve(place, '<!doctype html><script type="module" src="/bundle.js"></script>');
    const page = await browser.newPage();
    await page.goto(site.url);
    await page.waitForFunction(() => globalThis.dovecote !== undefined);
    const seen = await page.evaluate(run, { pixels, settings, runs: short ? 3 : 20 }).catch((error) => ({
      problem: error.message.split('\n')[0],
    }));
    await page.close();
    site.close();
    results.push(
      'problem' in seen
        ? { name, single: seen.problem, batch: '', difference: '' }
        : {
            name,
            single: rounded(median(seen.single), 1),
            batch: seen.batch.length === 0 ? '' : rounded(median(seen.batch), 1),
            difference: Math.max(
              ...seen.probabilities.flatMap((row, photo) =>
                row.map((value, index) => Math.abs(value - expected[photo][index])),
              ),
            ).toExponential(1),
          },
    );
  }
  return results;
}

function probabilities({ predictions }) {
  return predictions.toSorted((a, b) => a.index - b.index).map(({ probability }) => probability);
}

/** Runs in the page. */
async function run({ pixels, settings, runs }) {
  const { dovecote, tf } = globalThis;
  const { engine, threads = 1, precision = 'float32', device = 'cpu', backend } = settings;
  dovecote.configureOnnxRuntime({ wasmPaths: '/ort/', threads });
  globalThis.setWasmPaths('/tfjs-wasm/');
  globalThis.setThreadsCount(2);
  if (backend !== undefined) await tf.setBackend(backend);
  const images = pixels.map((each) => ({ ...each, data: Uint8Array.from(each.data) }));
  const model = await dovecote.loadModel();
  const options = {
    model,
    engine,
    ...(engine === 'onnx' && { device, precision }),
    ...(precision === 'int8' && { calibration: images }),
    topK: 1000,
  };
  const results = await dovecote.classify(images, options);
  // The network alone: decoding and resizing are the same for all.
  const network = await dovecote.compileModel(model, {
    engine,
    pixels: 'lite',
    ...(engine === 'onnx' && { device, precision }),
    ...(precision === 'int8' && { calibration: images }),
  });
  const input = (count) =>
    Uint8Array.from({ length: count * 224 * 224 * 3 }, (_, index) => (index * 7919) % 251);
  const time = async (count, times) => {
    const data = input(count);
    const found = [];
    for (let index = 0; index < times; index++) {
      const from = performance.now();
      await network.run(data, [count, 224, 224, 3]);
      found.push((performance.now() - from) / count);
    }
    return found.slice(1);
  };
  const single = await time(1, runs + 1);
  // Too long for a quick look where a GPU is imitated.
  const batch = runs < 10 ? [] : await time(16, Math.ceil(runs / 4) + 1);
  await network.dispose();
  return {
    single,
    batch,
    probabilities: results.map(({ predictions }) =>
      predictions.toSorted((a, b) => a.index - b.index).map(({ probability }) => probability),
    ),
  };
}

/** The built page as a visitor has it. */
async function measurePlayground() {
  const place = join(folder, 'playground');
  await buildSite({ root: join(root, 'examples/playground'), logLevel: 'error', build: { outDir: place } });
  const site = await serve(place);
  const page = await browser.newPage();
  await page.addInitScript(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) =>
      globalThis.longTasks.push(...list.getEntries().map(({ duration }) => duration)),
    ).observe({ type: 'longtask' });
  });
  const firstLabel = async (open) => {
    const from = performance.now();
    await open();
    await page.click('#look-sample');
    await page.waitForSelector('#answer:not([hidden])', { timeout: 120_000 });
    return Math.round(performance.now() - from);
  };
  const cold = await firstLabel(() => page.goto(site.url));
  const warm = [];
  for (let index = 0; index < (short ? 1 : 5); index++) warm.push(await firstLabel(() => page.reload()));
  const found = { 'first label, nothing cached': `${cold} ms`, 'first label, cached': `${median(warm)} ms` };
  const source = join(shared, 'datasets/hymenoptera_data/train');
  const classes = await readdir(source).catch(() => []);
  if (classes.length === 0) {
    console.log('training in the page needs ../shared/datasets/hymenoptera_data: left out');
  } else {
    for (const label of classes) {
      await mkdir(join(folder, 'insects', label), { recursive: true });
      const files = (await readdir(join(source, label))).filter((name) => name.endsWith('.jpg')).toSorted();
      for (const name of files.slice(0, 30))
        await cp(join(source, label, name), join(folder, 'insects', label, name));
    }
    await page.waitForFunction(() => document.getElementById('status').textContent === 'Ready.');
    await page.click('#tab-train');
    await page.setInputFiles('#train-folder', join(folder, 'insects'));
    const seconds = [];
    const longest = [];
    for (let index = 0; index < (short ? 1 : 5); index++) {
      await page.evaluate(() => (globalThis.longTasks.length = 0));
      const from = performance.now();
      await page.click('#train');
      await page.waitForFunction(
        () => /^Trained in/.test(document.getElementById('status').textContent),
        undefined,
        { timeout: 60_000 },
      );
      seconds.push((performance.now() - from) / 1000);
      // Long tasks are told of later; under 50 ms there is none.
      await page.waitForTimeout(500);
      longest.push(Math.max(0, ...(await page.evaluate(() => globalThis.longTasks))));
      await page.evaluate(() => (document.getElementById('status').textContent = ''));
    }
    found['training 2 classes of 30 photos'] =
      `${rounded(median(seconds), 1)} s (${seconds.map((each) => rounded(each, 1)).join(', ')})`;
    const worst = Math.max(...longest);
    found['longest task of the page while training'] =
      worst === 0 ? 'under 50 ms: none was reported' : `${rounded(worst, 0)} ms`;
    found['its result'] = await page.textContent('#trained-text');
  }
  await page.close();
  site.close();
  return found;
}

async function serve(place, start) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/' && start !== undefined) {
      response.writeHead(200, { 'content-type': 'text/html', ...isolation }).end(start);
      return;
    }
    const name = pathname === '/' ? 'index.html' : pathname;
    const type = types[extname(name)] ?? 'application/octet-stream';
    readFile(join(place, name)).then(
      (body) => response.writeHead(200, { 'content-type': type, ...isolation }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
