import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clearCache, downloadToCache, readCached } from '../../src/weights/index.node.ts';
import { bundle, type Bundle } from '../support/bundle.ts';
import { file, inTurn } from '../support/fault-server.ts';
import { describeOnLoopback, itOnLoopback } from '../support/network.ts';
import { canBecomeNobody, isRoot, nobody } from '../support/nobody.ts';
import { expectBytes, failureOf, fast, hdf5Bytes, useServerAndCache } from './setup.ts';

interface Message {
  done?: number;
  notice?: string;
  path?: string;
  code?: string;
  message?: string;
}

const bytes = hdf5Bytes(100_000);
const context = useServerAndCache();
let program: Bundle;
beforeAll(async () => {
  program = await bundle(fileURLToPath(new URL('program.ts', import.meta.url)));
});
afterAll(() => program.remove());

const target = () => ({ url: `${context.server.url}/net.h5`, fileName: 'net.h5' });

/** A process of its own that fetches the file; `until` resolves with the first message that fits. */
function fetchInProcess(options: object = {}, spawnOptions: SpawnOptions = {}) {
  const argument = JSON.stringify({
    file: target(),
    options: { ...fast, cacheFolder: context.folder, ...options },
  });
  const child: ChildProcess = spawn(process.execPath, [program.path, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...spawnOptions,
  });
  const messages: Message[] = [];
  const waiting: { fits: (message: Message) => boolean; resolve: (message: Message) => void }[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const message = JSON.parse(line) as Message;
    messages.push(message);
    waiting.filter(({ fits }) => fits(message)).forEach(({ resolve }) => resolve(message));
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const until = async (fits: (message: Message) => boolean): Promise<Message> => {
    const found = messages.find(fits);
    if (found !== undefined) return found;
    const arrival = new Promise<Message>((resolve) => waiting.push({ fits, resolve }));
    const end = ended.then(() => Promise.reject(new Error(`the process ended: ${JSON.stringify(messages)}`)));
    return Promise.race([arrival, end]);
  };
  return {
    child,
    ended,
    until,
    result: () => until(({ path, code }) => path !== undefined || code !== undefined),
  };
}

describeOnLoopback('several processes', () => {
  it('fetch the same file once, and all get it', async () => {
    context.server.route('/net.h5', file(bytes, { trickle: { bytes: 20_000, pauseMs: 150 } }));
    const processes = [fetchInProcess(), fetchInProcess(), fetchInProcess()];
    const results = await Promise.all(processes.map(({ result }) => result()));
    expect(new Set(results.map(({ path }) => path)).size).toBe(1);
    expectBytes(await readFile(results[0]!.path!), bytes);
    expect(context.server.requests()).toHaveLength(1);
  });

  it('tell that they wait, and wait only while they want to', async () => {
    context.server.route('/net.h5', file(bytes, { stallAfter: 50_000 }));
    const first = fetchInProcess({ timeouts: { bodyMs: 100_000 } });
    await first.until(({ done }) => (done ?? 0) > 0);
    const controller = new AbortController();
    const notices: string[] = [];
    const onNotice = (notice: string) => {
      notices.push(notice);
      controller.abort();
    };
    const stopped = downloadToCache(target(), { ...context.options, onNotice, signal: controller.signal });
    expect((await failureOf(stopped)).code).toBe('ABORTED');
    expect(notices.join()).toContain('waiting for another process');

    const impatient = { ...context.options, lock: { ...fast.lock, timeoutMs: 60 } };
    expect((await failureOf(downloadToCache(target(), impatient))).code).toBe('CACHE_LOCKED');

    const cleared = await clearCache({ cacheFolder: context.folder });
    expect(cleared).toMatchObject({ files: [], bytes: 0 });
    expect(cleared.locked).toHaveLength(1);
    first.child.kill('SIGKILL');
    await first.ended;
  });

  it('take over the lock and the bytes of one that was killed', async () => {
    context.server.route('/net.h5', inTurn(file(bytes, { stallAfter: 50_000 }), file(bytes)));
    const killed = fetchInProcess({ timeouts: { bodyMs: 100_000 } });
    await killed.until(({ done }) => (done ?? 0) >= 40_000);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect((await readdir(join(context.folder, 'weights'))).some((name) => name.endsWith('.lock'))).toBe(
      true,
    );

    const heir = { ...context.options, lock: { ...fast.lock, staleMs: 2000 } };
    expectBytes(await readCached(target(), heir), bytes);
    expect(context.server.requests()[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
    const names = await readdir(join(context.folder, 'weights'));
    expect(names.filter((name) => /\.(lock|partial)/.test(name))).toEqual([]);
  });

  it('leave no lock behind when they are interrupted', async () => {
    context.server.route('/net.h5', file(bytes, { stallAfter: 50_000 }));
    const interrupted = fetchInProcess({ timeouts: { bodyMs: 100_000 } });
    await interrupted.until(({ done }) => (done ?? 0) > 0);
    interrupted.child.kill('SIGINT');
    await interrupted.ended;
    const names = await readdir(join(context.folder, 'weights'));
    expect(names.some((name) => name.endsWith('.partial'))).toBe(true);
    expect(names.some((name) => name.endsWith('.lock'))).toBe(false);
  });
});

itOnLoopback('two calls in one process fetch the same file once', async () => {
  context.server.route('/net.h5', file(bytes));
  const both = await Promise.all([
    readCached(target(), context.options),
    readCached(target(), context.options),
  ]);
  expect(both).toEqual([bytes, bytes]);
  expect(context.server.requests()).toHaveLength(1);
});

// eslint-disable-next-line no-console
if (!isRoot) console.warn('skipped: permissions of another user can be tested as root only');

it.skipIf(!canBecomeNobody)(
  'a folder of another user is refused by name, and nothing is asked of the server',
  async () => {
    context.server.route('/net.h5', file(bytes));
    await mkdir(join(context.folder, 'weights'), { mode: 0o700 });
    const stranger = fetchInProcess({}, { uid: nobody, gid: nobody, cwd: '/' });
    const result = await stranger.result();
    expect(result.code).toBe('CACHE_ACCESS');
    expect(result.message).toContain(context.folder);
    expect(result.message).toContain('no permission');
    expect(context.server.requests()).toHaveLength(0);
  },
);
