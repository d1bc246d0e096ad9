/* eslint-disable no-console */
import { build as esbuild } from 'esbuild';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import prettyBytes from 'pretty-bytes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build as vite } from 'vite';
import { ensureBuilt, rootFolder } from '../support/dist.ts';
import { ConsumerProject, isOffline } from './consumer-project.ts';

const { version } = JSON.parse(readFileSync(join(rootFolder, 'package.json'), 'utf8')) as { version: string };

let project: ConsumerProject;
let offline = false;

beforeAll(async () => {
  await ensureBuilt();
  try {
    project = await ConsumerProject.create();
  } catch (error) {
    if (process.env['CI'] === 'true' || !isOffline(error)) throw error;
    offline = true;
    console.warn('skipping the test of the installed package: the npm registry cannot be reached');
  }
}, 600_000);

afterAll(() => project?.remove());

function install(name: string, test: () => Promise<void>): void {
  it(name, async (context) => {
    if (offline) context.skip('the npm registry cannot be reached');
    await test();
  });
}

describe('the packed package, installed into an empty project', () => {
  install('holds what a user needs and nothing else', async () => {
    const folder = join(project.folder, 'node_modules/dovecote');
    for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/cli.js', 'dist/node.d.ts']) {
      await expect(stat(join(folder, file)), file).resolves.toBeDefined();
    }
    for (const file of ['src', 'tests', 'tools', 'zoo', 'converters', 'bench', 'tsup.config.ts']) {
      await expect(stat(join(folder, file)), file).rejects.toThrow(/ENOENT/);
    }
  });

  install('has types for every entry, for strict TypeScript with NodeNext resolution', async () => {
    await project.write('program.ts', typedProgram);
    await project.write('tsconfig.json', tsconfig({ module: 'NodeNext', moduleResolution: 'NodeNext' }));
    const { stdout } = await project.tool('typescript/bin/tsc', ['-p', 'tsconfig.json']);
    expect(stdout).toBe('');
  });

  install('has declarations without an error of their own, for those who check libraries too', async () => {
    const options = { module: 'NodeNext', moduleResolution: 'NodeNext', skipLibCheck: false };
    await project.write('checked/program.ts', typedProgram);
    await project.write('checked/tsconfig.json', tsconfig(options));
    const output = await project.tool('typescript/bin/tsc', ['-p', 'checked/tsconfig.json', '--noEmit']).then(
      ({ stdout }) => stdout,
      (error: unknown) => String(error),
    );
    // The declarations of tfjs 4.22 have errors, which are not ours.
    const errors = output.split('\n').filter((line) => /: error TS/.test(line) && !/@tensorflow/.test(line));
    expect(errors).toEqual([]);
  });

  install('has types that catch a wrong call', async () => {
    await project.write('wrong/program.ts', `import { loadModel } from 'dovecote';\nawait loadModel(42);\n`);
    await project.write(
      'wrong/tsconfig.json',
      tsconfig({ module: 'NodeNext', moduleResolution: 'NodeNext' }),
    );
    await expect(project.tool('typescript/bin/tsc', ['-p', 'wrong/tsconfig.json'])).rejects.toThrow(
      /TS2345|TS2769/,
    );
  });

  install('has types for projects that are bundled', async () => {
    await project.write('bundled/program.ts', browserProgram);
    await project.write(
      'bundled/tsconfig.json',
      tsconfig({ module: 'ESNext', moduleResolution: 'Bundler', lib: ['ES2023', 'DOM', 'DOM.Iterable'] }),
    );
    const { stdout } = await project.tool('typescript/bin/tsc', ['-p', 'bundled/tsconfig.json', '--noEmit']);
    expect(stdout).toBe('');
  });

  install('runs in Node as compiled by tsc', async () => {
    const { stdout } = await project.node(['out/program.js']);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({
      models: expect.arrayContaining(['squeezenet']) as unknown,
      refused: 'MODEL_UNKNOWN',
      isDovecoteError: true,
      shape: [1, 8, 8, 3],
    });
    expect(result['table']).toContain('fire2/expand3x3');
    expect(result['table']).toContain('1,235,496');
  });

  install('brings the command line', async () => {
    const { stdout } = await project.npx(['dovecote', '--version']);
    expect(stdout.trim()).toBe(version);
  });

  install('lists the networks from the command line', async () => {
    const { stdout } = await project.npx(['dovecote', 'list', '--json']);
    expect((JSON.parse(stdout) as { name: string }[]).map((model) => model.name)).toContain('squeezenet');
  });
});

