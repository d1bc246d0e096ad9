import type { Remote } from 'comlink';
import { proxy, releaseProxy, transfer, wrap } from 'comlink';
import { EngineError, throwIfAborted } from '../base/errors.ts';
import type { Pixels, ProgressCallback } from '../base/types.ts';
import type { LabelledImage } from '../datasets/labelled-images.ts';
import type { ImageSource } from '../images/image-source.ts';
import { isUrl, looksLikeLocation } from '../models/location.ts';
import type { SavedModel } from '../models/saved-models.browser.ts';
import type { EpochReport } from '../training/epoch-report.ts';
import type {
  Converted,
  ModelHandle,
  Outcome,
  Report,
  SentConvertOptions,
  SentFineTuneOptions,
  SentLoadOptions,
  TrainedHandle,
  WorkerSettings,
} from './messages.ts';
import { valueOf } from './messages.ts';
import { RemoteModel } from './remote-model.ts';
import { bitmapsOf, sendableImage } from './send-image.ts';
import type { WorkerService } from './worker-service.ts';

export interface CallOptions {
  readonly onProgress?: ProgressCallback;
  readonly signal?: AbortSignal;
}

export interface WorkerTrainOptions extends SentFineTuneOptions, CallOptions {
  readonly onEpoch?: (epoch: EpochReport) => void;
}

/** As `FineTuneResult`, with the model in the worker. */
export type WorkerTrainResult = Omit<TrainedHandle, 'model'> & { readonly model: RemoteModel };

/** A file of a model: of a `<input type="file">` or a drop, or its bytes with a name. */
export type ModelFileSource = File | { readonly name: string; readonly bytes: Uint8Array };

/** How long a worker may take until it answers for the first time: its program has to be fetched. */
const START = 60_000;

/**
 * Starts Dovecote in a Web Worker, so that the page stays responsive whatever is computed. The worker's program is a module of
 * yours, so that every bundler finds it, with two lines:
 *
 * ```js
 * // dovecote-worker.js
 * import 'dovecote/onnx-web'; // optional: ONNX Runtime
 * import 'dovecote/worker';
 * ```
 *
 * ```js
 * const worker = await openWorker(
 *   new Worker(new URL('./dovecote-worker.js', import.meta.url), { type: 'module' }),
 * );
 * const model = await worker.loadModel();
 * const { predictions } = await model.classify(file);
 * ```
 *
 * @param worker It belongs to Dovecote from now on; `terminate` ends it.
 * @throws EngineError `ENGINE_UNAVAILABLE` when the worker does not start; UsageError `USAGE_ARGUMENT`
 */
export async function openWorker(worker: Worker, settings: WorkerSettings = {}): Promise<DovecoteWorker> {
  const service = wrap<WorkerService>(worker);
  const { onnxRuntime } = settings;
  const sent: WorkerSettings =
    onnxRuntime?.wasmPaths === undefined
      ? settings
      : {
          ...settings,
          // Relative to the page, which the worker is not.
          onnxRuntime: { ...onnxRuntime, wasmPaths: new URL(onnxRuntime.wasmPaths, document.baseURI).href },
        };
  const started = service.configure(sent) as Promise<Outcome<void>>;
  try {
    valueOf(await Promise.race([started, failureOf(worker)]));
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return new DovecoteWorker(worker, service);
}

/** A worker whose program cannot be loaded says so by an event, or says nothing at all. */
function failureOf(worker: Worker): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (given: string) =>
      reject(
        new EngineError('ENGINE_UNAVAILABLE', 'The worker does not start.', {
          given,
          expected: "a module worker whose program imports 'dovecote/worker'",
          nextStep: "check the worker's address and { type: 'module' }, and the browser's console",
        }),
      );
    worker.addEventListener('error', ({ message }) => fail(message || 'a program that cannot be loaded'), {
      once: true,
    });
    setTimeout(() => fail(`no answer within ${START / 1000} s`), START);
  });
}

/** Dovecote in a Web Worker; `openWorker` starts it. Errors are those of the same functions without a worker. */
export class DovecoteWorker {
  #calls = 0;

  /** @internal */
  constructor(
    private readonly worker: Worker,
    private readonly service: Remote<WorkerService>,
  ) {}

  /** As `loadModel`; also what `saveModel` has kept: `loadModel('indexeddb://flowers')`. */
  async loadModel(
    model?: string,
    { onProgress, signal, ...options }: SentLoadOptions & CallOptions = {},
  ): Promise<RemoteModel> {
    const sent = { ...options, ...sentWeights(options) };
    const handle = await this.call({ onProgress, signal }, (id, report) =>
      this.service.loadModel(id, report, model && seenFromPage(model), sent),
    );
    return this.#remote(handle);
  }

  /** As `loadModelFiles`: a model out of files that the user has chosen. */
  async loadModelFiles(files: readonly ModelFileSource[], options: CallOptions = {}): Promise<RemoteModel> {
    const read = await inMemory(files);
    const handle = await this.call(options, (id, report) => this.service.openModel(id, report, read));
    return this.#remote(handle);
  }

