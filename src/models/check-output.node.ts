import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { Architecture, OutputFormat } from '../../converters/index.ts';
import { resolveModelFile } from '../../converters/index.ts';
import { DovecoteError } from '../base/errors.ts';
import type { CheckEngine, CheckSides, ConversionCheck } from './check-conversion.ts';
import { checkConversion } from './check-conversion.ts';
import type { Conversion } from './convert.ts';
import { withModelAt } from './model-bytes.ts';
import type { RunOutput } from './run-resolved.ts';
import { runByOnnx, runByTfjs, runOnnxBytes, runLoaded } from './run-resolved.ts';
import type { SeededInput } from './seeded-inputs.ts';

/** As a user would load it: by TensorFlow.js itself, from its files. */
async function runFolder(folder: string, inputs: readonly SeededInput[]): Promise<RunOutput[]> {
  const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as tf.io.ModelJSON;
  const { modelTopology, weightsManifest } = json;
  const files = weightsManifest.flatMap(({ paths }) => paths);
  const weights = await Promise.all(files.map((name) => readFile(join(folder, name))));
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  const weightData = new Uint8Array(Buffer.concat(weights)).buffer;
  return runLoaded(
    await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData })),
    inputs,
  );
}

/** A Keras file: read back, and run by TensorFlow.js where it can be. */
function runKerasFile(
  output: string,
  inputs: readonly SeededInput[],
  engine: CheckEngine,
  architecture?: Architecture,
): Promise<RunOutput[]> {
  return withModelAt(output, {}, (file) => {
    const model = resolveModelFile(file, { architecture });
    return engine === 'tfjs' ? runByTfjs(model, file, inputs) : runByOnnx(model, inputs);
  });
}

/** Whether TensorFlow.js can compute the model. */
function fitsTfjs({ model }: Conversion): boolean {
  try {
    model.topology();
    return true;
  } catch (error) {
    if (error instanceof DovecoteError) return false;
    throw error;
  }
}

export interface CheckOutputOptions {
  readonly to: OutputFormat;
  readonly quantized: boolean;
  /** The layers are then those of the source. */
  readonly weightsOnly: boolean;
}

/**
 * Reads back what was written, and runs it against the source, which is still open.
 *
 * @throws what `checkConversion` throws
 */
export function checkOutput(
  conversion: Conversion,
  output: string,
  { to, quantized, weightsOnly }: CheckOutputOptions,
): Promise<ConversionCheck> {
  const engine: CheckEngine = to === 'onnx' || (to !== 'tfjs' && !fitsTfjs(conversion)) ? 'onnx' : 'tfjs';
  const run = async (inputs: readonly SeededInput[]): Promise<RunOutput[]> => {
    if (to === 'tfjs') return runFolder(output, inputs);
    if (to === 'onnx') return runOnnxBytes(await readFile(output), inputs);
    const architecture = weightsOnly ? { topology: conversion.model.topology() } : undefined;
    return runKerasFile(output, inputs, engine, architecture);
  };
  const sides: CheckSides = { source: conversion, output: { engine, run }, quantized };
  return checkConversion(sides);
}
