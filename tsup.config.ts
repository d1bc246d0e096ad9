import { copyFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';
import { defineConfig } from 'tsup';

const embedded = 'efficientnet-lite0.int8.safetensors';
const target = 'es2022';

export default defineConfig({
  entry: {
    node: 'src/node.ts',
    index: 'src/browser.ts',
    browser: 'src/browser/entry.ts',
    worker: 'src/worker.ts',
    converters: 'converters/index.ts',
    embedded: 'src/embedded/index.ts',
    'onnx-web': 'src/onnx-web.ts',
  },
  format: ['esm'],
  target,
  platform: 'neutral',
  splitting: true,
  removeNodeProtocol: false,
  dts: {
    entry: {
      node: 'src/node.ts',
      index: 'src/browser.ts',
      browser: 'src/browser/entry.ts',
      worker: 'src/worker.ts',
      converters: 'converters/index.ts',
      embedded: 'src/embedded/index.ts',
      'onnx-web': 'src/onnx-web.ts',
      'asset-module': 'src/embedded/asset-module.d.ts',
    },
  },
  clean: true,
  sourcemap: false,
  // tsup takes optional dependencies for bundled ones; nothing from node_modules belongs into dist.
  skipNodeModulesBundle: true,
  // Half as much to install. Errors are told by their codes, and name themselves.
  minify: true,
  async onSuccess() {
    await copyFile(`src/embedded/${embedded}`, `dist/${embedded}`);
    await buildCommandLine();
    await buildPage();
  },
});

/**
 * The command line is a program of its own, so that it may take tfjs by `require`: to import a CommonJS package, Node
 * first searches it for the names that it exports, which takes tfjs longer than running it. A library must not do so:
 * a program that is bundled with it would hold tfjs twice.
 */
async function buildCommandLine(): Promise<void> {
  await build({
    entryPoints: { cli: 'src/cli/main.ts' },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    target,
    platform: 'node',
    packages: 'external',
    chunkNames: 'cli-[hash]',
    minify: true,
    // Names of functions are not kept: messages are told by codes, and they are a twentieth of the size.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    plugins: [requireTfjs],
    logLevel: 'warning',
  });
}

/** The program of exported pages. TensorFlow.js stands beside it, as the global that its own file makes. */
async function buildPage(): Promise<void> {
  await build({
    entryPoints: { page: 'src/export/page/main.ts' },
    outdir: 'dist',
    bundle: true,
    format: 'iife',
    target,
    platform: 'browser',
    minify: true,
    legalComments: 'none',
    plugins: [
      {
        name: 'global-tfjs',
        setup(bundle) {
          bundle.onResolve({ filter: /^@tensorflow\/tfjs(-core|-layers)?$/ }, ({ path }) => ({
            path,
            namespace: 'global',
          }));
          bundle.onLoad({ filter: /.*/, namespace: 'global' }, () => ({
            contents: 'module.exports = globalThis.tf;',
            loader: 'js',
          }));
        },
      },
    ],
    logLevel: 'warning',
  });
}

/**
 * Of what `@tensorflow/tfjs` joins, the commands take the core, the layers and the cpu backend, in the copies that tfjs
 * itself takes: half of what it is. Gradients come with the whole, which the command that trains requires.
 */
const requireTfjs: Plugin = {
  name: 'require-tfjs',
  setup(bundle) {
    bundle.onResolve({ filter: /^@tensorflow\/tfjs$/ }, ({ kind, path }) =>
      kind === 'require-call' || kind === 'require-resolve'
        ? { path, external: true }
        : { path, namespace: 'required' },
    );
    bundle.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => {
      const requireFrom = createRequire(createRequire(import.meta.url).resolve(path));
      // Its names are written out, as esbuild's own way of giving them takes 20 ms at each start.
      const exported = ['core', 'layers'].flatMap((part) =>
        Object.keys(requireFrom(`@tensorflow/tfjs-${part}`) as object)
          .filter((name) => /^[A-Za-z_]\w*$/.test(name) && !/^(default|__esModule|version)$/.test(name))
          .map((name) => `export const ${name} = $${part}.${name};`),
      );
      return {
        contents: [
          `const tfjs = require.resolve(${JSON.stringify(path)});`,
          'const requireFrom = createRequire(tfjs);',
          "const $core = requireFrom('@tensorflow/tfjs-core');",
          "const $layers = requireFrom('@tensorflow/tfjs-layers');",
          "requireFrom('@tensorflow/tfjs-backend-cpu');",
          'export const version = { tfjs: $core.version_core };',
          ...exported,
        ].join('\n'),
        loader: 'js',
      };
    });
  },
};
