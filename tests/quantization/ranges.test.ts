import { describe, expect, it } from 'vitest';
import { RangeObserver } from '../../converters/onnx/index.ts';

/** Squared error of holding these numbers in 256 levels between `min` and `max`. */
function errorOf(values: Float32Array, { min, max }: { min: number; max: number }): number {
  const step = (max - min) / 255;
  return values.reduce((sum, value) => {
    const held = Math.round((Math.min(max, Math.max(min, value)) - min) / step) * step + min;
    return sum + (value - held) ** 2;
  }, 0);
}

describe('the range of a tensor', () => {
  it('is from the smallest to the largest number where all are alike', () => {
    const observer = new RangeObserver();
    observer.observe(Float32Array.from({ length: 4000 }, (_, i) => i / 4000 - 0.25));
    const { min, max } = observer.range();
    expect(min).toBeCloseTo(-0.25, 2);
    expect(max).toBeCloseTo(0.75, 2);
  });

  it('cuts rare large numbers off where that makes the whole better', () => {
    const values = Float32Array.from({ length: 60000 }, (_, i) => Math.abs(Math.sin(i)) ** 3);
    values[777] = 2.5;
    const observer = new RangeObserver();
    observer.observe(values);
    const range = observer.range();
    expect(range.min).toBeCloseTo(0, 6);
    expect(range.max).toBeLessThan(2.4);
    expect(errorOf(values, range)).toBeLessThan(errorOf(values, { min: 0, max: 2.5 }));
  });

  it('grows with what comes later, and does not depend on the order', () => {
    const batches = [0.1, 3, 0.7, 40].map((size) =>
      Float32Array.from({ length: 999 }, (_, i) => (((i * 37) % 199) / 99 - 1) * size),
    );
    const forwards = new RangeObserver();
    const backwards = new RangeObserver();
    batches.forEach((batch) => forwards.observe(batch));
    batches.toReversed().forEach((batch) => backwards.observe(batch));
    expect(forwards.range().max).toBeCloseTo(backwards.range().max, 0);
    expect(forwards.range().max).toBeGreaterThan(20);
    expect(forwards.range().min).toBeLessThan(-20);
  });

  it('sees the extremes of tensors of which it counts a part, and holds 0 always', () => {
    const values = new Float32Array(500_000).fill(5);
    values[333_333] = 6;
    const observer = new RangeObserver();
    observer.observe(values, 1000);
    const { min, max } = observer.range();
    expect(min).toBeCloseTo(0, 9);
    expect(max).toBeGreaterThan(4.5);
    expect(max).toBeLessThanOrEqual(6);
    expect(new RangeObserver().range()).toEqual({ min: 0, max: 0 });
  });
});
