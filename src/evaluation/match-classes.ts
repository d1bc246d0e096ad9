import { DatasetError } from '../base/errors.ts';
import type { ClassLabel } from '../../zoo/labels/imagenet.ts';

/**
 * For each class of the data its index among the model's: by name, by ImageNet's WordNet id, or, for a model without names
 * and with as many classes, by order.
 *
 * @throws DatasetError `DATASET_CLASSES`
 */
export function matchClasses(
  classes: readonly string[],
  labels: readonly ClassLabel[],
  outputs: number,
): number[] {
  if (labels.length === 0) {
    if (classes.length === outputs) return classes.map((_, index) => index);
    throw new DatasetError('DATASET_CLASSES', 'The model does not say what its classes are called.', {
      given: `a model with ${outputs} classes without names, and pictures of ${classes.length}`,
      expected: 'a model with names for its classes, or pictures of as many classes in the same order',
      nextStep: 'give the names as `labels`',
    });
  }
  const byName = new Map<string, number>();
  labels.forEach(({ label, wnid }, index) => {
    for (const name of [label, plain(label), wnid ?? '']) {
      if (name !== '' && !byName.has(name)) byName.set(name, index);
    }
  });
  const found = classes.map((name) => byName.get(name) ?? byName.get(plain(name)) ?? -1);
  const unknown = classes.filter((_, index) => found[index] === -1);
  if (unknown.length === 0) return found;
  const some = (names: readonly string[]) =>
    names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
  throw new DatasetError('DATASET_CLASSES', `The model has no class "${unknown[0]}".`, {
    given: some(unknown),
    expected: some(labels.map(({ label }) => label)),
    nextStep: 'name the folders as the model names its classes, or leave these out',
  });
}

/** ImageNet's names have underscores in some lists and spaces in others. */
function plain(label: string): string {
  return label.trim().toLowerCase().replaceAll('_', ' ');
}
