import { existsSync, readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { contentProblem, isHtmlType, looksLikeHtml } from '../../src/weights/check-content.ts';
import { readHead } from '../../src/weights/hash-file.node.ts';
import { hdf5Bytes } from './setup.ts';

const encode = (text: string) => new TextEncoder().encode(text);

describe('a web page is known by its beginning', () => {
  it.each([
    '<!DOCTYPE html>',
    '<html lang="en">',
    '\ufeff\n\n  <!doctype HTML PUBLIC',
    '<?xml version="1.0"?>\n<!DOCTYPE html>',
    '<!-- a comment -->',
    '<head><title>',
  ])('%s', (start) => {
    expect(looksLikeHtml(encode(start))).toBe(true);
  });

  it.each(['\x89HDF', 'PK', '{"a": 1}', '<svg xmlns=', '', 'html'])('but %j is none', (start) => {
    expect(looksLikeHtml(encode(start))).toBe(false);
  });

  it('or by its content type', () => {
    expect(['text/html', 'Text/HTML; charset=x', 'application/xhtml+xml'].every(isHtmlType)).toBe(true);
    expect(['text/plain', 'application/octet-stream', undefined].some(isHtmlType)).toBe(false);
  });
});

describe('a file is known by its name’s signature', () => {
  it('.h5, also behind a user block', () => {
    expect(contentProblem('a.h5', hdf5Bytes(900), 900)).toBeUndefined();
    const block = new Uint8Array(512 + 900);
    block.set(hdf5Bytes(900), 512);
    expect(contentProblem('a.hdf5', block, block.length)).toBeUndefined();
    expect(contentProblem('a.h5', block.subarray(1), block.length - 1)).toContain('HDF5 signature');
  });

  it('.h5 that is shorter than its header states, in superblocks of version 0 and 2', () => {
    expect(contentProblem('a.h5', hdf5Bytes(900, 901), 900)).toContain('901');
    const modern = hdf5Bytes(900);
    modern.set([2, 8], 8);
    new DataView(modern.buffer).setBigUint64(28, 5000n, true);
    expect(contentProblem('a.h5', modern, 900)).toContain('5000');
  });

  it('.keras, .json, and an empty file of any kind', () => {
    expect(contentProblem('a.keras', encode('PK\x03\x04'), 4)).toBeUndefined();
    expect(contentProblem('a.keras', encode('nothing'), 7)).toContain('zip');
    expect(contentProblem('model.json', encode('\ufeff {"a": 1}'), 9)).toBeUndefined();
    expect(contentProblem('model.json', encode('Not Found'), 9)).toContain('JSON');
    expect(contentProblem('weights.bin', encode('anything'), 8)).toBeUndefined();
    expect(contentProblem('weights.bin', new Uint8Array(), 0)).toContain('empty');
  });
});

const folder = fileURLToPath(new URL('../../../shared/weights/', import.meta.url));
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.h5')) : [];
// eslint-disable-next-line no-console
if (files.length === 0) console.warn(`skipped: the real weight files of ${folder} are not here`);

describe.skipIf(files.length === 0)('real Keras files', () => {
  it.each(files)('%s passes whole, and not without its last byte', async (name) => {
    const { size } = await stat(folder + name);
    const head = await readHead(folder + name);
    expect(contentProblem(name, head, size)).toBeUndefined();
    expect(contentProblem(name, head, size - 1)).toContain('HDF5 header');
  });
});
