import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RemoteFile } from '../platform.ts';
import { cacheFailure, errnoOf } from './file-errors.node.ts';
import type { FileDigest } from './hash-file.node.ts';
import { shownUrl } from './locations.node.ts';

/**
 * One file of the cache. In the folder `weights` it is named `<16 hex digits>-<file name>`; the digits begin the
 * SHA-256 of its URL, so that files of the same name from different places live side by side. Beside it stand
 * `.meta` (what is known about it, JSON), and while it is fetched `.partial`, `.partial.meta` and `.lock`.
 */
export interface EntryPaths {
  readonly folder: string;
  readonly path: string;
  readonly meta: string;
  readonly partial: string;
  readonly lock: string;
}

/** What the cache knows about a complete file. */
export interface EntryRecord {
  readonly version: 1;
  readonly url: string;
  readonly fileName: string;
  readonly size: number;
  readonly sha256: string;
  readonly md5?: string;
  /** Modification time of the file when it was last hashed. */
  readonly mtimeMs: number;
  readonly etag?: string;
  readonly lastModified?: string;
  /** ISO 8601. */
  readonly storedAt: string;
  /** Where the bytes came from, when that was a mirror. */
  readonly source?: string;
}

const suffix = /^(.*?)(\.partial\.meta|\.partial|\.lock|\.meta(?:\.[0-9a-f-]+\.tmp)?)?$/;

export function entryPaths(folder: string, file: Pick<RemoteFile, 'url' | 'fileName'>): EntryPaths {
  const key = createHash('sha256').update(shownUrl(file.url)).digest('hex').slice(0, 16);
  return pathsOfName(folder, `${key}-${safeName(file.fileName)}`);
}

export function pathsOfName(folder: string, name: string): EntryPaths {
  const path = join(folder, name);
  return { folder, path, meta: `${path}.meta`, partial: `${path}.partial`, lock: `${path}.lock` };
}

/** To which entry a name in the folder belongs, and as what; `undefined` for names that the cache never makes. */
export function partOfEntry(name: string): { entry: string; part: string } | undefined {
  if (!/^[0-9a-f]{16}-./.test(name)) return undefined;
  const [, entry = '', part = ''] = suffix.exec(name) ?? [];
  return { entry, part };
}

/** A name that every file system takes and that none of our suffixes ends. */
function safeName(fileName: string): string {
  const plain = fileName.replace(/[^\w.()+@=-]/g, '_').slice(-150);
  const whole = /[. ]$/.test(plain) || plain === '' ? `${plain}_` : plain;
  return suffix.exec(whole)?.[2] === undefined ? whole : `${whole}_`;
}

const tag = `Signature: 8a477f597d28d172789f06886806bc55
# This folder is the weight cache of dovecote. Programs that make backups may leave it out
# (https://bford.info/cachedir/). \`dovecote cache clear\` empties it.
`;
const tagName = 'CACHEDIR.TAG';

/** Makes the folder and marks it as a cache of ours. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, tagName), tag, { flag: 'wx' }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  } catch (error) {
    throw cacheFailure(error, folder);
  }
}

/** Whether `prepareFolder` made this folder. */
export async function isOurFolder(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, tagName), 'utf8').catch(() => '');
  return text.startsWith('Signature: 8a477f597d28d172789f06886806bc55') && text.includes('dovecote');
}

export function isTag(name: string): boolean {
  return name === tagName;
}

/** The record of an entry; `undefined` when there is none or it cannot be understood. */
export async function readRecord(entry: EntryPaths): Promise<EntryRecord | undefined> {
  try {
    const value = JSON.parse(await readFile(entry.meta, 'utf8')) as Partial<EntryRecord> | null;
    const complete =
      value?.version === 1 &&
      typeof value.url === 'string' &&
      typeof value.fileName === 'string' &&
      typeof value.size === 'number' &&
      typeof value.sha256 === 'string';
    return complete ? (value as EntryRecord) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return undefined;
    throw cacheFailure(error, entry.meta);
  }
}

export async function writeRecord(entry: EntryPaths, record: EntryRecord): Promise<void> {
  const temporary = `${entry.meta}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(record, undefined, 2)}\n`);
    await rename(temporary, entry.meta);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cacheFailure(error, entry.meta);
  }
}

export async function recordOf(
  path: string,
  file: RemoteFile,
  digest: FileDigest,
  more: Pick<EntryRecord, 'etag' | 'lastModified' | 'source'> = {},
): Promise<EntryRecord> {
  const { mtimeMs } = await stat(path);
  return {
    version: 1,
    url: shownUrl(file.url),
    fileName: file.fileName,
    ...digest,
    mtimeMs,
    storedAt: new Date().toISOString(),
    ...more,
  };
}
