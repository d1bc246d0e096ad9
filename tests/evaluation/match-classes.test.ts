import { describe, expect, it } from 'vitest';
import { imagenetLabels } from '../../src/node.ts';
import { distinctNames, matchClasses } from '../../src/evaluation/match-classes.ts';

const own = (...names: string[]) => names.map((label) => ({ wnid: '', label }));
const refusal = (text: string) => ({
  code: 'DATASET_CLASSES',
  message: expect.stringContaining(text) as string,
});
const errorOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('matchClasses', () => {
  it('prefers the very name: classes that differ in case or blanks only are not mixed up', () => {
    expect(matchClasses(['cat', 'Cat'], own('Cat', 'cat'), 2)).toEqual([1, 0]);
    expect(matchClasses(['a b', 'a_b'], own('a_b', 'a b'), 2)).toEqual([1, 0]);
    expect(matchClasses(['A', 'a'], own('a', 'A', 'b'), 3)).toEqual([1, 0]);
  });

  it('forgives case, underscores and letters that a file system has taken apart', () => {
    const folders = ['Größe'.normalize('NFD'), 'SEA lion'];
    expect(matchClasses(folders, own('sea_lion', 'Größe'), 2)).toEqual([1, 0]);
  });

  it('refuses a name that several classes have, and says by which names they can be told apart', () => {
    const found = errorOf(() => matchClasses(['crane', 'tabby'], imagenetLabels, 1000));
    expect(found).toMatchObject(refusal('n02012849, n03126707'));
    expect(matchClasses(['n02012849', 'n03126707'], imagenetLabels, 1000)).toEqual([134, 517]);
    expect(errorOf(() => matchClasses(['CAT'], own('Cat', 'cat'), 2))).toMatchObject(refusal('Cat, cat'));
  });

  it('names the classes that the model has not', () => {
    const found = errorOf(() => matchClasses(['bee', 'wasp'], own('ant', 'bee'), 2));
    expect(found).toMatchObject(refusal('wasp'));
    expect(found).toMatchObject(refusal('ant, bee'));
  });
});

it('distinctNames tells classes apart that are called the same', () => {
  const names = distinctNames(imagenetLabels, 1000);
  expect(new Set(names).size).toBe(1000);
  expect([names[134], names[517], names[281]]).toEqual(['crane (n02012849)', 'crane (n03126707)', 'tabby']);
  expect(distinctNames([], 2)).toEqual(['class 0', 'class 1']);
});
