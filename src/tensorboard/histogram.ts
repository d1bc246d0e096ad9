export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Right edges of the bins, the last one `max`. */
  readonly limits: readonly number[];
  readonly counts: readonly number[];
}

const BINS = 30;

/** 30 bins of one width from the smallest to the largest finite value, as `tf.summary.histogram` makes them. */
export function histogramOf(values: ArrayLike<number>): Histogram {
  let [min, max, count, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0, 0];
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    count++;
    sum += value;
    sumOfSquares += value * value;
  }
  if (count === 0) return { min: 0, max: 0, count: 0, sum: 0, sumOfSquares: 0, limits: [0], counts: [0] };
  if (min === max) return { min, max, count, sum, sumOfSquares, limits: [max], counts: [count] };
  const width = (max - min) / BINS;
  const counts = new Array<number>(BINS).fill(0);
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (Number.isFinite(value)) counts[Math.min(Math.floor((value - min) / width), BINS - 1)]! += 1;
  }
  const limits = counts.map((_, bin) => (bin === BINS - 1 ? max : min + (bin + 1) * width));
  return { min, max, count, sum, sumOfSquares, limits, counts };
}
