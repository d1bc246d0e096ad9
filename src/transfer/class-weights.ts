import { wrongOption } from '../base/checks.ts';
import { UsageError } from '../base/errors.ts';

export type ClassWeights = 'balanced' | 'none' | Readonly<Record<string, number>>;

/** @throws UsageError `USAGE_ARGUMENT` */
export function checkClassWeights(weights: ClassWeights, classes: readonly string[]): void {
  if (weights === 'none' || weights === 'balanced') return;
  if (typeof weights !== 'object') {
    throw wrongOption('classWeights', weights, 'balanced, none, or an object with a number for each class');
  }
  const wrong = Object.entries(weights).find(
    ([label, weight]) => !classes.includes(label) || !Number.isFinite(weight) || weight < 0,
  );
  if (wrong === undefined) return;
  throw new UsageError('USAGE_ARGUMENT', `The class weight of "${wrong[0]}" is not usable.`, {
    given: `${wrong[0]}: ${wrong[1]}`,
    expected: `numbers of at least 0 for ${classes.join(', ')}`,
    nextStep: 'correct the name or the number',
  });
}

/**
 * The weight of each class in the loss, in index order. `balanced` gives every class the same total
 * (`images / (classes * images of the class)`, as scikit-learn does); classes left out of a record weigh 1.
 *
 * @throws UsageError `USAGE_ARGUMENT`
 */
export function classWeightsOf(
  weights: ClassWeights,
  classes: readonly string[],
  labels: readonly number[],
): number[] {
  if (weights === 'none') return classes.map(() => 1);
  if (weights === 'balanced') {
    return classes.map(
      (_, index) => labels.length / (classes.length * labels.filter((label) => label === index).length),
    );
  }
  checkClassWeights(weights, classes);
  // A class may be called `constructor`.
  const byName = new Map(Object.entries(weights));
  return classes.map((label) => byName.get(label) ?? 1);
}
