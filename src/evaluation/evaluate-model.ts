import type * as tf from '@tensorflow/tfjs';
import { requireWhole } from '../base/checks.ts';
import { DatasetError, reasonOf } from '../base/errors.ts';
import type { ClassifyOptions } from '../classify/classify.ts';
import { openClassifier } from '../classify/open-classifier.ts';
import type { DatasetSource } from '../datasets/dataset-from.ts';
import { datasetFrom } from '../datasets/dataset-from.ts';
import type { ImageDataset, SkippedImage } from '../datasets/labelled-images.ts';
import type { EngineName } from '../engines/compiled-model.ts';
import { refuseForLoaded, requireModel } from '../models/require-model.ts';
import type { ImageResult } from '../pipeline/run-images.ts';
import { runImages } from '../pipeline/run-images.ts';
import { distinctNames, matchClasses } from './match-classes.ts';
import type { Calibration, ClassReport, Judgement, Means } from './measures.ts';
import {
  calibrationOf,
  confusionOf,
  judge,
  kappaOf,
  mccOf,
  meansOf,
  perClassOf,
  rocAucOf,
  wilsonInterval,
} from './measures.ts';
import { viewsOf } from './views.ts';

export interface EvaluateOptions extends Pick<
  ClassifyOptions,
  | 'weights'
  | 'alpha'
  | 'minimalistic'
  | 'device'
  | 'precision'
  | 'calibration'
  | 'preprocessing'
  | 'labels'
  | 'resize'
  | 'onProgress'
  | 'signal'
> {
  readonly engine?: EngineName;
  /** Pictures per run of the network. Default 16. */
  readonly batchSize?: number;
  /** Also the share of pictures whose class is among the `topK` most probable. Default 5. */
  readonly topK?: number;
  /** Test-time augmentation: means over the picture, its mirror image and four crops. Six times the work. Default false. */
  readonly tta?: boolean;
  /** So many of the most wrong pictures are named. Default 24. */
  readonly mostWrong?: number;
}

export interface WrongPicture {
  readonly image: string;
  readonly actual: string;
  readonly predicted: string;
  /** Of the predicted class. */
  readonly probability: number;
  readonly probabilityOfActual: number;
}

