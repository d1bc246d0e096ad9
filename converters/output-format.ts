import { UsageError } from '../src/base/errors.ts';

/**
 * What a model is written as. `tfjs`: a TensorFlow.js layers model, a model.json and weight files. `onnx`: ONNX.
 * `keras`: Keras 3's `.keras`. `h5`: Keras 2's whole-model `.h5`.
 */
export type OutputFormat = 'tfjs' | 'onnx' | 'keras' | 'h5';

export const OUTPUT_FORMATS = ['tfjs', 'onnx', 'keras', 'h5'] as const satisfies readonly OutputFormat[];

const ENDINGS: Readonly<Record<string, OutputFormat>> = {
  '.onnx': 'onnx',
  '.keras': 'keras',
  '.h5': 'h5',
  '.hdf5': 'h5',
};

/** Whether an output's name says that it holds weights alone, as Keras 3 wants it. */
export function namesWeights(name: string): boolean {
  return name.toLowerCase().endsWith('.weights.h5');
}

/** The format that the name of an output stands for, by its ending; what has no such ending is a folder, for tfjs. */
export function outputFormatOf(name: string): OutputFormat {
  if (namesWeights(name)) return 'keras';
  const ending = /\.[a-z0-9]+$/.exec(name.toLowerCase())?.[0] ?? '';
  return Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending]! : 'tfjs';
}

/** @throws UsageError `USAGE_OPTION` for a format that is not one of these. */
export function checkOutputFormat(format: string): asserts format is OutputFormat {
  if ((OUTPUT_FORMATS as readonly string[]).includes(format)) return;
  throw new UsageError('USAGE_OPTION', `There is no output format "${format}".`, {
    given: format,
    expected: OUTPUT_FORMATS.join(', '),
    nextStep: 'Choose one of these, or leave it out: the name of the output says which is meant.',
  });
}
