import type * as tf from '@tensorflow/tfjs';
import { requireWhole, wrongOption } from '../base/checks.ts';
import { AbortedError, ModelError } from '../base/errors.ts';
import { joinSeeds } from '../base/random.ts';
import { inputRecipeOf } from '../classify/recipe.ts';
import type { DatasetSource } from '../datasets/dataset-from.ts';
import type { ImageDataset, SkippedImage } from '../datasets/labelled-images.ts';
import { requireModel } from '../models/require-model.ts';
import type { InputRecipe } from '../pipeline/run-images.ts';
import { platform } from '../platform.ts';
import type { BoundarySource } from '../training/boundary-rows.ts';
import { boundarySource } from '../training/boundary-rows.ts';
import { noteOf } from '../training/epoch-report.ts';
import type { FitResult } from '../training/fit-loop.ts';
import { fit } from '../training/fit-loop.ts';
import { headDataOf, toHeadData } from '../training/head-data.ts';
import { headTrainee } from '../training/head-trainee.ts';
import { registerTrainingKernels } from '../training/kernels/register.ts';
import type { LearningRateSearch } from '../training/learning-rate-search.ts';
import { searchLearningRate } from '../training/learning-rate-search.ts';
import { NetworkTrainee } from '../training/network-trainee.ts';
import { PictureReader } from '../training/picture-rows.ts';
import type { SplitModel } from '../training/split-model.ts';
import { splitModel } from '../training/split-model.ts';
import { freeze, unfreezeFrom } from '../training/stages.ts';
import type { Trainee } from '../training/trainee.ts';
import { checkClassWeights, classWeightsOf } from './class-weights.ts';
import type { FitOptions } from './fit-options.ts';
import { checkFitOptions, optimizerSettings } from './fit-options.ts';
import type { Head } from './head-of.ts';
import { headOf } from './head-of.ts';
import { checkpointSettings } from './learner-checkpoint.ts';
import type {
  HeadFitOptions,
  LearnerOptions,
  LearnerResult,
  LearningRateOptions,
  StagesOptions,
  StagesResult,
} from './learner-options.ts';
import { checkLearnerOptions } from './learner-options.ts';
import { prepareData } from './prepare-data.ts';

/**
 * A model and its pictures, ready to be trained: what `fineTune` and `trainModel` are made of.
 *
 * ```js
 * const base = await loadModel('embedded');
 * const model = buildClassifier(base, { classes: ['ants', 'bees'] });
 * const learner = await Learner.create(model, 'photos/');
 * await learner.fitHead(20);
 * unfreezeFrom(model, -1);
 * await learner.fit(5, { learningRate: 1e-4, schedule: 'cosine' });
 * ```
 *
 * The model stays the caller's, to be saved and disposed of; a learner holds no tensors.
 */
export class Learner {
  /** Class names in the order of the outputs. */
  readonly classes: readonly string[];
  readonly #skipped: Map<string, SkippedImage>;

  private constructor(
    readonly model: tf.LayersModel,
    readonly training: ImageDataset,
    readonly validation: ImageDataset,
    skipped: readonly SkippedImage[],
    private readonly recipe: InputRecipe,
    private readonly options: LearnerOptions,
  ) {
    this.classes = training.classes;
    this.#skipped = new Map(skipped.map((file) => [file.image, file]));
  }

  /**
   * @param model Output `[batch, classes]`, softmax or logits, with as many classes as the data has.
   * @param data A folder with one subfolder of pictures for each class, a CSV, TSV or JSONL file that lists pictures
   *   and labels, pictures in memory, or a data set.
   * @throws ModelError `MODEL_INPUT`; DatasetError `DATASET_*`; UsageError `USAGE_*`
   */
  static async create(
    model: tf.LayersModel,
    data: DatasetSource,
    options: LearnerOptions = {},
  ): Promise<Learner> {
    requireModel(model, 'model');
    checkLearnerOptions(options);
    const recipe = inputRecipeOf(model, options);
    const prepared = await prepareData(data, options);
    return Learner.of(model, prepared, recipe, options);
  }

  /** With data that have been read. */
  static of(
    model: tf.LayersModel,
    data: { training: ImageDataset; validation: ImageDataset; skipped: readonly SkippedImage[] },
    recipe: InputRecipe,
    options: LearnerOptions,
  ): Learner {
    checkOutput(model, data.training.classes);
    return new Learner(model, data.training, data.validation, data.skipped, recipe, options);
  }

