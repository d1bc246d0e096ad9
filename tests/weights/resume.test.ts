import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/base/types.ts';
import { downloadToCache, readCached } from '../../src/weights/index.node.ts';
import { file, inTurn, status, type Answer } from '../support/fault-server.ts';
import { describeOnLoopback, itOnLoopback } from '../support/network.ts';
import { expectBytes, failureOf, hdf5Bytes, impatient, sha256, useServerAndCache } from './setup.ts';

const bytes = hdf5Bytes(100_000);
const size = bytes.length;
const context = useServerAndCache();

function remote(path: string, more: object = {}) {
  return { url: `${context.server.url}${path}`, fileName: 'net.h5', ...more };
}

const namesInCache = () => readdir(join(context.folder, 'weights')).catch(() => []);
describeOnLoopback('resuming', () => {
  const ranges = () => context.server.requests().map(({ headers }) => headers.range);

  it('goes on where the connection broke, each piece counting as progress', async () => {
    // Ten pieces, with two retries: only tries that get no further count.
    context.server.route('/net.h5', file(bytes, { dropAfter: 10_000, dropWhen: context.hasReached }));
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    expect(context.server.requests()).toHaveLength(10);
    expect(ranges().slice(0, 3)).toEqual([undefined, 'bytes=10000-', 'bytes=20000-']);
    expect(context.server.requests()[1]?.headers['if-range']).toBe('"v1"');
  });

  it('goes on after a stall', async () => {
    context.server.route('/net.h5', inTurn(file(bytes, { stallAfter: 40_000 }), file(bytes)));
    const options = { ...context.options, timeouts: impatient };
    expectBytes(await readCached(remote('/net.h5'), options), bytes);
    expect(ranges()).toEqual([undefined, 'bytes=40000-']);
  });

  it('goes on in another run with what an earlier one left', async () => {
    const oneTry = { ...context.options, retry: { retries: 0 } };
    context.server.route(
      '/net.h5',
      inTurn(file(bytes, { dropAfter: 70_000, dropWhen: context.hasReached }), file(bytes)),
    );
    await failureOf(downloadToCache(remote('/net.h5'), oneTry));
    expectBytes(await readCached(remote('/net.h5'), oneTry), bytes);
    expect(ranges()).toEqual([undefined, 'bytes=70000-']);
  });

  it('starts over when the file on the server has changed meanwhile', async () => {
    const newer = hdf5Bytes(80_000);
    context.server.route(
      '/net.h5',
      inTurn(file(bytes, { dropAfter: 70_000, dropWhen: context.hasReached }), file(newer, { etag: '"v2"' })),
    );
    expectBytes(await readCached(remote('/net.h5'), context.options), newer);
  });

  it('starts over when a server answers a range with the part of a newer file', async () => {
    const newer = hdf5Bytes(size).map((value, index) => (index > 100 ? value ^ 255 : value));
    const careless: Answer = (request, response) => {
      delete request.headers['if-range'];
      file(newer, { etag: '"v2"' })(request, response);
    };
    context.server.route(
      '/net.h5',
      inTurn(file(bytes, { dropAfter: 70_000, dropWhen: context.hasReached }), careless),
    );
    expectBytes(await readCached(remote('/net.h5'), context.options), newer);
    expect(ranges()).toEqual([undefined, 'bytes=70000-', undefined]);
  });

  it('starts over when the server ignores Range', async () => {
    context.server.route(
      '/net.h5',
      inTurn(
        file(bytes, { dropAfter: 70_000, dropWhen: context.hasReached }),
        file(bytes, { ranges: false }),
      ),
    );
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    expect(ranges()).toEqual([undefined, 'bytes=70000-']);
  });

  it('uses Last-Modified when there is no strong entity tag', async () => {
    const lastModified = 'Tue, 01 Jul 2025 10:00:00 GMT';
    const dated = { etag: 'W/"weak"', lastModified };
    context.server.route(
      '/net.h5',
      inTurn(file(bytes, { ...dated, dropAfter: 70_000, dropWhen: context.hasReached }), file(bytes, dated)),
    );
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    expect(context.server.requests()[1]?.headers['if-range']).toBe(lastModified);
  });

  it('starts over without any validator, unless a hash will tell', async () => {
    const bare = () =>
      inTurn(
        file(bytes, { etag: false, dropAfter: 70_000, dropWhen: context.hasReached }),
        file(bytes, { etag: false }),
      );
    context.server.route('/net.h5', bare());
    context.server.route('/hashed.h5', bare());
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    const hashed = remote('/hashed.h5', { sha256: sha256(bytes) });
    expectBytes(await readCached(hashed, context.options), bytes);
    expect(ranges()).toEqual([undefined, undefined, undefined, 'bytes=70000-']);
  });

  it('fetches anew when the joined parts have the wrong hash', async () => {
    const target = remote('/net.h5', { size, sha256: sha256(bytes) });
    const oneTry = { ...context.options, retry: { retries: 0 } };
    context.server.route(
      '/net.h5',
      inTurn(file(bytes, { dropAfter: 70_000, dropWhen: context.hasReached }), file(bytes)),
    );
    await failureOf(downloadToCache(target, oneTry));
    const partial = (await namesInCache()).find((name) => name.endsWith('.partial'))!;
    await writeFile(join(context.folder, 'weights', partial), new Uint8Array(70_000));
    const notices: string[] = [];
    const onNotice = (message: string) => notices.push(message);
    expectBytes(await readCached(target, { ...oneTry, onNotice }), bytes);
    expect(notices.join()).toContain('fetched anew');
    expect(ranges()).toEqual([undefined, 'bytes=70000-', undefined]);
  });

  it('needs no body when the earlier run had all of it (416)', async () => {
    const oneTry = { ...context.options, timeouts: impatient, retry: { retries: 0 } };
    // The server falls silent after the last byte of a body that claims one more.
    context.server.route(
      '/net.h5',
      inTurn(file(bytes, { statedLength: size + 1, stallAfter: size }), file(bytes)),
    );
    await failureOf(downloadToCache(remote('/net.h5'), oneTry));
    expectBytes(await readCached(remote('/net.h5'), oneTry), bytes);
    expect(ranges()).toEqual([undefined, `bytes=${size}-`]);
  });

  it('starts over when a range is refused (416) by a file that became shorter', async () => {
    const shorter = hdf5Bytes(20_000);
    context.server.route(
      '/net.h5',
      inTurn(file(bytes, { dropAfter: 70_000, dropWhen: context.hasReached }), status(416), file(shorter)),
    );
    expectBytes(await readCached(remote('/net.h5'), context.options), shorter);
  });
});

