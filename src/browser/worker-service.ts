import * as tf from '@tensorflow/tfjs';
import type { ProxyMethods } from 'comlink';
import { releaseProxy, transfer } from 'comlink';
import { UsageError } from '../base/errors.ts';
import type { Pixels, ProgressCallback } from '../base/types.ts';
import { formatInspection, inspectModel } from '../../converters/index.ts';
import type { Classification } from '../classify/classify.ts';
import { classify } from '../classify/classify.ts';
import { recipeOf } from '../classify/recipe.ts';
import type { LabelledImage } from '../datasets/labelled-images.ts';
import { configureOnnxRuntime } from '../engines/ort-settings.ts';
import { gradCam } from '../explain/grad-cam.ts';
import type { Activation } from '../explain/layer-activations.ts';
import { layerActivations } from '../explain/layer-activations.ts';
import { isFeatureMap, openModel, stagesOf } from '../explain/layer-calls.ts';
import { overlayHeatmap } from '../explain/overlay.ts';
import type { ExportFileFormat } from '../export/export-file.ts';
import { archiveOf, exportFile } from '../export/export-file.ts';
import type { ImageSource } from '../images/image-source.ts';
import { loadPixels } from '../images/load-image.ts';
import type { ConvertedFile, ConvertedModel } from '../models/convert-bytes.ts';
import { checkOutputOptions, convertInMemory } from '../models/convert-bytes.ts';
import { disposeApart } from '../models/dispose-model.ts';
import { loadModelFiles } from '../models/load-model-file.ts';
import { loadModel } from '../models/load-model.ts';
import { getMetadata } from '../models/metadata.ts';
import type { FileInMemory } from '../models/model-files.ts';
import { filesOfArtifacts, readModelFiles } from '../models/model-files.ts';
import { listSavedModels, removeSavedModel, saveModel } from '../models/saved-models.browser.ts';
import { platform } from '../platform.ts';
import { summary } from '../reports/summary.ts';
import { fineTune } from '../transfer/fine-tune.ts';
import type {
  Converted,
  Explained,
  FeatureMapFacts,
  ModelHandle,
  Outcome,
  Report,
  ReportEvent,
  SentActivationOptions,
  SentClassifyOptions,
  SentConvertOptions,
  SentFineTuneOptions,
  SentGradCamOptions,
  SentLoadOptions,
  TrainedHandle,
  WorkerSettings,
} from './messages.ts';
import { problemOf } from './messages.ts';
import { outputFileName } from './output-name.ts';

/**
 * What a worker does for its page. Models stay here; the page has numbers for them. A call comes with a number of its own, by
 * which it is stopped, and with a function to report to.
 */
export class WorkerService {
  readonly #models = new Map<number, tf.LayersModel>();
  readonly #running = new Map<number, AbortController>();
  #lastModel = 0;

  configure({ onnxRuntime, backend }: WorkerSettings): Promise<Outcome<void>> {
    return settled(async () => {
      if (onnxRuntime !== undefined) configureOnnxRuntime(onnxRuntime);
      if (backend === undefined || (await tf.setBackend(backend))) return;
      throw new UsageError('USAGE_ARGUMENT', 'tfjs cannot use this backend in the worker.', {
        given: `backend: ${backend}`,
        expected: 'cpu, webgl, or one that the worker has registered',
        nextStep: 'import its package in the worker, or leave the backend out',
      });
    });
  }

  abort(task: number): void {
    this.#running.get(task)?.abort();
  }

