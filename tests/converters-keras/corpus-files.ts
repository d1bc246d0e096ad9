import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const FOLDER = new URL('../converters/corpus/', import.meta.url);
const FILES = readdirSync(FOLDER);

/** A file of the converter's corpus, by its name without `.gz`. */
export function corpusFile(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.gz`, FOLDER))));
}

export interface CorpusFile {
  readonly model: string;
  /** The Keras that wrote it. */
  readonly keras: '2' | '3';
  readonly ending: 'h5' | 'keras';
  readonly file: string;
}

export const CORPUS_FILES: readonly CorpusFile[] = FILES.filter((name) => name.endsWith('.gz'))
  .sort()
  .map((name) => {
    const [model, version, ending] = name.split('.') as [string, string, 'h5' | 'keras'];
    return { model, keras: version.slice(-1) as '2' | '3', ending, file: name.slice(0, -'.gz'.length) };
  });

export const hasCorpusFile = (name: string) => FILES.includes(`${name}.gz`);
