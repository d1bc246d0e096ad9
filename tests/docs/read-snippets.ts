import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootFolder } from '../support/dist.ts';

/** A fenced block of the guide. */
export interface Snippet {
  /** For example `README.md:70`. */
  readonly place: string;
  readonly language: string;
  readonly lines: readonly string[];
}

/** All fenced blocks of README and docs/, in order. */
export function readSnippets(): Snippet[] {
  const files = ['README.md', ...readdirSync(join(rootFolder, 'docs')).map((name) => `docs/${name}`)];
  return files.filter((name) => name.endsWith('.md')).flatMap(snippetsOf);
}

function snippetsOf(file: string): Snippet[] {
  const found: { place: string; language: string; lines: string[] }[] = [];
  let isOpen = false;
  readFileSync(join(rootFolder, file), 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const fence = /^\s*```(\w*)/.exec(line);
      if (fence === null) {
        if (isOpen) found.at(-1)!.lines.push(line);
        return;
      }
      isOpen = !isOpen;
      if (isOpen) found.push({ place: `${file}:${index + 1}`, language: fence[1]!, lines: [] });
    });
  return found;
}
