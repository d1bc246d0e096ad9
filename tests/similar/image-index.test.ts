import { readFile, writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  buildImageIndex,
  disposeModel,
  extractFeatures,
  loadImageIndex,
  loadModel,
  saveImageIndex,
} from '../../src/node.ts';
import { writeSafetensors } from '../../converters/index.ts';
import { platform } from '../../src/platform.ts';
import { Workshop, blue, red } from '../cli/fixtures.ts';

const workshop = new Workshop('similar');
afterAll(() => workshop.remove());

let folder: string;
beforeAll(async () => {
  await platform().prepareTfjs();
  folder = await workshop.colours('colours', 3);
  workshop.file('colours/broken.png', 'no picture');
});

let tensors: number;
beforeEach(() => (tensors = tf.memory().numTensors));
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

const network = (seed = 3) => loadModel('squeezenet', { weights: null, inputShape: [48, 48, 3], seed });

describe('buildImageIndex', () => {
  it('finds the pictures of a folder that look like a given one', async () => {
    const model = await network();
    const index = await buildImageIndex(model, folder);
    expect(index.images).toHaveLength(6);
    expect(index.skipped).toHaveLength(1);
    const found = await index.search(await workshop.picture('query.png', blue, 77), { topK: 3 });
    expect(found).toHaveLength(3);
    for (const { image } of found) expect(image).toContain('blue');
    const similarities = found.map(({ similarity }) => similarity);
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
    expect(similarities[0]).toBeLessThanOrEqual(1 + 1e-6);
    const [itself] = await index.search(index.images[4]!);
    expect(itself).toMatchObject({ index: 4, image: index.images[4] });
    expect(itself!.similarity).toBeCloseTo(1, 5);
    await index.dispose();
    await index.dispose();
    await disposeModel(model);
  });

  it('holds the features that extractFeatures gives', async () => {
    const model = await network();
    const images = [workshop.path('colours/red/0.png'), workshop.path('colours/blue/1.png')];
    const index = await buildImageIndex(model, images);
    const { data, width } = await extractFeatures(model, images);
    expect(index.features.width).toBe(width);
    index.features.data.forEach((value, at) => expect(value).toBeCloseTo(data[at]!, 4));
    await index.dispose();
    await disposeModel(model);
  });

  it('says which picture cannot be read, and when none can', async () => {
    const model = await network();
    const broken = workshop.path('colours/broken.png');
    await expect(buildImageIndex(model, [broken])).rejects.toMatchObject({ code: 'DATASET_EMPTY' });
    const index = await buildImageIndex(model, [await workshop.picture('one.png', red)]);
    await expect(index.search(broken)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await index.dispose();
    await disposeModel(model);
  });
});

describe('an index in a file', () => {
  it('finds the same as before it was saved, on another engine too', async () => {
    const model = await network();
    const index = await buildImageIndex(model, folder, { pooling: 'max' });
    const file = workshop.path('index.safetensors');
    await saveImageIndex(index, file);
    await expect(saveImageIndex(index, file)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await saveImageIndex(index, file, { force: true });
    const query = await workshop.picture('query.png', red, 78);
    const expected = await index.search(query);
    await index.dispose();
    for (const engine of ['onnx', 'tfjs'] as const) {
      const again = await loadImageIndex(file, { base: model, engine });
      const found = await again.search(query);
      expect(found.map(({ image }) => image)).toEqual(expected.map(({ image }) => image));
      found.forEach(({ similarity }, at) => expect(similarity).toBeCloseTo(expected[at]!.similarity, 4));
      await again.dispose();
    }
    await disposeModel(model);
  });

  it('knows the network of the zoo that it was built with', async () => {
    const index = await buildImageIndex('efficientnet-lite0', folder);
    const file = workshop.path('lite.safetensors');
    await saveImageIndex(index, file);
    await index.dispose();
    const again = await loadImageIndex(file);
    const [best] = await again.search(workshop.path('colours/red/2.png'));
    expect(best!.image).toBe(workshop.path('colours/red/2.png'));
    await again.dispose();
  });

  it('refuses another network, and asks for one where it names none', async () => {
    const model = await network();
    const other = await network(4);
    const index = await buildImageIndex(model, folder);
    const file = workshop.path('own.safetensors');
    await saveImageIndex(index, file);
    await index.dispose();
    await expect(loadImageIndex(file, { base: other })).rejects.toMatchObject({ code: 'MODEL_DIFFERENCE' });
    await expect(loadImageIndex(file)).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    await disposeModel(model);
    await disposeModel(other);
  });

  it('refuses files that are damaged, of another kind, or that want something else to be loaded', async () => {
    const model = await network();
    const index = await buildImageIndex(model, folder);
    const { contents } = index;
    const { images, data, width, probe } = contents;
    const fileOf = async (change: { images?: unknown; origin?: unknown; format?: string }) => {
      const file = workshop.path('changed.safetensors');
      const bytes = writeSafetensors(
        [
          { name: 'features', dtype: 'float32', shape: [images.length, width], data },
          { name: 'probe', dtype: 'float32', shape: [width], data: probe },
        ],
        {
          metadata: {
            format: change.format ?? 'dovecote-image-index',
            version: '1',
            images: JSON.stringify(change.images ?? images),
            origin: JSON.stringify(change.origin ?? contents.origin),
          },
        },
      );
      await writeFile(file, bytes);
      return file;
    };
    const refused = async (file: string, code: string) =>
      expect(loadImageIndex(file)).rejects.toMatchObject({ code });
    await refused(await fileOf({ format: 'something' }), 'FORMAT_UNKNOWN');
    await refused(await fileOf({ images: ['one'] }), 'FORMAT_DAMAGED');
    await refused(await fileOf({ images: { 0: 'one' } }), 'FORMAT_DAMAGED');
    await refused(await fileOf({ origin: { ...contents.origin, preprocessing: 'evil' } }), 'FORMAT_DAMAGED');
    await refused(
      await fileOf({ origin: { ...contents.origin, base: 'http://127.0.0.1:9/model.json' } }),
      'USAGE_ARGUMENT',
    );
    const whole = await readFile(await fileOf({}));
    await writeFile(workshop.path('cut.safetensors'), whole.subarray(0, whole.length - 100));
    await refused(workshop.path('cut.safetensors'), 'FORMAT_DAMAGED');
    await index.dispose();
    await disposeModel(model);
  });
});
