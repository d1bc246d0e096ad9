import { UsageError } from './base/errors.ts';
import { decodeImageBrowser } from './images/decode.browser.ts';
import { createOnnxSessionBrowser } from './engines/ort-session.browser.ts';
import { prepareTfjsBrowser } from './engines/tfjs-backend.browser.ts';
import { registerPlatform } from './platform.ts';
import { fetchBytes, fetchPublished } from './weights/fetch.browser.ts';
import { inMemory } from './weights/open-bytes.ts';

registerPlatform({
  name: 'browser',
  readBytes: fetchBytes,
  openFile: async (location, options) => inMemory(await fetchBytes(location, options)),
  isFolder: (location) => Promise.resolve(/^[^?#]*\/(?:[?#]|$)/.test(location)),
  openCached: async (file, options) => inMemory(await fetchPublished(file, options)),
  readImageFolder: noFiles,
  readDataset: noFiles,
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
