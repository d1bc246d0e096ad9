import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distFile, ensureBuilt, rootFolder } from '../support/dist.ts';
import { runCli } from '../support/run-cli.ts';
import { hasShared } from '../support/shared.ts';
import { skipSites, VisitedSite } from '../support/site.ts';
import type { Snippet } from './read-snippets.ts';
import { readSnippets } from './read-snippets.ts';
import { fillWorld } from './world.ts';

/** How a snippet is run. Every one has a line here, found by how it begins; a new one without a line fails. */
type Plan =
  | {
      readonly by: 'shell';
      readonly rewrite?: readonly (readonly [string, string])[];
      /** What the reader has done before. */
      readonly first?: readonly string[];
      /** Removed before a line that begins so. */
      readonly before?: Readonly<Record<string, string>>;
    }
  | {
      readonly by: 'node';
      readonly before?: string;
      readonly after?: string;
      readonly rewrite?: readonly (readonly [string, string])[];
    }
  | {
      readonly by: 'page';
      readonly before: string;
      readonly after: string;
      readonly rewrite?: readonly (readonly [string, string])[];
    }
  | { readonly by: 'other'; readonly why: string };

const cat = `const photo = await (await fetch('cat.jpg')).blob();`;
const seesCat = 'globalThis.seen = predictions[0].label;';

const plans: Readonly<Record<string, Plan>> = {
  '$ npm install dovecote': { by: 'shell' },
  "import { classify } from 'dovecote';": { by: 'node' },
  'npm install && npm run demo': { by: 'other', why: '.ci/run runs both commands, word for word' },
  '$ dovecote classify chelsea.jpg --top 3': { by: 'shell' },
  "import { classify, disposeModel, loadModel } from 'dovecote';": { by: 'node' },
  'dovecote inspect model.keras': { by: 'shell' },
  'dovecote train flowers/ --out flower-model/ --seed 1': { by: 'shell' },
  "import { fineTune, saveModel } from 'dovecote';": { by: 'node' },
  'dovecote check flowers/ --validation test/': {
    by: 'shell',
    first: ['train flowers/ --out flower-model/'],
    // A kill leaves no output behind.
    before: { 'dovecote train flowers/ --resume': 'flowers-model' },
  },
  'dovecote summary efficientnet-lite0': { by: 'shell' },
  "import { features, loadModel } from 'dovecote';": {
    by: 'node',
    before: 'const prepared = new Float32Array(224 * 224 * 3);',
    after: 'console.log(edges.shape.join(), parts.shape.join());',
    rewrite: [['{ includeTop: false }', '{ includeTop: false, weights: null }']],
  },
  "const model = await loadModel('mobilenet'": {
    by: 'node',
    before: "import { loadModel } from 'dovecote';",
    rewrite: [['alpha: 0.25,', 'alpha: 0.25, weights: null,']],
  },
  'dovecote classify cat.jpg --model mobilenet --alpha 0.25': {
    by: 'shell',
    // Weights that cannot be had here are replaced by files of the same form.
    rewrite: [
      ['--model mobilenet --alpha 0.25', '--model mobilenet --alpha 0.25 --weights mobilenet_2_5_224_tf.h5'],
      ['--minimalistic', '--minimalistic --weights mobilenetv3small.h5'],
    ],
  },
  'dovecote classify photo.jpg --model ./my-image-model': { by: 'shell' },
  'const network = await compileModel(model,': {
    by: 'node',
    before: "import { compileModel, loadModel } from 'dovecote';\nconst model = await loadModel();",
    after: 'console.log(network.precision.sameTop1);',
  },
  'dovecote classify photos/ --precision int8': { by: 'shell' },
  'import { buildClassifier, Learner, loadModel, TensorBoard, unfreezeFrom }': { by: 'node' },
  "const dataset = await readDataset('flowers.csv');": {
    by: 'node',
    before: "import { readDataset, splitDataset } from 'dovecote';",
    after:
      'console.log(training.images.length, validation.images.length, test.images.length, remarks.length);',
  },
  '// dovecote-worker.js': { by: 'other', why: 'it is the worker of the page that follows' },
  "import { downloadFile, openWorker } from 'dovecote/browser';": {
    by: 'page',
    before: `${cat}
const files = await Promise.all(['ant 1', 'ant 2', 'bee 1', 'bee 2'].map(async (name) =>
  new File([await (await fetch(name.startsWith('ant') ? 'cat.jpg' : 'dog.jpg')).blob()], name)));`,
    after: `${seesCat} if (overlay.width < 100 || trained.classes.join() !== 'ant,bee') throw new Error('wrong');`,
  },
  "import address from 'dovecote/embedded/": {
    by: 'page',
    before: `import { classify, loadModel } from 'dovecote';\n${cat}`,
    after: seesCat,
    // As the comment says.
    rewrite: [[".safetensors'", ".safetensors?url'"]],
  },
  "import { configureOnnxRuntime } from 'dovecote/onnx-web';": {
    by: 'page',
    before: `import { classify } from 'dovecote';\n${cat}`,
    after: `${seesCat} configureOnnxRuntime({});`,
  },
};

