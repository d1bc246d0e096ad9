import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { prepareTfjsNode, tfjsNodeAttempts } from '../../src/engines/tfjs-backend.node.ts';
import { loadTfjsNode } from '../../src/engines/tfjs-node-package.node.ts';

const absent = (name: string) =>
  Promise.reject(Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' }));

/** The tests of this file share one process, in which tfjs can pick its first backend only once: order matters. */
describe('tfjs-node', () => {
  afterEach(() => void delete process.env['DOVECOTE_TFJS_BACKEND']);

  it('is told apart: absent, broken, of another tfjs', async () => {
    await expect(loadTfjsNode(absent)).resolves.toEqual([
      { package: '@tensorflow/tfjs-node-gpu', state: 'absent', why: 'not installed' },
      { package: '@tensorflow/tfjs-node', state: 'absent', why: 'not installed' },
    ]);
    // What it needs itself may be missing, too.
    const broken = () => absent('@mapbox/node-pre-gyp');
    expect((await loadTfjsNode(broken)).map(({ state }) => state)).toEqual(['failed', 'failed']);
    const other = await loadTfjsNode(() => Promise.resolve({}));
    expect(other[0]!.why).toContain('another copy of tfjs');
  });

  it('is an error where DOVECOTE_TFJS_BACKEND asks for it and it is not there', async () => {
    process.env['DOVECOTE_TFJS_BACKEND'] = 'tensorflow';
    await expect(prepareTfjsNode({ importPackage: absent })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      given: expect.stringContaining('@tensorflow/tfjs-node: not installed') as string,
    });
    process.env['DOVECOTE_TFJS_BACKEND'] = 'tensorflaw';
    await expect(prepareTfjsNode()).rejects.toMatchObject({ code: 'USAGE_ARGUMENT' });
    expect(tf.getBackend()).toBeUndefined();
  });

  it('gives way to what DOVECOTE_TFJS_BACKEND names, and does not load then', async () => {
    process.env['DOVECOTE_TFJS_BACKEND'] = 'cpu';
    await prepareTfjsNode({ importPackage: () => Promise.reject(new Error('nobody asked for it')) });
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('tfjs-node, installed', () => {
  it('is used before WASM, the one for GPUs first', async () => {
    tf.engine().reset();
    expect(tf.getBackend()).toBeNull();
    const asked: string[] = [];
    await prepareTfjsNode({
      importPackage: (name) => {
        asked.push(name);
        if (name === '@tensorflow/tfjs-node-gpu') return Promise.reject(new Error('libcudart.so is missing'));
        registerLikeTfjsNode();
        return Promise.resolve();
      },
    });
    expect(asked).toEqual(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']);
    expect(tf.getBackend()).toBe('tensorflow');
    expect(tfjsNodeAttempts()).toMatchObject([
      { state: 'failed', why: 'does not load: libcudart.so is missing' },
      { state: 'loaded' },
    ]);
    const sum = tf.tidy(() => tf.ones([3]).sum().dataSync()[0]);
    expect(sum).toBe(3);
  });
});

/** The cpu backend under the name of tfjs-node's. */
function registerLikeTfjsNode(): void {
  for (const kernel of tf.getKernelsForBackend('cpu'))
    tf.registerKernel({ ...kernel, backendName: 'tensorflow' });
  tf.registerBackend('tensorflow', () => tf.findBackendFactory('cpu')(), 3);
}
