import type * as tf from '@tensorflow/tfjs';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import type { OnnxModel, WriteOnnxOptions } from '../../converters/onnx/index.ts';
import { buildOnnxModel } from '../../converters/onnx/index.ts';
import { DovecoteError } from '../base/errors.ts';
import type { JsonObject } from '../base/types.ts';
import { pixelInputOf } from '../images/pixel-input.ts';
import { platform } from '../platform.ts';
import type { CompiledModel, CompileOptions, EngineOutput } from './compiled-model.ts';
import { checkInput } from './compiled-model.ts';
import { disposedError, engineFailed } from './engine-errors.ts';
import { readModelWeights } from './model-weights.ts';

/**
 * A model of tfjs as ONNX that computes what its layers compute: those of this package and tfjs's own, where tfjs's
 * differ from Keras's too.
 *
 * @throws EngineError `ENGINE_UNSUPPORTED_LAYER`; ModelError `MODEL_OPTION`
 */
export async function writtenAsOnnx(
  model: tf.LayersModel,
  { outputs, pixels }: Pick<CompileOptions, 'outputs' | 'pixels'> = {},
  transform?: WriteOnnxOptions['transform'],
): Promise<OnnxModel> {
  const config = model.toJSON(null, false) as unknown as JsonObject;
  const graph = parseKerasConfig(config, { fileName: `the model "${model.name}"`, ownClasses: true });
  return buildOnnxModel(graph, await readModelWeights(model), {
    outputs,
    dialect: 'tfjs',
    transform,
    ...(pixels === undefined ? {} : { pixels: pixelInputOf(pixels) }),
  });
}

/**
 * Compiles a model to an ONNX graph in memory and opens a session on it. The result does not refer to the model and
 * has a copy of its weights.
 *
 * @throws EngineError `ENGINE_UNSUPPORTED_LAYER`, `ENGINE_UNAVAILABLE`, `ENGINE_FAILED`; ModelError `MODEL_OPTION`
 */
export async function compileOnnx(
  model: tf.LayersModel,
  options: Pick<CompileOptions, 'outputs' | 'pixels' | 'fingerprint' | 'device'> = {},
): Promise<CompiledModel> {
  return openCompiled(model, await writtenAsOnnx(model, options), options);
}

/** A session on the model as it was written. */
export async function openCompiled(
  model: tf.LayersModel,
  onnx: OnnxModel,
  options: Pick<CompileOptions, 'pixels' | 'fingerprint' | 'device'>,
): Promise<CompiledModel> {
  const fingerprint = options.fingerprint === true ? await platform().sha256?.(onnx.bytes) : undefined;
  const session = await platform().createOnnxSession(onnx.bytes, { device: options.device });
  const order = onnx.outputs.map(({ onnxName }) => session.outputNames.indexOf(onnxName));
  const inputShape = [...onnx.inputs[0]!.shape];
  const inputType = options.pixels === undefined ? 'float32' : 'uint8';
  // Only the name: a reference to the model would keep it from being collected.
  const { name } = model;
  let disposed = false;

  return {
    engine: 'onnx',
    device: session.device,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    inputShape,
    inputType,
    outputs: onnx.outputs.map((output) => ({ name: output.name, shape: [...output.shape] })),
    async run(data, shape) {
      if (disposed) throw disposedError(name);
      checkInput(data, shape, { inputShape, inputType });
      try {
        const results = await session.run(data, shape);
        return order.map((index): EngineOutput => {
          const { data: values, shape: sizes } = results[index]!;
          return { data: values, shape: [...sizes] };
        });
      } catch (cause) {
        throw cause instanceof DovecoteError ? cause : engineFailed('The onnx engine failed', cause);
      }
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      await session.release();
    },
  };
}
