import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rootFolder } from '../support/dist.ts';

const run = promisify(execFile);

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}
interface Configuration {
  readonly forbidden: readonly { readonly name: string }[];
}

/** One file for each way to break a rule. */
const breaking: readonly (readonly [rule: string, file: string, code: string])[] = [
  [
    'no-circular',
    'src/circle-a.ts',
    `import { b } from './circle-b.ts';\nexport const a = (): unknown => b;`,
  ],
  ['base-imports-nothing', 'src/base/greedy.ts', `import { x } from '../plain.ts';\nexport const y = x;`],
  [
    'base-imports-nothing',
    'src/base/packages.ts',
    `import pretty from 'pretty-bytes';\nexport const y = pretty;`,
  ],
  [
    'zoo-is-a-leaf',
    'zoo/from-converters.ts',
    `import { x } from '../converters/plain.ts';\nexport const y = x;`,
  ],
  ['zoo-is-a-leaf', 'zoo/from-src.ts', `import { x } from '../src/plain.ts';\nexport const y = x;`],
  ['zoo-is-a-leaf', 'zoo/types-from-src.ts', `import type { T } from '../src/plain.ts';\nexport type U = T;`],
  [
    'converters-are-a-leaf',
    'converters/from-zoo.ts',
    `import { x } from '../zoo/plain.ts';\nexport const y = x;`,
  ],
  [
    'converters-are-a-leaf',
    'converters/from-src.ts',
    `import { x } from '../src/plain.ts';\nexport const y = x;`,
  ],
  [
    'layers-are-a-leaf',
    'src/layers/from-converters.ts',
    `import { x } from '../../converters/plain.ts';\nexport const y = x;`,
  ],
  ['layers-are-a-leaf', 'src/layers/from-src.ts', `import { x } from '../plain.ts';\nexport const y = x;`],
  [
    'layers-are-a-leaf',
    'src/layers/from-zoo.ts',
    `import { x } from '../../zoo/plain.ts';\nexport const y = x;`,
  ],
  [
    'leaves-are-pure',
    'zoo/reads.ts',
    `import { readFileSync } from 'node:fs';\nexport const y = readFileSync;`,
  ],
  ['leaves-are-pure', 'converters/reads.ts', `import path from 'path';\nexport const y = path;`],
  [
    'leaves-know-no-platform-package',
    'converters/draws.ts',
    `import sharp from 'sharp';\nexport const y = sharp;`,
  ],
  [
    'leaves-know-no-platform-package',
    'zoo/runs.ts',
    `import * as ort from 'onnxruntime-node';\nexport const y = ort;`,
  ],
  [
    'converters-are-free-of-tfjs',
    'converters/tf.ts',
    `import * as tf from '@tensorflow/tfjs';\nexport const y = tf;`,
  ],
  ['nothing-imports-the-cli', 'src/uses-cli.ts', `import { x } from './cli/plain.ts';\nexport const y = x;`],
  [
    'node-code-in-node-files',
    'src/reads.ts',
    `import { readFile } from 'node:fs/promises';\nexport const y = readFile;`,
  ],
  [
    'node-code-in-node-files',
    'src/reads.browser.ts',
    `import { join } from 'node:path';\nexport const y = join;`,
  ],
  ['node-code-in-node-files', 'src/later.ts', `export const y = () => import('node:os');`],
  [
    'node-packages-in-node-files',
    'src/fetches.ts',
    `import { fetch } from 'undici';\nexport const y = fetch;`,
  ],
  ['node-packages-in-node-files', 'src/draws.ts', `export const y = () => import('sharp');`],
  [
    'isomorphic-code-imports-no-platform-file',
    'src/mixed.ts',
    `import { x } from './plain.node.ts';\nexport const y = x;`,
  ],
  [
    'isomorphic-code-imports-no-platform-file',
    'src/dom.ts',
    `import { x } from './plain.browser.ts';\nexport const y = x;`,
  ],
  [
    'browser-code-imports-no-node-file',
    'src/wrong.browser.ts',
    `import { x } from './plain.node.ts';\nexport const y = x;`,
  ],
  [
    'node-code-imports-no-browser-file',
    'src/wrong.node.ts',
    `import { x } from './plain.browser.ts';\nexport const y = x;`,
  ],
  ['no-undeclared-package', 'src/by-luck.ts', `import chalk from 'cli-table3';\nexport const y = chalk;`],
  ['no-unresolved', 'src/lost.ts', `import { x } from './nowhere.ts';\nexport const y = x;`],
  [
    'no-dev-dependency-at-run-time',
    'src/builds.node.ts',
    `import { build } from 'esbuild';\nexport const y = build;`,
  ],
];

