import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classify, disposeModel, exportModel, getMetadata, loadModel, setMetadata } from '../../src/node.ts';
import { KerasBatchNormalization } from '../../src/layers/batch-normalization.ts';
import { launchChromium, skipBrowserTests } from '../support/chromium.ts';
import { ensureBuilt } from '../support/dist.ts';
import { pythonWith } from '../support/python.ts';
import { seededTensor } from '../support/seeded.ts';
import { noisyPicture, tinyMetadata } from '../support/tiny-model.ts';

const LABELS = ['Grünfink', '<b>bold</b> & "quoted"', '虎 猫'];

let root: string;
let model: tf.LayersModel;
beforeAll(async () => {
  await ensureBuilt();
  root = await mkdtemp(join(tmpdir(), 'dovecote-export-test-'));
  await tf.setBackend('cpu');
  model = network();
});
afterAll(async () => {
  model.dispose();
  await rm(root, { recursive: true });
});

/** With a layer that plain TensorFlow.js does not know. */
function network(): tf.LayersModel {
  const input = tf.input({ shape: [16, 16, 3], name: 'pictures' });
  const layers = [
    tf.layers.conv2d({ filters: 6, kernelSize: 3, name: 'first' }),
    new KerasBatchNormalization({ name: 'normal' }),
    tf.layers.reLU({ name: 'active' }),
    tf.layers.globalAveragePooling2d({ name: 'pooled' }),
    tf.layers.dense({ units: 3, activation: 'softmax', name: 'last' }),
  ];
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  const made = tf.model({ inputs: input, outputs: output, name: 'birds' });
  layers.forEach((layer, number) => {
    const weights = layer.weights.map(({ shape }, index) => {
      const values = seededTensor(shape as number[], 10 * number + index);
      const positive = index === 3 ? values.map((value) => 1 + Math.abs(value)) : values;
      return tf.tensor(positive, shape as number[]);
    });
    layer.setWeights(weights);
    tf.dispose(weights);
  });
  setMetadata(made, { ...tinyMetadata, labels: LABELS, preprocessing: 'unit', inputSize: [16, 16] });
  return made;
}

