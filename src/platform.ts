import type { LayersModel } from '@tensorflow/tfjs';
import type { ModelBytes } from '../converters/byte-source.ts';
import type { Pixels, ProgressCallback } from './base/types.ts';
import type { ImageDataset } from './datasets/labelled-images.ts';
import type { ResizeOptions } from './images/resize-options.ts';
import type { CheckedBytes } from './weights/published-file.ts';

export interface ReadOptions {
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
  /** Shown in progress and errors instead of the location. */
  readonly label?: string;
}

/** A file that has a public address. */
export interface RemoteFile {
  readonly url: string;
  /** Name under which it is cached and shown. */
  readonly fileName: string;
  /** Size in bytes, where it is known. */
  readonly size?: number;
  readonly md5?: string;
  readonly sha256?: string;
}

/** A file that has to be closed. */
export interface OpenFile {
  /** In memory, or read piece by piece as they are asked for. */
  readonly bytes: ModelBytes;
  /** Throws FileError `FILE_CHANGED` when something has written to the file since it was opened. */
  checkUnchanged(): void;
  close(): void;
}

export interface DecodeOptions {
  /** Largest accepted `width * height`. */
  readonly pixelLimit: number;
  /** Resize while decoding; without it the picture keeps its size. */
  readonly resize?: ResizeOptions;
  readonly signal?: AbortSignal;
  /** Shown in errors: the path or URL, or `image 3`. */
  readonly name: string;
}

/** What can be told about the image in encoded bytes or a DOM object. */
export type EncodedImage = Uint8Array | Blob | object;

/** What goes into one input of an ONNX model, row-major. */
export interface OnnxFeed {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
}

/** Where ONNX Runtime computes. */
export type OnnxDevice = 'cpu' | 'webgpu' | 'cuda';
/** `auto` takes a GPU where one works. */
export type DeviceName = OnnxDevice | 'auto';

export interface OnnxSession {
  readonly device: OnnxDevice;
  readonly inputName: string;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs one batch. `data` is row-major and has `shape`. Outputs come in the order of `outputNames`. */
  run(
    data: Float32Array | Uint8Array,
    shape: readonly number[],
  ): Promise<{ data: Float32Array; shape: readonly number[] }[]>;
  /** The same with several inputs, by their names: Float32Array for float32, Int32Array for int32, Uint8Array for uint8. */
  runAll(
    feeds: Readonly<Record<string, OnnxFeed>>,
  ): Promise<{ data: Float32Array; shape: readonly number[] }[]>;
  release(): Promise<void>;
}

/** Memory that an output is written into, row-major. */
export interface OnnxTarget {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Small ONNX graphs that are computed while the caller waits. */
export interface NativeOperators {
  /** `make` is called for a `key` that is not known yet. `outs`, by the outputs' names, are filled. */
  run(
    key: string,
    make: () => Uint8Array,
    feeds: Readonly<Record<string, OnnxFeed>>,
    outs: Readonly<Record<string, OnnxTarget>>,
  ): void;
  /** Frees all graphs; those that are needed again are made anew. */
  dispose(): void;
}

/** Rows of numbers that a network made of pictures, kept from run to run. Never throws: what fails is computed again. */
export interface FeatureStore {
  /** Of the encoded bytes of a picture. */
  keyOf(picture: Uint8Array): Promise<string>;
  get(key: string): Promise<Float32Array | undefined>;
  put(key: string, row: Float32Array): Promise<void>;
  /** Why rows could not be kept; undefined while all is well. */
  readonly problem: string | undefined;
}

/** A file that is replaced as a whole: whoever reads it, after whatever interruption, finds an old or a new one. */
export interface CheckpointFile {
  readonly path: string;
  /** Undefined when there is none. Throws FileError `FILE_ACCESS`. */
  read(): Promise<Uint8Array | undefined>;
  /** Throws FileError `OUTPUT_*`. */
  write(bytes: Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

/** All that differs between Node and browsers. `node.ts` and `browser.ts` register one of these. */
export interface Platform {
  readonly name: 'node' | 'browser';
  /** Bytes of a path, `file:` URL, `http(s):` URL (or, in a browser, a page-relative URL). Not cached. */
  readBytes(location: string | URL, options?: ReadOptions): Promise<Uint8Array>;
  /** The same, opened to be read piece by piece where that is possible. */
  openFile(location: string | URL, options?: ReadOptions): Promise<OpenFile>;
  /** Whether a location is a folder; in a browser, whether a URL ends with a slash. Never throws. */
  isFolder(location: string): Promise<boolean>;
  /** A file with a public address, through the cache where there is one, opened. */
  openCached(file: RemoteFile, options?: ReadOptions): Promise<OpenFile>;
  /** A file that comes with the package, and what is wrong with it; a browser keeps a sound one. */
  readAsset(file: RemoteFile, options?: ReadOptions): Promise<CheckedBytes>;
  /** A folder with one subfolder of pictures for each class. Throws `USAGE_ARGUMENT` where there are no folders. */
  readImageFolder(folder: string): Promise<ImageDataset>;
  /** A folder, or a table that names pictures and their classes. Throws `USAGE_ARGUMENT` where there are no files. */
  readDataset(path: string): Promise<ImageDataset>;
  /** Paths of all pictures below a folder, sorted. Missing where there are no folders. */
  readonly listPictures?: (folder: string) => Promise<string[]>;
  /** 8-bit RGB of an encoded picture or a DOM object: upright, alpha flattened on white, first frame. */
  decodeImage(image: EncodedImage, options: DecodeOptions): Promise<Pixels>;
  /**
   * Picks tfjs's backend, unless the program has picked one. `hostOnly`: a place for tensors is enough for now, where
   * starting the backend takes time.
   */
  prepareTfjs(options?: { readonly hostOnly?: boolean }): Promise<void>;
  /** An ONNX Runtime session, or the reason why there is none. */
  createOnnxSession(
    model: Uint8Array,
    options?: { readonly device?: DeviceName | undefined },
  ): Promise<OnnxSession>;
  /** A model by a location that only this platform has, such as `indexeddb://name`; undefined for all others. */
  loadKept?(location: string): Promise<LayersModel> | undefined;
  /** For kernels of training, where ONNX Runtime can be called without waiting. */
  nativeOperators?(): NativeOperators | undefined;
  /** Hexadecimal SHA-256. */
  sha256?(bytes: Uint8Array): Promise<string>;
  /** The store of one network's features, where there is a disk; `network` names its graph, weights and preparation. */
  openFeatureStore?(network: string, folder?: string): Promise<FeatureStore>;
  /** Where there is a disk. */
  checkpointFile?(path: string): CheckpointFile;
}

let current: Platform | undefined;

/** Called once by each entry of the package. */
export function registerPlatform(platform: Platform): void {
  current = platform;
}

/** The platform that the entry registered. */
export function platform(): Platform {
  if (current === undefined)
    throw new Error(
      'dovecote: no platform is registered; import dovecote, dovecote/node or dovecote/browser',
    );
  return current;
}