describe('bundled for the browser', () => {
  install('by esbuild without configuration, it holds no Node code', async () => {
    await project.write('app/main.ts', browserProgram);
    const outfile = join(project.folder, 'app/bundle.js');
    const { metafile, warnings } = await esbuild({
      entryPoints: [join(project.folder, 'app/main.ts')],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      minify: true,
      metafile: true,
      logLevel: 'silent',
      outfile,
    });
    const outside = Object.values(metafile.outputs).flatMap((output) =>
      output.imports.filter((entry) => entry.external),
    );
    expect(outside).toEqual([]);
    expectBrowserCode(Object.keys(metafile.inputs), await readFile(outfile, 'utf8'));
    expect(warnings.map((warning) => warning.text)).toEqual([]);
    console.info(
      `size of the bundle for browsers (esbuild, minified): ${prettyBytes((await stat(outfile)).size)}`,
    );
  });

  install('by Vite without configuration, it holds no Node code', async () => {
    await project.write('site/index.html', '<!doctype html><script type="module" src="./main.ts"></script>');
    await project.write('site/main.ts', browserProgram);
    const warnings: string[] = [];
    const result = await vite({
      root: join(project.folder, 'site'),
      configFile: false,
      logLevel: 'silent',
      build: {
        chunkSizeWarningLimit: 1e6,
        rollupOptions: { onwarn: (warning) => warnings.push(warning.message) },
      },
    });
    if (Array.isArray(result) || !('output' in result)) throw new Error('Vite gave no output');
    const chunks = result.output.filter((file) => file.type === 'chunk');
    const code = chunks.map((chunk) => chunk.code).join('\n');
    expectBrowserCode(
      chunks.flatMap((chunk) => chunk.moduleIds),
      code,
    );
    // tfjs-layers warns of its own `this` at the top level of a module.
    expect(warnings.filter((warning) => warning.includes('dovecote/dist'))).toEqual([]);
    console.info(`size of the bundle for browsers (Vite): ${prettyBytes(code.length)}`);
  });
});

function expectBrowserCode(modules: readonly string[], code: string): void {
  expect(modules.some((path) => path.includes('node_modules/dovecote/dist/browser.js'))).toBe(true);
  const nodeOnly =
    /node_modules\/(sharp|undici|onnxruntime-node|commander|cli-progress|proper-lockfile|env-paths)\/|dovecote\/dist\/(node|cli)\.js/;
  expect(modules.filter((path) => nodeOnly.test(path))).toEqual([]);
  expect(code).not.toMatch(/(from|import|require)\s*\(?\s*["'`]node:/);
  expect(code).not.toMatch(
    /(from|import\(|require\()\s*["'`](sharp|undici|onnxruntime-node|fs|path|module)["'`]/,
  );
}

function tsconfig(options: Record<string, unknown>): string {
  const common = {
    target: 'ES2022',
    strict: true,
    outDir: 'out',
    types: [],
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
  };
  return JSON.stringify({ compilerOptions: { ...common, ...options }, files: ['program.ts'] });
}

/** Uses each entry; what it prints is checked above. */
const typedProgram = `
import * as tf from '@tensorflow/tfjs';
import { DovecoteError, classify, convert, fineTune, listModels, loadImage, loadModel, preprocessInput, summary } from 'dovecote';
import type { Prediction } from 'dovecote';
import * as node from 'dovecote/node';
import type { loadModel as loadInBrowser } from 'dovecote/browser';
import { convertKeras, inspectModelFile, readModelFile } from 'dovecote/converters';

const functions: ((...args: never[]) => unknown)[] =
  [classify, convert, fineTune, loadImage, node.classify, convertKeras, inspectModelFile, readModelFile];
if (!functions.every((each) => typeof each === 'function')) throw new Error('an export is missing');
export type Label = Prediction['label'];
export type Load = typeof loadInBrowser;

let refused: unknown;
try {
  await loadModel('squeezenot');
} catch (error) {
  refused = error;
}
const model = await loadModel('squeezenet', { weights: null });
const preprocessed = preprocessInput(tf.zeros<tf.Rank.R4>([1, 8, 8, 3]), 'caffe');
console.log(JSON.stringify({
  models: listModels().map((card) => card.name),
  refused: refused instanceof DovecoteError ? refused.code : String(refused),
  isDovecoteError: refused instanceof node.DovecoteError,
  shape: preprocessed.shape,
  table: summary(model),
}));
`;

const browserProgram = `
import { classify, listModels, loadModel, summary } from 'dovecote';
import { inspectModelFile } from 'dovecote/converters';

const model = await loadModel('squeezenet', { weights: null });
document.body.textContent = summary(model) + listModels().length + typeof inspectModelFile;
console.log(await classify([document.querySelector('img')!], { model }));
`;
