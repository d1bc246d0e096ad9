import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Judgement } from '../../src/evaluation/measures.ts';
import {
  calibrationOf,
  confusionOf,
  judge,
  kappaOf,
  mccOf,
  meansOf,
  perClassOf,
  rocAucOf,
  wilsonInterval,
} from '../../src/evaluation/measures.ts';

interface Case {
  readonly name: string;
  readonly probabilities: number[];
  readonly actual: number[];
  readonly classes: number;
  readonly accuracy: number;
  readonly top2: number;
  readonly confusion: number[][];
  readonly precision: number[];
  readonly recall: number[];
  readonly f1: number[];
  readonly support: number[];
  readonly means: Record<'macro' | 'weighted', Record<'precision' | 'recall' | 'f1', number>>;
  readonly balancedAccuracy: number;
  readonly kappa: number;
  readonly mcc: number;
  readonly rocAuc: (number | null)[];
  readonly loss: number;
  readonly brier: number;
  readonly calibration: {
    readonly counts: number[];
    /** Of the bins with pictures. */
    readonly accuracies: number[];
    readonly confidences: number[];
    readonly ece: number;
    readonly mce: number;
  };
}
const golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as {
  cases: Case[];
  wilson: [right: number, count: number, low: number, high: number][];
};

function judgementsOf({ probabilities, actual, classes }: Case): Judgement[] {
  const rows = Float32Array.from(probabilities);
  return actual.map((label, row) => judge(rows.subarray(row * classes, (row + 1) * classes), label));
}

describe.each(golden.cases.map((each) => [each.name, each] as const))(
  '%s: as scikit-learn',
  (_, expected) => {
    const judgements = judgementsOf(expected);
    const confusion = confusionOf(judgements, expected.classes);
    const labels = Array.from({ length: expected.classes }, (__, index) => `class ${index}`);
    const areas = labels.map((__, index) =>
      rocAucOf(
        expected.actual.map((___, row) => expected.probabilities[row * expected.classes + index]!),
        expected.actual.map((label) => label === index),
      ),
    );
    const perClass = perClassOf(confusion, labels, areas);

    it('confusion, accuracy, top 2', () => {
      expect(confusion).toEqual(expected.confusion);
      const share = (is: (each: Judgement) => boolean) => judgements.filter(is).length / judgements.length;
      expect(share(({ actual, predicted }) => actual === predicted)).toBeCloseTo(expected.accuracy, 12);
      expect(share(({ rank }) => rank < 2)).toBeCloseTo(expected.top2, 12);
    });
    it('precision, recall, F1, support and ROC AUC of each class', () => {
      perClass.forEach((found, index) => {
        expect(found.precision).toBeCloseTo(expected.precision[index]!, 12);
        expect(found.recall).toBeCloseTo(expected.recall[index]!, 12);
        expect(found.f1).toBeCloseTo(expected.f1[index]!, 12);
        expect(found.support).toBe(expected.support[index]);
        const area = expected.rocAuc[index]!;
        if (area === null) expect(found.rocAuc).toBeNull();
        else expect(found.rocAuc).toBeCloseTo(area, 12);
      });
    });
    it('loss, Brier score and calibration', () => {
      const mean = (of: (each: Judgement) => number) =>
        judgements.reduce((sum, each) => sum + of(each), 0) / judgements.length;
      expect(mean(({ loss }) => loss)).toBeCloseTo(expected.loss, 6);
      expect(mean(({ squaredError }) => squaredError)).toBeCloseTo(expected.brier, 6);
      const { bins, ece, mce } = calibrationOf(judgements);
      const filled = bins.filter(({ count }) => count > 0);
      const { counts, accuracies, confidences } = expected.calibration;
      expect(bins.map(({ count }) => count)).toEqual(counts);
      filled.forEach(({ accuracy, confidence }, index) => {
        expect(accuracy).toBeCloseTo(accuracies[index]!, 12);
        expect(confidence).toBeCloseTo(confidences[index]!, 6);
      });
      expect(ece).toBeCloseTo(expected.calibration.ece, 6);
      expect(mce).toBeCloseTo(expected.calibration.mce, 6);
    });
    it('means, kappa and MCC', () => {
      const { macro, weighted, balancedAccuracy } = meansOf(perClass, confusion);
      for (const name of ['precision', 'recall', 'f1'] as const) {
        expect(macro[name]).toBeCloseTo(expected.means.macro[name], 12);
        expect(weighted[name]).toBeCloseTo(expected.means.weighted[name], 12);
      }
      expect(balancedAccuracy).toBeCloseTo(expected.balancedAccuracy, 12);
      expect(kappaOf(confusion)).toBeCloseTo(expected.kappa, 12);
      expect(mccOf(confusion)).toBeCloseTo(expected.mcc, 12);
    });
  },
);

it.each(golden.wilson)("Wilson's interval of %d of %d", (right, count, low, high) => {
  const found = wilsonInterval(right, count);
  expect(found[0]).toBeCloseTo(low, 12);
  expect(found[1]).toBeCloseTo(high, 12);
});

describe('calibration', () => {
  const judgement = (confidence: number, isRight: boolean): Judgement => ({
    ...{ actual: 0, predicted: isRight ? 0 : 1, confidence, rank: isRight ? 0 : 1 },
    ...{ loss: 0, squaredError: 0 },
  });
  it('compares confidence with accuracy, bin by bin', () => {
    const { ece, mce, bins } = calibrationOf([
      judgement(0.95, true),
      judgement(0.95, false),
      judgement(1, true),
      judgement(0.6, false),
      judgement(0.3, true),
    ]);
    expect(bins.map(({ count }) => count)).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 0, 3]);
    expect(bins[9]).toMatchObject({ from: 0.9, to: 1 });
    expect(bins[9]!.confidence).toBeCloseTo(2.9 / 3, 12);
    expect(bins[9]!.accuracy).toBeCloseTo(2 / 3, 12);
    expect(ece).toBeCloseTo((3 * 0.3 + 0.6 + 0.7) / 5, 12);
    expect(mce).toBeCloseTo(0.7, 12);
  });
  it('is 0 of nothing', () => {
    expect(calibrationOf([])).toMatchObject({ ece: 0, mce: 0 });
  });
});

it('of equal probabilities the smaller index comes first: who knows nothing is right by chance only', () => {
  const even = new Float32Array(10).fill(0.1);
  const ranks = Array.from(even, (_, actual) => judge(even, actual));
  expect(ranks.map(({ rank }) => rank)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const { rank, actual, predicted } of ranks) expect(rank === 0).toBe(actual === predicted);
});
