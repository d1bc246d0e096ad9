import type { ClassMetrics } from '../transfer/metrics.ts';
import { classMetrics } from '../transfer/metrics.ts';

/** What a classifier said of one picture. */
export interface Judgement {
  /** Index of the class that it shows. */
  readonly actual: number;
  /** Index of the most probable class. */
  readonly predicted: number;
  /** Probability of the predicted class. */
  readonly confidence: number;
  /** How many classes come before the actual one: the more probable, and of equal ones those of smaller index. */
  readonly rank: number;
  /** Cross-entropy, in nats. */
  readonly loss: number;
  /** Squared distance of the probabilities from the truth, 0 to 2. */
  readonly squaredError: number;
}

/** No probability counts as smaller: one picture would outweigh all. */
const LEAST_PROBABILITY = 1e-7;

/** @param actual Index of the class that the picture shows. */
export function judge(probabilities: Float32Array, actual: number): Judgement {
  const of = probabilities[actual]!;
  let [predicted, rank, squaredError] = [0, 0, 0];
  for (let at = 0; at < probabilities.length; at++) {
    const value = probabilities[at]!;
    if (value > probabilities[predicted]!) predicted = at;
    if (value > of || (value === of && at < actual)) rank++;
    squaredError += (value - (at === actual ? 1 : 0)) ** 2;
  }
  const loss = -Math.log(Math.max(of, LEAST_PROBABILITY));
  return { actual, predicted, confidence: probabilities[predicted]!, rank, loss, squaredError };
}

export interface ClassReport extends ClassMetrics {
  /** Area under the ROC curve of this class against all others; null where either of them has no picture. */
  readonly rocAuc: number | null;
}

export interface Means {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface CalibrationBin {
  /** Confidences above `from` up to `to`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence of these pictures; 0 where there are none. */
  readonly confidence: number;
  readonly accuracy: number;
}

export interface Calibration {
  /** Expected calibration error: how far confidence is from accuracy, on average. */
  readonly ece: number;
  /** The same in the worst bin. */
  readonly mce: number;
  readonly bins: readonly CalibrationBin[];
}

/** 97.5 % of a normal distribution lie below it. */
const Z = 1.959963984540054;

/** Wilson's interval for a share of `count`, at 95 %. */
export function wilsonInterval(right: number, count: number): [low: number, high: number] {
  if (count === 0) return [0, 1];
  const share = right / count;
  const centre = share + (Z * Z) / (2 * count);
  const spread = Z * Math.sqrt((share * (1 - share)) / count + (Z * Z) / (4 * count * count));
  const scale = 1 + (Z * Z) / count;
  return [Math.max(0, (centre - spread) / scale), Math.min(1, (centre + spread) / scale)];
}

/** `confusion[actual][predicted]`, counts. */
export function confusionOf(judgements: readonly Judgement[], classes: number): number[][] {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { actual, predicted } of judgements) confusion[actual]![predicted]! += 1;
  return confusion;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

/** Precision, recall, F1 and ROC AUC of each class. */
export function perClassOf(
  confusion: readonly (readonly number[])[],
  labels: readonly string[],
  rocAucs: readonly (number | null)[],
): ClassReport[] {
  return labels.map((label, index) => ({
    ...classMetrics(label, index, confusion),
    rocAuc: rocAucs[index] ?? null,
  }));
}

/**
 * Means over classes: `macro` counts each class that has pictures or was predicted as much as any other, `weighted` by its
 * pictures; `balancedAccuracy` is the mean recall of the classes that have pictures.
 */
export function meansOf(
  perClass: readonly ClassReport[],
  confusion: readonly (readonly number[])[],
): { macro: Means; weighted: Means; balancedAccuracy: number } {
  const isThere = perClass.map(
    ({ support }, index) => support > 0 || confusion.some((row) => row[index]! > 0),
  );
  const mean = (weights: readonly number[]): Means => {
    const total = sum(weights);
    const of = (name: keyof Means) =>
      share(sum(perClass.map((each, index) => each[name] * weights[index]!)), total);
    return { precision: of('precision'), recall: of('recall'), f1: of('f1') };
  };
  const withPictures = perClass.filter(({ support }) => support > 0);
  return {
    macro: mean(isThere.map(Number)),
    weighted: mean(perClass.map(({ support }) => support)),
    balancedAccuracy: share(sum(withPictures.map(({ recall }) => recall)), withPictures.length),
  };
}

/** Cohen's kappa: agreement beyond chance; 0 where chance explains all. */
export function kappaOf(confusion: readonly (readonly number[])[]): number {
  const count = sum(confusion.map(sum));
  const observed = share(sum(confusion.map((row, index) => row[index]!)), count);
  const expected = sum(
    confusion.map(
      (row, index) => share(sum(row), count) * share(sum(confusion.map((each) => each[index]!)), count),
    ),
  );
  return expected === 1 ? 0 : (observed - expected) / (1 - expected);
}

/** Matthews's correlation coefficient, for any number of classes; 0 where it is not defined. */
export function mccOf(confusion: readonly (readonly number[])[]): number {
  const count = sum(confusion.map(sum));
  const actual = confusion.map(sum);
  const predicted = confusion.map((_, index) => sum(confusion.map((row) => row[index]!)));
  const right = sum(confusion.map((row, index) => row[index]!));
  const cross = sum(actual.map((value, index) => value * predicted[index]!));
  const squares = (values: readonly number[]) => sum(values.map((value) => value * value));
  const spread = Math.sqrt((count ** 2 - squares(predicted)) * (count ** 2 - squares(actual)));
  return spread === 0 ? 0 : (right * count - cross) / spread;
}

/** Area under the ROC curve: how often a picture of the class scores higher than another one, ties counting half. */
export function rocAucOf(scores: ArrayLike<number>, isOfClass: readonly boolean[]): number | null {
  const positives = isOfClass.filter(Boolean).length;
  const negatives = isOfClass.length - positives;
  if (positives === 0 || negatives === 0) return null;
  const order = Array.from({ length: scores.length }, (_, index) => index).sort(
    (left, right) => scores[left]! - scores[right]!,
  );
  let ranks = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++;
    // Equal scores share the mean of their ranks.
    const rank = (from + 1 + to) / 2;
    for (let at = from; at < to; at++) if (isOfClass[order[at]!]) ranks += rank;
    from = to;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Confidences in bins of one width; errors weigh by the pictures in a bin. */
export function calibrationOf(judgements: readonly Judgement[], binCount = 10): Calibration {
  const sums = Array.from({ length: binCount }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const { confidence, actual, predicted } of judgements) {
    const bin = sums[Math.min(Math.max(Math.ceil(confidence * binCount) - 1, 0), binCount - 1)]!;
    bin.count++;
    bin.confidence += confidence;
    if (actual === predicted) bin.right++;
  }
  const bins = sums.map(({ count, confidence, right }, index) => ({
    ...{ from: index / binCount, to: (index + 1) / binCount, count },
    confidence: share(confidence, count),
    accuracy: share(right, count),
  }));
  const errors = bins.map(({ confidence, accuracy }) => Math.abs(confidence - accuracy));
  return {
    ece: share(sum(bins.map(({ count }, index) => count * errors[index]!)), judgements.length),
    mce: Math.max(0, ...bins.map(({ count }, index) => (count > 0 ? errors[index]! : 0))),
    bins,
  };
}
