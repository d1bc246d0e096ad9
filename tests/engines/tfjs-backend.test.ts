import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { prepareTfjsBrowser } from '../../src/engines/tfjs-backend.browser.ts';
import { prepareTfjsNode } from '../../src/engines/tfjs-backend.node.ts';

/** The tests of this file share one process, in which tfjs can pick its first backend only once: order matters. */
describe('prepareTfjsNode', () => {
  const printed: string[] = [];
  beforeEach(() => {
    printed.length = 0;
    for (const method of ['log', 'warn', 'info', 'error'] as const) {
      vi.spyOn(console, method).mockImplementation((...parts) => void printed.push(parts.join(' ')));
    }
  });
  afterEach(() => vi.restoreAllMocks());

  it('starts no backend that computes for those who only need a place for tensors', async () => {
    expect(tf.getBackend()).toBeUndefined();
    for (let time = 0; time < 2; time++) {
      await prepareTfjsNode({ hostOnly: true });
      expect(tf.getBackend()).toBe('cpu');
      expect(tf.engine().registry.wasm).toBeUndefined();
    }
  });

  it('picks WASM when the program has picked nothing, for all who ask at once, and prints nothing', async () => {
    await Promise.all([prepareTfjsNode(), prepareTfjsNode(), prepareTfjsNode()]);
    expect(tf.getBackend()).toBe('wasm');
    const sum = tf.tidy(
      () =>
        tf
          .ones([3, 3])
          .matMul(tf.ones([3, 3]))
          .sum()
          .dataSync()[0],
    );
    expect(sum).toBe(27);
    expect(printed).toEqual([]);
  });

  it('keeps what the program has picked', async () => {
    await tf.setBackend('cpu');
    await prepareTfjsNode();
    expect(tf.getBackend()).toBe('cpu');
    tf.tidy(() => void tf.ones([2]).dataSync());
    expect(printed).toEqual([]);
  });

  it('and so does the browser', async () => {
    await prepareTfjsBrowser();
    expect(tf.getBackend()).toBe('cpu');
  });
});
