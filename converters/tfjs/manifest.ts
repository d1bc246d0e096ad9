import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { excerpt, isJsonObject, shapeOf } from '../json.ts';
import type { ReadLimits } from '../model-file.ts';

export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly count: number;
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly stored: 'float32' | 'int32' | 'bool' | 'float16' | 'uint8' | 'uint16';
  readonly scale: number;
  readonly min: number;
}

export interface WeightGroup {
  readonly paths: readonly string[];
  readonly specs: readonly WeightSpec[];
}

export const BYTES = { float32: 4, int32: 4, bool: 1, float16: 2, uint8: 1, uint16: 2 } as const;

function damaged(fileName: string, summary: string, given?: unknown): FormatError {
  return new FormatError('FORMAT_DAMAGED', `${fileName} is damaged: ${summary}`, {
    given: given === undefined ? summary : excerpt(given),
    expected: 'a model.json as TensorFlow.js writes it',
    nextStep: 'Fetch the model again, or convert it again.',
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Weight files lie beside `model.json` or below it, never elsewhere. */
function safePath(value: JsonValue, fileName: string): string {
  if (typeof value !== 'string' || value === '') throw damaged(fileName, 'a weight file has no name.', value);
  const plain = decoded(value);
  const parts = plain.split(/[\\/]/);
  const strange = parts.some((part) => part === '' || part === '.' || part === '..') || /[:?#]/.test(plain);
  if (strange || [...plain].some((character) => character < ' ')) {
    throw new FormatError(
      'FORMAT_UNSAFE',
      `${fileName} is refused: a weight file lies outside of the model's folder.`,
      {
        given: excerpt(value),
        expected: 'a relative name without "..", such as group1-shard1of1.bin',
        nextStep: 'Get the model from another source.',
      },
    );
  }
  return value;
}

function storage(
  quantization: JsonValue | undefined,
  dtype: WeightSpec['dtype'],
  name: string,
  fileName: string,
) {
  if (quantization === undefined || quantization === null)
    return { stored: dtype, scale: 1, min: 0 } as const;
  if (!isJsonObject(quantization))
    throw damaged(fileName, `the quantization of ${name} is unreadable.`, quantization);
  const { dtype: stored, scale, min } = quantization;
  if (stored === 'float16' && dtype === 'float32') return { stored, scale: 1, min: 0 } as const;
  const affine = stored === 'uint8' || stored === 'uint16';
  if (affine && dtype !== 'bool' && typeof scale === 'number' && typeof min === 'number') {
    return { stored, scale, min } as const;
  }
  throw damaged(fileName, `the quantization of ${name} is not one of TensorFlow.js.`, quantization);
}

function weightSpec(value: JsonValue, fileName: string): WeightSpec {
  if (!isJsonObject(value) || typeof value.name !== 'string')
    throw damaged(fileName, 'a weight has no name.', value);
  const { name, dtype } = value;
  const shape = shapeOf(value.shape);
  if (shape === undefined || shape.some((size) => size === null))
    throw damaged(fileName, `${name} has no shape.`, value);
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `The weight ${name} of ${fileName} is of the type ${excerpt(dtype)}.`,
      {
        given: `dtype: ${excerpt(dtype)}`,
        expected: 'float32, int32 or bool',
        nextStep: 'Convert the model again with weights of these types.',
      },
    );
  }
  const sizes = shape.map((size) => size ?? 0);
  const count = sizes.reduce((product, size) => product * size, 1);
  return { name, shape: sizes, count, dtype, ...storage(value.quantization, dtype, name, fileName) };
}

/** Checks `weightsManifest` as a whole before any file is read. */
export function parseManifest(modelJson: JsonObject, fileName: string, limits: ReadLimits): WeightGroup[] {
  const manifest = modelJson.weightsManifest;
  if (!Array.isArray(manifest)) throw damaged(fileName, 'it has no weightsManifest.');
  const groups = manifest.map((group): WeightGroup => {
    if (!isJsonObject(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights)) {
      throw damaged(fileName, 'a group of weightsManifest has no paths or weights.', group);
    }
    return {
      paths: group.paths.map((path) => safePath(path, fileName)),
      specs: group.weights.map((weight) => weightSpec(weight, fileName)),
    };
  });
  const specs = groups.flatMap((group) => group.specs);
  if (new Set(specs.map((spec) => spec.name)).size < specs.length)
    throw damaged(fileName, 'a weight occurs twice.');
  const bytes = specs.reduce((sum, spec) => sum + spec.count * 4, 0);
  if (specs.length > limits.tensors || !(bytes <= limits.tensorBytes)) {
    throw new FormatError(
      'FORMAT_LIMIT',
      `${fileName} is refused: it tells of ${specs.length} weights of ${bytes} bytes.`,
      {
        given: `${specs.length} weights of ${bytes} bytes`,
        expected: `at most ${limits.tensors} weights (limits.tensors) of ${limits.tensorBytes} bytes (limits.tensorBytes)`,
        nextStep: 'If you trust the model, raise the limits.',
      },
    );
  }
  return groups;
}