/** Files that keep to the rules, close to the line. */
const legal: readonly (readonly [file: string, code: string])[] = [
  ['src/plain.ts', 'export const x = 1;\nexport type T = number;'],
  ['src/base/plain.ts', 'export const x = 1;'],
  ['src/circle-b.ts', `import { a } from './circle-a.ts';\nexport const b = (): unknown => a;`],
  [
    'zoo/plain.ts',
    `import * as tf from '@tensorflow/tfjs';\nimport { x as y } from '../src/base/plain.ts';\nexport const x = [tf, y];`,
  ],
  ['converters/plain.ts', `import { x as y } from '../src/base/plain.ts';\nexport const x = y;`],
  [
    'src/plain.node.ts',
    `import { readFile } from 'node:fs/promises';\nimport sharp from 'sharp';\nexport const x = [readFile, sharp];`,
  ],
  ['src/plain.browser.ts', 'export const x = 1;'],
  ['zoo/layers/plain.ts', 'export const x = 1;'],
  [
    'src/layers/plain.ts',
    `import * as tf from '@tensorflow/tfjs';\nimport { x as y } from '../../zoo/layers/plain.ts';\nimport { x as z } from '../base/plain.ts';\nexport const x = [tf, y, z];`,
  ],
  [
    'src/cli/plain.ts',
    `import { Command } from 'commander';\nimport { x as y } from '../plain.node.ts';\nexport const x = [Command, y];`,
  ],
  ['src/node.ts', `export { x } from './plain.node.ts';`],
  ['src/browser.ts', `export { x } from './plain.browser.ts';`],
  [
    'src/joins.ts',
    `import { x } from '../zoo/plain.ts';\nimport { x as z } from '../converters/plain.ts';\nexport const y = [x, z];`,
  ],
  ['src/types.node.ts', `import type { Plugin } from 'esbuild';\nexport type P = Plugin;`],
];

let folder: string;
let violations: Violation[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dovecote-rules-'));
  for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) {
    await copyFile(join(rootFolder, file), join(folder, file));
  }
  await symlink(join(rootFolder, 'node_modules'), join(folder, 'node_modules'));
  for (const [file, code] of [...legal, ...breaking.map(([, file, code]) => [file, code] as const)]) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${code}\n`);
  }
  violations = await cruise();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** What `npm run lint` runs, as JSON; it exits with an error when there are violations. */
async function cruise(): Promise<Violation[]> {
  const program = join(rootFolder, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src', 'zoo', 'converters'];
  const output = await run(process.execPath, [program, ...args], { cwd: folder, maxBuffer: 64e6 }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
  return (JSON.parse(output) as { summary: { violations: Violation[] } }).summary.violations;
}

describe('the import rules', () => {
  it.each(breaking)('%s: %s is refused', (rule, file) => {
    expect(
      violations.filter((violation) => violation.from === file).map(({ rule: { name } }) => name),
    ).toContain(rule);
  });

  it.each(legal.filter(([file]) => file !== 'src/circle-b.ts'))('%s is allowed', (file) => {
    expect(violations.filter((violation) => violation.from === file)).toEqual([]);
  });

  it('are all tried here', () => {
    const { forbidden } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as Configuration;
    const tried = new Set(breaking.map(([rule]) => rule));
    expect(forbidden.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
  });
});
