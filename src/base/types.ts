/** Shared vocabulary. This folder imports nothing from the rest of the project. */

/** 8-bit RGB, interleaved, row by row: `data.length === width * height * 3`, values 0 to 255. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export type NumericArray = Float32Array | Int32Array | Uint8Array;

/** Bytes of which any part can be read, without all of them being in memory. */
export interface ByteSource {
  /** In bytes. */
  readonly size: number;
  /** Fills `target` with the bytes from `position` on; the caller asks for none behind the end. */
  read(target: Uint8Array, position: number): void;
}

/** A tensor outside of any backend; `data` is in row-major order. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly data: NumericArray;
}

/** A tensor that lies in a file, in row-major order; what is not asked for takes no memory. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: NamedTensor['dtype'];
  /**
   * The numbers from `from` up to, not including, `to`: anew at each call. Works as long as the file is open.
   *
   * @param into Memory for 4 bytes a number that may be used for them, so that none has to be taken.
   */
  read(from: number, to: number, into?: ArrayBuffer): NumericArray;
}

/** A tensor, in memory or in a file. */
export type WeightTensor = NamedTensor | StoredTensor;

/** The weights of one layer, in the order in which its file stores them. */
export interface LayerWeights<T extends WeightTensor = WeightTensor> {
  readonly layer: string;
  readonly weights: readonly T[];
}

export type ProgressUnit = 'bytes' | 'images' | 'steps' | 'epochs' | 'layers';

export interface Progress {
  /** What is going on, for example `download squeezenet.h5` or `classify`. */
  readonly phase: string;
  readonly done: number;
  /** Unknown for a stream without a length. */
  readonly total?: number;
  readonly unit: ProgressUnit;
  /** A short text to show beside the figures, for example `accuracy 0.86`. */
  readonly note?: string;
}

export type ProgressCallback = (progress: Progress) => void;

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };
