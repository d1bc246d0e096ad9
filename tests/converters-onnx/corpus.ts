import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { readModelFile } from '../../converters/read-model-file.ts';
import { resolveModelFile } from '../../converters/resolve-model.ts';
import { weightsByKey } from '../../converters/weights-by-key.ts';
import type { OnnxModel, WriteOnnxOptions } from '../../converters/onnx/index.ts';
import { buildOnnxModel } from '../../converters/onnx/index.ts';

const folder = new URL('../converters/corpus/', import.meta.url);

export interface Listed {
  shape: number[];
  data: number[];
}

/** A file of the corpus, `conv2d.keras3.h5`. */
export interface CorpusFile {
  readonly file: string;
  readonly model: string;
  readonly version: '2' | '3';
}

export function corpusFiles(): CorpusFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.gz'))
    .map((name) => {
      const [model = '', keras = ''] = name.split('.');
      return { file: name.slice(0, -'.gz'.length), model, version: keras === 'keras2' ? '2' : '3' };
    });
}

/** What goes in, and what Keras of the file's version gives out. */
export function goldenOf({ model, version }: CorpusFile): { inputs: Listed[]; outputs: Listed[] } {
  const text = readFileSync(new URL(`${model}.json`, folder), 'utf8');
  const { inputs, outputs } = JSON.parse(text) as {
    inputs: Listed[];
    outputs: Partial<Record<'2' | '3', Listed[] | null>>;
  };
  return { inputs, outputs: outputs[version] ?? outputs['2'] ?? [] };
}

export async function convertToOnnx({ file }: CorpusFile, options?: WriteOnnxOptions): Promise<OnnxModel> {
  const bytes = new Uint8Array(gunzipSync(readFileSync(new URL(`${file}.gz`, folder))));
  const model = resolveModelFile(await readModelFile(bytes, { fileName: file }));
  return buildOnnxModel(model.graph, weightsByKey(model.graph, model.layers), options);
}

/** The outputs of one run on ONNX Runtime, in the model's own order. */
export async function runOnnx(model: OnnxModel, inputs: readonly Listed[]): Promise<Listed[]> {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(model.bytes, { logSeverityLevel: 4 });
  try {
    const feeds = model.inputs.map(({ onnxName, dtype }, index) => {
      const { shape, data } = inputs[index]!;
      const tensor =
        dtype === 'int32'
          ? new ort.Tensor('int32', Int32Array.from(data), shape)
          : new ort.Tensor('float32', Float32Array.from(data), shape);
      return [onnxName, tensor] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return model.outputs.map(({ onnxName }) => {
      const { dims, data } = results[onnxName]!;
      return { shape: [...dims], data: Array.from(data as Float32Array, Number) };
    });
  } finally {
    await session.release();
  }
}

/** The largest difference, relative to numbers above 1. */
export function largestDifference(given: readonly number[], expected: readonly number[]): number {
  if (given.length !== expected.length) return Infinity;
  return expected.reduce((largest, value, index) => {
    const difference = Math.abs(value - given[index]!) / Math.max(1, Math.abs(value));
    return Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }, 0);
}

/** One run must give these outputs within `tolerance`, in the shapes that the model says it has. */
export async function expectOutputs(
  model: OnnxModel,
  inputs: readonly Listed[],
  outputs: readonly Listed[],
  tolerance: number,
): Promise<void> {
  const results = await runOnnx(model, inputs);
  expect(results.map(({ shape }) => shape)).toEqual(outputs.map(({ shape }) => shape));
  results.forEach(({ data, shape }, index) => {
    const difference = largestDifference(data, outputs[index]!.data);
    expect(difference, `output ${index}`).toBeLessThanOrEqual(tolerance);
    const stated = model.outputs[index]!.shape;
    expect(stated.map((size, axis) => size ?? shape[axis])).toEqual(shape);
  });
}
