import { readFileSync } from 'node:fs';
import type * as tf from '@tensorflow/tfjs';
import type { JsonObject, JsonValue, ModelFile, ReadLimits } from '../../converters/index.ts';
import { convertModelFile, readTfjsModel } from '../../converters/index.ts';
import { DovecoteError } from '../../src/base/errors.ts';
import { seededImage } from '../support/seeded.ts';
import { toTensorflow } from '../converters/support.ts';

export interface GraphNodeJson extends JsonObject {
  name: string;
  op: string;
  attr: JsonObject;
}

export interface GraphGolden {
  /** Side of the picture. */
  readonly size: number;
  readonly modelJson: JsonObject;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What TensorFlow says of `picture`. */
  readonly outputs: Float32Array;
  /** `[1, size, size, 3]`, 0 to 1. */
  readonly picture: Float32Array;
}

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));

/** A graph model that tests/oracle/graph_models.py made; each call gives a copy that may be damaged. */
export function graphGolden(name: string): GraphGolden {
  const text = readFileSync(new URL(`./goldens/${name}.json`, import.meta.url), 'utf8');
  const json = JSON.parse(text) as {
    size: number;
    outputs: string;
    modelJson: JsonObject;
    files: Record<string, string>;
  };
  return {
    size: json.size,
    modelJson: json.modelJson,
    files: new Map(Object.entries(json.files).map(([path, bytes]) => [path, bytesOf(bytes)])),
    outputs: new Float32Array(bytesOf(json.outputs).buffer),
    picture: seededImage(json.size, json.size, 1).map((value) => value / 255),
  };
}

export function nodesOf(golden: GraphGolden): GraphNodeJson[] {
  return (golden.modelJson.modelTopology as JsonObject).node as JsonValue[] as GraphNodeJson[];
}

export function read(golden: GraphGolden, limits?: Partial<ReadLimits>): Promise<ModelFile> {
  const readShard = (name: string) => {
    const bytes = golden.files.get(name);
    return bytes === undefined ? Promise.reject(new Error(`no ${name}`)) : Promise.resolve(bytes);
  };
  return readTfjsModel(golden.modelJson, readShard, { fileName: 'model.json', limits });
}

export async function layersModel(golden: GraphGolden): Promise<tf.LayersModel> {
  return toTensorflow(convertModelFile(await read(golden)));
}

/** The error's code, or what else happened. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    return error instanceof DovecoteError ? error.code : `not coded: ${String(error)}`;
  }
  return 'no error';
}

/** Largest difference, relative to the range of `expected`. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const values = Array.from(expected);
  const range = Math.max(...values) - Math.min(...values);
  if (actual.length !== values.length || !(range > 0)) return NaN;
  return Math.max(...values.map((value, i) => Math.abs(value - actual[i]!))) / range;
}
