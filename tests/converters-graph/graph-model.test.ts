import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../converters/index.ts';
import { convertModelFile, formatInspection, inspectModel } from '../../converters/index.ts';
import {
  classify,
  compileModel,
  convert,
  disposeModel,
  fineTune,
  getMetadata,
  inspect,
  loadModel,
} from '../../src/node.ts';
import { listCards } from '../../zoo/registry.ts';
import { noisyPicture } from '../support/tiny-model.ts';
import type { GraphGolden } from './support.ts';
import { codeOf, difference, graphGolden, layersModel, nodesOf, read } from './support.ts';

const engines = ['tfjs', 'onnx'] as const;

let root: string;
beforeAll(async () => {
  await tf.ready();
  root = await mkdtemp(join(tmpdir(), 'dovecote-graph-'));
});
afterAll(() => rm(root, { recursive: true }));

async function written(name: string): Promise<string> {
  const golden = graphGolden(name);
  const folder = await mkdtemp(join(root, `${name}-`));
  await writeFile(join(folder, 'model.json'), JSON.stringify(golden.modelJson));
  for (const [path, bytes] of golden.files) await writeFile(join(folder, path), bytes);
  return folder;
}

/** TensorFlow's outputs without the class "background"; of probabilities, over the classes that are left. */
function withoutBackground(golden: GraphGolden, { probabilities = false } = {}): number[] {
  const left = Array.from(golden.outputs.slice(1));
  const sum = left.reduce((total, value) => total + value, 0);
  return probabilities ? left.map((value) => value / sum) : left;
}

const cases: [string, (golden: GraphGolden) => ArrayLike<number>][] = [
  ['mobilenet-v1', withoutBackground],
  ['mobilenet-v2', (golden) => withoutBackground(golden, { probabilities: true })],
  ['operations', (golden) => golden.outputs],
  ['keras', (golden) => golden.outputs],
];

