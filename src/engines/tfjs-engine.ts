import * as tf from '@tensorflow/tfjs';
import type { PreprocessingMode } from '../../zoo/card.ts';
import { ModelError } from '../base/errors.ts';
import type { CompiledModel, CompileOptions, EngineOutput, ModelShape } from './compiled-model.ts';
import { checkInput } from './compiled-model.ts';
import { disposedError, engineFailed } from './engine-errors.ts';
import { preprocessPixels } from '../images/preprocess.ts';
import { requireLayer } from './missing-layer.ts';

/**
 * Runs the model itself on tfjs's current backend. Nothing is copied: the weights stay the model's, and a change of
 * them shows in the next run.
 *
 * @throws ModelError `MODEL_OPTION` (an output that is not there)
 */
export function compileTfjs(
  model: tf.LayersModel,
  { outputs: outputNames, pixels }: Pick<CompileOptions, 'outputs' | 'pixels'> = {},
): CompiledModel {
  const symbols = outputNames?.map((name) => outputOf(model, name)) ?? model.outputs;
  // A model over tensors of another one owns nothing; it is dropped and never disposed, for dispose() would count
  // the layers down.
  const part =
    outputNames === undefined
      ? model
      : tf.model({ name: model.name, inputs: model.inputs, outputs: [...new Set(symbols)] });
  const positions = symbols.map((symbol) => part.outputs.indexOf(symbol));
  const inputShape: ModelShape = [null, ...model.inputs[0]!.shape.slice(1)];
  const inputType = pixels === undefined ? 'float32' : 'uint8';
  let disposed = false;

  return {
    engine: 'tfjs',
    inputShape,
    inputType,
    outputs: symbols.map((symbol, index) => ({
      name: outputNames?.[index] ?? model.outputNames[index] ?? symbol.name,
      shape: [null, ...symbol.shape.slice(1)],
    })),
    async run(data, shape) {
      if (disposed) throw disposedError(model.name);
      checkInput(data, shape, { inputShape, inputType });
      const prepared = data instanceof Uint8Array ? preprocessed(data, shape, pixels!) : data;
      let results: tf.Tensor[] = [];
      try {
        results = tf.tidy(() => {
          const predicted = part.predictOnBatch(tf.tensor(prepared, [...shape], 'float32'));
          return Array.isArray(predicted) ? predicted : [predicted];
        });
        return await Promise.all(positions.map((position) => read(results[position]!, prepared)));
      } catch (cause) {
        throw engineFailed(
          'The tfjs engine failed',
          cause,
          'Check the model with model.predict, and report it.',
        );
      } finally {
        tf.dispose(results);
      }
    },
    dispose() {
      disposed = true;
      return Promise.resolve();
    },
  };
}

function preprocessed(data: Uint8Array, shape: readonly number[], mode: PreprocessingMode): Float32Array {
  const prepared = new Float32Array(data.length);
  // All pictures as one tall one: each pixel is prepared by itself.
  const [batch = 1, height = 1, width = 1] = shape;
  preprocessPixels({ data, width, height: batch * height }, mode, prepared, 0);
  return prepared;
}

async function read(tensor: tf.Tensor, input: Float32Array): Promise<EngineOutput> {
  const values = await tensor.data();
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  // The cpu backend reshapes without copying, as far as the caller's own array.
  return { data: floats.buffer === input.buffer ? floats.slice() : floats, shape: [...tensor.shape] };
}

interface Insides {
  /** The functional model inside a Sequential one. */
  readonly model?: tf.LayersModel;
  /** Keys of the calls that belong to this model. */
  readonly containerNodes?: ReadonlySet<string>;
}

function outputOf(model: tf.LayersModel, name: string): tf.SymbolicTensor {
  requireLayer(model, name, { code: 'MODEL_OPTION', option: 'outputs' });
  const layer = model.getLayer(name);
  // A layer may have been called in other models too.
  const insides = (model as Insides).model ?? model;
  const { containerNodes } = insides as Insides;
  const own = layer.inboundNodes
    .map((_, index) => index)
    .filter((index) => containerNodes?.has(`${name}_ib-${index}`) ?? true);
  const output = own.length === 1 ? layer.getOutputAt(own[0]!) : undefined;
  if (output === undefined || Array.isArray(output)) {
    throw new ModelError('MODEL_OPTION', `The layer "${name}" has several outputs.`, {
      given: `outputs: "${name}"`,
      expected: 'a layer that is called once and has one output',
      nextStep: 'Name a layer behind it instead.',
    });
  }
  return output;
}
