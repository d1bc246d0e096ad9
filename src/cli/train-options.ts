import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { FineTuneOptions } from '../transfer/fine-tune.ts';
import { nonEmpty, numberBetween, wholeNumber } from './options.ts';

/** Flags of `train` beyond those of the first stage: the second one, the optimizer, logs and checkpoints. */
export interface StageFlags extends Pick<
  FineTuneOptions,
  | 'unfrozenEpochs'
  | 'unfreezeFrom'
  | 'unfrozenLearningRate'
  | 'warmUp'
  | 'weightDecay'
  | 'labelSmoothing'
  | 'mixup'
  | 'globalClipNorm'
  | 'resume'
  | 'checkpointSeconds'
> {
  readonly schedule: 'constant' | 'cosine' | 'oneCycle';
  /** A folder; false for none. */
  readonly checkpoints?: string | boolean;
  readonly tensorboard?: string;
  readonly csvLog?: string;
}

const zeroOrMore = numberBetween(-Number.MIN_VALUE, Infinity, 'a number of at least 0');
const aboveZero = numberBetween(0, Infinity, 'a number above 0');
const belowOne = numberBetween(-Number.MIN_VALUE, 1, 'a number from 0 to below 1');

/** A number is a stage, anything else the name of a layer. */
function layerOrStage(text: string): string | number {
  if (text.trim() === '')
    throw new InvalidArgumentError('It must be the name of a layer or the number of a stage.');
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

export function addStageOptions(command: Command): Command {
  return command
    .option(
      '--unfrozen-epochs <count>',
      'then so many passes in which the end of the base learns, too; its best is kept if it is better',
      wholeNumber(0),
      0,
    )
    .option(
      '--unfreeze-from <layer>',
      'where that end begins: the name of a layer, or the number of a stage (-1: the last)',
      layerOrStage,
      -1,
    )
    .option('--unfrozen-learning-rate <rate>', 'step size in these passes', aboveZero, 0.00003)
    .addOption(
      new Option('--schedule <kind>', 'how the step size changes from step to step')
        .choices(['constant', 'cosine', 'oneCycle'])
        .default('constant'),
    )
    .option('--warm-up <share>', 'share of the steps in which the step size rises from 0', belowOne, 0)
    .option('--weight-decay <rate>', 'AdamW with this decay instead of Adam; 0: Adam', zeroOrMore, 0)
    .option('--label-smoothing <share>', 'probability that is taken from the right class', belowOne, 0)
    .option('--mixup <alpha>', 'lay photos over each other, for example 0.2; 0: not', zeroOrMore, 0)
    .option(
      '--global-clip-norm <norm>',
      'largest norm of all gradients together (default: no limit)',
      aboveZero,
    )
    .option(
      '--checkpoints <folder>',
      'where the state of the training is kept while it runs (default: the output folder\'s name with ".checkpoints")',
      nonEmpty,
    )
    .option('--no-checkpoints', 'keep no state')
    .option('--checkpoint-seconds <seconds>', 'between two of them within an epoch', zeroOrMore, 10)
    .option('--resume', 'go on with a training that was interrupted; the same options are needed')
    .option('--tensorboard <folder>', 'write a log for TensorBoard', nonEmpty)
    .option('--csv-log <file>', 'write one row for each epoch', nonEmpty);
}
