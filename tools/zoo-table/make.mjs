// Counts the multiply-adds of every network and writes them to zoo/multiply-adds.ts, and README's table of networks from
// the cards. Run it after a change of a card or builder: `npm run build && node tools/zoo-table/make.mjs`.
// With --check nothing is written; it ends with 1 where something is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { disposeModel, listModels, loadArchitecture, summaryRows, summaryTotals } from 'dovecote';

const root = new URL('../../', import.meta.url);
const check = process.argv.includes('--check');
let outOfDate = 0;

async function write(path, text) {
  const file = fileURLToPath(new URL(path, root));
  const config = await resolveConfig(file);
  const formatted = await format(text, { ...config, filepath: file });
  const current = await readFile(file, 'utf8').catch(() => '');
  if (current === formatted) return;
  outOfDate += 1;
  if (check) console.log(`${path} is out of date: node tools/zoo-table/make.mjs`);
  else await writeFile(file, formatted);
}

async function countMultiplyAdds() {
  const counts = [];
  for (const card of listModels()) {
    const model = await loadArchitecture(card.name);
    counts.push([card.name, summaryTotals(model, summaryRows(model)).multiplyAdds]);
    await disposeModel(model);
  }
  return counts;
}

const counts = await countMultiplyAdds();
await write(
  'zoo/multiply-adds.ts',
  `/**
 * Multiply-adds of each network with top at its default input size: of its convolutions and dense layers, without
 * biases, as \`dovecote summary\` counts them. Written by tools/zoo-table/make.mjs.
 */
export const multiplyAdds: Readonly<Record<string, number>> = {
${counts.map(([name, count]) => `  '${name}': ${count.toLocaleString('en').replaceAll(',', '_')},`).join('\n')}
};
`,
);

const percent = (figure) => figure?.toFixed(1) ?? '';
const inMillions = (count) => (count / 1e6).toFixed(1);
const flops = new Map(counts.map(([name, count]) => [name, ((2 * count) / 1e9).toFixed(2)]));
const columns = [
  ['name', (card) => `\`${card.name}\``],
  ['network', (card) => `[${card.title}](${card.source.split(' ')[0]})`],
  ['input', (card) => `${card.inputSize.default} (${card.inputSize.minimum} and up)`],
  ['preprocessing', (card) => card.preprocessing],
  ['parameters, M', (card) => inMillions(card.parameters.top)],
  ['GFLOPs', (card) => flops.get(card.name)],
  ['features', (card) => String(card.features.width)],
  ['top-1 %', (card) => percent(card.accuracy.top1)],
  ['top-5 %', (card) => percent(card.accuracy.top5)],
];
const line = (cells) => `| ${cells.join(' | ')} |`;
const table = [
  line(columns.map(([heading]) => heading)),
  line(columns.map(() => '---')),
  ...listModels().map((card) => line(columns.map(([, cell]) => cell(card)))),
].join('\n');
const [start, end] = ['<!-- networks: tools/zoo-table/make.mjs -->', '<!-- end of networks -->'];
const readme = await readFile(fileURLToPath(new URL('README.md', root)), 'utf8');
const [from, to] = [readme.indexOf(start), readme.indexOf(end)];
if (from < 0 || to < from) throw new Error(`README.md lacks the lines "${start}" and "${end}"`);
await write('README.md', `${readme.slice(0, from + start.length)}\n\n${table}\n\n${readme.slice(to)}`);
if (check && outOfDate > 0) process.exitCode = 1;
