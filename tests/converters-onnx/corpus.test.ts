import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../converters/support.ts';
import type { CorpusFile } from './corpus.ts';
import { convertToOnnx, corpusFiles, expectOutputs, goldenOf } from './corpus.ts';

/** Files that are not written, each with the code of the error that says why. */
const REFUSED: Readonly<Record<string, string>> = {};

/** A folder for the ONNX files, for `tests/oracle/onnx_check.py`. */
const keep = process.env.ONNX_CORPUS;

const files = corpusFiles();
const written = files.filter(({ file }) => REFUSED[file] === undefined);

async function expectKerasOutputs(file: CorpusFile, fold: boolean): Promise<void> {
  const { inputs, outputs } = goldenOf(file);
  const model = await convertToOnnx(file, { fold });
  if (keep !== undefined && fold) writeFileSync(`${keep}/${file.file}.onnx`, model.bytes);
  await expectOutputs(model, inputs, outputs, 1e-5);
}

it('the corpus is not empty, and what is refused is in it', () => {
  expect(files.length).toBeGreaterThan(340);
  expect(Object.keys(REFUSED).filter((name) => !files.some(({ file }) => file === name))).toEqual([]);
});

describe('a Keras file written as ONNX gives what Keras gives', () => {
  it.each(written.map((file) => [file.file, file] as const))('%s', async (_, file) => {
    await expectKerasOutputs(file, true);
    await expectKerasOutputs(file, false);
  });
});

describe.skipIf(Object.keys(REFUSED).length === 0)('a Keras file that ONNX cannot say is refused', () => {
  it.each(files.filter((file) => !written.includes(file)).map((file) => [file.file, file] as const))(
    '%s',
    async (_, file) => {
      expect(await codeOf(() => convertToOnnx(file))).toBe(REFUSED[file.file]);
    },
  );
});
