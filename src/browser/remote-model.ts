import type { Remote } from 'comlink';
import { transfer } from 'comlink';
import type { Classification } from '../classify/classify.ts';
import type { LabelledImage } from '../datasets/labelled-images.ts';
import type { Activation } from '../explain/layer-activations.ts';
import type { ExportFileFormat } from '../export/export-file.ts';
import type { ImageSource } from '../images/image-source.ts';
import type {
  Explained,
  ModelFacts,
  ModelHandle,
  SentActivationOptions,
  SentClassifyOptions,
  SentGradCamOptions,
} from './messages.ts';
import { bitmapsOf, sendableImage } from './send-image.ts';
import type { CallOptions, DovecoteWorker, WorkerTrainOptions, WorkerTrainResult } from './worker-client.ts';
import type { WorkerService } from './worker-service.ts';

/** A model in a worker. Its methods are the functions of the same names. */
export class RemoteModel {
  readonly facts: ModelFacts;
  readonly #id: number;

  /** @internal */
  constructor(
    { id, ...facts }: ModelHandle,
    private readonly host: DovecoteWorker,
    private readonly service: Remote<WorkerService>,
  ) {
    this.#id = id;
    this.facts = facts;
  }

  /** As `classify`: what is on a picture, or on each of several. */
  classify(image: ImageSource, options?: SentClassifyOptions & CallOptions): Promise<Classification>;
  classify(
    images: readonly ImageSource[],
    options?: SentClassifyOptions & CallOptions,
  ): Promise<Classification[]>;
  async classify(
    given: ImageSource | readonly ImageSource[],
    { onProgress, signal, ...options }: SentClassifyOptions & CallOptions = {},
  ): Promise<Classification | Classification[]> {
    const isOne = !Array.isArray(given);
    const images = isOne ? [given as ImageSource] : (given as readonly ImageSource[]);
    const sent = await Promise.all(images.map((image, index) => sendableImage(image, index)));
    return this.host.call({ onProgress, signal }, (id, report) =>
      this.service.classify(
        id,
        report,
        this.#id,
        isOne ? transferred(sent[0]!) : transfer(sent, bitmapsOf(sent)),
        options,
      ),
    );
  }

  /** As `layerActivations`, all at once. */
  async activations(
    image: ImageSource,
    { signal, ...options }: SentActivationOptions & Pick<CallOptions, 'signal'> = {},
  ): Promise<Activation[]> {
    const sent = await sendableImage(image);
    return this.host.call({ signal }, (id, report) =>
      this.service.activations(id, report, this.#id, transferred(sent), options),
    );
  }

  /** As `gradCam`; with `overlay` the heat map lies over the photo already. */
  async gradCam(
    image: ImageSource,
    { signal, ...options }: SentGradCamOptions & Pick<CallOptions, 'signal'> = {},
  ): Promise<Explained> {
    const sent = await sendableImage(image);
    return this.host.call({ signal }, (id, report) =>
      this.service.gradCam(id, report, this.#id, transferred(sent), options),
    );
  }

  /** As `summary`. */
  summary(): Promise<string> {
    return this.host.call({}, (id, report) => this.service.summary(id, report, this.#id));
  }

  /** As `fineTune` with this model as the base, whose weights stay as they are unless `unfrozenEpochs` trains them. */
  fineTune(data: readonly LabelledImage[], options: WorkerTrainOptions = {}): Promise<WorkerTrainResult> {
    return this.host.fineTuneOn(this.#id, data, options);
  }

  /** As `exportFile`: the model as one file. */
  exportFile(format: ExportFileFormat, options: Pick<CallOptions, 'signal'> = {}): Promise<File> {
    return this.host.call(options, (id, report) => this.service.exportModel(id, report, this.#id, format));
  }

  /** As `saveModel`: keeps it in the browser's IndexedDB, for example as `indexeddb://flowers`. */
  save(location: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    return this.host.call({}, (id, report) => this.service.saveModel(id, report, this.#id, location, force));
  }

  /** As `disposeModel`. */
  dispose(): Promise<void> {
    return this.host.call({}, () => this.service.dispose(this.#id));
  }
}

function transferred(image: ImageSource): ImageSource {
  return image instanceof ImageBitmap ? transfer(image, [image]) : image;
}
