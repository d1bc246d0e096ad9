/** Between which numbers a tensor is held in 8 bits; it holds 0. */
export interface TensorRange {
  readonly min: number;
  readonly max: number;
}

const BINS = 2048;
const LEVELS = 255;
/** Parts of the whole range that are tried. */
const PARTS = Array.from({ length: 40 }, (_, step) => 1 - step / 50);

/** Collects the numbers of one tensor, batch by batch. */
export class RangeObserver {
  /** Counts of the numbers from -limit up to limit. */
  #counts = new Float64Array(2 * BINS);
  #limit = 0;
  #min = 0;
  #max = 0;

  /** At most `most` of the values are counted, evenly spread; the extremes are those of all. */
  observe(values: Float32Array, most = 65536): void {
    let min = this.#min;
    let max = this.#max;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value < min) min = value;
      else if (value > max) max = value;
    }
    this.#min = min;
    this.#max = max;
    this.#grow(Math.max(max, -min));
    if (this.#limit === 0) return;
    const scale = BINS / this.#limit;
    // No multiple of a row's or map's length, so that all places get their turn.
    const step = values.length <= most ? 1 : Math.ceil(values.length / most) | 1;
    for (let i = 0; i < values.length; i += step) {
      const bin = Math.min(2 * BINS - 1, Math.floor((values[i]! + this.#limit) * scale));
      this.#counts[bin]! += 1;
    }
  }

  #grow(needed: number): void {
    if (!Number.isFinite(needed) || needed <= this.#limit) return;
    if (this.#limit === 0) {
      this.#limit = needed;
      return;
    }
    while (this.#limit < needed) {
      const merged = new Float64Array(2 * BINS);
      for (let bin = 0; bin < 2 * BINS; bin++) merged[(BINS + bin) >> 1]! += this.#counts[bin]!;
      this.#counts = merged;
      this.#limit *= 2;
    }
  }

  /** The range with the least squared error of all numbers seen: cutting off rare ones makes the steps finer. */
  range(): TensorRange {
    let best: TensorRange = { min: this.#min, max: this.#max };
    let least = Infinity;
    const sameSign = this.#min === 0 || this.#max === 0;
    for (const high of PARTS) {
      // Both ends are tried together, and the lower one whole: its numbers are few mostly.
      for (const low of sameSign || high === 1 ? [high] : [high, 1]) {
        const tried = { min: this.#min * low, max: this.#max * high };
        const error = this.#errorOf(tried);
        if (error < least) [best, least] = [tried, error];
      }
    }
    return best;
  }

  #errorOf({ min, max }: TensorRange): number {
    const width = this.#limit / BINS;
    // Rounding to a step is off by a twelfth of its square on average.
    const rounding = ((max - min) / LEVELS) ** 2 / 12;
    let error = 0;
    for (let bin = 0; bin < 2 * BINS; bin++) {
      const count = this.#counts[bin]!;
      if (count === 0) continue;
      const value = (bin + 0.5) * width - this.#limit;
      const outside = value > max ? value - max : value < min ? min - value : 0;
      error += count * (outside === 0 ? rounding : outside * outside);
    }
    return error;
  }
}
