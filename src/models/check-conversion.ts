import type { ModelFile, ResolvedModel } from '../../converters/index.ts';
import { DovecoteError, FormatError, ModelError, reasonOf } from '../base/errors.ts';
import type { RunOutput } from './run-resolved.ts';
import { runByOnnx, runByTfjs } from './run-resolved.ts';
import type { SeededInput } from './seeded-inputs.ts';
import { seededInputs } from './seeded-inputs.ts';

export type CheckEngine = 'tfjs' | 'onnx';

/** What came of running the source and the output of a conversion on the same inputs. */
export interface ConversionCheck {
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** What ran the source, and what ran the output. Where it can be, these are two independent engines. */
  readonly engines: { readonly source: CheckEngine; readonly output: CheckEngine };
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    /** Largest absolute difference. */
    readonly difference: number;
    /** Largest absolute value of the source's output. */
    readonly range: number;
  }[];
  /** Largest difference as a share of the range, of all outputs. */
  readonly largest: number;
}

const SEED = 20_260_101;
/** Of the range: what rounding in different orders comes to stays below a tenth of it. */
const TOLERANCE = 1e-4;

export interface CheckSides {
  readonly source: { readonly file: ModelFile; readonly model: ResolvedModel };
  /** Runs the output as it was written. The engine is what runs it. */
  readonly output: {
    readonly engine: CheckEngine;
    run(inputs: readonly SeededInput[]): Promise<RunOutput[]>;
  };
  /** Whether the weights were stored with fewer bits, so that a difference is to be expected. */
  readonly quantized: boolean;
}

/** Runs the source by the one engine that did not run the output; by the same where the other cannot. */
async function runSource(
  { source, output }: CheckSides,
  inputs: readonly SeededInput[],
): Promise<{ engine: CheckEngine; outputs: RunOutput[] }> {
  const byTfjs = async () => ({
    engine: 'tfjs' as const,
    outputs: await runByTfjs(source.model, source.file, inputs),
  });
  const byOnnx = async () => ({ engine: 'onnx' as const, outputs: await runByOnnx(source.model, inputs) });
  const [first, second] = output.engine === 'tfjs' ? [byOnnx, byTfjs] : [byTfjs, byOnnx];
  try {
    return await first();
  } catch (error) {
    if (!(error instanceof DovecoteError)) throw error;
    return second();
  }
}

function compare(name: string, wanted: RunOutput, found: RunOutput | undefined) {
  const same = found !== undefined && found.shape.join() === wanted.shape.join();
  let difference = same ? 0 : Infinity;
  let range = 0;
  wanted.data.forEach((value, i) => {
    if (!Number.isNaN(value)) range = Math.max(range, Math.abs(value));
    if (!same || Object.is(value, found.data[i])) return;
    const away = Math.abs(value - found.data[i]!);
    difference = Math.max(difference, Number.isNaN(away) ? Infinity : away);
  });
  return { name, shape: wanted.shape, difference, range };
}

/**
 * Runs the source and the output of a conversion on the same seeded inputs, by different engines where that is possible.
 *
 * @throws ModelError `MODEL_DIFFERENCE` where weights were not quantized and the outputs differ by more than 1e-4 of their
 *   range; FormatError `FORMAT_UNSUPPORTED` for models that cannot be run here, of which nothing can be told
 */
export async function checkConversion(sides: CheckSides): Promise<ConversionCheck> {
  const { graph } = sides.source.model;
  const inputs = seededInputs(graph, SEED);
  let source: { engine: CheckEngine; outputs: RunOutput[] };
  let found: RunOutput[];
  try {
    found = await sides.output.run(inputs);
    source = await runSource(sides, inputs);
  } catch (error) {
    throw new FormatError('FORMAT_UNSUPPORTED', `The conversion could not be checked: ${reasonOf(error)}`, {
      given: sides.source.file.fileName,
      expected: 'a model that can be run here on made-up inputs',
      nextStep: 'the output is written; run it on inputs of your own, or convert without the check',
      cause: error,
    });
  }
  const outputs = source.outputs.map((wanted, i) =>
    compare(graph.outputs[i]?.layer ?? `output ${i}`, wanted, found[i]),
  );
  const largest = Math.max(0, ...outputs.map(({ difference, range }) => difference / Math.max(range, 1e-6)));
  if (largest > TOLERANCE && !sides.quantized) {
    throw new ModelError('MODEL_DIFFERENCE', 'The output does not compute what the source computes.', {
      given: outputs.map(({ name, difference, range }) => `${name}: ${difference} of ${range}`).join(', '),
      expected: `a difference of at most ${TOLERANCE} of the range`,
      nextStep: 'do not use the output, and report the model: this is a fault of the converter',
    });
  }
  return {
    inputs: inputs.map(({ name, shape }) => ({ name, shape })),
    engines: { source: source.engine, output: sides.output.engine },
    outputs,
    largest,
  };
}
