import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    node: 'src/node.ts',
    browser: 'src/browser.ts',
    converters: 'converters/index.ts',
    cli: 'src/cli/main.ts',
  },
  format: ['esm'],
  target: 'es2022',
  platform: 'neutral',
  splitting: true,
  removeNodeProtocol: false,
  dts: { entry: { node: 'src/node.ts', browser: 'src/browser.ts', converters: 'converters/index.ts' } },
  clean: true,
  sourcemap: false,
  // tsup takes optional dependencies for bundled ones; nothing from node_modules belongs into dist.
  skipNodeModulesBundle: true,
});
