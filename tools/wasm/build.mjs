// Compiles the WebAssembly text beside it into a module of TypeScript: node tools/wasm/build.mjs
// With `--check` nothing is written, and the exit code is 1 when what is there is not what would be.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import loadWabt from 'wabt';

const targets = [{ source: 'resample.wat', out: '../../src/images/resample-program.ts' }];

const check = process.argv.includes('--check');
const wabt = await loadWabt();
for (const { source, out } of targets) {
  const text = await readFile(new URL(source, import.meta.url), 'utf8');
  const parsed = wabt.parseWat(source, text, { simd: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  const base64 = Buffer.from(buffer).toString('base64');
  const lines = base64.match(/.{1,100}/g).map((line) => `  '${line}',`);
  const module = [
    `// tools/wasm/${source}, compiled by tools/wasm/build.mjs: ${buffer.length} bytes in base64.`,
    'export const program = [',
    ...lines,
    "].join('');",
    '',
  ].join('\n');
  const path = fileURLToPath(new URL(out, import.meta.url));
  if (!check) await writeFile(path, module);
  else if ((await readFile(path, 'utf8')) !== module) {
    console.error(`${source} has changed: run node tools/wasm/build.mjs`);
    process.exitCode = 1;
  }
}