/** Lines of a shell that are not Dovecote's; each with a reason. */
const otherCommands: Readonly<Record<string, string>> = {
  '$ npm install dovecote': 'tests/package packs and installs it',
};

const snippets = readSnippets();
const planOf = ({ lines }: Snippet): [string, Plan] | undefined =>
  Object.entries(plans).find(([start]) => lines[0]!.startsWith(start));

describe('the snippets of README and docs/', () => {
  let world: string;
  let built: Promise<void> | undefined;
  const pages = async () => {
    await (built ??= buildPages(world));
    return join(world, 'pages', 'site');
  };

  beforeAll(async () => {
    await ensureBuilt();
    world = await mkdtemp(join(tmpdir(), 'dovecote-guide-'));
    await fillWorld(join(world, 'start'));
  });
  afterAll(() => rm(world, { recursive: true, force: true }));

  it('all have a plan, and every plan has a snippet', () => {
    expect(snippets.filter((snippet) => planOf(snippet) === undefined).map(({ place }) => place)).toEqual([]);
    const used = new Set(snippets.map((snippet) => planOf(snippet)![0]));
    expect(Object.keys(plans).filter((start) => !used.has(start))).toEqual([]);
    const lines = new Set(snippets.flatMap((snippet) => snippet.lines));
    expect(Object.keys(otherCommands).filter((line) => !lines.has(line))).toEqual([]);
  });

  for (const [number, snippet] of snippets.entries()) {
    const plan = planOf(snippet)?.[1];
    const title = `${snippet.place}: ${snippet.lines[0]}`;
    if (plan === undefined || plan.by === 'other') continue;
    it.skipIf(plan.by === 'page' && skipSites)(title, async () => {
      if (plan.by === 'page') return runPage(await pages(), number);
      const folder = join(world, String(number));
      await cp(join(world, 'start'), folder, { recursive: true, verbatimSymlinks: true });
      if (plan.by === 'shell') await runShell(folder, snippet, plan);
      else await runProgram(folder, programOf(snippet, plan));
    });
  }
});

function programOf(
  { lines }: Snippet,
  { before = '', after = '', rewrite = [] }: Extract<Plan, { by: 'node' | 'page' }>,
): string {
  const text = rewritten(lines.join('\n'), rewrite);
  // Imports of a snippet come first, whatever is put before it.
  const imports = (code: string) => code.split('\n').filter((line) => line.startsWith('import '));
  const others = (code: string) => code.split('\n').filter((line) => !line.startsWith('import '));
  return [...imports(before), ...imports(text), ...others(before), ...others(text), after].join('\n');
}

function rewritten(text: string, rewrite: readonly (readonly [string, string])[]): string {
  return rewrite.reduce((code, [from, to]) => {
    expect(code).toContain(from);
    return code.replace(from, to);
  }, text);
}

async function runProgram(folder: string, code: string): Promise<void> {
  await writeFile(join(folder, 'program.mjs'), code);
  const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], {
    cwd: folder,
    env: { ...process.env, DOVECOTE_OFFLINE: '1', DOVECOTE_CACHE: join(folder, 'cache') },
  });
  if (code.includes('console.log')) expect(stdout.trim()).not.toBe('');
}

