import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationReport, LabelledImage } from '../../src/node.ts';
import { evaluateModel, setMetadata, writeReport } from '../../src/node.ts';
import { chromiumPath, skipBrowserTests } from '../support/chromium.ts';
import { colourModel, colourPicture, tinyMetadata } from '../support/tiny-model.ts';

let root: string;
let model: tf.LayersModel;
let data: LabelledImage[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-evaluation-'));
  await tf.setBackend('cpu');
  model = colourModel();
  const shade = async (label: string, red: number, green: number, blue: number, name: string) => ({
    image: await colourPicture(red, green, blue),
    label,
    name,
  });
  data = [
    await shade('red', 200, 100, 50, 'r1'),
    await shade('red', 120, 100, 50, 'r2'),
    // The most wrong one: the model is sure that it is green.
    await shade('red', 10, 250, 50, 'wrong <b>& "sure"</b>'),
    await shade('blue', 10, 20, 90, 'b1'),
    await shade('blue', 100, 105, 90, 'b2'),
    { image: Buffer.from('no picture'), label: 'blue', name: 'broken' },
  ];
});
afterAll(async () => {
  model.dispose();
  await rm(root, { recursive: true });
});

describe('evaluateModel', () => {
  it.each(['onnx', 'tfjs'] as const)('measures what is right and wrong, on %s', async (engine) => {
    const before = tf.memory().numTensors;
    const report = await evaluateModel(model, data, { engine, topK: 2 });
    expect(tf.memory().numTensors).toBe(before);
    expect(report).toMatchObject({
      images: 5,
      accuracy: 3 / 5,
      classes: ['red', 'green', 'blue'],
      confusion: [
        [2, 1, 0],
        [0, 0, 0],
        [0, 1, 1],
      ],
      skipped: [{ image: 'broken' }],
      tta: false,
      engine,
    });
    expect(report.perClass.map(({ support }) => support)).toEqual([3, 0, 2]);
    expect(report.perClass[1]!.rocAuc).toBeNull();
    expect(report.perClass[0]).toMatchObject({ precision: 1, recall: 2 / 3 });
    expect(report.mostWrong.map(({ image }) => image)).toEqual([data[2]!.name, 'b2']);
    expect(report.mostWrong[0]).toMatchObject({ actual: 'red', predicted: 'green' });
    expect(report.mostWrong[0]!.probability).toBeGreaterThan(0.99);
    expect(report.topK).toEqual({ k: 2, accuracy: 3 / 5 });
    const counted = [...report.confidences.right, ...report.confidences.wrong];
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(5);
    expect(report.calibration.bins.reduce((sum, { count }) => sum + count, 0)).toBe(5);
  });

  it('with test-time augmentation gives means over views: none of pictures of one colour', async () => {
    const [plain, tta] = [await evaluateModel(model, data), await evaluateModel(model, data, { tta: true })];
    expect(tta.tta).toBe(true);
    expect(tta.loss).toBeCloseTo(plain.loss, 3);
    expect(tta.confusion).toEqual(plain.confusion);
    expect(tta.skipped).toEqual(plain.skipped);
    // Red on the left: the mirror image and the crops see it elsewhere, or less of it.
    const half = { data: new Uint8Array(24 * 24 * 3), width: 24, height: 24 };
    for (let at = 0; at < 24 * 24; at++) half.data[at * 3 + (at % 24 < 11 ? 0 : 2)] = 255;
    const halves = [
      { image: half, label: 'red' },
      { image: half, label: 'blue' },
    ];
    const [one, several] = [
      await evaluateModel(model, halves),
      await evaluateModel(model, halves, { tta: true }),
    ];
    expect(several.loss).not.toBeCloseTo(one.loss, 4);
  });

  it('refuses classes that the model has not, by their names, and pictures of which none can be read', async () => {
    await expect(
      evaluateModel(model, [...data, { image: data[0]!.image, label: 'crimson' }]),
    ).rejects.toMatchObject({
      code: 'DATASET_CLASSES',
      message: expect.stringContaining('crimson') as string,
    });
    const broken = ['red', 'blue'].map((label) => ({ image: Buffer.from('x'), label }));
    await expect(evaluateModel(model, broken)).rejects.toMatchObject({ code: 'DATASET_EMPTY' });
    await expect(evaluateModel(model, data, { topK: 0 })).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
  });

  it('finds classes by the names and ids of ImageNet, and shows no thousand of them', async () => {
    const input = tf.input({ shape: [8, 8, 3] });
    const pooled = tf.layers.globalAveragePooling2d({}).apply(input) as tf.SymbolicTensor;
    const output = tf.layers.dense({ units: 1000, activation: 'softmax' }).apply(pooled) as tf.SymbolicTensor;
    const wide = tf.model({ inputs: input, outputs: output });
    setMetadata(wide, { ...tinyMetadata, labels: 'imagenet', inputSize: [8, 8] });
    const report = await evaluateModel(wide, [
      { image: await colourPicture(1, 2, 3), label: 'Egyptian cat' },
      { image: await colourPicture(3, 2, 1), label: 'n02123045' },
    ]);
    expect(report.classes).toEqual(expect.arrayContaining(['Egyptian_cat', 'tabby']));
    expect(report.classes.length).toBeLessThan(5);
    expect(report.images).toBe(2);
    wide.dispose();
  });

  it('takes a model without names where the number of classes is the same', async () => {
    const input = tf.input({ shape: [12, 12, 3] });
    const pooled = tf.layers.globalAveragePooling2d({}).apply(input) as tf.SymbolicTensor;
    const output = tf.layers.dense({ units: 2, activation: 'softmax' }).apply(pooled) as tf.SymbolicTensor;
    const nameless = tf.model({ inputs: input, outputs: output });
    const report = await evaluateModel(nameless, data, { preprocessing: 'unit' });
    expect(report.classes).toEqual(['class 0', 'class 1']);
    const three = [...data, { image: data[0]!.image, label: 'green' }];
    await expect(evaluateModel(nameless, three, { preprocessing: 'unit' })).rejects.toMatchObject({
      code: 'DATASET_CLASSES',
    });
    nameless.dispose();
  });
});

