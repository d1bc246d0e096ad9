/** Which rows of a batch are laid over which others, and by how much. */
export interface Mixture {
  /** Share of the row itself, 0.5 to 1; the rest is its partner's. */
  readonly share: number;
  /** Row of the batch that is laid over the row at this place. */
  readonly partners: readonly number[];
}

/**
 * Row-major `[labels.length, classes]`: ones at the labels; label smoothing `s` takes the share `s` of the probability and
 * gives it to all classes alike (`y (1 - s) + s / classes`, as Keras does), a mixture blends both rows' targets.
 */
export function targetsOf(
  labels: readonly number[],
  classes: number,
  labelSmoothing: number,
  mixture?: Mixture,
): Float32Array {
  const targets = new Float32Array(labels.length * classes).fill(labelSmoothing / classes);
  const add = (row: number, label: number, share: number) =>
    (targets[row * classes + label]! += share * (1 - labelSmoothing));
  labels.forEach((label, row) => {
    add(row, label, mixture?.share ?? 1);
    if (mixture) add(row, labels[mixture.partners[row]!]!, 1 - mixture.share);
  });
  return targets;
}

/**
 * One share for the batch, from Beta(`alpha`, `alpha`), and a partner for each row at random.
 *
 * @param alpha Above 0; the larger, the more alike are both shares. 0.2 to 0.4 are common.
 */
export function drawMixture(rows: number, alpha: number, random: () => number): Mixture {
  const [first, second] = [gamma(alpha, random), gamma(alpha, random)];
  const share = first + second > 0 ? first / (first + second) : 1;
  const partners = Array.from({ length: rows }, (_, row) => row);
  for (let last = rows - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [partners[last], partners[other]] = [partners[other]!, partners[last]!];
  }
  // The larger share keeps its own label: both orders are the same mixture.
  return { share: Math.max(share, 1 - share), partners };
}

/** Gamma(`shape`, 1), by the method of Marsaglia and Tsang (2000). */
function gamma(shape: number, random: () => number): number {
  if (shape < 1) return gamma(shape + 1, random) * random() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    const logDraw = Math.log(random() || Number.MIN_VALUE);
    if (logDraw < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random() || Number.MIN_VALUE)) * Math.cos(2 * Math.PI * random());
}
