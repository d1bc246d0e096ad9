import { describe, expect, it } from 'vitest';
import { classWeightsOf } from '../../src/transfer/class-weights.ts';
import { evaluate } from '../../src/transfer/metrics.ts';

describe('evaluation', () => {
  // Actual: a a a b b; predicted: a a b b a.
  const probabilities = Float32Array.from([0.9, 0.1, 0.8, 0.2, 0.3, 0.7, 0.4, 0.6, 0.75, 0.25]);
  const found = evaluate(probabilities, [0, 0, 0, 1, 1], ['a', 'b']);

  it('counts actual by predicted', () => {
    expect(found.confusion).toEqual([
      [2, 1],
      [1, 1],
    ]);
    expect(found.accuracy).toBeCloseTo(3 / 5, 10);
  });
  it('gives precision, recall and F1 of each class', () => {
    expect(found.perClass[0]).toEqual({ label: 'a', precision: 2 / 3, recall: 2 / 3, f1: 2 / 3, support: 3 });
    expect(found.perClass[1]).toEqual({ label: 'b', precision: 1 / 2, recall: 1 / 2, f1: 1 / 2, support: 2 });
  });
  it('means the cross-entropy in nats', () => {
    const expected = -(Math.log(0.9) + Math.log(0.8) + Math.log(0.3) + Math.log(0.6) + Math.log(0.25)) / 5;
    expect(found.loss).toBeCloseTo(expected, 6);
  });
  it('is 0, not NaN, for a class that is never predicted or never there', () => {
    const { perClass } = evaluate(Float32Array.from([1, 0, 0, 1, 0, 0]), [0, 1], ['a', 'b', 'c']);
    expect(perClass[1]).toMatchObject({ precision: 0, recall: 0, f1: 0 });
    expect(perClass[2]).toMatchObject({ precision: 0, recall: 0, f1: 0, support: 0 });
  });
});

describe('class weights', () => {
  it('balanced gives every class the same total', () => {
    const weights = classWeightsOf('balanced', ['a', 'b'], [0, 0, 0, 1]);
    expect(weights).toEqual([4 / 6, 4 / 2]);
    expect(3 * weights[0]!).toBeCloseTo(1 * weights[1]!, 10);
  });
  it('by name, the others weigh 1; unknown names and negative weights are refused', () => {
    expect(classWeightsOf({ b: 3 }, ['a', 'b'], [0, 1])).toEqual([1, 3]);
    expect(() => classWeightsOf({ c: 3 }, ['a', 'b'], [0, 1])).toThrow(
      expect.objectContaining({ code: 'USAGE_ARGUMENT' }),
    );
    expect(() => classWeightsOf({ a: -1 }, ['a', 'b'], [0, 1])).toThrow(
      expect.objectContaining({ code: 'USAGE_ARGUMENT' }),
    );
  });
});