describe('exportModel', () => {
  it('writes every form, all with the labels, and each gives the same', async () => {
    const out = join(root, 'all');
    const before = tf.memory().numTensors;
    const metadata = getMetadata(model);
    const result = await exportModel(model, out);
    expect(tf.memory().numTensors).toBe(before);
    expect(getMetadata(model)).toEqual(metadata);
    expect(result).toMatchObject({ out, formats: ['tfjs', 'onnx', 'keras', 'page'], classes: LABELS });
    expect(Object.keys(result.differences).sort()).toEqual(['keras', 'onnx', 'tfjs']);
    expect(result.differences.tfjs).toBeLessThan(1e-5);
    expect(result.differences.onnx).toBeLessThan(1e-5);
    expect(result.differences.keras).toBeLessThan(1e-5);
    const names = (await readdir(out, { recursive: true })).sort();
    expect(names).toEqual(
      [
        ...['README.txt', 'labels.txt', 'model.keras', 'model.onnx', 'page', 'preprocessing.json', 'tfjs'],
        ...[
          'page/group1-shard1of1.bin',
          'page/index.html',
          'page/model.json',
          'page/page.js',
          'page/tf.min.js',
        ],
        ...['tfjs/group1-shard1of1.bin', 'tfjs/model.json'],
      ].sort(),
    );
    expect((await readFile(join(out, 'labels.txt'), 'utf8')).trimEnd().split('\n')).toEqual(LABELS);
    expect(JSON.parse(await readFile(join(out, 'preprocessing.json'), 'utf8'))).toMatchObject({
      input: { shape: [null, 16, 16, 3] },
      preprocessing: { mode: 'unit', formula: 'x / 255' },
    });
    const picture = await noisyPicture([200, 90, 40], 3);
    const expected = await classify(picture, { model });
    for (const file of ['tfjs', 'model.keras']) {
      const loaded = await loadModel(join(out, file));
      const found = await classify(picture, {
        model: loaded,
        ...(file === 'tfjs' ? {} : { labels: LABELS, preprocessing: 'unit' as const }),
      });
      found.predictions.forEach(({ label, probability }, index) => {
        expect(label).toBe(expected.predictions[index]!.label);
        expect(probability).toBeCloseTo(expected.predictions[index]!.probability, 5);
      });
      await disposeModel(loaded);
    }
    const onnx = (await readFile(join(out, 'model.onnx'))).toString('utf8');
    expect(onnx).toContain(JSON.stringify(LABELS));
  });

  it('replaces an earlier export only when asked, and never a folder of others', async () => {
    const out = join(root, 'again');
    await exportModel(model, out, { formats: ['tfjs'] });
    await expect(exportModel(model, out)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await exportModel(model, out, { force: true, formats: ['onnx'] });
    expect((await readdir(out)).sort()).toEqual([
      'README.txt',
      'labels.txt',
      'model.onnx',
      'preprocessing.json',
    ]);
    await writeFile(join(out, 'thesis.txt'), 'mine');
    await expect(exportModel(model, out, { force: true })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await readdir(out)).toContain('thesis.txt');
  });

  it('refuses what it cannot write, before it writes', async () => {
    const out = join(root, 'refused');
    await expect(exportModel(model, out, { formats: ['coreml' as 'onnx'] })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
    await expect(exportModel(model, out, { formats: [] })).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    await expect(exportModel(join(root, 'nowhere'), out)).rejects.toMatchObject({ code: /FILE_|MODEL_/ });
    const input = tf.input({ shape: [4, 4, 3] });
    const nameless = tf.model({
      inputs: input,
      outputs: tf.layers.dense({ units: 2 }).apply(tf.layers.flatten({}).apply(input)) as tf.SymbolicTensor,
    });
    setMetadata(nameless, { ...tinyMetadata, labels: ['only one'], inputSize: [4, 4] });
    await expect(exportModel(nameless, out)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    nameless.dispose();
    expect((await readdir(root)).includes('refused')).toBe(false);
  });

  it('keeps one line a class, says what outputs are, and takes what a model does not say', async () => {
    const labels = ['two\nlines', 'b', '🐝'];
    const bare = tf.model({ inputs: model.inputs, outputs: model.outputs, name: 'bare' });
    const out = join(root, 'bare');
    await expect(exportModel(bare, out, { formats: ['tfjs'] })).rejects.toMatchObject({
      code: 'MODEL_INPUT',
    });
    await exportModel(bare, out, { formats: ['tfjs'], labels, preprocessing: 'tf' });
    expect(await readFile(join(out, 'labels.txt'), 'utf8')).toBe('two lines\nb\n🐝\n');
    const text = JSON.parse(await readFile(join(out, 'preprocessing.json'), 'utf8')) as object;
    expect(text).toMatchObject({ labels, preprocessing: { mode: 'tf' } });
    const input = tf.input({ shape: [16, 16, 3] });
    const pooled = tf.layers.globalAveragePooling2d({}).apply(input);
    const logits = tf.layers.dense({ units: 3 }).apply(pooled) as tf.SymbolicTensor;
    const raw = tf.model({ inputs: input, outputs: logits });
    await exportModel(raw, out, { formats: ['tfjs'], labels, preprocessing: 'unit', force: true });
    raw.dispose();
    expect(await readFile(join(out, 'preprocessing.json'), 'utf8')).toMatch(/one logit for each label/);
  });

  // Each judge loads what it reads, answers the same input, and says the labels it found where the form has them.
  const judges = {
    keras: {
      format: 'keras',
      script: `
import json, sys, numpy as np, keras
x = np.array(json.load(sys.stdin), "float32").reshape(2, 16, 16, 3)
print(json.dumps({"output": keras.models.load_model(sys.argv[1] + "/model.keras")(x).numpy().ravel().tolist()}))`,
    },
    onnxruntime: {
      format: 'onnx',
      script: `
import json, sys, numpy as np, onnxruntime
x = np.array(json.load(sys.stdin), "float32").reshape(2, 16, 16, 3)
session = onnxruntime.InferenceSession(sys.argv[1] + "/model.onnx")
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
output = session.run(None, {session.get_inputs()[0].name: x})[0]
print(json.dumps({"labels": labels, "output": output.ravel().tolist()}))`,
    },
  } as const;
  for (const [judge, { format, script }] of Object.entries(judges)) {
    const python = pythonWith([judge], `${judge} does not load what exportModel writes`);
    it.skipIf(python === undefined)(`${judge} of Python loads it`, { timeout: 120_000 }, async () => {
      const out = join(root, `for-${judge}`);
      await exportModel(model, out, { formats: [format] });
      const values = seededTensor([2, 16, 16, 3], 5);
      const expected = tf.tidy(() =>
        Array.from((model.predict(tf.tensor4d(values, [2, 16, 16, 3])) as tf.Tensor).dataSync()),
      );
      const { stdout, stderr } = spawnSync(python!, ['-c', script, out], {
        input: JSON.stringify([...values]),
        encoding: 'utf8',
      });
      expect(stdout, stderr).not.toBe('');
      const { labels, output } = JSON.parse(stdout) as { labels?: string[]; output: number[] };
      expect(labels).toEqual(format === 'onnx' ? LABELS : undefined);
      expect(output).toHaveLength(expected.length);
      output.forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, 5));
    });
  }
});

describe.skipIf(skipBrowserTests)('the page, in Chromium', () => {
  const TYPES: Readonly<Record<string, string>> = {
    ...{ '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json' },
  };
  let browser: Browser;
  let address: string;
  let close: () => void;
  let folder: string;
  beforeAll(async () => {
    folder = join(root, 'served');
    await exportModel(model, folder, { formats: ['page'] });
    const server = createServer((request, response) => {
      const name = request.url === '/' ? 'index.html' : request.url!.slice(1);
      readFile(join(folder, 'page', name)).then(
        (bytes) => {
          response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream');
          response.end(bytes);
        },
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    close = () => server.close();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    close();
  });

  it.each([
    ['a phone', 360, 800],
    ['a desktop', 1280, 900],
  ])('on %s says what Node says, and asks nobody else', { timeout: 60_000 }, async (_, width, height) => {
    const page = await browser.newPage({ viewport: { width, height } });
    const problems: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(address);
    await page.evaluate('dovecotePage.ready');
    const picture = await noisyPicture([200, 90, 40], 3);
    await page.setInputFiles('#file', { name: 'bird.jpg', mimeType: 'image/jpeg', buffer: picture });
    await page.waitForSelector('#list li');
    const rows = await page.locator('#list .row').allInnerTexts();
    const { predictions } = await classify(picture, { model });
    rows.forEach((row, index) => {
      const { label, probability } = predictions[index]!;
      expect(row).toContain(label);
      expect(Number(/(\d+\.\d) %/.exec(row)![1]) / 100).toBeCloseTo(probability, 2);
    });
    expect(rows).toHaveLength(3);
    expect(problems).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(address) && !/^(data|blob):/.test(url))).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.setInputFiles('#file', {
      name: 'a.pdf',
      mimeType: 'application/pdf',
      buffer: Buffer.from('%PDF'),
    });
    await page.waitForSelector('#status.bad');
    expect(await page.locator('#status').innerText()).toMatch(/"a\.pdf" is no photo/);
    await page.setInputFiles('#file', {
      name: 'b.png',
      mimeType: 'image/png',
      buffer: Buffer.from('no png'),
    });
    await page.waitForFunction(`document.querySelector('#status').textContent.startsWith('It cannot be')`);
    await page.close();
  });

  it('shows the answer to the last question, and takes photos wherever they are dropped', async () => {
    const page = await browser.newPage();
    await page.goto(address);
    await page.evaluate('dovecotePage.ready');
    const slow = await sharp(await noisyPicture([40, 90, 200], 5))
      .resize(4000, 4000)
      .jpeg()
      .toBuffer();
    const quick = await noisyPicture([200, 90, 40], 3);
    const { predictions } = await classify(quick, { model });
    const prevented = await page.evaluate(
      async ([first, second]) => {
        const drop = async (base64: string) => {
          const bytes = await (await fetch(`data:image/jpeg;base64,${base64}`)).arrayBuffer();
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], 'a.jpg', { type: 'image/jpeg' }));
          const event = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
          return event.defaultPrevented;
        };
        return [await drop(first!), await drop(second!)];
      },
      [slow.toString('base64'), quick.toString('base64')],
    );
    expect(prevented).toEqual([true, true]);
    await page.waitForSelector('#list li');
    // Long enough for the slow one's answer.
    await page.waitForTimeout(3000);
    const first = await page.locator('#list .row').first().innerText();
    expect(first).toContain(predictions[0]!.label);
    expect(first).toContain(`${(100 * predictions[0]!.probability).toFixed(1)} %`);
    await page.close();
  });

  it('names a script that is missing', async () => {
    const page = await browser.newPage();
    await page.route('**/tf.min.js', (route) => route.fulfill({ status: 404 }));
    await page.goto(address);
    await page.waitForSelector('#status.bad');
    expect(await page.locator('#status').innerText()).toMatch(/missing: tf\.min\.js/);
    await page.close();
  });

  it(
    'says how to serve it when it is opened as a file, and what is missing',
    { timeout: 60_000 },
    async () => {
      const page = await browser.newPage();
      await page.goto(pathToFileURL(join(folder, 'page', 'index.html')).href);
      await page.waitForTimeout(500);
      expect(await page.locator('#status').innerText()).toMatch(/npx serve ".*page"/);
      await rm(join(folder, 'page', 'model.json'));
      await page.goto(address);
      await page.waitForSelector('#status.bad');
      expect(await page.locator('#status').innerText()).toMatch(/The model cannot be loaded/);
      await page.close();
    },
  );
});
