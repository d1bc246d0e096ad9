import { DovecoteError, FileError, NetworkError } from '../base/errors.ts';
import type { JsonObject } from '../base/types.ts';
import type { ModelConfig, ModelFile, ReadLimits } from '../../converters/index.ts';
import { parseJson, readModelFile, requireModelConfig } from '../../converters/index.ts';
import type { ReadOptions } from '../platform.ts';
import { platform } from '../platform.ts';
import { describeGraphModel } from './graph-model.ts';
import { childOf, isUrl, siblingOf } from './location.ts';
import { publishedFileAt } from './published-weights.ts';
import { withFiles } from './read-open-file.ts';
import { describeTeachable } from './teachable-machine.ts';

/** Where Teachable Machine publishes models: folders, with or without a slash behind. */
const TEACHABLE_MODEL = /^https:\/\/teachablemachine\.withgoogle\.com\/models\/[\w-]+\/?$/i;

export interface ReadModelOptions extends ReadOptions {
  /** Bounds that the file must keep to, where the usual ones are too narrow or too wide. */
  readonly limits?: Partial<ReadLimits>;
  /**
   * The layers of a file that holds weights only: what `model.to_json()` of Keras gives, parsed, or the path or URL of a
   * file with it. In a whole-model file it replaces those of the file.
   */
  readonly config?: JsonObject | string | URL;
}

/** @throws the errors of reading; FormatError `FORMAT_UNKNOWN`, `FORMAT_DAMAGED` for what is not the config of a model */
export async function readConfig(
  given: JsonObject | string | URL,
  options: ReadOptions = {},
): Promise<ModelConfig> {
  if (typeof given !== 'string' && !(given instanceof URL))
    return requireModelConfig(given, 'the given config');
  const fileName = given instanceof URL ? given.href : given;
  const text = new TextDecoder().decode(await platform().readBytes(given, options));
  return requireModelConfig(parseJson(text, 'The text', fileName), fileName);
}

/**
 * Opens a model or its weights at a path or URL, hands it to `use`, which may read its tensors, and closes it. It is a
 * folder with a model.json (a URL of a folder ends with a slash), a model.json, or an .h5 file; the kind is found from
 * the bytes. What Teachable Machine and TensorFlow Hub's graph
 * models tell in their own way is put into the metadata.
 *
 * The address of a file that a card of the zoo names means that file: it comes from the cache, or into it, and is held to
 * the card's hash. Other addresses are read anew each time.
 *
 * @throws FileError `FILE_NOT_FOUND`, `FILE_ACCESS`, `FILE_CHANGED`; NetworkError; CacheError; FormatError `FORMAT_*`;
 * what `use` throws
 */
export async function withModelAt<T>(
  location: string | URL,
  options: ReadModelOptions,
  use: (file: ModelFile) => T | Promise<T>,
): Promise<T> {
  const asked = location instanceof URL ? location.href : location;
  if (/^https?:\/\/(www\.)?tfhub\.dev(\/|$)/i.test(asked)) throw closedHub(asked);
  const isFolder =
    TEACHABLE_MODEL.test(asked) ||
    (isUrl(asked) && asked.endsWith('/')) ||
    (await platform().isFolder(asked));
  const place = isFolder ? childOf(asked, 'model.json') : asked;
  const published = publishedFileAt(place);
  const opening =
    published === undefined ? platform().openFile(place, options) : platform().openCached(published, options);
  const opened = await opening.catch((error: unknown) => {
    throw isFolder && isNotFound(error) ? emptyFolder(asked, error) : error;
  });
  const readSibling = (name: string) => platform().readBytes(siblingOf(place, name), options);
  const files = [opened];
  const readShard = async (name: string) => {
    const shard = await platform().openFile(siblingOf(place, name), options);
    files.push(shard);
    return shard.bytes;
  };
  return withFiles(files, async () => {
    const config = options.config === undefined ? undefined : await readConfig(options.config, options);
    const file = await readModelFile(opened.bytes, {
      fileName: place,
      readShard,
      config,
      limits: options.limits,
    });
    return use(await describeTeachable(describeGraphModel(file), readSibling));
  });
}

/** It would answer 403, which says nothing of where its models are now. */
function closedHub(given: string): NetworkError {
  return new NetworkError('NETWORK_STATUS', 'tfhub.dev hands out no models any more.', {
    given,
    expected: 'a folder, a model.json or another address',
    nextStep:
      'download the model from https://www.kaggle.com/models/google and give its folder, or load "mobilenet" or ' +
      '"mobilenetv2" of the zoo',
  });
}

function isNotFound(error: unknown): boolean {
  return error instanceof DovecoteError && error.code === 'FILE_NOT_FOUND';
}

function emptyFolder(folder: string, cause: unknown): FileError {
  return new FileError('FILE_NOT_FOUND', `The folder ${folder} holds no model.json.`, {
    given: folder,
    expected: 'a folder that `convert` or `train` wrote',
    nextStep: 'check the path',
    cause,
  });
}
