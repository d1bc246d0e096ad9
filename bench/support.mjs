// What the benchmarks share.
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const shared = join(root, '..', 'shared');

export const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
export const rounded = (value, digits = 2) => Number(value.toFixed(digits));

export const machine = {
  cpu: cpus()[0]?.model,
  cores: availableParallelism(),
  memoryGb: rounded(totalmem() / 2 ** 30, 1),
  node: process.version,
};

/** Writes bench/results/NAME.json and NAME.md. */
export async function saveResults(name, results, lines) {
  const folder = join(root, 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const whole = { date: new Date().toISOString(), machine, ...results };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(whole, undefined, 2)}\n`);
  await writeFile(join(folder, `${name}.md`), `${lines.join('\n')}\n`);
}
