import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileModel, disposeModel, loadModel } from '../../src/node.ts';
import { BrowserPage, skipBrowserTests } from '../support/chromium.ts';
import { hasShared, shared } from '../support/shared.ts';
import './globals.ts';

const entry = fileURLToPath(new URL('page.ts', import.meta.url));
const ort = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/wasm')));
const folders = {
  ort,
  images: shared('images'),
  embedded: fileURLToPath(new URL('../../src/embedded', import.meta.url)),
};

/** The same numbers here and in the page. */
const size = 96;
const pixels = () => Uint8Array.from({ length: 2 * size * size * 3 }, (_, index) => (index * 7919) % 251);
const options = {
  alpha: 0.35,
  includeTop: false,
  pooling: 'avg',
  inputShape: [size, size, 3],
  weights: null,
  seed: 5,
} as const;

describe.skipIf(skipBrowserTests)('the onnx engine in a browser', () => {
  let page: BrowserPage;

  beforeAll(async () => {
    page = await BrowserPage.open({ entry, folders, isolated: true });
    await page.evaluate(() => dovecote.configureOnnxRuntime({ wasmPaths: '/ort/', threads: 2 }), undefined);
  });
  afterAll(async () => {
    const errors = page.uncaughtErrors;
    await page.close();
    expect(errors).toEqual([]);
  });

  it('computes in WebAssembly what it computes in Node, with threads, and leaves no tensors', async () => {
    const model = await loadModel('mobilenetv2', options);
    const network = await compileModel(model, { engine: 'onnx', pixels: 'tf' });
    const [expected] = await network.run(pixels(), [2, size, size, 3]);
    await network.dispose();
    await disposeModel(model);
    const seen = await page.evaluate(
      async ({ options, size, data }) => {
        const before = tf.memory().numTensors;
        const model = await dovecote.loadModel('mobilenetv2', options);
        const network = await dovecote.compileModel(model, { engine: 'onnx', pixels: 'tf' });
        const input = Uint8Array.from(data);
        // Calls may overlap.
        const [first, second] = await Promise.all([
          network.run(input, [2, size, size, 3]),
          network.run(input, [2, size, size, 3]),
        ]);
        const { device, engine } = network;
        await network.dispose();
        await dovecote.disposeModel(model);
        return {
          values: [...first[0]!.data],
          again: [...second[0]!.data],
          shape: first[0]!.shape,
          left: tf.memory().numTensors - before,
          device,
          engine,
          isolated: crossOriginIsolated,
        };
      },
      { options, size, data: [...pixels()] },
    );
    expect(seen).toMatchObject({ device: 'cpu', engine: 'onnx', isolated: true, left: 0, shape: [2, 1280] });
    expect(seen.again).toEqual(seen.values);
    const largest = Math.max(...expected!.data.map(Math.abs));
    const worst = Math.max(...seen.values.map((value, index) => Math.abs(value - expected!.data[index]!)));
    expect(largest).toBeGreaterThan(0);
    expect(worst / largest).toBeLessThan(1e-4);
  });

  it.skipIf(!hasShared)('classifies a photo, in int8 too', async () => {
    const seen = await page.evaluate(async () => {
      const model = await dovecote.loadModel('efficientnet-lite0', {
        weights: '/embedded/efficientnet-lite0.int8.safetensors',
      });
      const photo = new Image();
      photo.src = '/images/tabby_cat.jpeg';
      await photo.decode();
      const whole = await dovecote.classify(photo, { model, engine: 'onnx' });
      const { predictions } = await dovecote.classify(photo, {
        model,
        precision: 'int8',
        calibration: Array.from({ length: 4 }, () => photo),
      });
      await dovecote.disposeModel(model);
      return [whole.predictions[0]!, predictions[0]!];
    }, undefined);
    expect(seen.map(({ label }) => label)).toEqual(['tabby', 'tabby']);
    expect(seen[1]!.probability).toBeCloseTo(seen[0]!.probability, 1);
  });

  it('says what it lacks: a GPU here, CUDA in any browser', async () => {
    const codes = await page.evaluate(async () => {
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
      const found: string[] = [];
      for (const device of ['webgpu', 'cuda', 'nowhere'] as const) {
        try {
          const compiled = await dovecote.compileModel(model, { device: device as never });
          found.push(compiled.device ?? compiled.engine);
        } catch (error) {
          found.push(error instanceof dovecote.DovecoteError ? error.code : String(error));
        }
      }
      const auto = await dovecote.compileModel(model, { device: 'auto' });
      found.push(auto.device ?? `tfjs, because ${auto.why}`);
      await auto.dispose();
      model.dispose();
      return found;
    }, undefined);
    expect(codes).toEqual(['ENGINE_UNAVAILABLE', 'ENGINE_UNAVAILABLE', 'USAGE_ARGUMENT', 'cpu']);
  });
});

describe.skipIf(skipBrowserTests)('where the files of the runtime are missing', () => {
  it('auto takes tfjs and says why; onnx says what to do', async () => {
    const page = await BrowserPage.open({ entry });
    const seen = await page.evaluate(async () => {
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
      const auto = await dovecote.compileModel(model, {});
      const error = await dovecote
        .compileModel(model, { engine: 'onnx' })
        .catch((reason: unknown) => reason as { code: string; nextStep: string });
      model.dispose();
      return {
        engine: auto.engine,
        why: auto.why,
        code: 'code' in error && error.code,
        next: 'nextStep' in error && error.nextStep,
      };
    }, undefined);
    await page.close();
    expect(seen).toMatchObject({ engine: 'tfjs', code: 'ENGINE_UNAVAILABLE' });
    expect(seen.why).toMatch(/ONNX Runtime cannot be started in this page/);
    expect(seen.next).toMatch(/configureOnnxRuntime/);
  });
});

describe.skipIf(skipBrowserTests)('WebGPU in a browser, computed in software', () => {
  it('computes what Node computes, within 1e-4, and says that it was WebGPU', async () => {
    const page = await BrowserPage.open({
      entry,
      folders,
      flags: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    });
    try {
      const model = await loadModel('efficientnet-lite0');
      const network = await compileModel(model, { engine: 'onnx', pixels: 'lite' });
      const data = Uint8Array.from({ length: 224 * 224 * 3 }, (_, index) => (index * 7919) % 251);
      const [expected] = await network.run(data, [1, 224, 224, 3]);
      await network.dispose();
      await disposeModel(model);
      const seen = await page.evaluate(async () => {
        dovecote.configureOnnxRuntime({ wasmPaths: '/ort/' });
        const weights = '/embedded/efficientnet-lite0.int8.safetensors';
        const model = await dovecote.loadModel('efficientnet-lite0', { weights });
        const network = await dovecote.compileModel(model, { device: 'webgpu', pixels: 'lite' });
        const data = Uint8Array.from({ length: 224 * 224 * 3 }, (_, index) => (index * 7919) % 251);
        const [output] = await network.run(data, [1, 224, 224, 3]);
        const { device } = network;
        await network.dispose();
        await dovecote.disposeModel(model);
        return { device, values: [...output!.data] };
      }, undefined);
      expect(seen.device).toBe('webgpu');
      seen.values.forEach((value, index) =>
        expect(Math.abs(value - expected!.data[index]!)).toBeLessThan(1e-4),
      );
      expect(page.uncaughtErrors).toEqual([]);
    } finally {
      await page.close();
    }
  });
});