  /**
   * As `fineTune`: trains a new head for classes of your own, beside the page's thread. `fineTune` of a `RemoteModel` does
   * the same on a model that is loaded already.
   *
   * @param base A network of the zoo by name, or the address of a model.
   * @param data Pictures and their classes: files, blobs, pixels, elements, addresses.
   */
  fineTune(
    base: string,
    data: readonly LabelledImage[],
    options: WorkerTrainOptions = {},
  ): Promise<WorkerTrainResult> {
    return this.fineTuneOn(seenFromPage(base), data, options);
  }

  /** @internal */
  async fineTuneOn(
    base: string | number,
    data: readonly LabelledImage[],
    { onProgress, onEpoch, signal, validation, ...options }: WorkerTrainOptions,
  ): Promise<WorkerTrainResult> {
    const sentData = await sendableImages(data);
    const sent = {
      ...options,
      ...sentWeights(options),
      ...(validation && { validation: await sendableImages(validation) }),
    };
    const { model, ...result } = await this.call({ onProgress, onEpoch, signal }, (id, report) =>
      this.service.fineTune(id, report, base, sentData, sent),
    );
    return { ...result, model: this.#remote(model) };
  }

  /** As `convertBytes`: a Keras file (or a model.json with its weights) as a file of another format; `tfjs` is a zip archive. */
  async convert(
    files: readonly ModelFileSource[],
    { onProgress, signal, ...options }: SentConvertOptions & CallOptions = {},
  ): Promise<Converted> {
    const read = await inMemory(files);
    return this.call({ onProgress, signal }, (id, report) => this.service.convert(id, report, read, options));
  }

  /** What is in a model file, as a text: format, layers, parameters, and what stands against converting it. */
  async inspect(files: readonly ModelFileSource[], options: CallOptions = {}): Promise<string> {
    const read = await inMemory(files);
    return this.call(options, (id, report) => this.service.inspect(id, report, read));
  }

  /** As `loadPixels`: 8-bit RGB of a picture, decoded and resized in the worker. */
  async loadPixels(
    image: ImageSource,
    { size, ...options }: CallOptions & { readonly size?: readonly [height: number, width: number] } = {},
  ): Promise<Pixels> {
    const sent = await sendableImage(image);
    return this.call(options, (id, report) => this.service.loadPixels(id, report, sent, size));
  }

  /** As `listSavedModels`. */
  savedModels(): Promise<SavedModel[]> {
    return this.call({}, (id, report) => this.service.savedModels(id, report));
  }

  /** As `removeSavedModel`. */
  removeSavedModel(location: string): Promise<void> {
    return this.call({}, (id, report) => this.service.removeSavedModel(id, report, location));
  }

  /** What tfjs holds in the worker. */
  memory(): Promise<{ readonly numTensors: number; readonly numBytes: number; readonly backend: string }> {
    return this.service.memory();
  }

  /** Ends the worker, with all models in it. Calls that still run never settle. */
  terminate(): void {
    this.service[releaseProxy]();
    this.worker.terminate();
  }

  /** @internal */
  async call<Value>(
    { onProgress, onEpoch, signal }: CallOptionsOf,
    send: (id: number, report: Report | undefined) => Promise<Outcome<Value>>,
  ): Promise<Value> {
    throwIfAborted(signal, 'The work');
    const id = ++this.#calls;
    const report: Report = (event) => {
      if ('epoch' in event) onEpoch?.(event.epoch);
      else onProgress?.(event.progress);
    };
    const abort = () => void this.service.abort(id);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return valueOf(
        await send(id, onProgress === undefined && onEpoch === undefined ? undefined : proxy(report)),
      );
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #remote(handle: ModelHandle): RemoteModel {
    return new RemoteModel(handle, this, this.service);
  }
}

export interface CallOptionsOf {
  readonly onProgress?: ProgressCallback | undefined;
  readonly onEpoch?: ((epoch: EpochReport) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Addresses are relative to the page, which the worker is not. */
function seenFromPage(location: string): string {
  const isRelative = looksLikeLocation(location) && !isUrl(location);
  return isRelative ? new URL(location, document.baseURI).href : location;
}

function sentWeights({ weights }: Pick<SentLoadOptions, 'weights'>): Pick<SentLoadOptions, 'weights'> {
  if (weights instanceof URL) return { weights: weights.href };
  return typeof weights === 'string' ? { weights: seenFromPage(weights) } : {};
}

async function inMemory(
  files: readonly ModelFileSource[],
): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }[]> {
  const read = await Promise.all(
    files.map(async (file) => ({
      name: file.name,
      bytes:
        'bytes' in file && file.bytes instanceof Uint8Array
          ? file.bytes.slice()
          : new Uint8Array(await (file as File).arrayBuffer()),
    })),
  );
  return transfer(
    read,
    read.map(({ bytes }) => bytes.buffer),
  );
}

async function sendableImages(images: readonly LabelledImage[]): Promise<LabelledImage[]> {
  const sent: LabelledImage[] = [];
  for (const [index, each] of images.entries())
    sent.push({ ...each, image: await sendableImage(each.image, index) });
  return transfer(sent, bitmapsOf(sent.map(({ image }) => image)));
}
