/**
 * All of Dovecote in a browser: what a bundler takes for `dovecote`. `dovecote/browser` is the small entry to it.
 *
 * @module dovecote (in browsers)
 */
import { UsageError } from './base/errors.ts';
import { decodeImageBrowser } from './images/decode.browser.ts';
import { createOnnxSessionBrowser } from './engines/ort-session.browser.ts';
import { prepareTfjsBrowser } from './engines/tfjs-backend.browser.ts';
import { isSavedLocation, loadSavedModel } from './models/saved-models.browser.ts';
import { registerPlatform } from './platform.ts';
import { fetchBytes, fetchPublished, fetchThroughCache } from './weights/fetch.browser.ts';
import { inMemory } from './weights/open-bytes.ts';

registerPlatform({
  name: 'browser',
  readBytes: fetchBytes,
  openFile: async (location, options) => inMemory(await fetchBytes(location, options)),
  isFolder: (location) => Promise.resolve(/^[^?#]*\/(?:[?#]|$)/.test(location)),
  openCached: async (file, options) => inMemory(await fetchPublished(file, options)),
  readAsset: fetchThroughCache,
  readImageFolder: noFiles,
  readDataset: noFiles,
  loadKept: (location) => (isSavedLocation(location) ? loadSavedModel(location) : undefined),
  decodeImage: decodeImageBrowser,
  prepareTfjs: prepareTfjsBrowser,
  createOnnxSession: createOnnxSessionBrowser,
});

function noFiles(folder: string): Promise<never> {
  return Promise.reject(
    new UsageError('USAGE_ARGUMENT', 'A browser has no folders to read.', {
      given: folder,
      expected: 'an array of { image, label } with files, blobs or elements',
      nextStep: 'pass the pictures themselves',
    }),
  );
}

export * from './index.ts';
export { clearCache, listCache } from './weights/cache.browser.ts';
export type { ClearedWeights, StoredWeights } from './weights/cache.browser.ts';
export { listSavedModels, removeSavedModel, saveModel } from './models/saved-models.browser.ts';
export type { SavedModel } from './models/saved-models.browser.ts';
