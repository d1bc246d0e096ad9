export { clearCache, type ClearedCache, type ClearOptions } from './clear-cache.node.ts';
export { downloadToCache, readCached } from './download.node.ts';
export { listCache, type CacheEntry } from './list-cache.node.ts';
export { mirrorUrl } from './locations.node.ts';
export { openCached, openLocation } from './open-file.node.ts';
export type { CacheOptions, LockOptions, RetryOptions, TimeoutOptions, TransferOptions } from './options.ts';
export { readLocation } from './read-location.node.ts';
export { cacheFolder, isOffline, weightsFolder } from './settings.node.ts';
export {
  cacheExitStatus,
  verifyCache,
  type CacheFinding,
  type CacheStatus,
  type VerifyOptions,
} from './verify-cache.node.ts';
