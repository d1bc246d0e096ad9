import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchPublished } from '../../src/weights/fetch.browser.ts';
import type { FaultServer } from '../support/fault-server.ts';
import { file, html, startFaultServer, status } from '../support/fault-server.ts';
import { itOnLoopback } from '../support/network.ts';

// fetch is the same in Node; that it works in a real browser is tested in tests/browser.
let server: FaultServer;
beforeEach(async () => {
  server = await startFaultServer();
});
afterEach(() => server.close());

const bytes = Buffer.from('these are the weights');
const sha256 = createHash('sha256').update(bytes).digest('hex');

describe('a published file in a browser', () => {
  itOnLoopback('is taken when its size and hash are those of the card', async () => {
    const url = server.route('/good.h5', file(bytes));
    const found = await fetchPublished({ url, fileName: 'good.h5', size: bytes.length, sha256 });
    expect(Buffer.from(found)).toEqual(bytes);
  });
  itOnLoopback.each([
    ['another size', { size: bytes.length + 1 }],
    ['another hash', { sha256: sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }],
  ])('with %s is refused', async (_, facts) => {
    const url = server.route('/bad.h5', file(bytes));
    await expect(fetchPublished({ url, fileName: 'bad.h5', ...facts })).rejects.toMatchObject({
      code: 'DOWNLOAD_HASH',
    });
  });
  itOnLoopback('an HTML page or a 404 is no file', async () => {
    const page = server.route('/page.h5', html());
    await expect(fetchPublished({ url: page, fileName: 'page.h5' })).rejects.toMatchObject({
      code: 'DOWNLOAD_CONTENT',
    });
    const missing = server.route('/missing.h5', status(404));
    await expect(fetchPublished({ url: missing, fileName: 'x.h5' })).rejects.toMatchObject({
      code: 'NETWORK_STATUS',
    });
  });
  it('stopped is ABORTED', async () => {
    const url = server.route('/good.h5', file(bytes));
    await expect(
      fetchPublished({ url, fileName: 'x.h5' }, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
