// Makes the folder `vendor`: all that the page needs of other packages, so that it has neither a bundler nor another server.
//   node make-vendor.mjs [folder]        (needs dovecote, @tensorflow/tfjs, onnxruntime-web and esbuild to be installed)
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, 'vendor');

await build({
  entryPoints: { dovecote: 'dovecote/browser', 'dovecote-worker': join(here, 'dovecote-worker.js') },
  absWorkingDir: here,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  outdir: out,
  logLevel: 'error',
});

// The network of the package, and the WebAssembly of ONNX Runtime.
const network = fileURLToPath(import.meta.resolve('dovecote/embedded/efficientnet-lite0.int8.safetensors'));
const runtime = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/wasm')));
await mkdir(out, { recursive: true });
await copyFile(network, join(out, 'efficientnet-lite0.int8.safetensors'));
for (const file of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'])
  await copyFile(join(runtime, file), join(out, file));
