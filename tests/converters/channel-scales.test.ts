import { describe, expect, it } from 'vitest';
import { dequantizeChannels, quantizeChannels } from '../../converters/safetensors/channel-scales.ts';
import type { ChannelScaled } from '../../converters/safetensors/channel-scales.ts';
import type { NamedTensor } from '../../src/base/types.ts';
import { hashedNormal } from '../support/seeded.ts';

const tensor = (name: string, shape: number[], seed = 1): NamedTensor => ({
  name,
  shape,
  dtype: 'float32',
  data: hashedNormal(
    shape.reduce((product, side) => product * side, 1),
    seed,
  ),
});

/** The numbers of each output channel, by plain indices: the channel is the remainder by the number of channels. */
function byChannel(data: ArrayLike<number>, channels: number): number[][] {
  const lists = Array.from({ length: channels }, (): number[] => []);
  for (let at = 0; at < data.length; at++) lists[at % channels]!.push(data[at]!);
  return lists;
}

/** Squared error of plain symmetric rounding with that share of the largest value at 127. */
function clippedError(values: readonly number[], share: number): number {
  const scale = Math.fround((share * Math.max(...values.map(Math.abs))) / 127);
  return values.reduce((sum, value) => {
    const integer = Math.max(-127, Math.min(127, Math.round(value / scale)));
    return sum + (value - integer * scale) ** 2;
  }, 0);
}

const restored = (given: NamedTensor, { integers, scales, scaleShape }: ChannelScaled) =>
  dequantizeChannels(integers, given.shape, scales, scaleShape, given.name);

describe('int8 with one scale for each output channel', () => {
  it.each([
    ['a convolution', tensor('conv/kernel', [3, 3, 5, 7]), [1, 1, 1, 7]],
    ['a dense layer', tensor('dense/kernel', [40, 9]), [1, 9]],
    ['a depthwise convolution', tensor('dw/depthwise_kernel', [5, 5, 6, 1]), [1, 1, 6, 1]],
    ['a depthwise convolution of multiplier 2', tensor('dw/depthwise_kernel', [3, 3, 4, 2]), [1, 1, 4, 2]],
    ['a depthwise convolution of one channel', tensor('dw/depthwise_kernel', [3, 3, 1, 2]), [1, 1, 1, 2]],
    ['a dense layer with one unit', tensor('dense/kernel', [40, 1]), [1, 1]],
    ['one input of many units', tensor('dense/kernel', [1, 6]), [1, 6]],
    ['a vector', tensor('some/bias', [4]), [4]],
  ])('%s: half a scale off at most, and never worse than without clipping', (_, given, scaleShape) => {
    const scaled = quantizeChannels(given);
    expect(scaled.scaleShape).toEqual(scaleShape);
    const channels = scaleShape.reduce((product, side) => product * side, 1);
    expect(scaled.scales).toHaveLength(channels);
    const values = restored(given, scaled);
    const [originals, integers, found] = [given.data, scaled.integers, values].map((each) =>
      byChannel(each, channels),
    ) as [number[][], number[][], number[][]];
    originals.forEach((original, channel) => {
      const scale = scaled.scales[channel]!;
      const most = Math.max(...original.map(Math.abs));
      expect(scale).toBeGreaterThan(0);
      // At least 60 % of the largest value stays within reach.
      expect(127 * scale).toBeGreaterThanOrEqual(0.6 * most * (1 - 1e-6));
      expect(127 * scale).toBeLessThanOrEqual(most * (1 + 1e-6));
      original.forEach((value, at) => {
        const integer = integers[channel]![at]!;
        expect(found[channel]![at]).toBe(Math.fround(integer * scale));
        if (Math.abs(value) <= 127 * scale) {
          expect(Math.abs(value - integer * scale)).toBeLessThanOrEqual(scale * 0.5000001);
        } else expect(integer).toBe(127 * Math.sign(value));
      });
      const error = original.reduce(
        (sum, value, at) => sum + (value - integers[channel]![at]! * scale) ** 2,
        0,
      );
      expect(error).toBeLessThanOrEqual(clippedError(original, 1) * (1 + 1e-9));
    });
  });

  it('clips the far numbers just where the squared error is least', () => {
    const values = hashedNormal(5000, 3);
    const given: NamedTensor = { name: 'a/kernel', shape: [5000, 1], dtype: 'float32', data: values };
    const { scales, integers } = quantizeChannels(given);
    const error = values.reduce((sum, value, at) => sum + (value - integers[at]! * scales[0]!) ** 2, 0);
    expect(error).toBeLessThan(0.98 * clippedError(Array.from(values), 1));
    for (let percent = 60; percent <= 100; percent++) {
      expect(error).toBeLessThanOrEqual(clippedError(Array.from(values), percent / 100) * (1 + 1e-9));
    }
  });

  it('gives each channel its own scale: a large one does not blur a small one', () => {
    const data = Float32Array.from({ length: 200 }, (_, at) => Math.sin(at) * (at % 2 === 0 ? 1000 : 0.001));
    const given: NamedTensor = { name: 'a/kernel', shape: [100, 2], dtype: 'float32', data };
    const values = restored(given, quantizeChannels(given));
    values.forEach((value, at) =>
      expect(Math.abs(value - data[at]!)).toBeLessThan(at % 2 === 0 ? 4.1 : 0.0000041),
    );
  });

  it('keeps a channel of zeros, numbers too small for a scale, and a tensor of nothing', () => {
    const data = Float32Array.of(0, 1, 1e-45, 0, -2, -1e-45);
    const given: NamedTensor = { name: 'a/kernel', shape: [2, 3], dtype: 'float32', data };
    const scaled = quantizeChannels(given);
    const values = Array.from(restored(given, scaled), (value) => value + 0);
    expect([values[0], values[3]]).toEqual([0, 0]);
    expect([values[2], values[5]].every((value) => Math.abs(value!) <= 2e-45)).toBe(true);
    expect(values[4]).toBeCloseTo(-2, 5);
    for (const shape of [
      [0, 3],
      [3, 0],
      [3, 3, 0, 1],
    ]) {
      const empty: NamedTensor = {
        name: 'a/depthwise_kernel',
        shape,
        dtype: 'float32',
        data: new Float32Array(),
      };
      expect(restored(empty, quantizeChannels(empty))).toHaveLength(0);
    }
  });
});
