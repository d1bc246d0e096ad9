import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { demoModule } from '../support/demo-module.ts';
import { FakeTerminal, fakePipe } from '../support/fake-terminal.ts';
import { attribute, elementsIn, parsePage, textOf } from '../support/html-page.ts';

const { vendors, classes, picturesPerVendor } = await demoModule('settings.mjs');
const { loadVendor } = await demoModule('drawings.mjs');
const { planPictures } = await demoModule('training-folder.mjs');
const { renderPicture } = await demoModule('render.mjs');
const { checkOutput, stageOutput, publishOutput } = await demoModule('output-folder.mjs');
const { reportPage } = await demoModule('report.mjs');
const { createProgress } = await demoModule('terminal.mjs');

const artists = vendors.map(loadVendor);

describe('the drawings', () => {
  const plan = planPictures(artists);
  const of = (role: string) => plan.filter(({ file }) => file.startsWith(`${role}/`));

  it('of the validation vendor are never trained on', () => {
    const authors = (role: string) => new Set(of(role).map(({ vendor }) => vendor.author));
    expect([...authors('validation')]).toEqual(['Microsoft Corporation']);
    expect(authors('training').size).toBe(5);
    expect(authors('training')).not.toContain('Microsoft Corporation');
    for (const { file, vendor } of plan) expect(file.startsWith(`${vendor.role}/`), file).toBe(true);
  });

  it('show every class by every vendor, equally often', () => {
    for (const { set, role } of artists) {
      for (const label of Object.keys(classes)) {
        const own = plan.filter(({ vendor, ...picture }) => vendor.set === set && picture.label === label);
        expect(own, `${set}, ${label}`).toHaveLength(picturesPerVendor[role]);
      }
    }
    expect(new Set(plan.map(({ file }) => file)).size).toBe(plan.length);
  });

  it('are found under names that differ by hyphens, and no others', () => {
    const drawn = (set: string) =>
      new Set(plan.flatMap(({ vendor, drawing }) => (vendor.set === set ? [drawing] : [])));
    expect(drawn('fxemoji')).toContain('tropicalfish');
    expect(drawn('twemoji')).toContain('tropical-fish');
    expect([...drawn('twemoji')].filter((name) => /hot-dog|tears|heart/.test(name))).toEqual([]);
  });

  it('are the same for the same seed, others for another seed and another key', async () => {
    const { icons } = artists[0]!;
    const picture = (seed: number, key: string) => renderPicture(icons, 'cat-face', seed, key);
    const first = await picture(1, 'a');
    expect((await picture(1, 'a')).equals(first)).toBe(true);
    expect((await picture(2, 'a')).equals(first)).toBe(false);
    expect((await picture(1, 'b')).equals(first)).toBe(false);
  });

  it('are JPEGs of 256 by 256 pixels in colour, on any background, at any size and angle', async () => {
    const { icons } = artists[1]!;
    for (let number = 0; number < 24; number++) {
      const bytes = await renderPicture(icons, 'sunflower', 7, `${number}`);
      expect(await sharp(bytes).metadata()).toMatchObject({
        ...{ format: 'jpeg', width: 256, height: 256, channels: 3 },
      });
      const { channels } = await sharp(bytes).stats();
      expect(Math.max(...channels.map(({ stdev }) => stdev))).toBeGreaterThan(5);
    }
  });
});

describe('the output folder', () => {
  let root: string;
  let folder: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dovecote-demo-output-'));
    folder = join(root, 'demo-output');
  });
  afterEach(() => rm(root, { recursive: true }));

  async function publish(text: string) {
    const staging = await stageOutput(folder);
    await mkdir(join(staging, 'model'));
    await writeFile(join(staging, 'report.html'), text);
    await writeFile(join(staging, 'model', 'model.json'), '{}');
    await publishOutput(staging, folder);
  }

  it('is made where there is none, or an empty one, and replaced when it is an earlier output', async () => {
    expect(await checkOutput(folder)).toBe('missing');
    await mkdir(folder);
    expect(await checkOutput(folder)).toBe('empty');
    await publish('first');
    expect(await checkOutput(folder)).toBe('own');
    await publish('second');
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toBe('second');
    expect((await readdir(folder)).sort()).toEqual(['made-by-dovecote-demo.json', 'model', 'report.html']);
  });

  it.each(['notes.txt', 'model/weights-of-mine.bin', 'photos/'])(
    'is kept when there is something else in it (%s)',
    async (foreign) => {
      await publish('first');
      if (foreign.endsWith('/')) await mkdir(join(folder, foreign));
      else await writeFile(join(folder, foreign), 'mine');
      await expect(checkOutput(folder)).rejects.toThrow(foreign.replace(/\/$/, ''));
      await expect(publish('second')).rejects.toThrow(/nothing was changed/);
      expect(await readFile(join(folder, 'report.html'), 'utf8')).toBe('first');
    },
  );

  it('is put back when the new one cannot take its place', async () => {
    await publish('first');
    // A folder cannot move into itself: the second half of the exchange fails.
    await expect(publishOutput(root, folder)).rejects.toThrow(/EINVAL/);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toBe('first');
    expect(await checkOutput(folder)).toBe('own');
  });

  it('is kept when it is not marked, or is a file', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'report.html'), 'mine');
    await expect(checkOutput(folder)).rejects.toThrow(/not the demo's \(report\.html\)/);
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file');
    await expect(checkOutput(folder)).rejects.toThrow(/is not a folder/);
  });
});