describe.each(cases)('the graph model %s', (name, expectedOf) => {
  it.each(engines)('says on %s what it says in TensorFlow', async (engine) => {
    const before = tf.memory().numTensors;
    const golden = graphGolden(name);
    const model = await layersModel(golden);
    const compiled = await compileModel(model, { engine });
    expect(compiled.engine).toBe(engine);
    const [output] = await compiled.run(golden.picture, [1, golden.size, golden.size, 3]);
    expect(difference(output!.data, expectedOf(golden))).toBeLessThanOrEqual(1e-5);
    await compiled.dispose();
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('has layers with the names of its nodes', async () => {
    const golden = graphGolden(name);
    const model = await layersModel(golden);
    const nodes = new Set(nodesOf(golden).map((node) => node.name));
    const parts = /\/(explicit_paddings|keep_dims|LeakyRelu)$/;
    const strangers = model.layers.filter(
      ({ name: layer }) => !nodes.has(layer) && !nodes.has(layer.replace(parts, '')),
    );
    expect(strangers.map((layer) => layer.name)).toEqual([]);
    await disposeModel(model);
  });
});

describe('uint8 weights of a graph model', () => {
  it.each(engines)('are expanded as tf.loadGraphModel expands them, on %s', async (engine) => {
    const golden = graphGolden('mobilenet-v1-uint8');
    const graph = await tf.loadGraphModel(
      tf.io.fromMemory({
        modelTopology: golden.modelJson.modelTopology as JsonObject,
        weightSpecs: (golden.modelJson.weightsManifest as unknown as tf.io.WeightsManifestConfig)[0]!.weights,
        weightData: [...golden.files.values()][0]!.slice().buffer,
      }),
    );
    const wanted = tf.tidy(() => {
      const picture = tf.tensor4d(golden.picture, [1, golden.size, golden.size, 3]);
      return (graph.predict(picture) as tf.Tensor).dataSync();
    });
    const model = await layersModel(golden);
    const compiled = await compileModel(model, { engine });
    const [output] = await compiled.run(golden.picture, [1, golden.size, golden.size, 3]);
    expect(difference(output!.data, wanted.slice(1))).toBeLessThanOrEqual(1e-5);
    expect(difference(golden.outputs, wanted)).toBeGreaterThan(1e-4);
    expect((await read(golden)).notes).toContain('weights stored as uint8 were expanded');
    await compiled.dispose();
    await disposeModel(model);
    graph.dispose();
  });
});

describe('a MobileNet of TensorFlow Hub', () => {
  it('takes pictures from 0 to 1, has the labels of ImageNet and no class "background"', async () => {
    const model = await loadModel(await written('mobilenet-v1'));
    expect(model.outputs[0]!.shape).toEqual([null, 1000]);
    expect(getMetadata(model)).toMatchObject({
      labels: 'imagenet',
      preprocessing: 'unit',
      inputSize: [32, 32],
      resize: { mode: 'fill', filter: 'bilinear' },
      features: expect.stringMatching(/global_pool/) as string,
    });
    await disposeModel(model);
  });

  it('that does not rescale its input takes pictures from -1 to 1', async () => {
    const model = await loadModel(await written('mobilenet-v2'));
    expect(getMetadata(model)).toMatchObject({ labels: 'imagenet', preprocessing: 'tf' });
    await disposeModel(model);
  });

  it.each(engines)('classifies on %s as its logits say', async (engine) => {
    const folder = await written('mobilenet-v1');
    const golden = graphGolden('mobilenet-v1');
    const picture = tf.tidy(() =>
      tf.tensor3d(golden.picture, [golden.size, golden.size, 3]).mul(255).round().toInt(),
    ) as tf.Tensor3D;
    const graph = await layersModel(golden);
    const wanted = tf.tidy(() => {
      const logits = graph.predict(picture.toFloat().div(255).expandDims(0)) as tf.Tensor2D;
      return logits.softmax().dataSync();
    });
    const { predictions } = await classify(picture, { model: folder, engine, topK: 3 });
    for (const { index, wnid, probability } of predictions) {
      expect(wnid).toMatch(/^n\d{8}$/);
      expect(Math.abs(probability - wanted[index]!)).toBeLessThanOrEqual(1e-5);
    }
    expect(predictions[0]!.index).toBe(wanted.indexOf(Math.max(...wanted)));
    await disposeModel(graph);
    picture.dispose();
  });

  it('is converted to a layers model that plain tf.loadLayersModel reads, metadata and all', async () => {
    const folder = await written('mobilenet-v1');
    const out = join(root, 'converted');
    await convert(folder, out);
    const [original, copy] = await Promise.all([loadModel(folder), loadModel(out)]);
    expect(getMetadata(copy)).toEqual(getMetadata(original));
    const golden = graphGolden('mobilenet-v1');
    const says = (model: tf.LayersModel) =>
      tf.tidy(() => {
        const picture = tf.tensor4d(golden.picture, [1, golden.size, golden.size, 3]);
        return (model.predict(picture) as tf.Tensor).dataSync();
      });
    expect(says(copy)).toEqual(says(original));
    await disposeModel(original);
    await disposeModel(copy);
  });

  it("carries a head of one's own: the layer before its classifier is known", async () => {
    const folder = await written('mobilenet-v1');
    const images = await Promise.all(
      [0, 1, 2, 3, 4, 5, 6, 7].map(async (i) => ({
        image: await noisyPicture(i % 2 === 0 ? [250, 20, 20] : [20, 20, 250], i),
        label: i % 2 === 0 ? 'red' : 'blue',
      })),
    );
    const before = tf.memory().numTensors;
    const { model } = await fineTune(folder, images, { epochs: 2, seed: 1 });
    expect(getMetadata(model)).toMatchObject({ labels: ['blue', 'red'], preprocessing: 'unit' });
    expect(model.layers.some(({ name }) => name.includes('SpatialSqueeze'))).toBe(false);
    await disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('tfhub.dev', () => {
  it('is never asked: the error says where its models are now', async () => {
    const address = 'https://tfhub.dev/google/imagenet/mobilenet_v1_100_224/classification/1/model.json';
    for (const run of [() => loadModel(address), () => convert(address, join(root, 'hub'))]) {
      await expect(run()).rejects.toMatchObject({
        code: 'NETWORK_STATUS',
        given: address,
        nextStep: expect.stringMatching(/kaggle\.com/) as string,
      });
    }
  });

  it('is on no card', () => {
    const addresses = listCards().flatMap(({ weights, variants = [] }) =>
      [...weights, ...variants.flatMap((variant) => variant.weights)].map(({ url }) => url),
    );
    expect(addresses.length).toBeGreaterThan(40);
    expect(addresses.filter((url) => url.includes('tfhub'))).toEqual([]);
  });
});

describe('inspect', () => {
  it('counts the operations of a graph model', async () => {
    const inspection = await inspect(await written('mobilenet-v1'));
    expect(inspection.kind).toBe('tfjs-graph-model');
    expect(inspection.operations).toMatchObject({ FusedDepthwiseConv2dNative: 3, _FusedConv2D: 5, Mul: 1 });
    expect(inspection.problems).toEqual([]);
    expect(inspection.notes.join('\n')).toMatch(/"background".*left out[\s\S]*prepared as "unit"/);
    const text = formatInspection(inspection);
    expect(text).toContain('TensorFlow.js graph model');
    expect(text).toMatch(/^operations: .*_FusedConv2D x 5/m);
  });

  it('tells what a graph model cannot be translated for, where loading it throws', async () => {
    const folder = await written('unknown-operations');
    const inspection = await inspect(folder);
    expect(inspection.problems.join()).toMatch(/Cos; ResizeBilinear/);
    expect(inspection.operations).toMatchObject({ Cos: 1, ResizeBilinear: 1 });
    expect(inspection.parameters).toBeGreaterThan(0);
    for (const run of [() => loadModel(folder), () => convert(folder, join(root, 'none'))]) {
      await expect(run()).rejects.toMatchObject({
        code: 'FORMAT_UNSUPPORTED_LAYER',
        given: 'Cos; ResizeBilinear',
        nextStep: expect.stringMatching(/tf\.loadGraphModel/) as string,
      });
    }
  });
});

describe('a graph model that cannot be trusted', () => {
  const broken = async (change: (golden: GraphGolden) => void): Promise<string> => {
    const golden = graphGolden('mobilenet-v1');
    change(golden);
    return codeOf(async () => convertModelFile(await read(golden)));
  };
  const named = (golden: GraphGolden, op: string) => nodesOf(golden).find((node) => node.op === op)!;
  const graphOf = (golden: GraphGolden) => golden.modelJson.modelTopology as JsonObject;
  const manifest = (golden: GraphGolden) =>
    (golden.modelJson.weightsManifest as JsonObject[])[0] as { paths: string[]; weights: JsonObject[] };

  it.each<[string, string, (golden: GraphGolden) => void]>([
    ['has no nodes', 'FORMAT_DAMAGED', (golden) => (graphOf(golden).node = [])],
    ['has something else for nodes', 'FORMAT_DAMAGED', (golden) => (graphOf(golden).node = 5)],
    ['has no topology', 'FORMAT_DAMAGED', (golden) => delete golden.modelJson.modelTopology],
    ['has a node that is null', 'FORMAT_DAMAGED', (golden) => nodesOf(golden).push(null as never)],
    ['has a node without a name', 'FORMAT_DAMAGED', (golden) => (named(golden, 'Mean').name = '')],
    [
      'has a node without an op',
      'FORMAT_DAMAGED',
      (golden) => delete (named(golden, 'Mean') as JsonObject).op,
    ],
    ['has two nodes of one name', 'FORMAT_DAMAGED', (golden) => nodesOf(golden).push(named(golden, 'Mean'))],
    ['has inputs that are numbers', 'FORMAT_DAMAGED', (golden) => (named(golden, 'Mean').input = [1, 2])],
    ['has too few inputs', 'FORMAT_DAMAGED', (golden) => (named(golden, 'Mean').input = [])],
    [
      'reads what is not there',
      'FORMAT_DAMAGED',
      (golden) => (named(golden, 'Sub').input = ['gone', 'gone']),
    ],
    [
      'reads itself',
      'FORMAT_DAMAGED',
      (golden) => (named(golden, 'Sub').input = [named(golden, 'Sub').name, named(golden, 'Mul').name]),
    ],
    [
      'goes in a circle',
      'FORMAT_DAMAGED',
      (golden) => (named(golden, 'Mul').input = [named(golden, 'Mean').name, named(golden, 'Sub').name]),
    ],
    [
      'names an output that is not there',
      'FORMAT_DAMAGED',
      (golden) => (golden.modelJson.signature = { outputs: { y: { name: 'gone:0' } } }),
    ],
    [
      'has constants for outputs',
      'FORMAT_DAMAGED',
      (golden) => (golden.modelJson.signature = { outputs: { y: { name: named(golden, 'Const').name } } }),
    ],
    ['has no manifest', 'FORMAT_DAMAGED', (golden) => delete golden.modelJson.weightsManifest],
    ['lacks a weight', 'FORMAT_DAMAGED', (golden) => (manifest(golden).weights[0]!.name = 'other')],
    [
      'has kernels for other channels',
      'FORMAT_DAMAGED',
      (golden) => {
        const kernel = manifest(golden).weights.find(({ shape }) => JSON.stringify(shape) === '[3,3,3,4]')!;
        kernel.shape = [3, 3, 4, 3];
      },
    ],
    [
      'has a kernel without axes',
      'FORMAT_DAMAGED',
      (golden) => {
        const kernel = manifest(golden).weights.find(({ shape }) => JSON.stringify(shape) === '[3,3,3,4]')!;
        kernel.shape = [108];
      },
    ],
    ['lies outside', 'FORMAT_UNSAFE', (golden) => (manifest(golden).paths[0] = '../secret.bin')],
    [
      'lies elsewhere',
      'FORMAT_UNSAFE',
      (golden) => (manifest(golden).paths[0] = 'https://example.org/w.bin'),
    ],
    [
      'has weights of text',
      'FORMAT_UNSUPPORTED',
      (golden) => (manifest(golden).weights[0]!.dtype = 'string'),
    ],
    ['is cut off', 'FORMAT_DAMAGED', (golden) => shorten(golden)],
    [
      'claims more than it has',
      'FORMAT_LIMIT',
      (golden) => (manifest(golden).weights[0]!.shape = [2 ** 20, 2 ** 20]),
    ],
    [
      'is channels first',
      'FORMAT_UNSUPPORTED_LAYER',
      (golden) => (named(golden, '_FusedConv2D').attr.data_format = { s: btoa('NCHW') }),
    ],
    [
      'is fused with what is not known',
      'FORMAT_UNSUPPORTED_LAYER',
      (golden) =>
        (named(golden, '_FusedConv2D').attr.fused_ops = { list: { s: [btoa('BiasAdd'), btoa('Magic')] } }),
    ],
    [
      'has strides that are no numbers',
      'FORMAT_UNSUPPORTED_LAYER',
      (golden) => (named(golden, '_FusedConv2D').attr.strides = { list: { i: ['x', {}, null, 1] } }),
    ],
    [
      'has padding that is no text',
      'FORMAT_UNSUPPORTED_LAYER',
      (golden) => (named(golden, '_FusedConv2D').attr.padding = { s: btoa('OTHER') }),
    ],
    [
      'takes pictures of no known shape',
      'FORMAT_UNSUPPORTED_LAYER',
      (golden) => {
        named(golden, 'Placeholder').attr.shape = { shape: { unknownRank: true } };
        delete golden.modelJson.signature;
      },
    ],
    [
      'has a function',
      'FORMAT_UNSUPPORTED_LAYER',
      (golden) => (named(golden, 'Mean').op = 'PartitionedCall'),
    ],
    [
      'has an op of JavaScript',
      'FORMAT_UNSUPPORTED_LAYER',
      (golden) => (named(golden, 'Mean').op = 'constructor'),
    ],
  ])('is refused with a code when it %s', async (_, code, change) => {
    expect(await broken(change)).toBe(code);
  });

  function shorten(golden: GraphGolden): void {
    const [path, bytes] = [...golden.files][0]!;
    (golden.files as Map<string, Uint8Array>).set(path, bytes.subarray(0, bytes.length - 4));
  }

  it('is refused when it has more nodes than are allowed', async () => {
    expect(await codeOf(() => read(graphGolden('operations'), { tensors: 10 }))).toBe('FORMAT_LIMIT');
  });

  it('may be a chain of a hundred thousand nodes: nothing recurses', async () => {
    const golden = graphGolden('unknown-operations');
    const nodes = nodesOf(golden);
    const start = nodes.find(({ op }) => op === 'Placeholder')!.name;
    for (let i = 0; i < 100_000; i++) {
      nodes.push({ name: `c${i}`, op: 'Identity', input: [i === 0 ? start : `c${i - 1}`], attr: {} });
    }
    golden.modelJson.signature = { outputs: { y: { name: 'c99999' } } };
    expect(inspectModel(await read(golden)).operations).toEqual({ Identity: 100_000, Placeholder: 1 });
  });
});
