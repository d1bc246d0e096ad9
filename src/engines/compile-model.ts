import type * as tf from '@tensorflow/tfjs';
import { requireOneOf } from '../base/checks.ts';
import { DovecoteError, ModelError, UsageError, reasonOf } from '../base/errors.ts';
import type { PreprocessingMode } from '../../zoo/card.ts';
import { checkMode } from '../images/preprocess.ts';
import type { CompiledModel, CompileOptions } from './compiled-model.ts';
import { engineFailed } from './engine-errors.ts';
import { requireLayer } from './missing-layer.ts';
import { compileOnnx } from './onnx-engine.ts';
import { compileTfjs } from './tfjs-engine.ts';

/**
 * Gets a model ready to run. `onnx` compiles it to an ONNX graph for ONNX Runtime and copies its weights; `tfjs` runs
 * the model itself; `auto` takes `onnx` when the runtime is there and every layer is known, else `tfjs`, and says why
 * in `why`.
 *
 * @throws EngineError `ENGINE_UNSUPPORTED_LAYER`, `ENGINE_UNAVAILABLE`, `ENGINE_FAILED` (with `onnx`); ModelError
 *   `MODEL_INPUT` (more than one input), `MODEL_OPTION` (an unknown output); UsageError `USAGE_OPTION`
 */
export async function compileModel(
  model: tf.LayersModel,
  options: CompileOptions = {},
): Promise<CompiledModel> {
  checkCompile(model, options);
  const { engine = 'auto', device } = options;
  if (engine === 'tfjs') return compileTfjs(model, options);
  try {
    return await compileOnnx(model, options);
  } catch (error) {
    // A wrong option is wrong for both engines.
    if (error instanceof ModelError) throw error;
    // A device that was asked for is not given up in silence.
    const anyDevice = device === undefined || device === 'auto' || device === 'cpu';
    if (engine === 'auto' && anyDevice) return { ...compileTfjs(model, options), why: reasonOf(error) };
    throw error instanceof DovecoteError ? error : engineFailed('The model cannot be compiled', error);
  }
}

/** @throws UsageError `USAGE_OPTION`, ModelError `MODEL_INPUT`, `MODEL_OPTION` */
export function checkCompile(
  model: tf.LayersModel,
  { engine = 'auto', outputs, pixels, device }: CompileOptions,
): void {
  if (engine !== 'auto' && engine !== 'onnx' && engine !== 'tfjs') {
    throw new UsageError('USAGE_OPTION', 'There is no such engine.', {
      given: `engine: ${String(engine)}`,
      expected: 'auto, onnx or tfjs',
      nextStep: 'Leave the option out to take the fastest one that works.',
    });
  }
  if (device !== undefined) requireOneOf('device', device, ['auto', 'cpu', 'webgpu', 'cuda']);
  requireOneInput(model);
  if (outputs?.length === 0) {
    throw new ModelError('MODEL_OPTION', 'No output was asked for.', {
      given: 'outputs: []',
      expected: 'names of layers',
      nextStep: "Leave outputs out to get the model's own.",
    });
  }
  outputs?.forEach((name) => requireLayer(model, name, { code: 'MODEL_OPTION', option: 'outputs' }));
  if (pixels !== undefined) checkPixels(model, pixels);
}

function checkPixels(model: tf.LayersModel, mode: PreprocessingMode): void {
  checkMode(mode);
  const shape = model.inputs[0]!.shape;
  if (shape.length === 4 && shape[3] === 3) return;
  throw new ModelError('MODEL_INPUT', `The model "${model.name}" does not take colour pictures.`, {
    given: `input of shape ${JSON.stringify(shape)}`,
    expected: '[batch, height, width, 3]',
    nextStep: 'Leave `pixels` out and give it float32.',
  });
}

function requireOneInput(model: tf.LayersModel): void {
  if (model.inputs.length === 1) return;
  throw new ModelError('MODEL_INPUT', `The model "${model.name}" has ${model.inputs.length} inputs.`, {
    given: model.inputNames.join(', '),
    expected: 'a model with one input',
    nextStep: 'Run it with model.predict.',
  });
}
