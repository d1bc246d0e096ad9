import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../converters/index.ts';
import { embeddedModel } from '../../src/embedded/index.ts';
import { weightLayers } from '../../src/models/expected-weights.ts';
import { convert, convertBytes, disposeModel, getMetadata, loadModel } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { seededTensor } from '../support/seeded.ts';

const root = mkdtempSync(join(tmpdir(), 'dovecote-convert-weights-'));
const network = embeddedModel.url.href;

beforeAll(() => platform().prepareTfjs());
afterAll(() => rmSync(root, { recursive: true }));

/** A converted folder in plain TensorFlow.js, without Dovecote's loader. */
function loadPlainly(folder: string): Promise<tf.LayersModel> {
  const json = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as {
    modelTopology: object;
    weightsManifest: tf.io.WeightsManifestConfig;
  };
  const bytes = json.weightsManifest.flatMap(({ paths }) =>
    paths.map((path) => readFileSync(join(folder, path))),
  );
  return tf.loadLayersModel({
    load: () =>
      Promise.resolve({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest.flatMap(({ weights }) => weights),
        weightData: new Uint8Array(Buffer.concat(bytes)).buffer,
      }),
  });
}

function probabilities(model: tf.LayersModel): Float32Array {
  return tf.tidy(() => {
    const picture = tf.tensor(seededTensor([1, 224, 224, 3], 3), [1, 224, 224, 3]);
    return (model.predict(picture) as tf.Tensor).dataSync<'float32'>();
  });
}

/** A network's weights, in the order of the alphabet and not of the layers, as other programs write them. */
async function weightsFile(name: string, options: object): Promise<Uint8Array> {
  const model = await loadModel(name, { weights: null, seed: 1, ...options });
  const tensors = weightLayers(model).flatMap((layer) =>
    layer.getWeights().map((value, at) => ({
      name: layer.weights[at]!.originalName,
      shape: value.shape,
      dtype: 'float32' as const,
      data: value.dataSync<'float32'>().slice(),
    })),
  );
  await disposeModel(model);
  return writeSafetensors(tensors.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

describe('a safetensors file of weights, converted', () => {
  it.each([
    ['in float32', {}, 0],
    ['in float16', { quantize: 'float16' }, 2e-3],
    ['with its network named', { architecture: 'efficientnet-lite0' }, 0],
  ] as const)('says in plain TensorFlow.js what loadModel says: %s', async (what, options, most) => {
    const folder = join(root, what);
    const result = await convert(network, folder, options);
    expect(result).toMatchObject({ architecture: 'efficientnet-lite0', parameters: 4_694_024 });
    const before = tf.memory().numTensors;
    const [original, converted] = [await loadModel(), await loadPlainly(folder)];
    const [wanted, found] = [probabilities(original), probabilities(converted)];
    expect(Math.max(...wanted)).toBeGreaterThan(0.01);
    expect(Math.max(...wanted.map((value, at) => Math.abs(value - found[at]!)))).toBeLessThanOrEqual(most);
    await disposeModel(original);
    converted.dispose();
    expect(tf.memory().numTensors).toBe(before);
    const again = await loadModel(folder);
    expect(getMetadata(again)).toMatchObject({
      preprocessing: 'lite',
      labels: 'imagenet',
      resize: { mode: 'cover', filter: 'bicubic', cropFraction: 224 / 256 },
    });
    await disposeModel(again);
    const { generatedBy } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(generatedBy).toBe('dovecote');
  });

  it('is recognised without its top, and has as many classes as its classifier', async () => {
    const topless = await weightsFile('efficientnet-lite0', { includeTop: false });
    expect(await convertBytes(topless)).toMatchObject({
      architecture: 'efficientnet-lite0',
      parameters: 3_413_024,
    });
    const ofFive = await weightsFile('efficientnet-lite0', { classes: 5 });
    const { modelJson } = await convertBytes(ofFive, { architecture: 'efficientnet-lite0' });
    expect(JSON.stringify(modelJson)).toContain('"units":5');
    // Five classes could be anybody's.
    await expect(convertBytes(ofFive)).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED' });
  });

  it('is told by its own name where another is given', async () => {
    const before = tf.memory().numTensors;
    await expect(
      convertBytes(await readFile(embeddedModel.url), { architecture: 'squeezenet' }),
    ).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      message: expect.stringContaining('weights of EfficientNet-Lite0, not of SqueezeNet v1.1') as string,
      nextStep: expect.stringContaining('--architecture efficientnet-lite0') as string,
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is no model: asked for as one, it says how to name the network', async () => {
    writeFileSync(join(root, 'mine.safetensors'), await weightsFile('squeezenet', { includeTop: false }));
    await expect(loadModel(join(root, 'mine.safetensors'))).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      nextStep: expect.stringContaining('--model squeezenet --weights') as string,
    });
    // A name without a slash is a place, too, and no unknown network.
    await expect(loadModel('missing.safetensors')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
