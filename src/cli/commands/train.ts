import { createRequire as requireFrom } from 'node:module';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Callback } from '../../callbacks/callback.ts';
import type { AugmentOptions } from '../../transfer/augment.ts';
import type { FineTuneOptions, FineTuneResult } from '../../transfer/fine-tune.ts';
import type { CommandContext } from '../context.ts';
import { defaultModel } from '../../../zoo/default-model.ts';
import { runCommand } from '../context.ts';
import { addAugmentOptions, augmentOf } from './augment.ts';
import type { StageFlags } from '../train-options.ts';
import { addStageOptions } from '../train-options.ts';
import { TrainingPlace } from '../training-place.ts';
import { confusionTable } from '../confusion-table.ts';
import { quoted } from '../quoted.ts';
import type { ResizeFlags } from '../options.ts';
import {
  addResizeOptions,
  addVariantOptions,
  engineOption,
  jsonOption,
  nonEmpty,
  numberBetween,
  preprocessingOption,
  resizeOf,
  wholeNumber,
} from '../options.ts';

interface TrainFlags
  extends
    ResizeFlags,
    StageFlags,
    Pick<
      FineTuneOptions,
      | 'epochs'
      | 'learningRate'
      | 'batchSize'
      | 'dropout'
      | 'l2'
      | 'patience'
      | 'seed'
      | 'augment'
      | 'engine'
      | 'featureLayer'
      | 'pooling'
      | 'validationSplit'
      | 'preprocessing'
      | 'alpha'
      | 'minimalistic'
    > {
  base: string;
  weights?: string;
  validation?: string;
  classWeights: 'balanced' | 'none';
  cache: boolean;
  out?: string;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function addTrainCommand(program: Command): void {
  const zeroOrMore = numberBetween(-Number.MIN_VALUE, Infinity, 'a number of at least 0');
  const command = program
    .command('train')
    .description('train a classifier on your photos: a folder with one subfolder for each class, or a table')
    .argument(
      '<folder>',
      'folder with one subfolder of photos for each class, or a CSV, TSV or JSONL file',
      nonEmpty,
    )
    .option(
      '-o, --out <folder>',
      'where the new model is written (default: the name of the photo folder with "-model", here, or beside the photos where "here" is among them)',
      nonEmpty,
    )
    .option(
      '--base <model>',
      'the network to build on: a name, or a model of your own',
      nonEmpty,
      defaultModel,
    )
    .option(
      '-w, --weights <file>',
      "path or URL of the base's weights (default: ImageNet weights, in the package or published)",
      nonEmpty,
    )
    .option('--validation <folder>', 'folder of photos to validate on, with the same subfolders', nonEmpty)
    .addOption(
      new Option('--validation-split <share>', 'without --validation: the share of each class to validate on')
        .argParser(numberBetween(0, 1, 'a number between 0 and 1'))
        .default(0.2)
        .conflicts('validation'),
    )
    .option('--epochs <count>', 'passes over the photos, at most', wholeNumber(1), 60)
    .option(
      '--learning-rate <rate>',
      "Adam's step size",
      numberBetween(0, Infinity, 'a number above 0'),
      0.003,
    )
    .option('--batch-size <count>', 'photos per step', wholeNumber(1), 32)
    .option(
      '--dropout <rate>',
      'before the dense layer',
      numberBetween(-Number.MIN_VALUE, 1, 'a number from 0 to below 1'),
      0.3,
    )
    .option('--l2 <weight>', "penalty on the head's weights", zeroOrMore, 0.1)
    .option(
      '--patience <epochs>',
      'stop after so many epochs without improvement; 0: never',
      wholeNumber(0),
      15,
    )
    .option('--no-cache', 'compute all features anew and keep none on disk')
    .option('--augment', 'crop, mirror and recolour the photos at random, anew in each epoch')
    .addOption(
      new Option('--class-weights <mode>', 'make rare classes count more, or not')
        .choices(['balanced', 'none'])
        .default('balanced'),
    )
    .addOption(
      new Option('--pooling <mode>', "how the base's feature map becomes a vector")
        .choices(['avg', 'max'])
        .default('avg'),
    )
    .option(
      '--feature-layer <name>',
      'last layer of the base that is kept (default: what the network says)',
      nonEmpty,
    )
    .addOption(preprocessingOption())
    .addOption(engineOption())
    .option('--seed <number>', 'the same seed gives the same result', wholeNumber(0), 1)
    .option('-f, --force', 'replace an earlier output')
    .addOption(jsonOption('the result, as the last line,'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote train flowers/\n  dovecote train flowers/ --out flower-model/\n  dovecote train train/ --validation val/ --out my-model/ --augment --seed 7\n  dovecote train flowers/ --unfrozen-epochs 5 --schedule cosine\n  dovecote train flowers/ --resume',
    );
  addResizeOptions(addVariantOptions(addAugmentOptions(addStageOptions(command)))).action((folder: string) =>
    trainCommand(folder, command.optsWithGlobals<TrainFlags>()),
  );
}

function trainCommand(folder: string, flags: TrainFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    // The other commands do without gradients, which take time to load: their tfjs is its core and layers.
    requireFrom(import.meta.url)('@tensorflow/tfjs');
    const { disposeModel, fineTune, saveModel } = await import('../../node.ts');
    const { base, out = modelFolderFor(folder), force } = flags;
    // Before the work, not after it.
    const place = await TrainingPlace.open(out, flags);
    const result = await fineTune(base, folder, {
      ...flags,
      ...{ checkpoints: undefined, ...place.options },
      callbacks: await callbacksOf(flags),
      augment: augmentFlagsOf(flags),
      resize: resizeOf(flags),
      onProgress: context.onProgress,
      signal: context.signal,
    });
    context.endProgress();
    const report = reportOf(result, out);
    // Saving is not interrupted: after Ctrl-C it is what keeps the work.
    await saveModel(result.model, out, {
      force: force === true || place.isOwn(report.history),
      extraFiles: [{ name: 'training.json', bytes: JSON.stringify(report, undefined, 2) }],
    });
    await disposeModel(result.model);
    if (result.stopped !== 'aborted') await place.clear();
    // Since the process began: loading the program counts too.
    const wallSeconds = Number((performance.now() / 1000).toFixed(3));
    if (flags.json) context.print(JSON.stringify({ ...report, wallSeconds, history: undefined }));
    else await printReport(result, wallSeconds, out, context, place);
  });
}