export interface EvaluationReport {
  /** Pictures that were read. */
  readonly images: number;
  readonly accuracy: number;
  /** Of the accuracy, at 95 %, by Wilson's method. */
  readonly interval: readonly [low: number, high: number];
  readonly topK: { readonly k: number; readonly accuracy: number };
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Mean squared distance of the probabilities from the truth, 0 to 2. */
  readonly brier: number;
  readonly balancedAccuracy: number;
  readonly macro: Means;
  readonly weighted: Means;
  /** Mean of the classes' areas; null where there is none. */
  readonly rocAuc: number | null;
  /** Cohen's, -1 to 1. */
  readonly kappa: number;
  /** Matthews's correlation coefficient, -1 to 1. */
  readonly mcc: number;
  readonly calibration: Calibration;
  /**
   * Names of the classes of `perClass` and `confusion`: all of the model, or, of more than 100, those that occur in the data
   * or were predicted.
   */
  readonly classes: readonly string[];
  readonly perClass: readonly ClassReport[];
  /** `confusion[actual][predicted]`, counts. */
  readonly confusion: readonly (readonly number[])[];
  /** Wrong answers, the most confident first. */
  readonly mostWrong: readonly WrongPicture[];
  /** Confidences of right and of wrong answers, counted in 20 bins from 0 to 1. */
  readonly confidences: { readonly right: readonly number[]; readonly wrong: readonly number[] };
  readonly skipped: readonly SkippedImage[];
  readonly tta: boolean;
  readonly engine: 'onnx' | 'tfjs';
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

const MOST_CLASSES = 100;
const CONFIDENCE_BINS = 20;

/**
 * Measures a classifier on labelled pictures. Classes are matched by their names (or ImageNet's WordNet ids); the data may
 * have some of the model's classes only. Unreadable pictures are listed and do not count.
 *
 * @param model A loaded model, which stays yours, or what `loadModel` takes.
 * @throws DatasetError `DATASET_*`; ModelError `MODEL_*`; UsageError `USAGE_ARGUMENT`; EngineError `ENGINE_*`; AbortedError
 *   `ABORTED`; and what `loadModel` throws
 */
export async function evaluateModel(
  model: tf.LayersModel | string,
  data: DatasetSource,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  const { batchSize = 16, topK = 5, tta = false, mostWrong = 24, signal, onProgress } = options;
  requireWhole('batchSize', batchSize);
  requireWhole('topK', topK);
  requireWhole('mostWrong', mostWrong, 0);
  if (typeof model !== 'string') {
    requireModel(model, 'model');
    refuseForLoaded('model', options);
  }
  const dataset = await datasetFrom(data, 'the pictures');
  const classifier = await openClassifier(model, options);
  try {
    const { labels, network, recipe, probabilitiesOf } = classifier;
    const outputs = classifier.model.outputs[0]!.shape[1]!;
    const indices = matchClasses(dataset.classes, labels, outputs);
    const names = distinctNames(labels, outputs);
    const tally = new Tally(dataset, indices, mostWrong);
    const images = dataset.images.map(({ image }) => image);
    const imageNames = dataset.images.map(({ name }, index) => name ?? `image ${index + 1}`);
    const started = performance.now();
    const streams = viewsOf(recipe, tta, signal).map((view) =>
      runImages(images, network, recipe, {
        batchSize: Math.min(batchSize, Math.max(images.length, 1)),
        ...{ names: imageNames, ...(signal && { signal }) },
        decode: (image, index) => view(image, imageNames[index]!),
      })[Symbol.asyncIterator](),
    );
    try {
      for (let done = 1; done <= images.length; done++) {
        const results: ImageResult[] = [];
        for (const stream of streams) results.push((await stream.next()).value as ImageResult);
        tally.add(results, probabilitiesOf);
        onProgress?.({ phase: 'evaluate', done, total: images.length, unit: 'images' });
      }
    } finally {
      // When one of them fails the others are under way: the network must not be freed below them.
      await Promise.allSettled(streams.map((stream) => stream.return(undefined)));
    }
    const seconds = (performance.now() - started) / 1000;
    return {
      ...tally.report(names, topK),
      ...{ tta, engine: network.engine, seconds, imagesPerSecond: tally.count / seconds },
    };
  } finally {
    await classifier.close();
  }
}

/** What is remembered of the pictures: little for each, whatever the number of classes. */
class Tally {
  readonly #judgements: Judgement[] = [];
  /** Of each picture the probabilities of the data's classes. */
  readonly #scores: Float32Array[] = [];
  readonly #skipped: SkippedImage[];
  readonly #right = new Array<number>(CONFIDENCE_BINS).fill(0);
  readonly #wrong = new Array<number>(CONFIDENCE_BINS).fill(0);
  readonly #labels: ReadonlyMap<string, number>;
  #mostWrong: { image: string; actual: number; predicted: number; probability: number; of: number }[] = [];

  constructor(
    private readonly dataset: ImageDataset,
    /** Of the data's classes among the model's. */
    private readonly indices: readonly number[],
    private readonly mostWrong: number,
  ) {
    this.#skipped = [...dataset.skipped];
    this.#labels = new Map(dataset.classes.map((label, index) => [label, indices[index]!]));
  }

  get count(): number {
    return this.#judgements.length;
  }

