import { OptionDefaults } from 'typedoc';

/** The site of `npm run docs`: README and docs/ as the guide, the reference from the docstrings. */
export default {
  name: 'Dovecote',
  entryPoints: [
    'src/node.ts',
    'src/browser/entry.ts',
    'src/browser.ts',
    'src/worker.ts',
    'src/onnx-web.ts',
    'src/embedded/index.ts',
    'converters/index.ts',
  ],
  readme: 'README.md',
  plugin: ['./tools/docs/titles.js'],
  projectDocuments: [
    'docs/*.md',
    'examples/README.md',
    'examples/*/README.md',
    'tools/embed-model/README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
  ],
  out: 'docs-site',
  customCss: 'tools/docs/site.css',
  favicon: 'tools/docs/favicon.svg',
  blockTags: [...OptionDefaults.blockTags, '@source'],
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  includeVersion: true,
  // They would lead to another server.
  disableSources: true,
  hideGenerator: true,
  treatWarningsAsErrors: true,
  // TensorFlow.js's own types of an optimizer's state, which it does not export.
  intentionallyNotExported: [
    'src/optimizers/adam-w.ts:NamedTensor',
    'src/optimizers/adam-w.ts:Moment',
    'preprocessingModes',
  ],
};
