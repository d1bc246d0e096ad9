import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { mismatch } from '../../src/weights/published-file.ts';

const bytes = new TextEncoder().encode('these are the weights');
const size = bytes.length;
const sha256 = createHash('sha256').update(bytes).digest('hex');
const md5 = createHash('md5').update(bytes).digest('hex');
const damaged = Uint8Array.from(bytes, (byte, index) => (index === 3 ? byte ^ 1 : byte));

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('bytes that should be a published file', () => {
  it('are it when size and hash are those of the card, in capitals too', async () => {
    expect(await mismatch(bytes, { size, sha256 })).toBeUndefined();
    expect(await mismatch(bytes, { size, sha256: sha256.toUpperCase() })).toBeUndefined();
  });

  it('are told from it by their size, before anything is hashed', async () => {
    expect(await mismatch(bytes.subarray(1), { size, sha256 })).toEqual({
      given: `${size - 1} bytes`,
      expected: `${size} bytes`,
    });
  });

  it('are told from it by one bit', async () => {
    expect(await mismatch(damaged, { size, sha256 })).toMatchObject({ expected: `SHA-256 ${sha256}` });
  });

  it('are told from it by their MD5 where only that is known', async () => {
    expect(await mismatch(bytes, { size, md5 })).toBeUndefined();
    expect(await mismatch(damaged, { size, md5 })).toMatchObject({ expected: `MD5 ${md5}` });
  });

  it('are taken as they are when nothing is known of the file', async () => {
    expect(await mismatch(damaged, {})).toBeUndefined();
  });
});

describe.each([
  ['without https, which has no crypto.subtle', { getRandomValues: () => undefined }],
  ['without any crypto', undefined],
])('on a page %s', (_, crypto) => {
  it('the size is still checked', async () => {
    vi.stubGlobal('crypto', crypto);
    expect(await mismatch(bytes.subarray(1), { size, sha256 })).toMatchObject({ given: `${size - 1} bytes` });
  });

  it('so is the hash', async () => {
    vi.stubGlobal('crypto', crypto);
    expect(await mismatch(bytes, { size, sha256 })).toBeUndefined();
    expect(await mismatch(damaged, { size, sha256 })).toMatchObject({ expected: `SHA-256 ${sha256}` });
  });
});
