import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPixels } from '../../src/node.ts';
import { ensureBuilt } from '../support/dist.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { file, startFaultServer } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import type { CliOptions } from '../support/run-cli.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { hasShared, shared } from '../support/shared.ts';
import { Workshop } from './fixtures.ts';

interface Entry {
  image: string;
  predictions: { index: number; wnid: string; label: string; probability: number }[];
}

const whole = shared('weights/squeezenet_v1.1_keras2.0.9.h5');
const noTop = shared('weights/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5');
const theano = shared('weights/squeezenet_weights_th_dim_ordering_th_kernels_notop.h5');
const keras2 = shared('weights/squeezenet_keras2_notop.h5');
const cat = shared('images/tabby_cat.jpeg');

const shop = new Workshop('cli-real');
let server: FaultServer;

beforeAll(async () => {
  if (!hasShared) return;
  await ensureBuilt();
  server = await startFaultServer();
});
afterAll(async () => {
  await server?.close();
  shop.remove();
});

const cli = (args: string[], options: CliOptions = {}) => runCli(args, { cwd: shop.root, ...options });
const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

describe.skipIf(!hasShared)('SqueezeNet v1.1 with its real weights', () => {
  it('says tabby on both engines, which agree', async () => {
    const of = (engine: string) =>
      cli(['classify', cat, '--model', 'squeezenet', '--weights', whole, '--engine', engine, '--json']);
    const [onnx, tfjs] = (await Promise.all([of('onnx'), of('tfjs')])).map(
      (result) => jsonOf<Entry[]>(result)[0]!.predictions,
    );
    expect(onnx![0]).toMatchObject({ index: 281, wnid: 'n02123045', label: 'tabby' });
    expect(Math.abs(onnx![0]!.probability - 0.735)).toBeLessThan(0.02);
    for (const { index, probability } of onnx!) {
      const other = tfjs!.find((each) => each.index === index)!;
      expect(Math.abs(probability - other.probability)).toBeLessThan(1e-4);
    }
  });

  it('is recognised in its file alone, with labels and preparation', async () => {
    const [byName, byFile, unnamed] = await Promise.all([
      cli(['classify', cat, '--model', 'squeezenet', '--weights', whole, '--json']),
      cli(['classify', cat, '--model', whole, '--json']),
      cli(['classify', cat, '--weights', whole, '--json']),
    ]);
    expect(jsonOf<Entry[]>(byFile)).toEqual(jsonOf<Entry[]>(byName));
    // The default is another network.
    expectFailure(unnamed, 'WEIGHTS_COUNT');
    expect(unnamed.stderr).toMatch(/next: .*--model squeezenet/);
  });

  itOnLoopback('converted, loads in plain tf.loadLayersModel and says the same', async () => {
    const converted = jsonOf<{ files: string[]; warnings: string[] }>(
      await cli(['convert', whole, 'web', '--json', '--shard-size', '1MiB']),
    );
    expect(converted.files.length).toBeGreaterThan(4);
    for (const name of converted.files)
      server.route(`/web/${name}`, file(readFileSync(shop.path('web', name))));

    const { predictions } = jsonOf<Entry[]>(await cli(['classify', cat, '--model', 'web', '--json']))[0]!;
    expect(Math.abs(predictions[0]!.probability - 0.735)).toBeLessThan(0.02);

    // Without its banner.
    tf.env().set('IS_TEST', true);
    await tf.setBackend('cpu');
    const model = await tf.loadLayersModel(`${server.url}/web/model.json`);
    // The card's preparation: caffe's BGR minus the mean, after a centre crop.
    const { data } = await loadPixels(cat, { size: [227, 227], filter: 'bilinear', cropFraction: 227 / 256 });
    const mean = [103.939, 116.779, 123.68];
    const input = Float32Array.from(data, (_, at) => data[at - (at % 3) + 2 - (at % 3)]! - mean[at % 3]!);
    const probabilities = tf.tidy(() =>
      (model.predict(tf.tensor4d(input, [1, 227, 227, 3])) as tf.Tensor).dataSync().slice(),
    );
    model.dispose();
    expect(probabilities).toHaveLength(1000);
    expect(probabilities.indexOf(Math.max(...probabilities))).toBe(281);
    expect(Math.abs(probabilities[281]! - predictions[0]!.probability)).toBeLessThan(1e-3);
  });

  it('converts from weights alone; Theano kernels give what TensorFlow kernels give, bit for bit', async () => {
    const files = { tensorflow: noTop, theano, keras2 };
    const results = await Promise.all(
      Object.entries(files).map(([name, path]) =>
        cli(['convert', path, name, '--architecture', 'squeezenet', '--json']),
      ),
    );
    for (const result of results) {
      expect(jsonOf(result)).toMatchObject({ architecture: 'squeezenet', parameters: 722_496 });
    }
    for (const name of readdirSync(shop.path('tensorflow'))) {
      expect(hashOf(shop.path('theano', name)), name).toBe(hashOf(shop.path('tensorflow', name)));
    }
  });

  itOnLoopback('learns ants against bees from 20 photos each, fetched once through the cache', async () => {
    for (const [part, count] of [
      ['train', 20],
      ['val', 10],
    ] as const) {
      for (const label of ['ants', 'bees']) {
        const folder = shared(`datasets/hymenoptera_data/${part}/${label}`);
        mkdirSync(shop.path(part, label), { recursive: true });
        const photos = readdirSync(folder)
          .filter((name) => name.endsWith('.jpg'))
          .sort();
        for (const name of photos.slice(0, count))
          symlinkSync(`${folder}/${name}`, shop.path(part, label, name));
      }
    }
    const models = jsonOf<{ name: string; url: string }[]>(await cli(['list', '--json']));
    const published = models.find(({ name }) => name === 'squeezenet')!.url;
    const asked = `/${published.replace('https://', '').replace(/\.h5$/, '_notop.h5')}`;
    server.route(asked, file(readFileSync(noTop)));
    const env = { DOVECOTE_CACHE: shop.path('cache'), DOVECOTE_MIRROR: server.url };
    const train = (out: string) =>
      cli(
        [
          'train',
          'train',
          '--base',
          'squeezenet',
          '--validation',
          'val',
          '--out',
          out,
          '--seed',
          '1',
          '--json',
        ],
        { env },
      );

    const report = jsonOf<{ valAccuracy: number; classes: string[] }>(await train('insects'));
    expect(report.classes).toEqual(['ants', 'bees']);
    expect(report.valAccuracy).toBeGreaterThanOrEqual(0.75);
    expect(jsonOf(await train('insects-again'))).toMatchObject({ valAccuracy: report.valAccuracy });
    expect(server.requests(asked)).toHaveLength(1);

    const entries = jsonOf<Entry[]>(await cli(['classify', 'val', '--model', 'insects', '--json']));
    const right = entries.filter(({ image, predictions }) => image.split('/')[1] === predictions[0]!.label);
    expect(right.length / entries.length).toBeCloseTo(report.valAccuracy, 6);

    const cached = jsonOf<{ entries: { fileName: string; size: number; url: string }[] }>(
      await cli(['cache', 'list', '--json'], { env }),
    ).entries;
    expect(cached).toMatchObject([{ size: 3_002_560 }]);
    expect(await cli(['cache', 'verify'], { env })).toMatchObject({ code: 0 });
    const weights = shop.path('cache', 'weights');
    const stored = readdirSync(weights).find((name) => name.endsWith('.h5'))!;
    const bytes = readFileSync(`${weights}/${stored}`);
    bytes[1_000_000]! ^= 1;
    writeFileSync(`${weights}/${stored}`, bytes);
    const damaged = await cli(['cache', 'verify'], { env });
    expect(damaged.code).toBe(1);
    expect(damaged.stdout).toContain(cached[0]!.fileName);
    expect((await cli(['cache', 'clear'], { env })).stdout).toMatch(/^removed 1 file/);
    expect(readdirSync(weights).filter((name) => name.endsWith('.h5'))).toEqual([]);
  });
});
