import { describe, expect, it } from 'vitest';
import { findSimilar } from '../../src/node.ts';

const features = { data: Float32Array.of(1, 0, 0, 2, -3, 0, 1, 1, 0, 0), width: 2 };

describe('findSimilar', () => {
  it('orders rows by the angle between them and the query, whatever their length', () => {
    const found = findSimilar(Float32Array.of(10, 0), features);
    expect(found.map(({ row }) => row)).toEqual([0, 3, 1, 4, 2]);
    expect(found.map(({ similarity }) => Number(similarity.toFixed(6)))).toEqual([1, 0.707107, 0, 0, -1]);
  });

  it('gives as many as are asked for, and there are', () => {
    expect(findSimilar(Float32Array.of(0, 1), features, { topK: 2 }).map(({ row }) => row)).toEqual([1, 3]);
    expect(findSimilar(Float32Array.of(0, 1), features, { topK: 99 })).toHaveLength(5);
    expect(findSimilar(Float32Array.of(0, 1), { data: new Float32Array(0), width: 2 })).toEqual([]);
  });

  it('refuses a query of another width', () => {
    expect(() => findSimilar(Float32Array.of(1), features)).toThrow(/no row of these features/);
    expect(() => findSimilar(Float32Array.of(1, 2), features, { topK: 0 })).toThrow(/topK/);
  });
});
