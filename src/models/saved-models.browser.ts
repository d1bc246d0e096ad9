import * as tf from '@tensorflow/tfjs';
import { FileError, UsageError, reasonOf } from '../base/errors.ts';
import { requireModel } from './require-model.ts';

/** A model that this site keeps in IndexedDB. */
export interface SavedModel {
  /** As `saveModel` was given it, for example `indexeddb://flowers`: `loadModel` takes it. */
  readonly location: string;
  /** Bytes of its weights. */
  readonly size: number;
  /** ISO 8601. */
  readonly savedAt: string;
}

const SCHEME = 'indexeddb://';

/**
 * Keeps a model in the browser's IndexedDB, with its user-defined metadata (labels, preprocessing, input size);
 * `loadModel('indexeddb://flowers')` brings it back, and so does `tf.loadLayersModel`. The model stays the caller's.
 *
 * @param location `indexeddb://` and a name.
 * @throws UsageError `USAGE_ARGUMENT`; FileError `OUTPUT_EXISTS`, `OUTPUT_ACCESS`, `OUTPUT_DISK_FULL`; ModelError `MODEL_INPUT`
 */
export async function saveModel(
  model: tf.LayersModel,
  location: string,
  options: {
    /** Replace a model of that name. Default false. */
    readonly force?: boolean;
  } = {},
): Promise<void> {
  requireModel(model, 'model');
  requireLocation(location);
  if (options.force !== true && (await isSaved(location))) {
    throw new FileError('OUTPUT_EXISTS', 'There is a model of this name already.', {
      given: location,
      expected: 'a new name',
      nextStep: 'choose another name, or replace it with `force: true`',
    });
  }
  try {
    await model.save(location);
  } catch (cause) {
    const isFull = cause instanceof DOMException && cause.name === 'QuotaExceededError';
    throw new FileError(
      isFull ? 'OUTPUT_DISK_FULL' : 'OUTPUT_ACCESS',
      `The model cannot be kept: ${reasonOf(cause)}`,
      {
        given: location,
        expected: 'a browser that gives this site room for it',
        nextStep: isFull
          ? 'remove models that are not needed (`removeSavedModel`), or download this one'
          : 'leave private browsing, or download the model',
        cause,
      },
    );
  }
}

/** The models that this site keeps, by name. */
export async function listSavedModels(): Promise<SavedModel[]> {
  const all = Object.entries(await tf.io.listModels()).filter(([location]) => location.startsWith(SCHEME));
  return all
    .map(([location, { dateSaved, weightDataBytes = 0 }]) => ({
      location,
      size: weightDataBytes,
      savedAt: new Date(dateSaved).toISOString(),
    }))
    .sort((a, b) => (a.location < b.location ? -1 : 1));
}

/** @throws UsageError `USAGE_ARGUMENT`; FileError `FILE_NOT_FOUND` */
export async function removeSavedModel(location: string): Promise<void> {
  requireLocation(location);
  if (!(await isSaved(location))) throw notSaved(location);
  await tf.io.removeModel(location);
}

export function isSavedLocation(location: string): boolean {
  return location.startsWith(SCHEME);
}

/** @throws FileError `FILE_NOT_FOUND` */
export async function loadSavedModel(location: string): Promise<tf.LayersModel> {
  if (!(await isSaved(location))) throw notSaved(location);
  return tf.loadLayersModel(location);
}

async function isSaved(location: string): Promise<boolean> {
  return location in (await tf.io.listModels());
}

function notSaved(location: string): FileError {
  return new FileError('FILE_NOT_FOUND', 'There is no model of this name.', {
    given: location,
    expected: 'a model that `saveModel` has kept in this browser, for this site',
    nextStep: '`listSavedModels()` tells what there is',
  });
}

function requireLocation(location: string): void {
  if (typeof location === 'string' && isSavedLocation(location) && location.length > SCHEME.length) return;
  throw new UsageError('USAGE_ARGUMENT', 'A model in a browser is kept in IndexedDB.', {
    given: String(location),
    expected: "`indexeddb://` and a name, for example 'indexeddb://flowers'",
    nextStep: 'use such a location, or make a file of it (`exportFile`)',
  });
}
