import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { disposeModel, loadModel } from '../../src/node.ts';
import { findModel } from '../../zoo/registry.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { file, html, startFaultServer } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import { hasShared, shared } from '../support/shared.ts';

// The published addresses cannot be reached from every machine: a mirror on this one stands in for them.
const { weights } = findModel('squeezenet').card;
const address = (variant: 'top' | 'noTop') => new URL(weights.find((each) => each.variant === variant)!.url);

let cache: string;
let server: FaultServer;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'dovecote-published-'));
  server = await startFaultServer();
  vi.stubEnv('DOVECOTE_CACHE', cache);
  vi.stubEnv('DOVECOTE_MIRROR', server.url);
  vi.stubEnv('DOVECOTE_OFFLINE', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await rm(cache, { recursive: true, force: true });
});

const pathOf = (url: URL) => `/${url.host}${url.pathname}`;

describe.skipIf(!hasShared)('published weights (the real files, from ../shared)', () => {
  itOnLoopback('are fetched once and then come from the cache, also without a network', async () => {
    const path = pathOf(address('noTop'));
    server.route(
      path,
      file(await readFile(shared('weights/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5'))),
    );
    const kernels = [];
    const seen: string[] = [];
    for (const offline of ['', '1', '1']) {
      vi.stubEnv('DOVECOTE_OFFLINE', offline);
      const model = await loadModel('squeezenet', {
        includeTop: false,
        onProgress: ({ phase }) => seen.push(phase),
      });
      kernels.push(tf.tidy(() => Array.from(model.getLayer('conv1').getWeights()[0]!.dataSync())));
      await disposeModel(model);
    }
    expect(server.requests(path)).toHaveLength(1);
    expect(seen.length).toBeGreaterThan(0);
    expect(kernels[1]).toEqual(kernels[0]);
    expect(kernels[2]).toEqual(kernels[0]);
  });

  itOnLoopback('with another content than the card states never enter the cache', async () => {
    server.route(
      pathOf(address('noTop')),
      file(await readFile(shared('weights/squeezenet_keras2_notop.h5'))),
    );
    await expect(loadModel('squeezenet', { includeTop: false })).rejects.toMatchObject({
      code: expect.stringMatching(/^DOWNLOAD_/) as string,
    });
    expect((await readdir(join(cache, 'weights'))).filter((name) => name.endsWith('.h5'))).toEqual([]);
  });

  itOnLoopback('without a hash in the card are still checked: the file must be whole HDF5', async () => {
    const bytes = await readFile(shared('weights/squeezenet_v1.1_keras2.0.9.h5'));
    const path = pathOf(address('top'));
    server.route(path, file(bytes.subarray(0, bytes.length - 1)));
    await expect(loadModel('squeezenet')).rejects.toMatchObject({
      code: expect.stringMatching(/^DOWNLOAD_/) as string,
    });
    server.route(path, file(bytes));
    const model = await loadModel('squeezenet');
    expect(model.outputs[0]!.shape).toEqual([null, 1000]);
    await disposeModel(model);
  });
});

describe('published weights that are not to be had', () => {
  itOnLoopback('an HTML page with status 200 is no weight file', async () => {
    server.route(pathOf(address('top')), html());
    const before = tf.memory().numTensors;
    await expect(loadModel('squeezenet')).rejects.toMatchObject({ code: 'DOWNLOAD_CONTENT' });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('offline, the error says where the file may be put by hand', async () => {
    vi.stubEnv('DOVECOTE_OFFLINE', '1');
    await expect(loadModel('squeezenet')).rejects.toMatchObject({
      code: 'NETWORK_OFFLINE',
      message: expect.stringContaining(cache) as string,
    });
  });
});
