import { copyFile } from 'node:fs/promises';
import { defineConfig } from 'tsup';

const embedded = 'efficientnet-lite0.int8.safetensors';

export default defineConfig({
  entry: {
    node: 'src/node.ts',
    browser: 'src/browser.ts',
    converters: 'converters/index.ts',
    embedded: 'src/embedded/index.ts',
    cli: 'src/cli/main.ts',
  },
  format: ['esm'],
  target: 'es2022',
  platform: 'neutral',
  splitting: true,
  removeNodeProtocol: false,
  dts: {
    entry: {
      node: 'src/node.ts',
      browser: 'src/browser.ts',
      converters: 'converters/index.ts',
      embedded: 'src/embedded/index.ts',
      'asset-module': 'src/embedded/asset-module.d.ts',
    },
  },
  clean: true,
  sourcemap: false,
  // tsup takes optional dependencies for bundled ones; nothing from node_modules belongs into dist.
  skipNodeModulesBundle: true,
  onSuccess: () => copyFile(`src/embedded/${embedded}`, `dist/${embedded}`),
});
