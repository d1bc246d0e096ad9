/* eslint-disable no-console */
import { readFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/diagnosis/diagnosis.ts';
import { embeddedModel } from '../../src/embedded/index.ts';
import { ensureBuilt, rootFolder } from '../support/dist.ts';
import { describeBundles } from './bundled-for-browsers.ts';
import { ConsumerProject, isOffline, type Install } from './consumer-project.ts';
import { describeInNode } from './embedded-in-node.ts';

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

const install: Install = (name, test) => {
  it(name, async (context) => {
    if (offline) context.skip('the npm registry cannot be reached');
    await test(context);
  });
};

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

  install('holds the network once, and little else', async () => {
    const sizes = new Map<string, number>();
    const folder = join(project.folder, 'node_modules/dovecote');
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) sizes.set(path.slice(folder.length + 1), (await stat(path)).size);
    }
    const { fileName, size } = embeddedModel;
    expect(sizes.get(`dist/${fileName}`)).toBe(size);
    const large = [...sizes].filter(([, bytes]) => bytes > 700_000).map(([path]) => path);
    expect(large).toEqual([`dist/${fileName}`]);
    const total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    // The library; the command line and the page of an export, which are programs of their own.
    expect(total - size).toBeLessThan(2_500_000);
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

  install(
    'takes tfjs-node for training where it is installed and loads, and says why where not',
    async () => {
      const home = 'node_modules/@tensorflow/tfjs-node';
      const doctor = async () => {
        const { stdout } = await project
          .node(['node_modules/dovecote/dist/cli.js', 'doctor', '--json'])
          .catch(
            // It ends with exit code 1 where something is broken.
            (error: unknown) => (error as { cause: { stdout: string } }).cause,
          );
        return (JSON.parse(stdout) as Diagnosis).tfjs;
      };
      try {
        await project.write(
          `${home}/package.json`,
          JSON.stringify({ name: '@tensorflow/tfjs-node', main: 'i.js' }),
        );
        await project.write(`${home}/i.js`, `throw new Error('this Node is too new');`);
        const broken = await doctor();
        expect(broken.backend).toBe('wasm');
        expect(broken.backends).toContainEqual({
          name: 'tensorflow',
          package: '@tensorflow/tfjs-node',
          works: false,
          why: 'does not load: this Node is too new',
        });
        await project.write(`${home}/i.js`, likeTfjsNode);
        expect(await doctor()).toMatchObject({ backend: 'tensorflow' });
      } finally {
        await rm(join(project.folder, home), { recursive: true });
      }
    },
  );
});

/** What tfjs-node does when it is imported, with the cpu backend in place of TensorFlow. */
const likeTfjsNode = `
const tf = require('@tensorflow/tfjs');
for (const kernel of tf.getKernelsForBackend('cpu')) tf.registerKernel({ ...kernel, backendName: 'tensorflow' });
tf.registerBackend('tensorflow', tf.findBackendFactory('cpu'), 3);
tf.setBackend('tensorflow');
module.exports = tf;
`;

describe('bundled for browsers', () => describeBundles(install, () => project));

describe('the network in the package, in Node', () => describeInNode(install, () => project));

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
import { embeddedModel } from 'dovecote/embedded';
import { configureOnnxRuntime } from 'dovecote/onnx-web';

export const where: URL = embeddedModel.url;
const functions: ((...args: never[]) => unknown)[] =
  [classify, convert, fineTune, loadImage, node.classify, convertKeras, inspectModelFile, readModelFile, configureOnnxRuntime];
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
import address from 'dovecote/embedded/efficientnet-lite0.int8.safetensors';

const weights: string = address;
const model = await loadModel('efficientnet-lite0', { weights });
document.body.textContent = summary(model) + listModels().length + typeof inspectModelFile;
console.log(await classify([document.querySelector('img')!], { model }));
`;
