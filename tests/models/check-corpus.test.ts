import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convert } from '../../src/node.ts';

const corpus = fileURLToPath(new URL('../converters/corpus/', import.meta.url));
/** The newest file of each model. */
const newest = new Map(
  readdirSync(corpus)
    .filter((name) => name.endsWith('.gz'))
    .sort()
    .map((name) => [name.split('.')[0]!, name]),
);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dovecote-check-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the check after a conversion holds for made-up numbers, too', () => {
  it.each([...newest])('%s', async (name, packed) => {
    const source = join(folder, packed.slice(0, -'.gz'.length));
    writeFileSync(source, gunzipSync(readFileSync(join(corpus, packed))));
    const { check } = await convert(source, join(folder, name), { check: true });
    expect(check!.engines.output).toBe('tfjs');
    expect(check!.largest).toBeLessThan(1e-5);
  });
});