  loadModel(
    id: number,
    report: Report | undefined,
    model: string | undefined,
    options: SentLoadOptions,
  ): Promise<Outcome<ModelHandle>> {
    return this.#run(id, report, async (context) =>
      this.#keep(await loadModel(model, { ...options, ...context })),
    );
  }

  openModel(
    id: number,
    report: Report | undefined,
    files: readonly FileInMemory[],
  ): Promise<Outcome<ModelHandle>> {
    return this.#run(id, report, async () => this.#keep(await loadModelFiles(files)));
  }

  classify(
    id: number,
    report: Report | undefined,
    model: number,
    image: ImageSource | readonly ImageSource[],
    options: SentClassifyOptions,
  ): Promise<Outcome<Classification | Classification[]>> {
    return this.#run(id, report, (context) =>
      // Of one picture what cannot be read is thrown, of several it stands in the result.
      classify(image as readonly ImageSource[], { ...options, ...context, model: this.#modelOf(model) }),
    );
  }

  async activations(
    id: number,
    report: Report | undefined,
    model: number,
    image: ImageSource,
    options: SentActivationOptions,
  ): Promise<Outcome<Activation[]>> {
    const found: Activation[] = [];
    const outcome = await this.#run(id, report, async ({ signal }) => {
      for await (const each of layerActivations(this.#modelOf(model), image, { ...options, signal }))
        found.push(each);
      return found;
    });
    const buffers = new Set(found.map(({ data }) => data.buffer as ArrayBuffer));
    return transfer(outcome, [...buffers]);
  }

  gradCam(
    id: number,
    report: Report | undefined,
    model: number,
    image: ImageSource,
    { overlay = false, ...options }: SentGradCamOptions,
  ): Promise<Outcome<Explained>> {
    return this.#run(id, report, async ({ signal }) => {
      const found = await gradCam(this.#modelOf(model), image, { ...options, signal });
      return overlay
        ? { ...found, overlay: overlayHeatmap(await loadPixels(image, { signal }), found) }
        : found;
    });
  }

  summary(id: number, report: Report | undefined, model: number): Promise<Outcome<string>> {
    return this.#run(id, report, () => Promise.resolve(summary(this.#modelOf(model))));
  }

  fineTune(
    id: number,
    report: Report | undefined,
    base: number | string,
    data: readonly LabelledImage[],
    options: SentFineTuneOptions,
  ): Promise<Outcome<TrainedHandle>> {
    return this.#run(id, report, async (context, tell) => {
      const { model, ...result } = await fineTune(
        typeof base === 'string' ? base : this.#modelOf(base),
        data,
        {
          ...options,
          ...context,
          onEpoch: (epoch) => tell({ epoch }),
        },
      );
      return { ...result, model: this.#keep(model) };
    });
  }

  exportModel(
    id: number,
    report: Report | undefined,
    model: number,
    format: ExportFileFormat,
  ): Promise<Outcome<File>> {
    return this.#run(id, report, ({ signal }) => exportFile(this.#modelOf(model), format, { signal }));
  }

  convert(
    id: number,
    report: Report | undefined,
    files: readonly FileInMemory[],
    options: SentConvertOptions,
  ): Promise<Outcome<Converted>> {
    return this.#run(id, report, async (context) => {
      const { to = 'tfjs' } = options;
      checkOutputOptions(to, options);
      await platform().prepareTfjs();
      const file = await readModelFiles(files);
      const converted = await convertInMemory(file, to, { ...options, ...context });
      const bytes =
        to === 'tfjs'
          ? await archiveOf(filesOfArtifacts(converted as ConvertedModel))
          : (converted as ConvertedFile).bytes;
      const { layers, parameters, architecture, variant, notes } = converted;
      return {
        ...{ layers, parameters, notes },
        ...(architecture !== undefined && { architecture }),
        ...(variant !== undefined && { variant }),
        file: new File([bytes], outputFileName(file.fileName, to)),
      };
    });
  }

  /** What is in a model file, as a text. */
  inspect(id: number, report: Report | undefined, files: readonly FileInMemory[]): Promise<Outcome<string>> {
    return this.#run(id, report, async () => formatInspection(inspectModel(await readModelFiles(files))));
  }

  saveModel(
    id: number,
    report: Report | undefined,
    model: number,
    location: string,
    force: boolean,
  ): Promise<Outcome<void>> {
    return this.#run(id, report, () => saveModel(this.#modelOf(model), location, { force }));
  }

  savedModels(
    id: number,
    report: Report | undefined,
  ): Promise<Outcome<Awaited<ReturnType<typeof listSavedModels>>>> {
    return this.#run(id, report, () => listSavedModels());
  }

  removeSavedModel(id: number, report: Report | undefined, location: string): Promise<Outcome<void>> {
    return this.#run(id, report, () => removeSavedModel(location));
  }

  loadPixels(
    id: number,
    report: Report | undefined,
    image: ImageSource,
    size?: readonly [number, number],
  ): Promise<Outcome<Pixels>> {
    return this.#run(id, report, ({ signal }) => loadPixels(image, { ...(size && { size }), signal }));
  }

  dispose(model: number): Promise<Outcome<void>> {
    return settled(async () => {
      const found = this.#models.get(model);
      this.#models.delete(model);
      // A model that was trained shares the layers of its base.
      if (found !== undefined) await disposeApart(found, this.#models.values());
    });
  }

  memory(): { readonly numTensors: number; readonly numBytes: number; readonly backend: string } {
    const { numTensors, numBytes } = tf.memory();
    return { numTensors, numBytes, backend: tf.getBackend() };
  }

  #run<Value>(
    id: number,
    report: Report | undefined,
    action: (context: Context, tell: (event: ReportEvent) => void) => Promise<Value>,
  ): Promise<Outcome<Value>> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    // Reports and results take ways of their own: the page hears of all that was before the result is sent.
    let heard: void | Promise<void>;
    const tell = (event: ReportEvent) => {
      heard = report?.(event);
    };
    return settled(async () => {
      try {
        const { signal } = controller;
        return await action({ signal, onProgress: (progress) => tell({ progress }) }, tell);
      } finally {
        await heard;
        this.#running.delete(id);
        // Its channel would stay open until it is collected.
        (report as Partial<ProxyMethods> | undefined)?.[releaseProxy]?.();
      }
    });
  }

  #modelOf(id: number): tf.LayersModel {
    const found = this.#models.get(id);
    if (found !== undefined) return found;
    throw new UsageError('USAGE_ARGUMENT', 'This model was disposed of.', {
      given: 'a call of a model after its `dispose`',
      expected: 'a model that is still loaded',
      nextStep: 'load it again',
    });
  }

  #keep(model: tf.LayersModel): ModelHandle {
    const id = ++this.#lastModel;
    this.#models.set(id, model);
    const metadata = getMetadata(model);
    return {
      id,
      name: model.name,
      classes: classesOf(model),
      ...(metadata !== undefined && { inputSize: metadata.inputSize }),
      ...(metadata?.architecture !== undefined && { architecture: metadata.architecture }),
      layers: model.layers.length,
      parameters: model.countParams(),
      featureMaps: featureMapsOf(model),
    };
  }
}

interface Context {
  readonly signal: AbortSignal;
  readonly onProgress: ProgressCallback;
}

async function settled<Value>(action: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await action() };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

function classesOf(model: tf.LayersModel): string[] {
  try {
    return recipeOf(model).labels.map(({ label }) => label);
  } catch {
    // No classifier, or one that does not say how pictures get to it.
    return [];
  }
}

function featureMapsOf(model: tf.LayersModel): FeatureMapFacts[] {
  const { named } = openModel(model);
  const stages = new Set(stagesOf(named));
  return named
    .filter(({ call }) => isFeatureMap(call))
    .map((each) => ({
      name: each.name,
      className: each.call.layer.getClassName(),
      shape: each.call.shapes[0]!.slice(1),
      isStage: stages.has(each),
    }));
}
