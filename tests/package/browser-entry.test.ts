import { build } from 'esbuild';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { distFile, ensureBuilt, rootFolder } from '../support/dist.ts';

beforeAll(ensureBuilt);

describe('dovecote/browser', () => {
  it('is at most 40 KB with gzip, and loads nothing else until it is used', async () => {
    const { metafile, outputFiles } = await build({
      stdin: { contents: `export * from ${JSON.stringify(distFile('browser.js'))};`, resolveDir: rootFolder },
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      // Peers, and what is imported when it is needed.
      external: ['@tensorflow/*', 'onnxruntime-web', 'onnxruntime-web/*'],
      loader: { '.safetensors': 'file' },
      metafile: true,
      write: false,
      outdir: 'out',
      logLevel: 'error',
    });
    const outputs = metafile.outputs;
    const atOnce = new Set<string>();
    const outside = new Set<string>();
    const follow = (name: string) => {
      if (atOnce.has(name)) return;
      atOnce.add(name);
      for (const { path, kind, external } of outputs[name]!.imports) {
        if (kind !== 'import-statement') continue;
        if (external === true) outside.add(path);
        else follow(path);
      }
    };
    follow(Object.keys(outputs).find((name) => outputs[name]!.entryPoint !== undefined)!);
    const bytes = [...atOnce].map((name) => outputFiles.find(({ path }) => path.endsWith(name))!.contents);
    const size = bytes.reduce((sum, each) => sum + gzipSync(each).length, 0);
    expect(size).toBeGreaterThan(1000);
    expect(size).toBeLessThanOrEqual(40 * 1024);
    expect([...outside]).toEqual([]);
    // The library is there, in other files.
    expect(Math.max(...outputFiles.map(({ contents }) => contents.length))).toBeGreaterThan(200_000);
  });
});
