import { UsageError } from '../base/errors.ts';
import { hashText } from '../base/random.ts';
import type { ImageDataset } from '../datasets/labelled-images.ts';
import { platform } from '../platform.ts';
import type { CheckpointSettings } from '../training/fit-loop.ts';
import type { FitOptions } from './fit-options.ts';
import { identityOf } from './fit-options.ts';

/** What decides what a training gives, beside the options of `fit`. */
export interface RunFacts {
  readonly training: ImageDataset;
  readonly validation: ImageDataset;
  /** Anything else, as JSON. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** @throws UsageError `USAGE_ARGUMENT` */
export function checkpointSettings(
  options: FitOptions,
  { training, validation, facts }: RunFacts,
): CheckpointSettings | undefined {
  const { checkpoint, resume = false, checkpointSeconds: seconds = 10 } = options;
  if (checkpoint === undefined) {
    if (!resume) return undefined;
    throw new UsageError('USAGE_ARGUMENT', 'There is nothing to resume from.', {
      given: 'resume without checkpoint',
      expected: 'the file in which the interrupted training kept its state',
      nextStep: 'name it as `checkpoint`',
    });
  }
  const file = platform().checkpointFile?.(checkpoint);
  if (file === undefined) {
    throw new UsageError('USAGE_ARGUMENT', 'There are no files here to keep checkpoints in.', {
      given: `checkpoint: ${checkpoint}`,
      expected: 'to run in Node',
      nextStep: 'leave `checkpoint` out in browsers',
    });
  }
  const names = ({ images }: ImageDataset) =>
    images.map(({ label, name }) => `${label}/${name ?? ''}`).join('\n');
  const identity = {
    ...identityOf(options),
    ...facts,
    classes: training.classes,
    training: hashText(names(training)),
    validation: hashText(names(validation)),
  };
  return { file, identity, resume, seconds };
}