describe('stopping', () => {
  itOnLoopback('stops at once, keeps the beginning, and the next run goes on', async () => {
    context.server.route('/net.h5', inTurn(file(bytes, { stallAfter: 50_000 }), file(bytes)));
    const controller = new AbortController();
    const onProgress = ({ done }: Progress) => {
      if (done > 0) controller.abort();
    };
    const patient = { ...context.options, timeouts: { bodyMs: 100_000 } };
    const error = await failureOf(
      downloadToCache(remote('/net.h5'), { ...patient, onProgress, signal: controller.signal }),
    );
    expect(error.code).toBe('ABORTED');
    expectBytes(await readCached(remote('/net.h5'), context.options), bytes);
    expect(context.server.requests()[1]?.headers.range).toMatch(/^bytes=\d+-$/);
  });

  it('stops while it waits before the next try', async () => {
    context.server.route('/net.h5', status(503, { 'retry-after': '1000' }));
    const controller = new AbortController();
    const onProgress = ({ note }: Progress) => {
      if (note?.includes('Next try')) controller.abort();
    };
    const patient = { ...context.options, retry: {}, onProgress, signal: controller.signal };
    expect((await failureOf(downloadToCache(remote('/net.h5'), patient))).code).toBe('ABORTED');
  });

  it('does nothing when it was stopped before it began', async () => {
    context.server.route('/net.h5', file(bytes));
    const signal = AbortSignal.abort();
    expect((await failureOf(downloadToCache(remote('/net.h5'), { ...context.options, signal }))).code).toBe(
      'ABORTED',
    );
    expect(context.server.requests()).toHaveLength(0);
  });
});
