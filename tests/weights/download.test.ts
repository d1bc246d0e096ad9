import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/base/types.ts';
import { downloadToCache, readCached } from '../../src/weights/index.node.ts';
import { file, hangUp, html, redirect, silence, status, times } from '../support/fault-server.ts';
import { describeOnLoopback, itOnLoopback } from '../support/network.ts';
import { expectBytes, failureOf, hdf5Bytes, impatient, md5, sha256, useServerAndCache } from './setup.ts';

const bytes = hdf5Bytes(100_000);
const size = bytes.length;
const context = useServerAndCache();

function remote(path: string, more: object = {}) {
  return { url: `${context.server.url}${path}`, fileName: 'net.h5', ...more };
}

const namesInCache = () => readdir(join(context.folder, 'weights')).catch(() => []);
/** Everything that a finished or bad download may leave: the tag only. */
async function expectEmptyCache() {
  expect((await namesInCache()).filter((name) => name !== 'CACHEDIR.TAG')).toEqual([]);
}

describeOnLoopback('a download that goes well', () => {
  it('arrives whole, under a name that ends with the file name', async () => {
    context.server.route('/net.h5', file(bytes));
    const path = await downloadToCache(remote('/net.h5', { size, sha256: sha256(bytes) }), context.options);
    expect(path).toMatch(/weights[/\\][0-9a-f]{16}-net\.h5$/);
    expectBytes(await readFile(path), bytes);
  });

  it('leaves the file, its record and the cache tag, and nothing else', async () => {
    context.server.route('/net.h5', file(bytes));
    await downloadToCache(remote('/net.h5'), context.options);
    const names = (await namesInCache()).map((name) => name.replace(/^[0-9a-f]{16}/, 'key'));
    expect(names.sort()).toEqual(['CACHEDIR.TAG', 'key-net.h5', 'key-net.h5.meta']);
  });

  it('is asked for once: the second use reads the cache', async () => {
    context.server.route('/net.h5', file(bytes));
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    expect(context.server.requests()).toHaveLength(1);
  });

  it('keeps two files of the same name from two addresses apart', async () => {
    const other = hdf5Bytes(500);
    context.server.route('/a/net.h5', file(bytes));
    context.server.route('/b/net.h5', file(other));
    expectBytes(await readCached(remote('/a/net.h5'), context.options), bytes);
    expectBytes(await readCached(remote('/b/net.h5'), context.options), other);
  });

  it('reports its bytes up to the whole', async () => {
    context.server.route('/net.h5', file(bytes));
    const seen: Progress[] = [];
    await downloadToCache(remote('/net.h5'), {
      ...context.options,
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen[0]).toEqual({ phase: 'download net.h5', done: 0, total: size, unit: 'bytes' });
    expect(seen.at(-1)).toEqual({ phase: 'download net.h5', done: size, total: size, unit: 'bytes' });
  });

  it('accepts a publisher’s MD5, in capitals too', async () => {
    context.server.route('/net.h5', file(bytes));
    const target = remote('/net.h5', { md5: md5(bytes).toUpperCase() });
    expectBytes(await readCached(target, context.options), bytes);
    expectBytes(await readCached(target, context.options), bytes);
    expect(context.server.requests()).toHaveLength(1);
  });

  it('asks for uncompressed bytes, and reads a server that compresses all the same', async () => {
    context.server.route('/net.h5', file(bytes, { gzip: true }));
    expectBytes(await readCached(remote('/net.h5', { size }), context.options), bytes);
    expect(context.server.requests()[0]?.headers['accept-encoding']).toBe('identity');
  });

  it('takes a body without a length', async () => {
    context.server.route('/net.h5', file(bytes, { statedLength: false }));
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
  });

  it('takes a slow trickle, each pause being shorter than the stall limit', async () => {
    context.server.route('/net.h5', file(bytes, { trickle: { bytes: 8_000, pauseMs: 100 } }));
    const options = { ...context.options, timeouts: { bodyMs: 1000 } };
    expectBytes(await readCached(remote('/net.h5'), options), bytes);
    expect(context.server.requests()).toHaveLength(1);
  });

  it('follows redirects, without carrying a password to another host', async () => {
    context.server.route(
      '/old.h5',
      redirect(`${context.server.url.replace('127.0.0.1', 'localhost')}/new.h5`),
    );
    context.server.route('/new.h5', file(bytes));
    const url = `${context.server.url.replace('http://', 'http://me:secret@')}/old.h5`;
    expectBytes(await readCached({ url, fileName: 'net.h5' }, context.options), bytes);
    expect(context.server.requests('/old.h5')[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('me:secret').toString('base64')}`,
    );
    expect(context.server.requests('/new.h5')[0]?.headers.authorization).toBeUndefined();
    const records = await Promise.all(
      (await namesInCache())
        .filter((name) => name.endsWith('.meta'))
        .map((name) => readFile(join(context.folder, 'weights', name), 'utf8')),
    );
    expect(records).toHaveLength(1);
    expect(records.join()).not.toContain('secret');
  });
});

describe('a server in trouble', () => {
  itOnLoopback.each([408, 429, 500, 502, 503, 504])('is asked again after status %i', async (code) => {
    context.server.route('/net.h5', times(2, status(code), file(bytes)));
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    expect(context.server.requests()).toHaveLength(3);
  });

  itOnLoopback.each([401, 403, 404, 410])('is not asked again after status %i', async (code) => {
    context.server.route('/net.h5', status(code));
    const error = await failureOf(downloadToCache(remote('/net.h5'), context.options));
    expect(error.code).toBe('NETWORK_STATUS');
    expect(error.message).toContain(`${context.server.url}/net.h5`);
    expect(error.message).toContain(`answered ${code}`);
    expect(error.nextStep).toContain(context.folder);
    expect(context.server.requests()).toHaveLength(1);
    await expectEmptyCache();
  });

  itOnLoopback('is given up after the set number of tries, which the error names', async () => {
    context.server.route('/net.h5', status(500));
    const error = await failureOf(downloadToCache(remote('/net.h5'), context.options));
    expect(error.code).toBe('NETWORK_STATUS');
    expect(error.summary).toContain('3 tries');
    expect(context.server.requests()).toHaveLength(3);
  });

  itOnLoopback.each([
    ['0', '0.0 s'],
    ['3600', '0.2 s'],
    [new Date(Date.now() + 3_600_000).toUTCString(), '0.2 s'],
  ])('is given the time that Retry-After: %s asks for, up to the cap of 0.2 s', async (value, wait) => {
    context.server.route('/net.h5', times(1, status(429, { 'retry-after': value }), file(bytes)));
    const notes: string[] = [];
    const onProgress = ({ note }: Progress) => note !== undefined && notes.push(note);
    const slow = { ...context.options.retry, minDelayMs: 100_000, maxDelayMs: 100_000 };
    expectBytes(await readCached(remote('/net.h5'), { ...context.options, retry: slow, onProgress }), bytes);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(`Next try in ${wait}`);
  });

  itOnLoopback('that hangs up is asked again, and named when it goes on so', async () => {
    context.server.route('/net.h5', times(1, hangUp, file(bytes)));
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    context.server.route('/gone.h5', hangUp);
    const error = await failureOf(downloadToCache(remote('/gone.h5'), context.options));
    expect(error.code).toBe('NETWORK_UNREACHABLE');
    expect(context.server.requests('/gone.h5')).toHaveLength(3);
  });

  itOnLoopback('that never answers is a timeout', async () => {
    context.server.route('/net.h5', silence);
    const error = await failureOf(
      downloadToCache(remote('/net.h5'), { ...context.options, timeouts: impatient, retry: { retries: 0 } }),
    );
    expect(error.code).toBe('NETWORK_TIMEOUT');
  });

  it('that is not there is unreachable', async () => {
    const { url } = context.server;
    await context.server.close();
    const error = await failureOf(
      downloadToCache({ url: `${url}/net.h5`, fileName: 'net.h5' }, context.options),
    );
    expect(error.code).toBe('NETWORK_UNREACHABLE');
    expect(error.summary).toContain('3 tries');
    await expectEmptyCache();
  });

  itOnLoopback('that redirects in a circle is left at once', async () => {
    context.server.route('/a.h5', redirect('/b.h5'));
    context.server.route('/b.h5', redirect('/a.h5'));
    const error = await failureOf(downloadToCache(remote('/a.h5'), context.options));
    expect(error.code).toBe('NETWORK_STATUS');
    expect(error.summary).toContain('circle');
  });

  itOnLoopback('that redirects without end is left after a few hops', async () => {
    for (let hop = 0; hop < 20; hop += 1) context.server.route(`/hop${hop}`, redirect(`/hop${hop + 1}`));
    const error = await failureOf(downloadToCache(remote('/hop0'), context.options));
    expect(error.code).toBe('NETWORK_STATUS');
    expect(error.summary).toContain('too many redirects');
    expect(context.server.requests().length).toBeLessThan(12);
  });
});

describeOnLoopback('what never enters the cache', () => {
  it.each([
    ['a web page', html()],
    ['a web page that calls itself binary', html('application/octet-stream')],
    ['bytes that call themselves a web page', file(bytes, { contentType: 'text/html' })],
    ['bytes without the signature of an .h5 file', file(bytes.subarray(1))],
    ['an empty body', file(new Uint8Array())],
    ['an .h5 file that is shorter than its own header says', file(hdf5Bytes(1000, 1001))],
    ['the first part of a body that is longer than said', file(bytes, { statedLength: 60_000 })],
  ])('%s, where nothing is known of the file', async (_, answer) => {
    context.server.route('/net.h5', answer);
    const error = await failureOf(downloadToCache(remote('/net.h5'), context.options));
    expect(error.code).toBe('DOWNLOAD_CONTENT');
    await expectEmptyCache();
    context.server.route('/net.h5', file(bytes));
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
  });

  it.each([
    ['a file of another length', file(bytes.subarray(0, 900)), 'DOWNLOAD_CONTENT'],
    [
      'a longer body without a length',
      file(hdf5Bytes(size + 1), { statedLength: false }),
      'DOWNLOAD_CONTENT',
    ],
    [
      'a body that ends too early without a length',
      file(bytes, { statedLength: false, endAfter: 900 }),
      'DOWNLOAD_TRUNCATED',
    ],
    [
      'a compressed file of another length',
      file(bytes.subarray(0, 900), { gzip: true }),
      'DOWNLOAD_TRUNCATED',
    ],
  ])('%s, where the length is known', async (_, answer, code) => {
    context.server.route('/net.h5', answer);
    const error = await failureOf(downloadToCache(remote('/net.h5', { size }), context.options));
    expect(error.code).toBe(code);
    await expectEmptyCache();
    context.server.route('/net.h5', file(bytes));
    expectBytes(await readCached(remote('/net.h5', { size }), context.options), bytes);
  });

  it.each(['sha256', 'md5'])('bytes with another %s', async (kind) => {
    const wrong = bytes.slice();
    wrong[50_000]! ^= 1;
    const hash = kind === 'md5' ? md5(bytes) : sha256(bytes);
    const target = remote('/net.h5', { size, [kind]: hash });
    context.server.route('/net.h5', file(wrong));
    const error = await failureOf(downloadToCache(target, context.options));
    expect(error.code).toBe('DOWNLOAD_HASH');
    expect(error.message).toContain(hash);
    expect(context.server.requests()).toHaveLength(1);
    await expectEmptyCache();
    context.server.route('/net.h5', file(bytes));
    expectBytes(await readCached(target, context.options), bytes);
  });

  it('a body cut in the middle, whose beginning is kept for the next run only', async () => {
    context.server.route(
      '/net.h5',
      file(bytes, { dropAfter: 30_000, dropWhen: context.hasReached, ranges: false }),
    );
    const options = { ...context.options, retry: { retries: 0 } };
    const error = await failureOf(downloadToCache(remote('/net.h5'), options));
    expect(error.code).toBe('DOWNLOAD_TRUNCATED');
    const names = await namesInCache();
    expect(names.some((name) => name.endsWith('net.h5'))).toBe(false);
    expect(names.some((name) => name.endsWith('net.h5.partial'))).toBe(true);
  });

  it('a body that stands still', async () => {
    context.server.route('/net.h5', file(bytes, { stallAfter: 10_000, ranges: false }));
    const options = { ...context.options, timeouts: impatient, retry: { retries: 1, minDelayMs: 1 } };
    const error = await failureOf(downloadToCache(remote('/net.h5'), options));
    expect(error.code).toBe('NETWORK_TIMEOUT');
    expect(error.summary).toContain('stopped sending');
    expect(context.server.requests()).toHaveLength(2);
  });
});
