import { CheckpointError, FormatError } from '../base/errors.ts';
import { readSafetensors, writeSafetensors } from '../../converters/index.ts';
import { readHeader } from '../../converters/safetensors/header.ts';
import type { Evaluation } from '../transfer/metrics.ts';
import type { EpochReport } from './epoch-report.ts';
import type { Snapshot } from './trainee.ts';

const FORMAT = 'dovecote-training';
const VERSION = '1';
const MOST_TENSORS = 1e6;

/** Where a training stands: behind which step of which epoch. */
export interface RunPosition {
  /** The epoch that runs, from 1. */
  readonly epoch: number;
  /** Steps of it that are done. */
  readonly step: number;
  /** Of these steps: the loss times the pictures, and the pictures that were right. */
  readonly lossSum: number;
  readonly right: number;
}

export interface BestEpoch {
  readonly epoch: number;
  readonly evaluation: Evaluation;
  readonly state: Snapshot;
}

/** All that a training needs to go on as if nothing had happened. */
export interface Checkpoint {
  /** What must be the same for that: the options and the data, by their names. */
  readonly identity: Readonly<Record<string, unknown>>;
  readonly position: RunPosition;
  readonly history: readonly EpochReport[];
  /** Why training has ended; undefined while it runs. */
  readonly ended: 'completed' | 'early' | undefined;
  readonly state: Snapshot;
  readonly best: BestEpoch | undefined;
  readonly optimizer: { readonly json: unknown; readonly tensors: Snapshot };
  readonly callbacks: readonly { readonly json: unknown; readonly tensors?: Snapshot }[];
}

/** A safetensors file: tensors under `state/`, `best/`, `optimizer/` and `callback/<n>/`, the rest as JSON. */
export function checkpointToBytes(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const { state, best, optimizer, callbacks, ...rest } = checkpoint;
  const tensors = [
    ...named('state', state),
    ...(best === undefined ? [] : named('best', best.state)),
    ...named('optimizer', optimizer.tensors),
    ...callbacks.flatMap((each, index) => named(`callback/${index}`, each.tensors ?? {})),
  ];
  const content = {
    ...rest,
    best: best && { epoch: best.epoch, evaluation: best.evaluation },
    optimizer: optimizer.json,
    callbacks: callbacks.map(({ json }) => json ?? null),
  };
  return writeSafetensors(tensors, {
    metadata: { format: FORMAT, version: VERSION, training: JSON.stringify(content) },
  });
}

function named(room: string, snapshot: Snapshot) {
  return Object.entries(snapshot).map(([name, { shape, values }]) => ({
    name: `${room}/${name}`,
    dtype: 'float32' as const,
    shape,
    data: values,
  }));
}

/** @throws FormatError `FORMAT_UNKNOWN`, `FORMAT_DAMAGED` */
export function checkpointFromBytes(bytes: Uint8Array, fileName: string): Checkpoint {
  const { metadata } = readHeader(bytes, fileName, MOST_TENSORS);
  if (metadata['format'] !== FORMAT || metadata['version'] !== VERSION) {
    throw new FormatError('FORMAT_UNKNOWN', `${fileName} is no checkpoint of a training.`, {
      given: `a safetensors file of the format ${JSON.stringify(metadata['format'] ?? 'unknown')}`,
      expected: 'a checkpoint of this version',
      nextStep: 'remove it, or name another folder for checkpoints',
    });
  }
  const rooms = new Map<string, Record<string, { shape: readonly number[]; values: Float32Array }>>();
  for (const weight of readSafetensors(bytes, { fileName }).layers.flatMap(({ weights }) => weights)) {
    if (!('data' in weight) || !(weight.data instanceof Float32Array)) continue;
    const [, room, name] = /^(state|best|optimizer|callback\/\d+)\/(.*)$/s.exec(weight.name) ?? [];
    if (room === undefined || name === undefined) continue;
    if (!rooms.has(room)) rooms.set(room, {});
    rooms.get(room)![name] = { shape: weight.shape, values: weight.data };
  }
  try {
    const content = JSON.parse(metadata['training']!) as Omit<
      Checkpoint,
      'state' | 'best' | 'optimizer' | 'callbacks'
    > & {
      best?: Omit<BestEpoch, 'state'>;
      optimizer: unknown;
      callbacks: unknown[];
    };
    return {
      ...content,
      ended: content.ended ?? undefined,
      state: rooms.get('state') ?? {},
      best: content.best && { ...content.best, state: rooms.get('best') ?? {} },
      optimizer: { json: content.optimizer, tensors: rooms.get('optimizer') ?? {} },
      callbacks: content.callbacks.map((json, index) => {
        const tensors = rooms.get(`callback/${index}`);
        return tensors === undefined ? { json } : { json, tensors };
      }),
    };
  } catch (error) {
    throw new FormatError('FORMAT_DAMAGED', `${fileName} is a damaged checkpoint.`, {
      given: fileName,
      expected: 'a checkpoint as it was written',
      nextStep: 'remove it and begin anew',
      cause: error,
    });
  }
}

/**
 * @throws CheckpointError `CHECKPOINT_MISMATCH` where a checkpoint is that of another training
 */
export function requireSameRun(
  checkpoint: Checkpoint,
  identity: Readonly<Record<string, unknown>>,
  fileName: string,
): void {
  const text = (value: unknown) => JSON.stringify(value) ?? 'nothing';
  const names = new Set([...Object.keys(checkpoint.identity), ...Object.keys(identity)]);
  const others = [...names].filter((name) => text(checkpoint.identity[name]) !== text(identity[name]));
  if (others.length === 0) return;
  const list = (values: Readonly<Record<string, unknown>>) =>
    others.map((name) => `${name}: ${shortened(text(values[name]))}`).join('; ');
  throw new CheckpointError(
    'CHECKPOINT_MISMATCH',
    `The checkpoint ${fileName} is that of another training.`,
    {
      given: list(identity),
      expected: list(checkpoint.identity),
      nextStep:
        'repeat the call that was interrupted with the same options and data, or begin anew without resuming',
    },
  );
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
