import { requireWhole } from '../base/checks.ts';
import { UsageError } from '../base/errors.ts';

export interface SimilarRow {
  /** Index of the row. */
  readonly row: number;
  /** Cosine of the angle between the two: 1 for the same direction, 0 for nothing in common, -1 at least. */
  readonly similarity: number;
}

export interface FindSimilarOptions {
  /** Default 5. */
  readonly topK?: number;
}

/**
 * The rows that are most like a vector of features, by the cosine of the angle between them; the most similar first, equal
 * ones in their order. A vector of zeros is like no other: 0.
 *
 * @param query As many numbers as a row has.
 * @param features What `extractFeatures` gives, or numbers row by row and the width of a row.
 * @throws UsageError `USAGE_ARGUMENT`
 */
export function findSimilar(
  query: Float32Array,
  features: { readonly data: Float32Array; readonly width: number },
  { topK = 5 }: FindSimilarOptions = {},
): SimilarRow[] {
  requireWhole('topK', topK);
  const { data, width } = features;
  const rows = data.length / width;
  if (!Number.isInteger(rows) || (rows > 0 && query.length !== width)) {
    throw new UsageError('USAGE_ARGUMENT', 'The query is no row of these features.', {
      given: `a query of ${query.length} numbers, and ${data.length} numbers in rows of ${width}`,
      expected: 'as many numbers in the query as in each row',
      nextStep: 'compute both by the same network and layer',
    });
  }
  const length = Math.sqrt(productOf(query, query, 0));
  const similar = Array.from({ length: rows }, (_, row): SimilarRow => {
    const from = row * width;
    const own = data.subarray(from, from + width);
    const lengths = length * Math.sqrt(productOf(own, own, 0));
    return { row, similarity: lengths === 0 ? 0 : productOf(query, data, from) / lengths };
  });
  return similar.sort((a, b) => b.similarity - a.similarity || a.row - b.row).slice(0, topK);
}

function productOf(query: Float32Array, data: Float32Array, from: number): number {
  let sum = 0;
  for (let index = 0; index < query.length; index++) sum += query[index]! * data[from + index]!;
  return sum;
}
