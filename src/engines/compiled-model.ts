import { ModelError } from '../base/errors.ts';

/** `auto` takes onnx where it can and tfjs where it cannot. */
export type EngineName = 'auto' | 'onnx' | 'tfjs';

/** Sizes with the batch first; `null` is any size. */
export type ModelShape = (number | null)[];

export interface EngineOutput {
  readonly data: Float32Array;
  readonly shape: number[];
}

export interface CompileOptions {
  /** Default `auto`. */
  readonly engine?: EngineName;
  /** Names of the layers whose outputs are wanted; default: the model's own outputs. */
  readonly outputs?: readonly string[];
}

/** A network that is ready to run. */
export interface CompiledModel {
  readonly engine: 'onnx' | 'tfjs';
  /** Why `auto` did not take the onnx engine; absent when it did, or when an engine was asked for. */
  readonly why?: string;
  /** `[null, height, width, channels]` for pictures. */
  readonly inputShape: ModelShape;
  /** Names are those of the layers. */
  readonly outputs: { readonly name: string; readonly shape: ModelShape }[];
  /**
   * Runs one batch of any size. `data` is row-major float32 and has `shape` (`[batch, height, width, channels]` for
   * pictures); it must not change until the promise is settled. Outputs come in the order of `outputs`, feature maps
   * as `[batch, rows, columns, channels]`. Calls may overlap; they run one after the other.
   *
   * @throws ModelError `MODEL_INPUT` (wrong shape), EngineError `ENGINE_FAILED`
   */
  run(data: Float32Array, shape: readonly number[]): Promise<EngineOutput[]>;
  /** Frees what the engine holds; the model and its weights stay. */
  dispose(): Promise<void>;
}

/** @throws ModelError `MODEL_INPUT` when a batch does not fit the model. */
export function checkInput(data: Float32Array, shape: readonly number[], inputShape: ModelShape): void {
  const fits =
    shape.length === inputShape.length &&
    shape.every((size, axis) => Number.isInteger(size) && size >= 1 && size === (inputShape[axis] ?? size));
  if (!fits) {
    throw new ModelError('MODEL_INPUT', 'The input does not fit the model.', {
      given: `shape [${shape.join(', ')}]`,
      expected: `shape [${inputShape.map((size) => size ?? 'any').join(', ')}]`,
      nextStep: 'Resize the pictures to the size that the model takes.',
    });
  }
  const length = shape.reduce((product, size) => product * size, 1);
  if (data.length !== length) {
    throw new ModelError('MODEL_INPUT', 'The input has not as many numbers as its shape says.', {
      given: `${data.length} numbers`,
      expected: `${length} numbers for shape [${shape.join(', ')}]`,
      nextStep: 'Pass the shape that the data has.',
    });
  }
}