describe('writeReport', () => {
  let report: EvaluationReport;
  let file: string;
  beforeAll(async () => {
    report = await evaluateModel(model, data);
    file = join(root, 'report.html');
    const pictures = new Map(data.map(({ name, image }) => [name!, image]));
    await writeReport(report, file, { model: 'my <script>model</script>', data: 'Größe & Co', pictures });
  });

  it('is one page without scripts and without anything from elsewhere', async () => {
    const page = await readFile(file, 'utf8');
    expect(page).not.toMatch(/<script|<link|@import|url\((?!['"]?#)|src="(?!data:image\/jpeg)/);
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org\/)/);
    expect(page).toContain('my &lt;script&gt;model&lt;/script&gt;');
    expect(page).toContain('wrong &lt;b&gt;&amp; &quot;sure&quot;&lt;/b&gt;');
    expect(page.match(/<img src="data:image\/jpeg/g)).toHaveLength(2);
    expect(page.match(/<svg /g)).toHaveLength(2);
    expect(page).toContain('60.0 % of 5 photos');
  });

  it('does not replace a file unless it is asked to, and leaves nothing half-written', async () => {
    const other = join(root, 'taken.html');
    await writeFile(other, 'mine');
    await expect(writeReport(report, other)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await readFile(other, 'utf8')).toBe('mine');
    await writeReport(report, other, { force: true });
    expect(await readFile(other, 'utf8')).toContain('no picture');
    expect((await readdir(root)).sort()).toEqual(['report.html', 'taken.html']);
  });

  it('shows confused pairs instead of a matrix of many classes', async () => {
    const classes = Array.from({ length: 30 }, (_, index) => `class ${index}`);
    const confusion = classes.map((_, row) =>
      classes.map((__, column) => (column === (row + 1) % 30 ? row : 0)),
    );
    const perClass = classes.map((label) => ({ ...report.perClass[0]!, label }));
    const many = join(root, 'many.html');
    await writeReport({ ...report, classes, confusion, perClass }, many);
    const page = await readFile(many, 'utf8');
    expect(page).not.toContain('class="matrix"');
    expect(page).toMatch(/class 29<\/th><td class="text">class 0<\/td><td>29</);
    await rm(many);
  });

  describe.skipIf(skipBrowserTests)('in Chromium', () => {
    it.each([
      ['a phone', 360, 800, 'light'],
      ['a desktop', 1280, 900, 'dark'],
    ] as const)(
      'on %s it fits, asks for nothing, and needs no JavaScript',
      async (_, width, height, colorScheme) => {
        const browser = await chromium.launch({
          ...(chromiumPath !== undefined && { executablePath: chromiumPath }),
          args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
        });
        try {
          const context = await browser.newContext({ viewport: { width, height }, colorScheme });
          const page = await context.newPage();
          const problems: string[] = [];
          const requests: string[] = [];
          page.on('console', (message) => problems.push(message.text()));
          page.on('pageerror', (error) => problems.push(error.message));
          page.on('request', (request) => requests.push(request.url()));
          await page.goto(pathToFileURL(file).href);
          expect(problems).toEqual([]);
          expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(file).href]);
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
          expect(
            await page.evaluate('[...document.images].every(({ naturalWidth }) => naturalWidth > 0)'),
          ).toBe(true);
          await context.close();
          const plain = await browser.newContext({ viewport: { width, height }, javaScriptEnabled: false });
          const still = await plain.newPage();
          await still.goto(pathToFileURL(file).href);
          const text = await still.locator('main').innerText();
          for (const part of ['60.0 % of 5 photos', 'The most wrong photos', 'Class by class', 'broken']) {
            expect(text).toContain(part);
          }
          expect(await still.locator('svg[role=img]').count()).toBe(2);
        } finally {
          await browser.close();
        }
      },
    );
  });
});
