import { describe, expect, it } from 'vitest';
import { expectedWeights, parseKerasConfig, readModelFile } from '../../converters/index.ts';
import { CORPUS_FILES, corpusFile } from '../converters-keras/corpus-files.ts';

const FILES = CORPUS_FILES.filter(({ file }) => file.endsWith('.keras2.h5'));
const last = (name: string) => name.replace(/:\d+$/, '').split('/').at(-1);

describe('the weights that a layer is expected to have are those that Keras 2 has stored', () => {
  it.each(FILES)('$file', async ({ file }) => {
    const found = await readModelFile(corpusFile(file), { fileName: file });
    const expected = expectedWeights(parseKerasConfig(found.config!, { fileName: file }));
    const stored = new Map(found.layers.map(({ layer, weights }) => [layer, weights]));
    for (const { layer, weights } of expected) {
      const inFile = stored.get(layer) ?? [];
      expect([layer, weights.map(({ name }) => last(name))]).toEqual([
        layer,
        inFile.map(({ name }) => last(name)),
      ]);
      const shapes = weights.map(({ shape }, i) =>
        shape?.map((size, axis) => size ?? inFile[i]!.shape[axis]),
      );
      shapes.forEach((shape, i) => expect(shape ?? inFile[i]!.shape).toEqual(inFile[i]!.shape));
    }
  });
});
