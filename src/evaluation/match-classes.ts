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
  const indices = classes.map((name) => indicesOf(name, labels));
  const unknown = classes.filter((_, at) => indices[at]!.length === 0);
  const some = (names: readonly string[]) =>
    names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
  if (unknown.length > 0) {
    throw new DatasetError('DATASET_CLASSES', `The model has no class "${unknown[0]}".`, {
      given: some(unknown),
      expected: some(labels.map(({ label }) => label)),
      nextStep: 'name the folders as the model names its classes, or leave these out',
    });
  }
  const doubtful = indices.findIndex((found) => found.length > 1);
  if (doubtful !== -1) {
    const meant = indices[doubtful]!.map((index) => labels[index]!);
    throw new DatasetError('DATASET_CLASSES', `The model has several classes "${classes[doubtful]}".`, {
      given: classes[doubtful]!,
      expected: `one of ${meant.map(({ wnid, label }) => wnid || label).join(', ')}`,
      nextStep: 'name it by its WordNet id, or exactly as the model does',
    });
  }
  return indices.map((found) => found[0]!);
}

/** The classes that a name may mean: those that have the very name, else those that have it but for its spelling. */
function indicesOf(name: string, labels: readonly ClassLabel[]): number[] {
  const where = (isMeant: (label: ClassLabel) => boolean) =>
    labels.flatMap((label, index) => (isMeant(label) ? [index] : []));
  const exact = where(({ label, wnid }) => label === name || (wnid !== '' && wnid === name));
  return exact.length > 0 ? exact : where(({ label }) => plain(label) === plain(name));
}

/** As `labels` are called where two of them are called the same: two classes of ImageNet are cranes. */
export function distinctNames(labels: readonly ClassLabel[], outputs: number): string[] {
  const counts = new Map<string, number>();
  labels.forEach(({ label }) => counts.set(label, (counts.get(label) ?? 0) + 1));
  return Array.from({ length: outputs }, (_, index) => {
    const found = labels[index];
    if (found === undefined) return `class ${index}`;
    return counts.get(found.label) === 1 || found.wnid === ''
      ? found.label
      : `${found.label} (${found.wnid})`;
  });
}

/** ImageNet's names have underscores in some lists and spaces in others; some file systems take letters apart. */
function plain(label: string): string {
  return label.normalize('NFC').trim().toLowerCase().replaceAll('_', ' ');
}
