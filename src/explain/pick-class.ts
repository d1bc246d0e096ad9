import { closest } from 'fastest-levenshtein';
import { UsageError } from '../base/errors.ts';
import { topIndices } from '../classify/probabilities.ts';
import type { ClassLabel } from '../../zoo/labels/imagenet.ts';

export interface ClassOptions {
  /** Index of the class to explain, from 0. Default: the most probable one. */
  readonly classIndex?: number;
  /** The same by its name, or by its WordNet id; a number means the index where no class is called so. */
  readonly label?: string;
}

/**
 * The class that is meant; of several of one name, as ImageNet has, the most probable.
 *
 * @throws UsageError `USAGE_ARGUMENT`
 */
export function pickClass(
  probabilities: Float32Array,
  labels: readonly ClassLabel[],
  { classIndex, label }: ClassOptions,
): number {
  const ordered = topIndices(probabilities, probabilities.length);
  if (classIndex !== undefined && label !== undefined) {
    throw wrongClass('Either classIndex or label names the class, not both.', {
      given: `classIndex: ${classIndex}, label: ${JSON.stringify(label)}`,
      expected: 'one of them',
      nextStep: 'leave one of them out',
    });
  }
  if (label !== undefined) {
    const wanted = plain(label);
    const found = ordered.find((index) => {
      const named = labels[index];
      return named !== undefined && (plain(named.label) === wanted || named.wnid === label);
    });
    if (found !== undefined) return found;
    const index = /^\d+$/.test(wanted) ? Number(wanted) : NaN;
    return index < probabilities.length ? index : refuseLabel(label, labels);
  }
  if (classIndex === undefined) return ordered[0]!;
  if (Number.isInteger(classIndex) && classIndex >= 0 && classIndex < probabilities.length) return classIndex;
  throw wrongClass('There is no class of this index.', {
    given: `classIndex: ${String(classIndex)}`,
    expected: `a whole number from 0 to ${probabilities.length - 1}`,
    nextStep: 'pass the index that `classify` gives, or leave it out for the most probable class',
  });
}

/** ImageNet's names have underscores in some lists and spaces in others. */
function plain(label: string): string {
  return label.trim().toLowerCase().replaceAll('_', ' ');
}

function refuseLabel(label: string, labels: readonly ClassLabel[]): never {
  const names = labels.map((each) => each.label);
  const nearest = names.length > 0 ? ` Did you mean "${closest(label, names)}"?` : '';
  throw wrongClass(`The model has no class "${label}".${nearest}`, {
    given: `label: ${JSON.stringify(label)}`,
    expected:
      names.length === 0
        ? 'an index: the model has no names for its classes'
        : `one of ${names.length} classes`,
    nextStep:
      names.length === 0 ? 'pass `classIndex`, or `labels`' : 'check the spelling, or pass `classIndex`',
  });
}

function wrongClass(summary: string, details: ConstructorParameters<typeof UsageError>[2]): UsageError {
  return new UsageError('USAGE_ARGUMENT', summary, details);
}
