import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { onHost } from '../../zoo/on-host.ts';
import { findModel } from '../../zoo/registry.ts';

beforeAll(async () => {
  await platform().prepareTfjs();
});

describe('what is made on the host', () => {
  it('is made with the cpu backend, and the program gets its own one back', () => {
    expect(tf.getBackend()).toBe('wasm');
    expect(onHost(() => tf.getBackend())).toBe('cpu');
    expect(tf.getBackend()).toBe('wasm');
  });

  it('gives the backend back when it fails', () => {
    const fail = () => {
      throw new Error('no such network');
    };
    expect(() => onHost(fail)).toThrow('no such network');
    expect(tf.getBackend()).toBe('wasm');
  });

  it('may be inside of the like', () => {
    expect(onHost(() => [onHost(() => tf.getBackend()), tf.getBackend()])).toEqual(['cpu', 'cpu']);
    expect(tf.getBackend()).toBe('wasm');
  });

  it('is every network, also one that is refused', () => {
    const { card, build } = findModel('squeezenet');
    const model = build(card, { inputShape: [48, 48, 3] }, { kernel: 'zeros' });
    expect(tf.getBackend()).toBe('wasm');
    model.dispose();
    expect(() => build(card, { classes: 0 }, { kernel: 'zeros' })).toThrow();
    expect(tf.getBackend()).toBe('wasm');
  });
});