  /** Files that were no readable pictures, so far. */
  get skipped(): readonly SkippedImage[] {
    return [...this.#skipped.values()];
  }

  /**
   * Trains what is `trainable`. The layers before the first one that is run in the fast engine, once for each picture;
   * cross-entropy with the penalties of the layers' regularizers. Each call makes an optimizer of its own.
   *
   * @throws ModelError `MODEL_INPUT` when nothing is trainable; DatasetError `DATASET_EMPTY`; CheckpointError
   *   `CHECKPOINT_*`; AbortedError `ABORTED` before the first epoch has ended
   */
  async fit(epochs: number, options: FitOptions = {}): Promise<LearnerResult> {
    return this.#fit(epochs, options, splitModel(this.model), 'network');
  }

  /**
   * Trains the dense layer at the end alone, which must be the only trainable one: on features that are scaled to one
   * standard deviation, so that the same learning rate and L2 suit every base. The learning rate is 0.003 by default.
   *
   * @throws as `fit`
   */
  async fitHead(epochs: number, options: HeadFitOptions = {}): Promise<LearnerResult> {
    const head = headOf(this.model);
    return this.#fit(epochs, { learningRate: 3e-3, ...options }, splitModel(this.model), head);
  }

  /**
   * Two stages, each with an optimizer of its own: the head on a frozen base, then, from a layer or stage on, the end of
   * the network as well, at a lower rate. The second stage never ends with less than the first one's validation result.
   *
   * @param epochs Of the second stage; 0 leaves it out.
   * @throws as `fit`
   */
  async fineTune(frozenEpochs: number, epochs: number, options: StagesOptions = {}): Promise<StagesResult> {
    requireWhole('epochs', epochs, 0);
    const {
      frozen: first = {},
      unfrozen: second = {},
      unfreezeFrom: from = -1,
      batchNormalization,
    } = options;
    const head = headOf(this.model);
    freeze(this.model);
    head.dense.trainable = true;
    const frozen = await this.fitHead(frozenEpochs, first);
    if (epochs === 0 || frozen.stopped === 'aborted') return { frozen, unfrozen: undefined };
    unfreezeFrom(this.model, from, batchNormalization === undefined ? {} : { batchNormalization });
    const unfrozen = await this.#fit(
      epochs,
      { learningRate: 3e-5, ...second },
      splitModel(this.model),
      'network',
      frozen.history.length,
    ).catch((error: unknown) => {
      // What the first stage reached is still good.
      if (error instanceof AbortedError) return undefined;
      throw error;
    });
    return { frozen, unfrozen };
  }

