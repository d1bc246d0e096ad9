import { load } from '@tensorflow-models/mobilenet';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { JsonObject } from '../../converters/index.ts';
import { classify, disposeModel, extractFeatures, loadModel } from '../../src/node.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { file, startFaultServer } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import { seededImage } from '../support/seeded.ts';
import { graphGolden, nodesOf } from './support.ts';

/** The package takes pictures of 224 pixels; the golden's network was frozen for any batch of 32. */
const size = 224;

let server: FaultServer;
let picture: tf.Tensor3D;
beforeAll(async () => {
  await tf.ready();
  const golden = graphGolden('mobilenet-v1');
  const shape = { dim: [-1, size, size, 3].map((side) => ({ size: String(side) })) };
  nodesOf(golden).find(({ op }) => op === 'Placeholder')!.attr.shape = { shape };
  const { inputs } = golden.modelJson.signature as { inputs: Record<string, JsonObject> };
  for (const input of Object.values(inputs)) input.tensorShape = shape;
  const routes = [...golden.files].map(([path, bytes]) => [`/mobilenet/${path}`, file(bytes)] as const);
  server = await startFaultServer({
    '/mobilenet/model.json': file(new TextEncoder().encode(JSON.stringify(golden.modelJson))),
    ...Object.fromEntries(routes),
  });
  picture = tf.tidy(() =>
    tf
      .tensor3d(seededImage(size, size, 4), [size, size, 3])
      .round()
      .toInt(),
  );
});
afterAll(async () => {
  picture.dispose();
  await server.close();
});

describe('@tensorflow-models/mobilenet beside loadModel, both with the same graph model from a server', () => {
  itOnLoopback.each(['tfjs', 'onnx'] as const)('name the same classes as probable, on %s', async (engine) => {
    const modelUrl = `${server.url}/mobilenet/model.json`;
    // Addresses of one's own are taken to want -1 to 1 there, even those of the networks that want 0 to 1.
    const theirs = await load({ version: 1, alpha: 1, modelUrl, inputRange: [0, 1] });
    const wanted = await theirs.classify(picture, 5);
    const { predictions } = await classify(picture, { model: `${server.url}/mobilenet/`, engine, topK: 5 });
    expect(predictions).toHaveLength(5);
    predictions.forEach(({ label, probability }, place) => {
      const { className, probability: expected } = wanted[place]!;
      expect(className.split(', ').map((name) => name.replaceAll(' ', '_'))).toContain(label);
      expect(Math.abs(probability - expected)).toBeLessThanOrEqual(1e-6);
    });
  });

  itOnLoopback('have the same embedding', async () => {
    const modelUrl = `${server.url}/mobilenet/model.json`;
    const model = await loadModel(modelUrl);
    const theirs = await tf.loadGraphModel(modelUrl);
    const node = nodesOf(graphGolden('mobilenet-v1')).find(({ op }) => op === 'Mean')!.name;
    const wanted = tf.tidy(() => {
      const batch = picture.expandDims(0).toFloat().div(255);
      return (theirs.execute(batch, node) as tf.Tensor).dataSync();
    });
    const { data } = await extractFeatures(model, [picture]);
    expect(data).toHaveLength(wanted.length);
    data.forEach((value, index) => expect(Math.abs(value - wanted[index]!)).toBeLessThanOrEqual(1e-5));
    await disposeModel(model);
    theirs.dispose();
  });
});