async function runShell(
  folder: string,
  { lines, language }: Snippet,
  { rewrite = [], before = {}, first = [] }: Extract<Plan, { by: 'shell' }>,
): Promise<void> {
  for (const command of first) expect((await runCli(command.split(' '), { cwd: folder })).code).toBe(0);
  const text = rewritten(lines.join('\n'), rewrite).split('\n');
  for (const [index, line] of text.entries()) {
    if (line in otherCommands || (language === 'console' && !line.startsWith('$ ')) || line.trim() === '')
      continue;
    const command = line
      .replace(/^\$ /, '')
      .replace(/^npx /, '')
      .replace(/\s+#.*$/, '');
    const [program, ...args] = command.split(/\s+/);
    expect(program, line).toBe('dovecote');
    const gone = Object.entries(before).find(([start]) => line.startsWith(start))?.[1];
    if (gone !== undefined) await rm(join(folder, gone), { recursive: true });
    const result = await runCli(args, { cwd: folder, env: { DOVECOTE_OFFLINE: '1' }, timeoutMs: 110_000 });
    expect(result.code, `${command}\n${result.stderr}`).toBe(0);
    const next = text.slice(index + 1);
    const end = next.findIndex((each) => each.startsWith('$ '));
    const printed = language === 'console' ? next.slice(0, end === -1 ? undefined : end) : [];
    // Of another photo than the one in the guide only the form is the same.
    const isSame = hasShared || !command.includes('cat.jpg');
    const form = (output: string) => (isSame ? output : output.replace(/[\d.]+ % .*/g, ''));
    if (printed.length > 0) expect(form(result.stdout)).toContain(form(printed.join('\n').trimEnd()));
  }
}

/** All pages in one build, each in a folder of its own. */
async function buildPages(world: string): Promise<void> {
  const root = join(world, 'pages');
  const worker = snippets.find(({ lines }) => lines[0] === '// dovecote-worker.js')!;
  const input: string[] = [];
  for (const [number, snippet] of snippets.entries()) {
    const plan = planOf(snippet)?.[1];
    if (plan?.by !== 'page') continue;
    const files = {
      'index.html':
        '<!doctype html><link rel="icon" href="data:,"><title>guide</title><script type="module" src="./main.js"></script>',
      'main.js': programOf(snippet, plan),
      'dovecote-worker.js': worker.lines.join('\n'),
    };
    await mkdir(join(root, String(number)), { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, String(number), name), text);
    input.push(join(root, String(number), 'index.html'));
  }
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    base: './',
    worker: { format: 'es' },
    resolve: {
      alias: [
        { find: /^dovecote$/, replacement: distFile('index.js') },
        { find: /^dovecote\/embedded\/(.+)$/, replacement: join(rootFolder, 'dist', '$1') },
        { find: /^dovecote\/([\w-]+)$/, replacement: join(rootFolder, 'dist', '$1.js') },
      ],
    },
    build: { target: 'es2022', outDir: 'site', chunkSizeWarningLimit: 1e6, rollupOptions: { input } },
  });
  for (const each of input) {
    const number = basename(dirname(each));
    for (const name of ['cat.jpg', 'dog.jpg'])
      await cp(join(world, 'start', name), join(root, 'site', number, name));
  }
}

async function runPage(site: string, number: number): Promise<void> {
  const visited = await VisitedSite.open(site, { acceptDownloads: true, path: `${number}/index.html` });
  try {
    await visited.page
      .waitForFunction(() => 'seen' in globalThis, undefined, { timeout: 90_000 })
      .catch((error: unknown) => {
        throw new Error(visited.problems.join('\n'), { cause: error });
      });
    expect(await visited.page.evaluate(() => (globalThis as unknown as { seen: string }).seen)).toMatch(
      /cat|tabby/i,
    );
    expect(visited.problems).toEqual([]);
    expect(visited.foreign).toEqual([]);
  } finally {
    await visited.close();
  }
}
