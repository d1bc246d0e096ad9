import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { readLocation } from '../../src/weights/index.node.ts';
import { file, html, redirect, status, times } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';
import { expectBytes, failureOf, fast, hdf5Bytes, useServerAndCache } from './setup.ts';

const bytes = hdf5Bytes(50_000);
const context = useServerAndCache();

it('reads a path, a file: URL as text and as URL, names with blanks and percent signs included', async () => {
  const path = join(context.folder, 'a net 100%.h5');
  await writeFile(path, bytes);
  expectBytes(await readLocation(path), bytes);
  expectBytes(await readLocation(pathToFileURL(path).href), bytes);
  expectBytes(await readLocation(pathToFileURL(path)), bytes);
});

itOnLoopback('reads http, and goes on after a broken connection', async () => {
  const url = context.server.route('/x', file(bytes, { dropAfter: 20_000, dropWhen: context.hasReached }));
  expectBytes(await readLocation(url, context.options), bytes);
  expectBytes(await readLocation(new URL(url), context.options), bytes);
  expect(context.server.requests()[1]?.headers.range).toBe('bytes=20000-');
});

itOnLoopback('caches nothing', async () => {
  const url = context.server.route('/x', file(bytes));
  await readLocation(url, fast);
  await readLocation(url, fast);
  expect(context.server.requests()).toHaveLength(2);
});

itOnLoopback('follows redirects and repeats what a busy server refused', async () => {
  const url = context.server.route('/old', redirect('/new'));
  context.server.route('/new', times(1, status(503), file(bytes)));
  expectBytes(await readLocation(url, fast), bytes);
});

itOnLoopback('returns bytes that stand alone in their buffer, however few', async () => {
  const path = join(context.folder, 'small');
  await writeFile(path, bytes.subarray(0, 3));
  const url = context.server.route('/x', file(bytes.subarray(0, 3)));
  for (const location of [path, url]) {
    const read = await readLocation(location, fast);
    expect([read.byteOffset, read.buffer.byteLength]).toEqual([0, 3]);
  }
});

it('says what is wrong with a file', async () => {
  expect((await failureOf(readLocation(join(context.folder, 'none.h5')))).code).toBe('FILE_NOT_FOUND');
  await mkdir(join(context.folder, 'sub'));
  const error = await failureOf(readLocation(join(context.folder, 'sub')));
  expect(error.code).toBe('FILE_ACCESS');
  expect(error.summary).toContain('is a folder');
});

it('says what is wrong with an address', async () => {
  expect((await failureOf(readLocation('ftp://example.org/net.h5'))).code).toBe('USAGE_ARGUMENT');
  expect((await failureOf(readLocation('http://'))).code).toBe('USAGE_ARGUMENT');
});

itOnLoopback('says what is wrong with an answer', async () => {
  const missing = await failureOf(
    readLocation(`${context.server.url.replace('://', '://me:secret@')}/x`, fast),
  );
  expect(missing.code).toBe('NETWORK_STATUS');
  expect(missing.message).not.toContain('secret');
  const page = context.server.route('/page', html());
  expect((await failureOf(readLocation(page, fast))).code).toBe('DOWNLOAD_CONTENT');
});

itOnLoopback('stops on request', async () => {
  const url = context.server.route('/x', file(bytes, { stallAfter: 20_000 }));
  const controller = new AbortController();
  const onProgress = () => controller.abort();
  const patient = { ...fast, timeouts: { bodyMs: 100_000 }, onProgress, signal: controller.signal };
  expect((await failureOf(readLocation(url, patient))).code).toBe('ABORTED');
});