  /**
   * Trains a few steps at rates that rise from `lowest` to `highest` and tells the loss at each (Smith, 2015); the model
   * is left as it was.
   *
   * @throws as `fit`
   */
  async findLearningRate(options: LearningRateOptions = {}): Promise<LearningRateSearch> {
    const { lowest = 1e-6, highest = 1, steps = 60, ...rest } = options;
    requireWhole('steps', steps, 5);
    if (!(lowest > 0 && highest > lowest && Number.isFinite(highest)))
      throw wrongOption('lowest', lowest, 'a number above 0 and below `highest`');
    checkFitOptions(rest);
    return this.#withTrainee(rest, splitModel(this.model), 'network', async (trainee, labels) =>
      searchLearningRate(trainee, {
        ...optimizerSettings(rest),
        ...{ lowest, highest, steps, seed: this.options.seed ?? 1, batchSize: rest.batchSize ?? 32 },
        classWeights: classWeightsOf(rest.classWeights ?? 'none', this.classes, labels),
        signal: rest.signal ?? this.options.signal,
      }),
    );
  }

  async #fit(
    epochs: number,
    options: HeadFitOptions,
    split: SplitModel,
    kind: Head | 'network',
    /** Epochs of a first stage, of which this is the second. */
    initialEpoch = 0,
  ): Promise<LearnerResult> {
    const started = performance.now();
    requireWhole('epochs', epochs);
    checkFitOptions(options);
    const { l2 = 0.1 } = options;
    if (!(l2 >= 0 && Number.isFinite(l2))) throw wrongOption('l2', l2, 'a number of at least 0');
    checkClassWeights(options.classWeights ?? 'none', this.classes);
    const onProgress = options.onProgress ?? this.options.onProgress;
    const signal = options.signal ?? this.options.signal;
    const isSecond = initialEpoch > 0;
    return this.#withTrainee(options, split, kind, async (trainee, labels, source, reader) => {
      const result = await fit(trainee, {
        epochs,
        ...optimizerSettings(options),
        batchSize: options.batchSize ?? 32,
        seed: joinSeeds(this.options.seed ?? 1, isSecond ? 2 : 1),
        patience: options.patience ?? 0,
        restoreBestWeights: options.restoreBestWeights ?? true,
        keepStart: isSecond,
        initialEpoch,
        classWeights: classWeightsOf(options.classWeights ?? 'none', this.classes, labels),
        callbacks: options.callbacks ?? [],
        checkpoint: checkpointSettings(options, {
          training: this.training,
          validation: this.validation,
          facts: {
            ...{ epochs, seed: this.options.seed ?? 1, augment: this.options.augment ?? false },
            ...{ recipe: this.recipe, engine: source.engine ?? 'none', model: this.model.name },
            weights: split.state.map(({ shape }) => shape.join('x')).join(' '),
          },
        }),
        onEpoch: (report) => {
          options.onEpoch?.(report);
          onProgress?.({
            phase: 'train',
            done: report.epoch,
            total: epochs,
            unit: 'epochs',
            note: noteOf(report),
          });
        },
        signal,
      });
      if (result === undefined) throw stoppedTooEarly();
      return this.#report(result, trainee, labels.length, split, source, reader, started);
    });
  }

  #report(
    result: FitResult,
    trainee: Trainee,
    trainingImages: number,
    split: SplitModel,
    source: BoundarySource,
    reader: PictureReader,
    started: number,
  ): LearnerResult {
    const problem = source.problem();
    return {
      ...result,
      trainingImages,
      validationImages: trainee.validation.labels.length,
      frozenLayers: split.frozenLayers,
      trainedLayers: split.trainedLayers,
      engine: source.engine,
      cachedImages: reader.cachedImages,
      ...(problem === undefined ? {} : { cacheProblem: problem }),
      seconds: (performance.now() - started) / 1000,
    };
  }

  async #trainee(
    kind: Head | 'network',
    options: HeadFitOptions,
    split: SplitModel,
    source: BoundarySource,
    reader: PictureReader,
  ): Promise<{ trainee: Trainee; labels: readonly number[] }> {
    const validation = await reader.validation(this.validation);
    const first = await reader.epoch(1);
    reader.check(first, validation);
    const { labels } = first;
    if (kind === 'network') {
      // Read once, although it is asked for twice.
      const epochs = (epoch: number) => (epoch === 1 ? Promise.resolve(first) : reader.epoch(epoch));
      return {
        trainee: new NetworkTrainee(this.model, this.classes, split, source, epochs, validation),
        labels,
      };
    }
    const trainee = await headTrainee(headDataOf(first, reader), toHeadData(validation), this.classes, {
      ...kind,
      ...{ l2: options.l2 ?? 0.1, model: this.model, mayOverwrite: true },
    });
    return { trainee, labels };
  }

  /** Brings the pictures to where training begins, and lets go of all when `action` has ended. */
  async #withTrainee<Result>(
    options: HeadFitOptions,
    split: SplitModel,
    kind: Head | 'network',
    action: (
      trainee: Trainee,
      labels: readonly number[],
      source: BoundarySource,
      reader: PictureReader,
    ) => Promise<Result>,
  ): Promise<Result> {
    await platform().prepareTfjs();
    registerTrainingKernels();
    const { augment = false, seed = 1, memoryLimit = 2 ** 31, engine, cache } = this.options;
    const onProgress = options.onProgress ?? this.options.onProgress;
    const signal = options.signal ?? this.options.signal;
    const source = await boundarySource(split, this.recipe, { engine, cache });
    let trainee: Trainee | undefined;
    try {
      const reader = new PictureReader(source, this.recipe, this.classes, this.training, this.#skipped, {
        augment: augment === true ? {} : augment,
        ...{ seed, memoryLimit, onProgress, signal, keeps: kind === 'network' },
      });
      const made = await this.#trainee(kind, options, split, source, reader).catch((error: unknown) => {
        throw signal?.aborted ? stoppedTooEarly(error) : error;
      });
      trainee = made.trainee;
      return await action(made.trainee, made.labels, source, reader);
    } finally {
      trainee?.dispose();
      await source.dispose();
    }
  }
}

function checkOutput(model: tf.LayersModel, classes: readonly string[]): void {
  const shape = model.outputs[0]!.shape;
  if (shape.length === 2 && shape[1] === classes.length) return;
  throw new ModelError('MODEL_INPUT', `The model "${model.name}" does not tell these classes apart.`, {
    given: `an output of shape ${JSON.stringify(shape)} and ${classes.length} classes: ${classes.join(', ')}`,
    expected: `an output of shape [null, ${classes.length}]`,
    nextStep: 'give the model a dense layer with one unit for each class, or use `fineTune`, which does',
  });
}

function stoppedTooEarly(cause?: unknown): AbortedError {
  return new AbortedError(
    'Training was stopped before its first epoch had ended; there is nothing to keep.',
    { nextStep: 'run it again', cause },
  );
}
