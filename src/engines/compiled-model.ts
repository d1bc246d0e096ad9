import type { PreprocessingMode } from '../../zoo/card.ts';
import type { DeviceName, OnnxDevice } from '../platform.ts';
import { ModelError } from '../base/errors.ts';
import type { ImageSource } from '../images/image-source.ts';

/** `auto` takes onnx where it can and tfjs where it cannot. */
export type EngineName = 'auto' | 'onnx' | 'tfjs';

/** Sizes with the batch first; `null` is any size. */
export type ModelShape = (number | null)[];

/** Row-major numbers for a network: prepared float32, or pixels of 0 to 255. */
export type EngineInput = Float32Array | Uint8Array;

export type InputType = 'float32' | 'uint8';

export interface EngineOutput {
  readonly data: Float32Array;
  readonly shape: number[];
}

export interface CompileOptions {
  /** Default `auto`. */
  readonly engine?: EngineName;
  /** Names of the layers whose outputs are wanted; default: the model's own outputs. */
  readonly outputs?: readonly string[];
  /**
   * Makes the compiled model take pixels as they are, uint8 RGB `[batch, height, width, 3]`, and prepare them as this
   * mode says (see `preprocessInput`); on the onnx engine that is a part of the graph. Without it the input is prepared
   * float32.
   */
  readonly pixels?: PreprocessingMode;
  /**
   * Where the onnx engine computes: `cpu` (default), `webgpu`, `cuda` (Node on Linux and Windows, with ONNX Runtime's CUDA
   * libraries), or `auto` for the first GPU that works, else the CPU.
   */
  readonly device?: DeviceName;
  /** Whether to compute the `fingerprint`. Default false. */
  readonly fingerprint?: boolean;
  /**
   * Default `float32`. `int8` holds weights and activations in 8 bits, `float16` the weights in 16; both need the onnx
   * engine. What that costs is measured on the `calibration` pictures: see `CompiledModel.precision`.
   */
  readonly precision?: Precision;
  /**
   * Pictures like those that the model is for, or a folder of them: `int8` takes the ranges of the activations from one
   * half of them and is compared with float32 on the other; at most 128 are used. `float16` is only compared.
   */
  readonly calibration?: string | readonly ImageSource[];
}

/** In which numbers a network is held. */
export type Precision = 'float32' | 'float16' | 'int8';

/** What holding a network in fewer bits costs and gains, measured on this machine. */
export interface PrecisionReport {
  readonly precision: Exclude<Precision, 'float32'>;
  /** Pictures from which the ranges were taken. */
  readonly calibrated: number;
  /** Other pictures, on which both were run; without any the next three are missing. */
  readonly compared: number;
  /** Share of them, 0 to 1, whose largest output is the same as with float32. */
  readonly sameTop1?: number;
  /** Mean difference of the outputs from float32's, in units of their own. */
  readonly meanDifference?: number;
  /** Milliseconds for one picture, of both; the median. */
  readonly msPerImage?: { readonly float32: number; readonly reduced: number };
  /** Of the graph with its weights. */
  readonly bytes: { readonly float32: number; readonly reduced: number };
}

/** A network that is ready to run. */
export interface CompiledModel {
  readonly engine: 'onnx' | 'tfjs';
  /** Of the onnx engine: where it computes. */
  readonly device?: OnnxDevice;
  /** Why `auto` did not take the onnx engine; absent when it did, or when an engine was asked for. */
  readonly why?: string;
  /** `[null, height, width, channels]` for pictures. */
  readonly inputShape: ModelShape;
  /** `uint8` when it was compiled with `pixels`. */
  readonly inputType: InputType;
  /**
   * SHA-256 of the graph with all its weights, preprocessing included; only where it was asked for, and on the onnx
   * engine.
   */
  readonly fingerprint?: string;
  /** Of a model that was compiled with a `precision` of fewer bits. */
  readonly precision?: PrecisionReport;
  /** Names are those of the layers. */
  readonly outputs: { readonly name: string; readonly shape: ModelShape }[];
  /**
   * Runs one batch of any size. `data` is row-major, of `inputType`, and has `shape` (`[batch, height, width, channels]`
   * for pictures); it must not change until the promise is settled. Outputs come in the order of `outputs`, feature maps
   * as `[batch, rows, columns, channels]`. Calls may overlap; they run one after the other.
   *
   * @throws ModelError `MODEL_INPUT` (wrong shape or type), EngineError `ENGINE_FAILED`
   */
  run(data: EngineInput, shape: readonly number[]): Promise<EngineOutput[]>;
  /** Frees what the engine holds; the model and its weights stay. */
  dispose(): Promise<void>;
}

/** @throws ModelError `MODEL_INPUT` when a batch does not fit the model. */
export function checkInput(
  data: EngineInput,
  shape: readonly number[],
  { inputShape, inputType }: Pick<CompiledModel, 'inputShape' | 'inputType'>,
): void {
  const given = data instanceof Float32Array ? 'float32' : data instanceof Uint8Array ? 'uint8' : undefined;
  if (given !== inputType) {
    throw new ModelError('MODEL_INPUT', 'The input has the wrong type.', {
      given: given ?? Object.prototype.toString.call(data).slice('[object '.length, -1),
      expected: inputType === 'uint8' ? 'a Uint8Array of pixels, RGB' : 'a Float32Array of prepared input',
      nextStep:
        inputType === 'uint8'
          ? 'Pass the pixels as they are, or compile the model without `pixels`.'
          : 'Prepare the pixels, or compile the model with `pixels` and the mode of its preprocessing.',
    });
  }
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
