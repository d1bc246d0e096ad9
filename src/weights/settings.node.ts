import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { env } from 'node:process';
import envPaths from 'env-paths';
import type { CacheOptions } from './options.ts';

/**
 * The folder under which everything is cached: `DOVECOTE_CACHE`, else the place that the system has for caches
 * (`$XDG_CACHE_HOME/dovecote` or `~/.cache/dovecote`, `~/Library/Caches/dovecote`, `%LOCALAPPDATA%\dovecote\Cache`).
 */
export function cacheFolder(options: Pick<CacheOptions, 'cacheFolder'> = {}): string {
  const folder = options.cacheFolder ?? env.DOVECOTE_CACHE;
  if (folder === undefined || folder.trim() === '') return envPaths('dovecote', { suffix: '' }).cache;
  if (folder === '~' || folder.startsWith('~/')) return join(homedir(), folder.slice(1));
  return resolve(folder);
}

/** The folder of downloaded weight files, a part of `cacheFolder`. */
export function weightsFolder(options: Pick<CacheOptions, 'cacheFolder'> = {}): string {
  return join(cacheFolder(options), 'weights');
}

/** Whether the network is forbidden: `DOVECOTE_OFFLINE` set to anything but nothing, `0`, `false`, `no`, `off`. */
export function isOffline(options: Pick<CacheOptions, 'offline'> = {}): boolean {
  if (options.offline !== undefined) return options.offline;
  return !['', '0', 'false', 'no', 'off'].includes((env.DOVECOTE_OFFLINE ?? '').trim().toLowerCase());
}

export function mirrorOf(options: Pick<CacheOptions, 'mirror'> = {}): string | undefined {
  const mirror = (options.mirror ?? env.DOVECOTE_MIRROR ?? '').trim();
  return mirror === '' ? undefined : mirror;
}
