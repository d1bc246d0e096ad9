import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddedModel } from '../../src/embedded/index.ts';
import { classify, loadPixels } from '../../src/node.ts';
import { BrowserPage } from '../support/chromium.ts';
import { skipSites } from '../support/site.ts';
import './worker-globals.ts';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const photos = file('../../examples/photos');

const classes = ['cross', 'ring'] as const;

describe.skipIf(skipSites)('Dovecote in a Web Worker', () => {
  let page: BrowserPage;

  beforeAll(async () => {
    page = await BrowserPage.open({
      entry: file('worker-page.ts'),
      modules: { '/worker.js': file('worker-program.ts') },
      folders: {
        photos,
        ort: dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/wasm'))),
        keras: file('../converters-keras/files'),
        [embeddedModel.fileName]: fileURLToPath(embeddedModel.url),
      },
      isolated: true,
    });
    await page.evaluate(async () => {
      const worker = await pages.openWorker(new Worker('/worker.js', { type: 'module' }), {
        onnxRuntime: { wasmPaths: '/ort/', threads: 2 },
      });
      Object.assign(globalThis, { worker });
    }, undefined);
  });
  afterAll(async () => {
    const errors = page.uncaughtErrors;
    await page.close();
    expect(errors).toEqual([]);
  });

  it('does not load the library into the page', async () => {
    const loaded = await page.evaluate(() => 'tf' in globalThis || '_tfengine' in globalThis, undefined);
    expect(loaded).toBe(false);
  });

  it('says of a photo what Node says, of a file, an element and an address alike', async () => {
    const { predictions } = await classify(`${photos}/chelsea.jpg`);
    const seen = await page.evaluate(async () => {
      const model = await worker.loadModel();
      const photo = await (await fetch('/photos/chelsea.jpg')).blob();
      const image = new Image();
      image.src = '/photos/chelsea.jpg';
      await image.decode();
      const results = await model.classify([photo, image, 'photos/chelsea.jpg']);
      const { facts } = model;
      await model.dispose();
      return { results, facts };
    }, undefined);
    for (const result of seen.results) {
      expect(result.predictions.map(({ label }) => label)).toEqual(predictions.map(({ label }) => label));
      // The decoders of JPEG differ.
      result.predictions.forEach(({ probability }, index) =>
        expect(Math.abs(probability - predictions[index]!.probability)).toBeLessThan(0.02),
      );
    }
    expect(seen.facts).toMatchObject({ name: 'efficientnet-lite0', inputSize: [224, 224] });
    expect(seen.facts.classes).toHaveLength(1000);
    expect(seen.facts.featureMaps.filter(({ isStage }) => isStage).length).toBeGreaterThanOrEqual(5);
  });

  it.each(['onnx', 'tfjs'] as const)(
    'computes on the %s engine what Node computes of the same pixels, within 1e-4',
    async (engine) => {
      const names = ['astronaut', 'chelsea', 'coffee', 'rocket'];
      const pixels = await Promise.all(names.map((name) => loadPixels(`${photos}/${name}.jpg`)));
      const node = await classify(pixels, { topK: 1000 });
      const plain = pixels.map(({ data, width, height }) => ({
        data: Buffer.from(data).toString('base64'),
        width,
        height,
      }));
      const seen = await page.evaluate(
        async ({ plain, engine }) => {
          const given = plain.map(({ data, ...size }) => ({
            ...size,
            data: Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)),
          }));
          const model = await worker.loadModel();
          const results = await model.classify(given, { topK: 1000, engine });
          await model.dispose();
          return results.map(({ predictions }) =>
            predictions.map(({ index, probability }) => [index, probability] as const),
          );
        },
        { plain, engine },
      );
      seen.forEach((predictions, photo) => {
        const found = new Map(predictions);
        for (const { index, probability } of node[photo]!.predictions)
          expect(Math.abs(found.get(index)! - probability)).toBeLessThan(1e-4);
      });
    },
  );

  it('holds as many tensors after 100 photos as before, and after a video', async () => {
    const seen = await page.evaluate(async () => {
      const model = await worker.loadModel();
      const photo = await (await fetch('/photos/coffee.jpg')).blob();
      const first = await model.classify(photo);
      const before = await worker.memory();
      let last = first;
      for (let index = 0; index < 100; index++) last = await model.classify(photo);
      const after = await worker.memory();
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 64;
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = canvas.captureStream(30);
      const pen = canvas.getContext('2d')!;
      const painting = setInterval(() => {
        pen.fillStyle = '#fff';
        pen.fillRect(0, 0, 64, 64);
      }, 20);
      await video.play();
      const filmed = await model.classify(video);
      clearInterval(painting);
      await model.dispose();
      return { first, last, before, after, filmed: filmed.predictions.length };
    }, undefined);
    expect(seen.last.predictions).toEqual(seen.first.predictions);
    expect(seen.after.numTensors).toBe(seen.before.numTensors);
    expect(seen.filmed).toBe(5);
  });

  it('trains, tells how far it is, and leaves no tensors behind but the model', async () => {
    const seen = await page.evaluate(async (classes) => {
      const draw = async (label: string, index: number) => {
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 96;
        const pen = canvas.getContext('2d')!;
        pen.fillStyle = `hsl(${(index * 47) % 360} 60% 85%)`;
        pen.fillRect(0, 0, 96, 96);
        pen.lineWidth = 6 + (index % 5);
        pen.translate(48 + (index % 7) - 3, 48 + (index % 11) - 5);
        pen.rotate(index);
        pen.beginPath();
        if (label === 'ring') pen.arc(0, 0, 28, 0, 7);
        else
          for (const [x, y] of [
            [30, 0],
            [0, 30],
          ] as const) {
            pen.moveTo(-x, -y);
            pen.lineTo(x, y);
          }
        pen.stroke();
        return new Promise<Blob>((done) => canvas.toBlob((blob) => done(blob!)));
      };
      const data = [];
      for (const label of classes)
        for (let index = 0; index < 12; index++) data.push({ label, image: await draw(label, index) });
      const start = await worker.memory();
      const model = await worker.loadModel();
      const before = await worker.memory();
      const epochs: number[] = [];
      const phases = new Set<string>();
      const trained = await model.fineTune(data, {
        epochs: 8,
        seed: 1,
        onEpoch: ({ epoch }) => epochs.push(epoch),
        onProgress: ({ phase }) => phases.add(phase),
      });
      const { predictions } = await trained.model.classify(await draw('ring', 40));
      const files = [];
      for (const format of ['tfjs', 'onnx', 'keras', 'h5'] as const) {
        const file = await trained.model.exportFile(format);
        files.push({ name: file.name, size: file.size });
      }
      await trained.model.save('indexeddb://shapes');
      const refused = await trained.model.save('indexeddb://shapes').catch((error: unknown) => error);
      const kept = await worker.savedModels();
      const again = await worker.loadModel('indexeddb://shapes');
      const second = await again.classify(await draw('ring', 40));
      await worker.removeSavedModel('indexeddb://shapes');
      const left = await worker.savedModels();
      await again.dispose();
      await trained.model.dispose();
      const after = await worker.memory();
      // The base is as it was; and a trained model outlives it.
      const base = await model.classify(await draw('ring', 1));
      const { model: heir } = await model.fineTune(data, { epochs: 1 });
      await model.dispose();
      const orphan = await heir.classify(await draw('ring', 1));
      await heir.dispose();
      const end = await worker.memory();
      return {
        ...{ epochs, phases: [...phases], valAccuracy: trained.valAccuracy, predictions, files, kept, left },
        ...{ second: second.predictions, start, before, after, end, base, orphan },
        refused: refused instanceof pages.DovecoteError ? refused.code : String(refused),
      };
    }, classes);
    expect(seen.epochs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(seen.phases).toContain('features of the training pictures');
    expect(seen.valAccuracy).toBeGreaterThanOrEqual(0.75);
    expect(seen.predictions[0]!.label).toBe('ring');
    expect(seen.second).toEqual(seen.predictions);
    expect(seen.files.map(({ name }) => name.replace(/^.*\./, ''))).toEqual(['zip', 'onnx', 'keras', 'h5']);
    for (const { size } of seen.files) expect(size).toBeGreaterThan(10e6);
    expect(seen.kept.map(({ location }) => location)).toEqual(['indexeddb://shapes']);
    expect(seen.left).toEqual([]);
    expect(seen.refused).toBe('OUTPUT_EXISTS');
    expect(seen.after.numTensors).toBe(seen.before.numTensors);
    expect(seen.base.predictions).toHaveLength(5);
    expect(seen.orphan.predictions).toHaveLength(2);
    expect(seen.end.numTensors).toBe(seen.start.numTensors);
  });

  it('takes addresses that are relative to the page, and URLs', async () => {
    const names = await page.evaluate(async (file) => {
      const found: string[] = [];
      for (const weights of [file, new URL(file, document.baseURI)]) {
        const model = await worker.loadModel('efficientnet-lite0', { weights });
        found.push(model.facts.name);
        await model.dispose();
      }
      return found;
    }, `./${embeddedModel.fileName}`);
    expect(names).toEqual(['efficientnet-lite0', 'efficientnet-lite0']);
  });

  it('says of kept models what is wrong', async () => {
    const codes = await page.evaluate(async () => {
      const codeOf = (action: Promise<unknown>) =>
        action.then(
          () => 'no error',
          (error: unknown) => (error as { code?: string }).code,
        );
      const model = await worker.loadModel();
      const found = [
        await codeOf(model.save('flowers')),
        await codeOf(model.save('indexeddb://')),
        await codeOf(worker.loadModel('indexeddb://nothing')),
        await codeOf(worker.removeSavedModel('indexeddb://nothing')),
        await codeOf(model.save('indexeddb://once')),
        await codeOf(model.save('indexeddb://once')),
        await codeOf(model.save('indexeddb://once', { force: true })),
        await codeOf(worker.removeSavedModel('indexeddb://once')),
      ];
      await model.dispose();
      return found;
    }, undefined);
    expect(codes).toEqual([
      'USAGE_ARGUMENT',
      'USAGE_ARGUMENT',
      'FILE_NOT_FOUND',
      'FILE_NOT_FOUND',
      'no error',
      'OUTPUT_EXISTS',
      'no error',
      'no error',
    ]);
  });

  it('explains and shows layers', async () => {
    const seen = await page.evaluate(async () => {
      const model = await worker.loadModel();
      const photo = await (await fetch('/photos/chelsea.jpg')).blob();
      const { heatmap, overlay, label } = await model.gradCam(photo, { overlay: true });
      const before = await worker.memory();
      const layers = await model.activations(photo, { layers: 'stages', maxChannels: 4 });
      const pixels = await worker.loadPixels(photo);
      const after = await worker.memory();
      const summary = await model.summary();
      await model.dispose();
      return {
        ...{ label, hottest: Math.max(...heatmap), overlay: [overlay!.width, overlay!.height] },
        ...{ layers: layers.map(({ name, shape, data }) => ({ name, shape, values: data.length })), summary },
        ...{ size: [pixels.width, pixels.height], leaked: after.numTensors - before.numTensors },
      };
    }, undefined);
    expect(seen.label).toMatch(/cat|tabby/);
    expect(seen.hottest).toBe(1);
    expect(seen.overlay).toEqual(seen.size);
    expect(seen.layers.length).toBeGreaterThanOrEqual(5);
    for (const { shape, values } of seen.layers)
      expect(values).toBe(shape.reduce((product, side) => product * side, 1));
    expect(seen.summary).toContain('4,652,008');
    expect(seen.leaked).toBe(0);
  });

  it('has the errors of the page: coded, with the next step', async () => {
    const seen = await page.evaluate(async () => {
      const told = async (action: () => Promise<unknown>) => {
        try {
          await action();
          return 'no error';
        } catch (error) {
          return error instanceof pages.DovecoteError
            ? `${error.constructor.name} ${error.code} ${error.nextStep.length > 0}`
            : String(error);
        }
      };
      const model = await worker.loadModel();
      const stop = new AbortController();
      stop.abort();
      const later = new AbortController();
      const data = Array.from({ length: 40 }, (_, index) => ({
        label: index % 2 === 0 ? 'a' : 'b',
        image: { data: new Uint8Array(300 * 300 * 3).fill(index * 5), width: 300, height: 300 },
      }));
      const results = [
        await told(() => worker.loadModel('resnet5')),
        await told(() => model.classify(new Blob(['not a picture']))),
        await told(() =>
          model.classify(document.createElement('canvas').transferControlToOffscreen() as never),
        ),
        await told(() => model.fineTune([{ label: 'one', image: new Blob() }])),
        await told(() => model.classify('/photos/chelsea.jpg', { signal: stop.signal })),
        await told(() =>
          model.fineTune(data, { signal: later.signal, onProgress: ({ done }) => done > 0 && later.abort() }),
        ),
        await told(() => worker.loadModelFiles([{ name: 'broken.h5', bytes: new Uint8Array(100) }])),
        await told(() => worker.convert([{ name: 'model.json', bytes: new TextEncoder().encode('{}') }])),
      ];
      await model.dispose();
      results.push(await told(() => model.classify('/photos/chelsea.jpg')));
      const silent = new Worker(URL.createObjectURL(new Blob(['throw new Error("broken worker")'])));
      results.push(await told(() => pages.openWorker(silent)));
      return results;
    }, undefined);
    expect(seen).toEqual([
      'ModelError MODEL_UNKNOWN true',
      'ImageError IMAGE_UNREADABLE true',
      'ImageError IMAGE_SOURCE true',
      'DatasetError DATASET_ONE_CLASS true',
      'AbortedError ABORTED true',
      'AbortedError ABORTED true',
      'FormatError FORMAT_UNKNOWN true',
      'FormatError FORMAT_UNKNOWN true',
      'UsageError USAGE_ARGUMENT true',
      'EngineError ENGINE_UNAVAILABLE true',
    ]);
  });
});
