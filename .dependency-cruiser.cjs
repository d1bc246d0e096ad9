/** The rooms and the one direction in which imports may point; see CONTRIBUTING.md. */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'base-imports-nothing',
      severity: 'error',
      from: { path: '^src/base/' },
      to: { pathNot: '^src/base/' },
    },
    {
      name: 'zoo-is-a-leaf',
      severity: 'error',
      from: { path: '^zoo/' },
      to: { path: '^(converters|src/(?!base/))' },
    },
    {
      name: 'converters-are-a-leaf',
      severity: 'error',
      from: { path: '^converters/' },
      to: { path: '^(zoo|src/(?!base/))' },
    },
    {
      name: 'layers-are-a-leaf',
      comment: 'the layers of converted models build on tfjs and on those of the zoo',
      severity: 'error',
      from: { path: '^src/layers/' },
      to: { path: '^(converters|zoo/(?!layers/)|src/(?!base/|layers/))' },
    },
    {
      name: 'leaves-are-pure',
      comment: 'zoo and converters run in Node and in browsers alike',
      severity: 'error',
      from: { path: '^(zoo|converters)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'leaves-know-no-platform-package',
      severity: 'error',
      from: { path: '^(zoo|converters)/' },
      to: {
        path: 'node_modules/(sharp|undici|onnxruntime-node|commander|cli-progress|proper-lockfile|env-paths|tinyglobby)/',
      },
    },
    {
      name: 'converters-are-free-of-tfjs',
      comment: 'bytes in, artifacts out',
      severity: 'error',
      from: { path: '^converters/' },
      to: { path: 'node_modules/@tensorflow/' },
    },
    {
      name: 'nothing-imports-the-cli',
      severity: 'error',
      from: { pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'node-code-in-node-files',
      comment: 'only *.node.ts, the Node entry and the CLI may touch Node modules or Node-only packages',
      severity: 'error',
      from: { path: '^src/', pathNot: '(\\.node\\.ts$|^src/node\\.ts$|^src/cli/)' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'node-packages-in-node-files',
      severity: 'error',
      from: { path: '^src/', pathNot: '(\\.node\\.ts$|^src/node\\.ts$|^src/cli/)' },
      to: {
        path: 'node_modules/(sharp|undici|onnxruntime-node|commander|cli-progress|proper-lockfile|env-paths|tinyglobby)/',
      },
    },
    {
      name: 'isomorphic-code-imports-no-platform-file',
      severity: 'error',
      // src/browser, the worker and the program of exported pages are for browsers alone.
      from: {
        path: '^src/',
        pathNot:
          '(\\.(node|browser)\\.ts$|^src/(node|browser)\\.ts$|^src/cli/|^src/export/page/|^src/browser/|^src/worker\\.ts$)',
      },
      to: { path: '\\.(node|browser)\\.ts$|^src/(node|browser)\\.ts$' },
    },
    {
      name: 'browser-code-imports-no-node-file',
      severity: 'error',
      from: { path: '\\.browser\\.ts$|^src/browser(\\.ts$|/)|^src/worker\\.ts$' },
      to: { path: '\\.node\\.ts$|^src/node\\.ts$' },
    },
    {
      name: 'node-code-imports-no-browser-file',
      severity: 'error',
      from: { path: '\\.node\\.ts$|^src/node\\.ts$|^src/cli/' },
      to: { path: '\\.browser\\.ts$|^src/browser\\.ts$' },
    },
    {
      name: 'no-undeclared-package',
      comment: 'a package that package.json does not name is there by luck',
      severity: 'error',
      from: {},
      // Its subpaths resolve to a file of types, which counts as unknown; it is declared.
      to: {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'],
        pathNot: '^node_modules/onnxruntime-web/',
      },
    },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependency-at-run-time',
      severity: 'error',
      from: {},
      // What is an optional peer is installed here to be tested with.
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm-peer'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'types', 'default'],
    },
  },
};
