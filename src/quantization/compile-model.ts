import type * as tf from '@tensorflow/tfjs';
import { requireOneOf } from '../base/checks.ts';
import { UsageError } from '../base/errors.ts';
import type { ProgressCallback } from '../base/types.ts';
import type { OnnxModel } from '../../converters/onnx/index.ts';
import { halfWeights, quantizeGraph } from '../../converters/onnx/index.ts';
import { checkCompile, compileModel as compileFloat32 } from '../engines/compile-model.ts';
import type { CompiledModel, CompileOptions, PrecisionReport } from '../engines/compiled-model.ts';
import { openCompiled, writtenAsOnnx } from '../engines/onnx-engine.ts';
import type { CalibrationInputs } from './calibration.ts';
import { activationRanges, readCalibration } from './calibration.ts';

export interface CompileModelOptions extends CompileOptions {
  /** Of the calibration. */
  readonly onProgress?: ProgressCallback | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gets a model ready to run. `onnx` compiles it to an ONNX graph for ONNX Runtime and copies its weights; `tfjs` runs
 * the model itself; `auto` takes `onnx` when the runtime is there and every layer is known, else `tfjs`, and says why
 * in `why`. With a `precision` of fewer bits the engine is `onnx`, and `precision` of the result says what that costs.
 *
 * @throws EngineError `ENGINE_UNSUPPORTED_LAYER`, `ENGINE_UNAVAILABLE`, `ENGINE_FAILED` (with `onnx`); ModelError
 *   `MODEL_INPUT` (more than one input, no pictures to calibrate with), `MODEL_OPTION` (an unknown output); UsageError
 *   `USAGE_OPTION`, `USAGE_ARGUMENT` (no calibration pictures); AbortedError `ABORTED`
 */
export async function compileModel(
  model: tf.LayersModel,
  options: CompileModelOptions = {},
): Promise<CompiledModel> {
  const { precision = 'float32' } = options;
  requireOneOf('precision', precision, ['float32', 'float16', 'int8']);
  if (precision === 'float32') return compileFloat32(model, options);
  checkCompile(model, options);
  if (options.engine === 'tfjs') {
    throw new UsageError('USAGE_OPTION', `The tfjs engine computes in float32 only.`, {
      given: `precision: ${precision}, engine: tfjs`,
      expected: 'engine: auto or onnx',
      nextStep: 'leave one of them out',
    });
  }
  // For float16 pictures are no need, but without them nothing can be said about it.
  const needsPictures = precision === 'int8' || options.calibration !== undefined;
  const inputs = needsPictures ? await readCalibration(model, options) : undefined;
  const whole = await writtenAsOnnx(model, options);
  const reduced = await written(model, inputs, { ...options, precision });
  const compiled = await openCompiled(model, reduced, options);
  const bytes = { float32: whole.bytes.length, reduced: reduced.bytes.length };
  const calibrated = precision === 'int8' ? (inputs?.ranges.length ?? 0) : 0;
  try {
    const float32 = inputs && (await openCompiled(model, whole, options));
    try {
      const compared = inputs && float32 && (await comparison(float32, compiled, inputs));
      return { ...compiled, precision: { precision, calibrated, compared: 0, ...compared, bytes } };
    } finally {
      await float32?.dispose();
    }
  } catch (error) {
    await compiled.dispose();
    throw error;
  }
}

async function written(
  model: tf.LayersModel,
  inputs: CalibrationInputs | undefined,
  options: CompileModelOptions,
): Promise<OnnxModel> {
  if (options.precision === 'float16' || inputs === undefined)
    return writtenAsOnnx(model, options, halfWeights);
  const ranges = await activationRanges(model, inputs, options);
  return writtenAsOnnx(model, options, (graph) => quantizeGraph(graph, ranges));
}

/** Both on the pictures that the ranges were not taken from, taking turns. */
async function comparison(
  float32: CompiledModel,
  reduced: CompiledModel,
  { compared, shape }: CalibrationInputs,
): Promise<Pick<PrecisionReport, 'compared' | 'sameTop1' | 'meanDifference' | 'msPerImage'>> {
  const times: { float32: number[]; reduced: number[] } = { float32: [], reduced: [] };
  let same = 0;
  let sum = 0;
  let count = 0;
  for (const input of compared) {
    let started = performance.now();
    const [expected] = await float32.run(input, shape);
    times.float32.push(performance.now() - started);
    started = performance.now();
    const [found] = await reduced.run(input, shape);
    times.reduced.push(performance.now() - started);
    const a = expected!.data;
    const b = found!.data;
    if (largest(a) === largest(b)) same++;
    for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
    count += a.length;
  }
  return {
    compared: compared.length,
    sameTop1: same / compared.length,
    meanDifference: sum / count,
    msPerImage: { float32: median(times.float32), reduced: median(times.reduced) },
  };
}

function largest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
