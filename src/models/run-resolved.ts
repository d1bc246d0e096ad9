import * as tf from '@tensorflow/tfjs';
import type { ModelFile, ResolvedModel } from '../../converters/index.ts';
import { MemorySink, writeModel } from '../../converters/index.ts';
import type { OnnxFeed } from '../platform.ts';
import { platform } from '../platform.ts';
import { buildModel } from './build-model.ts';
import { disposeModel } from './dispose-model.ts';
import type { SeededInput } from './seeded-inputs.ts';

/** What a model computed: its outputs in order. */
export interface RunOutput {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Runs a model of TensorFlow.js and disposes it. @throws whatever TensorFlow.js throws */
export async function runLoaded(model: tf.LayersModel, inputs: readonly SeededInput[]): Promise<RunOutput[]> {
  try {
    const tensors = inputs.map(({ data, shape }, i) => tf.tensor(data, [...shape], model.inputs[i]!.dtype));
    try {
      const outputs = [model.predict(tensors.length === 1 ? tensors[0]! : tensors)].flat();
      try {
        return await Promise.all(
          outputs.map(async (output) => ({
            shape: output.shape,
            data: Float32Array.from(await output.data()),
          })),
        );
      } finally {
        tf.dispose(outputs);
      }
    } finally {
      tf.dispose(tensors);
    }
  } finally {
    await disposeModel(model);
  }
}

/** Builds a model and runs it by TensorFlow.js. @throws what building it throws, and whatever TensorFlow.js throws */
export async function runByTfjs(
  model: ResolvedModel,
  file: Pick<ModelFile, 'fileName' | 'userDefinedMetadata'>,
  inputs: readonly SeededInput[],
): Promise<RunOutput[]> {
  return runLoaded(await buildModel({ topology: model.topology(), layers: model.layers }, file), inputs);
}

/** Runs the bytes of an ONNX model by ONNX Runtime. @throws EngineError `ENGINE_UNAVAILABLE`, `ENGINE_FAILED` */
export async function runOnnxBytes(bytes: Uint8Array, inputs: readonly SeededInput[]): Promise<RunOutput[]> {
  const session = await platform().createOnnxSession(bytes);
  try {
    const feeds: Record<string, OnnxFeed> = {};
    session.inputNames.forEach((name, i) => (feeds[name] = inputs[i]!));
    return (await session.runAll(feeds)).map(({ data, shape }) => ({ data: Float32Array.from(data), shape }));
  } finally {
    await session.release();
  }
}

/** Runs a model by ONNX Runtime. @throws what writing it as ONNX throws, and EngineError */
export async function runByOnnx(model: ResolvedModel, inputs: readonly SeededInput[]): Promise<RunOutput[]> {
  const sink = new MemorySink();
  await writeModel(model, 'onnx', sink);
  return runOnnxBytes(sink.bytes(), inputs);
}