  /** All views of one picture. */
  add(views: readonly ImageResult[], probabilitiesOf: (output: Float32Array) => Float32Array): void {
    const { image, index } = views[0]!;
    const failed = views.find(({ output }) => output === undefined);
    if (failed !== undefined) {
      this.#skipped.push({ image, reason: reasonOf(failed.error) });
      return;
    }
    const rows = views.map(({ output }) => probabilitiesOf(output!));
    const probabilities =
      rows.length === 1
        ? rows[0]!
        : rows[0]!.map((_, at) => rows.reduce((sum, row) => sum + row[at]!, 0) / rows.length);
    const actual = this.#labels.get(this.dataset.images[index]!.label)!;
    const judgement = judge(probabilities, actual);
    const { predicted, confidence } = judgement;
    this.#judgements.push(judgement);
    this.#scores.push(Float32Array.from(this.indices, (at) => probabilities[at]!));
    const bin = Math.min(Math.floor(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1);
    (predicted === actual ? this.#right : this.#wrong)[bin]! += 1;
    if (predicted === actual || this.mostWrong === 0) return;
    this.#mostWrong.push({ image, actual, predicted, probability: confidence, of: probabilities[actual]! });
    if (this.#mostWrong.length >= 4 * this.mostWrong) this.#keepMostWrong();
  }

  #keepMostWrong(): void {
    this.#mostWrong = this.#mostWrong
      .sort((left, right) => right.probability - left.probability)
      .slice(0, this.mostWrong);
  }

  /** @throws DatasetError `DATASET_EMPTY` */
  report(
    names: readonly string[],
    k: number,
  ): Omit<EvaluationReport, 'tta' | 'engine' | 'seconds' | 'imagesPerSecond'> {
    const { count } = this;
    if (count === 0) {
      throw new DatasetError('DATASET_EMPTY', 'None of the pictures can be read.', {
        given: `${this.#skipped.length} files that are no readable pictures`,
        expected: 'readable pictures',
        nextStep: 'replace the damaged files (`dovecote check` lists them)',
      });
    }
    const shown = this.#shownClasses(names.length);
    const places = new Map(shown.map((index, place) => [index, place]));
    const local = this.#judgements.map((each) => ({
      ...each,
      actual: places.get(each.actual)!,
      predicted: places.get(each.predicted)!,
    }));
    const confusion = confusionOf(local, shown.length);
    const rocAucs = shown.map((index) => this.#rocAuc(index));
    const labels = shown.map((index) => names[index]!);
    const perClass = perClassOf(confusion, labels, rocAucs);
    const right = local.filter(({ actual, predicted }) => actual === predicted).length;
    const areas = rocAucs.filter((area) => area !== null);
    this.#keepMostWrong();
    return {
      images: count,
      accuracy: right / count,
      interval: wilsonInterval(right, count),
      topK: { k, accuracy: local.filter(({ rank }) => rank < k).length / count },
      loss: local.reduce((sum, { loss }) => sum + loss, 0) / count,
      brier: local.reduce((sum, { squaredError }) => sum + squaredError, 0) / count,
      ...meansOf(perClass, confusion),
      rocAuc: areas.length === 0 ? null : areas.reduce((sum, area) => sum + area, 0) / areas.length,
      kappa: kappaOf(confusion),
      mcc: mccOf(confusion),
      calibration: calibrationOf(local),
      classes: labels,
      perClass,
      confusion,
      mostWrong: this.#mostWrong.map(({ image, actual, predicted, probability, of }) => ({
        ...{ image, actual: names[actual]!, predicted: names[predicted]! },
        ...{ probability, probabilityOfActual: of },
      })),
      confidences: { right: this.#right, wrong: this.#wrong },
      skipped: this.#skipped,
    };
  }

  #shownClasses(count: number): number[] {
    if (count <= MOST_CLASSES) return Array.from({ length: count }, (_, index) => index);
    const found = new Set([...this.indices, ...this.#judgements.map(({ predicted }) => predicted)]);
    return [...found].sort((left, right) => left - right);
  }

  #rocAuc(index: number): number | null {
    const column = this.indices.indexOf(index);
    if (column === -1) return null;
    return rocAucOf(
      this.#scores.map((row) => row[column]!),
      this.#judgements.map(({ actual }) => actual === index),
    );
  }
}
