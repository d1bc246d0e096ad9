import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { FineTuneOptions } from '../transfer/fine-tune.ts';
import type { EpochReport } from '../training/epoch-report.ts';
import type { StageFlags } from './train-options.ts';

interface PlaceFlags extends Pick<StageFlags, 'checkpoints' | 'resume'> {
  readonly force?: boolean;
}

const STAGES = [1, 2];

/** Where a training keeps its state and its result, looked at before it begins. */
export class TrainingPlace {
  private constructor(
    readonly options: Pick<FineTuneOptions, 'checkpoints' | 'resume'>,
    /** Epochs of the model that an interrupted run of the same training left in the output folder. */
    private readonly earlier: readonly EpochReport[] | undefined,
  ) {}

  /** @throws FileError `OUTPUT_EXISTS`, `OUTPUT_ACCESS`; UsageError `USAGE_ARGUMENT` */
  static async open(
    out: string,
    { checkpoints = true, resume = false, force = false }: PlaceFlags,
  ): Promise<TrainingPlace> {
    const { checkOutputFolder, UsageError } = await import('../node.ts');
    if (resume && checkpoints === false) {
      throw new UsageError('USAGE_ARGUMENT', 'Without checkpoints there is nothing to resume.', {
        given: '--resume --no-checkpoints',
        expected: 'one of them',
        nextStep: 'leave one of them out',
      });
    }
    // A run that was interrupted, or killed between the last two things that it does, has left a model.
    const earlier = resume && !force ? await historyIn(out) : undefined;
    if (earlier === undefined) await checkOutputFolder(out, force);
    if (checkpoints === false) return new TrainingPlace({}, earlier);
    const folder = checkpoints === true ? `${resolve(out)}.checkpoints` : checkpoints;
    const place = new TrainingPlace({ checkpoints: folder, resume }, earlier);
    if (force && !resume) await place.clear();
    return place;
  }

  /** Whether a model that is in the output folder is this training's: its epochs are the same, or the first of them. */
  isOwn(history: readonly EpochReport[]): boolean {
    const { earlier } = this;
    return (
      earlier?.every((report, index) => JSON.stringify(report) === JSON.stringify(history[index])) ?? false
    );
  }

  async clear(): Promise<void> {
    const { checkpoints } = this.options;
    if (checkpoints === undefined) return;
    const { platform } = await import('../platform.ts');
    for (const stage of STAGES) {
      await platform()
        .checkpointFile?.(join(checkpoints, `stage-${stage}.safetensors`))
        .remove();
    }
  }
}

async function historyIn(out: string): Promise<readonly EpochReport[] | undefined> {
  try {
    const { history } = JSON.parse(await readFile(join(out, 'training.json'), 'utf8')) as {
      history?: unknown;
    };
    return Array.isArray(history) ? (history as EpochReport[]) : undefined;
  } catch {
    return undefined;
  }
}