describe('the report', () => {
  const odd = [
    '<script>alert(1)</script>',
    `"quotes" & 'apostrophes'`,
    '</svg></style><img src=x onerror=y>',
  ];
  const history = [1, 2].map((epoch) => ({ epoch, loss: 1, accuracy: 0.5, valLoss: 1, valAccuracy: 0.5 }));
  const confusion = [
    [1, 2, 0],
    [0, 3, 0],
    [1, 1, 1],
  ];
  const perClass = odd.map((label) => ({ label, precision: 0.5, recall: 0.5, f1: 0.5, support: 3 }));
  const src = 'data:image/jpeg;base64,AAAA';
  const facts = {
    photos: [
      {
        ...{ title: odd[0], credit: odd[2], src },
        predictions: odd.map((label) => ({ label, probability: 1 / 3 })),
      },
    ],
    vendors: [
      {
        ...{ title: odd[0], author: odd[1], role: 'training', licence: odd[2], url: odd[1] },
        samples: [{ src, alt: odd[1] }],
      },
    ],
    result: {
      ...{ classes: odd, history, epochs: 2, bestEpoch: 1, trainingImages: 9, validationImages: 9 },
      evaluation: { accuracy: 5 / 9, confusion, perClass },
    },
    reloaded: { accuracy: 5 / 9, confusion },
    mistakes: [{ src, actual: odd[0], predicted: odd[2], probability: 0.6 }],
    timings: [{ step: odd[2], seconds: 1 }],
    setup: { base: odd[0], engine: odd[1], seed: 1, machine: odd[2] },
    next: [{ what: odd[0], command: odd[2] }],
  };

  it('shows odd class names as they are, in text, attributes and charts', async () => {
    const page = parsePage(await reportPage(facts));
    expect(page.errors).toEqual([]);
    expect(page.all('script')).toEqual([]);
    expect(page.all('img')).toHaveLength(3);
    expect(page.elements.flatMap(({ attrs }) => attrs).filter(({ name }) => name === 'onerror')).toEqual([]);
    const confusionSection = page.byId('confusion')!;
    const rows = elementsIn(confusionSection).filter((element) => attribute(element, 'scope') === 'row');
    expect(rows.map((row) => textOf(row).trim())).toEqual(odd);
    const charts = elementsIn(confusionSection).filter(({ tagName }) => tagName === 'svg');
    expect(attribute(charts[0]!, 'aria-label')).toContain(`${odd[0]!}: taken for 1 ${odd[0]!}, 2 ${odd[1]!}`);
    expect(textOf(charts[0]!)).toContain('<script>');
  });

  it('keeps apart two classes that are written alike, and counts in class order', async () => {
    const result = { ...facts.result, classes: ['same', 'same', 'other'] };
    const page = parsePage(await reportPage({ ...facts, result }));
    const texts = elementsIn(page.byId('confusion')!).filter(({ tagName }) => tagName === 'text');
    const counts = texts.map(textOf).filter((text) => /^\d+$/.test(text));
    expect(counts).toEqual(confusion.flat().map(String));
  });

  it('admits when the saved model answers otherwise than training had measured', async () => {
    const page = await reportPage({ ...facts, reloaded: { accuracy: 1 / 9, confusion: [[0], [0], [0]] } });
    expect(page).toMatch(/not what training had measured \(55\.6 %\)/);
  });

  it('counts all mistakes and shows those that have a picture', async () => {
    const [shown] = facts.mistakes;
    const mistakes = [shown!, { ...shown!, src: undefined }];
    const page = parsePage(await reportPage({ ...facts, mistakes }));
    const section = page.byId('mistakes')!;
    expect(textOf(section)).toMatch(/2 of 9 pictures[^]*1 of them are shown/);
    const images = elementsIn(section).filter(({ tagName }) => tagName === 'img');
    expect(images.map((image) => attribute(image, 'src'))).toEqual([src]);
  });

  it('is glad when nothing was wrong', async () => {
    const page = parsePage(await reportPage({ ...facts, mistakes: [] }));
    expect(textOf(page.byId('mistakes')!)).toContain('Nothing: all 9 pictures are right.');
  });
});

describe('progress', () => {
  const report = { phase: 'draw', total: 4, unit: 'images' };

  it('is a bar on a terminal that is gone in the end, with the cursor back', async () => {
    const terminal = new FakeTerminal(80);
    const { onProgress, finish } = createProgress(terminal.stream);
    onProgress({ ...report, done: 0 });
    onProgress({ ...report, done: 2, note: 'half' });
    expect(terminal.output).toMatch(/draw \[/);
    expect(terminal.cursorIsVisible).toBe(false);
    finish();
    expect(await terminal.lines()).toEqual([]);
    expect(terminal.cursorIsVisible).toBe(true);
  });

  it('is nothing where there is no terminal', () => {
    const { stream, output } = fakePipe();
    const { onProgress, finish } = createProgress(stream);
    onProgress({ ...report, done: 1 });
    finish();
    expect(output()).toBe('');
  });
});
