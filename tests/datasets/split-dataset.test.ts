import { describe, expect, it } from 'vitest';
import { labelledImages, splitDataset } from '../../src/node.ts';
import type { LabelledImage } from '../../src/node.ts';

const photos = (label: string, count: number): LabelledImage[] =>
  Array.from({ length: count }, (_, index) => ({ image: `/p/${label}/${index}.png`, label }));

const names = ({ images }: { images: readonly LabelledImage[] }) => images.map(({ name }) => name);

describe('splitDataset', () => {
  const dataset = labelledImages([...photos('a', 100), ...photos('b', 10), ...photos('c', 1)]);

  it('takes the same share of every class, and every picture once', () => {
    const { training, validation, test, remarks } = splitDataset(dataset, { validation: 0.2, test: 0.1 });
    const count = (part: typeof training, label: string) =>
      part.images.filter((image) => image.label === label).length;
    expect(['a', 'b', 'c'].map((label) => count(training, label))).toEqual([70, 7, 1]);
    expect(['a', 'b', 'c'].map((label) => count(validation, label))).toEqual([20, 2, 0]);
    expect(['a', 'b', 'c'].map((label) => count(test, label))).toEqual([10, 1, 0]);
    expect([...names(training), ...names(validation), ...names(test)].sort()).toEqual(names(dataset).sort());
    expect(validation.classes).toEqual(['a', 'b', 'c']);
    expect(remarks).toEqual([
      'the class "c" has 1 picture only: none of them is in the validation part',
      'the class "c" has 1 picture only: none of them is in the test part',
    ]);
  });

  it('is the same in whatever order the pictures come, and another with another seed', () => {
    const back = labelledImages([...dataset.images].reverse());
    const first = splitDataset(dataset, { seed: 5 });
    expect(names(splitDataset(back, { seed: 5 }).validation)).toEqual(names(first.validation));
    expect(names(splitDataset(dataset, { seed: 6 }).validation)).not.toEqual(names(first.validation));
    const more = labelledImages([...dataset.images, ...photos('aa', 30)]);
    const again = splitDataset(more, { seed: 5 }).validation;
    expect(names(again).filter((name) => !name!.includes('/aa/'))).toEqual(names(first.validation));
    expect(first.test.images).toEqual([]);
  });

  it.each([
    [1, [1, 0, 0]],
    [2, [2, 0, 0]],
    [3, [2, 1, 0]],
    [4, [2, 1, 1]],
    [5, [2, 2, 1]],
  ])('leaves a class of %i enough to train on', (count, expected) => {
    const small = labelledImages([...photos('small', count), ...photos('large', 50)]);
    const parts = splitDataset(small, { validation: 0.4, test: 0.2 });
    const counts = [parts.training, parts.validation, parts.test].map(
      ({ images }) => images.filter(({ label }) => label === 'small').length,
    );
    expect(counts).toEqual(expected);
    expect(parts.remarks.length).toBe(expected.filter((each) => each === 0).length);
  });

  it('keeps to the parts of a table', () => {
    const given = labelledImages([
      { image: '1', label: 'a', split: 'validation' },
      { image: '2', label: 'a', split: 'training' },
      { image: '3', label: 'b', split: 'training' },
    ]);
    const { training, validation, remarks } = splitDataset(given, { validation: 0.9 });
    expect([names(training), names(validation)]).toEqual([['2', '3'], ['1']]);
    expect(remarks).toEqual(['the class "b" has no pictures in the validation part']);
  });

  it.each([
    { validation: 1 },
    { validation: 0.6, test: 0.5 },
    { test: -0.1 },
    { validation: NaN },
    { seed: 0.5 },
  ])('refuses %o', (options) => {
    expect(() => splitDataset(dataset, options)).toThrow(expect.objectContaining({ code: 'USAGE_OPTION' }));
  });
});
