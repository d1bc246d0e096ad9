import { UsageError } from '../base/errors.ts';

export type ClassWeights = 'balanced' | 'none' | Readonly<Record<string, number>>;

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
  const wrong = Object.entries(weights).find(([label, weight]) => !classes.includes(label) || !(weight >= 0));
  if (wrong !== undefined) {
    throw new UsageError('USAGE_ARGUMENT', `The class weight of "${wrong[0]}" is not usable.`, {
      given: `${wrong[0]}: ${wrong[1]}`,
      expected: `numbers of at least 0 for ${classes.join(', ')}`,
      nextStep: 'correct the name or the number',
    });
  }
  return classes.map((label) => weights[label] ?? 1);
}
