import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { convertKeras, type ConvertKerasOptions } from '../../converters/index.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { golden, toTensorflow } from './support.ts';

export interface Flat {
  readonly shape: number[];
  readonly data: number[];
}

export interface Golden {
  readonly inputs: Flat[];
  readonly outputs: Flat[];
  readonly parameters: number;
  readonly config?: JsonObject;
}

export function goldens(name: string): Record<string, Golden> {
  const url = new URL(`./goldens/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Record<string, Golden>;
}

/** The largest difference between a loaded model's outputs and Keras's. */
export function difference(model: tf.LayersModel, expected: Golden): number {
  return tf.tidy(() => {
    const inputs = expected.inputs.map(({ data, shape }) => tf.tensor(data, shape));
    const outputs = [model.predict(inputs.length === 1 ? inputs[0]! : inputs)].flat();
    expect(outputs.map((output) => output.shape)).toEqual(expected.outputs.map((output) => output.shape));
    return Math.max(
      ...outputs.map((output, i) => {
        const values = output.dataSync();
        return Math.max(...expected.outputs[i]!.data.map((value, j) => Math.abs(value - values[j]!)));
      }),
    );
  });
}

/** Converts a golden file, loads it in plain tfjs, and checks it against Keras's outputs. */
export async function expectEqualToKeras(
  fileName: string,
  expected: Golden,
  options: ConvertKerasOptions = {},
  tolerance = 1e-5,
): Promise<void> {
  const artifacts = await convertKeras(golden(fileName), { fileName, ...options });
  const model = await toTensorflow(artifacts);
  try {
    expect(model.countParams()).toBe(expected.parameters);
    expect(difference(model, expected)).toBeLessThanOrEqual(tolerance);
  } finally {
    model.dispose();
  }
}
