import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { rootFolder } from './dist.ts';

export interface Artist {
  readonly set: string;
  readonly role: 'training' | 'validation';
  readonly icons: object;
  readonly title: string;
  readonly author: string;
  readonly url: string;
  readonly licence: string;
}

export interface PlannedPicture {
  readonly vendor: Artist;
  readonly label: string;
  readonly drawing: string;
  /** `<role>/<label>/<name>.jpg` */
  readonly file: string;
}

/** The demo's modules, which are plain JavaScript, with the types of what the tests call. */
interface Modules {
  'settings.mjs': {
    vendors: readonly { set: string; role: 'training' | 'validation' }[];
    classes: Record<string, readonly string[]>;
    picturesPerVendor: { training: number; validation: number };
  };
  'drawings.mjs': { loadVendor: (vendor: { set: string; role: string }) => Artist };
  'training-folder.mjs': { planPictures: (vendors: readonly Artist[]) => PlannedPicture[] };
  'render.mjs': {
    renderPicture: (icons: object, name: string, seed: number, key: string) => Promise<Buffer>;
  };
  'output-folder.mjs': {
    checkOutput: (folder: string) => Promise<'missing' | 'empty' | 'own'>;
    stageOutput: (folder: string) => Promise<string>;
    publishOutput: (staging: string, folder: string) => Promise<void>;
  };
  'report.mjs': { reportPage: (facts: object) => Promise<string> };
  'terminal.mjs': {
    createProgress: (stream: NodeJS.WriteStream) => {
      onProgress: (progress: object) => void;
      finish: () => void;
    };
  };
}

export async function demoModule<Name extends keyof Modules>(name: Name): Promise<Modules[Name]> {
  const url = pathToFileURL(join(rootFolder, 'examples', 'demo', name)).href;
  return (await import(/* @vite-ignore */ url)) as Modules[Name];
}
