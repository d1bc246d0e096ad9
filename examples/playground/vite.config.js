import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

// WebAssembly may have threads on pages that are cross-origin isolated.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

// In a clone of the repository nothing is installed here: the package is what the clone has built.
const built = fileURLToPath(new URL('../../dist/', import.meta.url));
const isInstalled = existsSync(new URL('./node_modules/dovecote', import.meta.url));
const alias = isInstalled ? [] : [{ find: /^dovecote\/([\w-]+)$/, replacement: `${built}$1.js` }];

export default defineConfig({
  // Relative addresses: the built page opens from any folder of any server.
  base: './',
  resolve: { alias },
  worker: { format: 'es' },
  optimizeDeps: {
    // Else Vite finds them when the worker starts, and loads the page anew.
    include: isInstalled ? ['dovecote/worker', 'dovecote/onnx-web'] : [],
    exclude: ['onnxruntime-web'],
  },
  build: { target: 'es2022', chunkSizeWarningLimit: 2000 },
  // In a clone the dev server may read what the clone has built.
  server: {
    headers,
    ...(!isInstalled && { fs: { allow: [fileURLToPath(new URL('../..', import.meta.url))] } }),
  },
  preview: { headers },
});