/** Any of the options for augmentation asks for it. */
function augmentFlagsOf(flags: TrainFlags): boolean | AugmentOptions {
  const { augment = false, ...rest } = flags;
  const options = augmentOf(rest as AugmentOptions);
  const isGiven = Object.entries(options).some(
    ([name, value]) => value !== undefined && !(name === 'horizontalFlip' && value === true),
  );
  return isGiven ? options : augment;
}

async function callbacksOf({ tensorboard, csvLog, resume, force }: TrainFlags): Promise<Callback[]> {
  if (tensorboard === undefined && csvLog === undefined) return [];
  const { checkOutputFile, CSVLogger, TensorBoard } = await import('../../node.ts');
  if (csvLog !== undefined && !resume) await checkOutputFile(csvLog, force);
  return [
    ...(tensorboard === undefined ? [] : [new TensorBoard({ logDir: tensorboard })]),
    ...(csvLog === undefined ? [] : [new CSVLogger(csvLog)]),
  ];
}

/** `<folder>-model` in the current folder; where that is the photos' own, beside it: a model is no class of photos. */
function modelFolderFor(folder: string): string {
  const photos = resolve(folder);
  const name = `${basename(photos).replace(/\.(csv|tsv|jsonl)$/i, '')}-model`;
  const here = relative(photos, resolve('.'));
  const among = here !== '..' && !here.startsWith(`..${sep}`) && !isAbsolute(here);
  return among ? relative('.', join(dirname(photos), name)) : name;
}

function reportOf(result: FineTuneResult, out: string) {
  const { evaluation, skipped, history } = result;
  return {
    valAccuracy: result.valAccuracy,
    valLoss: result.valLoss,
    epochs: result.epochs,
    bestEpoch: result.bestEpoch,
    stages: result.stages.map(({ evaluation: { accuracy, loss }, ...stage }) => ({
      ...{ valAccuracy: accuracy, valLoss: loss, epochs: stage.history.length, bestEpoch: stage.bestEpoch },
      ...{ frozenLayers: stage.frozenLayers, trainedLayers: stage.trainedLayers, seconds: stage.seconds },
    })),
    stopped: result.stopped,
    classes: result.classes,
    out,
    engine: result.engine,
    trainingImages: result.trainingImages,
    validationImages: result.validationImages,
    confusion: evaluation.confusion,
    perClass: evaluation.perClass,
    skipped,
    history,
  };
}

/** What the second stage gave; empty without one. */
function stagesText({ stages: [frozen, unfrozen] }: FineTuneResult): string {
  if (frozen === undefined || unfrozen === undefined) return '';
  const percent = ({ evaluation }: { evaluation: { accuracy: number } }) =>
    `${(100 * evaluation.accuracy).toFixed(1)} %`;
  const then = unfrozen.bestEpoch === 0 ? 'no epoch was better' : `it is ${percent(unfrozen)}`;
  return `the head alone: ${percent(frozen)}; with ${unfrozen.trainedLayers} layers trained ${then}\n`;
}

async function printReport(
  result: FineTuneResult,
  wallSeconds: number,
  out: string,
  context: CommandContext,
  place: TrainingPlace,
): Promise<void> {
  const { formatTable } = await import('../table.ts');
  const { evaluation, classes } = result;
  if (result.skipped.length > 0) {
    context.say(`skipped ${result.skipped.length} file(s):`);
    result.skipped.forEach(({ image, reason }) => context.say(`  ${image}: ${reason}`));
  }
  const percent = (share: number) => (100 * share).toFixed(1);
  context.print('Confusion matrix (rows: what is on the photo, columns: what the model says)');
  context.print(formatTable(...confusionTable(evaluation.confusion, classes)));
  context.print('');
  context.print(
    formatTable(
      evaluation.perClass.map(({ label, precision, recall, f1, support }) => ({
        class: label,
        'precision %': percent(precision),
        'recall %': percent(recall),
        'F1 %': percent(f1),
        photos: support,
      })),
    ),
  );
  const why = { completed: '', early: ', stopped early', aborted: ', stopped by you' }[result.stopped];
  context.print('');
  context.print(
    `${stagesText(result)}validation accuracy ${percent(result.valAccuracy)} % (epoch ${result.bestEpoch} of ${result.epochs}${why}), ${wallSeconds.toFixed(1)} s`,
  );
  context.print(`saved to ${out}${result.stopped === 'aborted' ? ' (the best so far)' : ''}`);
  if (result.stopped === 'aborted' && place.options.checkpoints !== undefined) {
    context.say('the same command with --resume goes on with it');
  }
  context.say(`next: dovecote classify photo.jpg --model ${quoted(out)}`);
}
