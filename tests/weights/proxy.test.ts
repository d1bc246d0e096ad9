import { execFileSync, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readLocation } from '../../src/weights/index.node.ts';
import { bundle } from '../support/bundle.ts';
import { file, type Answer } from '../support/fault-server.ts';
import { describeOnLoopback, itOnLoopback } from '../support/network.ts';
import { startProxy, type ProxyServer } from '../support/proxy-server.ts';
import { expectBytes, failureOf, fast, hdf5Bytes, useServerAndCache } from './setup.ts';

const bytes = hdf5Bytes(5_000);
const context = useServerAndCache();
const proxies: ProxyServer[] = [];

async function proxy(options: Parameters<typeof startProxy>[0] = {}): Promise<ProxyServer> {
  const started = await startProxy(options);
  proxies.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(proxies.splice(0).map((each) => each.close()));
});

describe('HTTP_PROXY', () => {
  itOnLoopback('carries http: without a tunnel, as company proxies want it', async () => {
    const { host, lines } = await proxy();
    vi.stubEnv('HTTP_PROXY', `http://${host}`);
    const url = context.server.route('/net.h5', file(bytes));
    expectBytes(await readLocation(url, fast), bytes);
    expect(lines).toEqual([`GET ${url}`]);
  });

  itOnLoopback('may be written in small letters', async () => {
    const { host, lines } = await proxy();
    vi.stubEnv('http_proxy', `http://${host}`);
    await readLocation(context.server.route('/net.h5', file(bytes)), fast);
    expect(lines).toHaveLength(1);
  });

  itOnLoopback('is left aside for the hosts in NO_PROXY', async () => {
    const { host, lines } = await proxy();
    vi.stubEnv('HTTP_PROXY', `http://${host}`);
    vi.stubEnv('NO_PROXY', 'example.org,127.0.0.1');
    expectBytes(await readLocation(context.server.route('/net.h5', file(bytes)), fast), bytes);
    expect(lines).toEqual([]);
  });

  itOnLoopback('may hold a user name and a password', async () => {
    const { host } = await proxy({ credentials: 'me:p@ss' });
    vi.stubEnv('HTTP_PROXY', `http://me:p%40ss@${host}`);
    expectBytes(await readLocation(context.server.route('/net.h5', file(bytes)), fast), bytes);
  });

  itOnLoopback('with a wrong password is an error that does not show it', async () => {
    const { host, lines } = await proxy({ credentials: 'me:right' });
    vi.stubEnv('HTTP_PROXY', `http://me:secret@${host}`);
    const error = await failureOf(readLocation(context.server.route('/net.h5', file(bytes)), fast));
    expect(error.code).toBe('NETWORK_STATUS');
    expect(error.summary).toContain('407');
    expect(error.message).not.toContain('secret');
    expect(lines).toHaveLength(1);
    vi.stubEnv('HTTPS_PROXY', `http://me:secret@${host}`);
    const tunnel = await failureOf(readLocation('https://weights.invalid/net.h5', fast));
    expect([tunnel.code, tunnel.summary]).toEqual([error.code, error.summary]);
    expect(lines.at(-1)).toBe('CONNECT weights.invalid:443');
    expect(lines).toHaveLength(2);
  });

  it('that is not there is named in the error, without its password', async () => {
    const gone = await startProxy();
    await gone.close();
    vi.stubEnv('HTTP_PROXY', `http://me:secret@${gone.host}`);
    const error = await failureOf(readLocation(context.server.route('/net.h5', file(bytes)), fast));
    expect(error.code).toBe('NETWORK_UNREACHABLE');
    expect(error.nextStep).toContain(gone.host);
    expect(error.message).not.toContain('secret');
  });

  it('that is no URL is a usage error', async () => {
    vi.stubEnv('HTTP_PROXY', 'proxy.example:8080');
    const error = await failureOf(readLocation(context.server.route('/net.h5', file(bytes)), fast));
    expect(error.code).toBe('USAGE_OPTION');
    expect(error.given).toContain('HTTP_PROXY');
  });
});

/** A certificate for localhost that nobody has signed; undefined without openssl. */
function certificate(folder: string): { key: string; cert: string } | undefined {
  const paths = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
  const command = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost`;
  try {
    execFileSync('openssl', [...command.split(' '), '-keyout', paths.key, '-out', paths.cert], {
      stdio: 'ignore',
    });
    return paths;
  } catch {
    // eslint-disable-next-line no-console
    console.warn('not tested here: https needs the openssl program to make a certificate');
    return undefined;
  }
}

async function startHttps(
  paths: { key: string; cert: string },
  answer: Answer,
): Promise<{ server: Server; url: string }> {
  const server = createServer({ key: await readFile(paths.key), cert: await readFile(paths.cert) }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `https://localhost:${(server.address() as AddressInfo).port}/net.h5` };
}

describeOnLoopback('https', () => {
  it('with a certificate that is not trusted is refused once, with the advice for company proxies', async ({
    skip,
  }) => {
    const paths = certificate(context.folder) ?? skip();
    let connections = 0;
    const { server, url } = await startHttps(paths, file(bytes));
    server.on('connection', () => (connections += 1));
    try {
      const error = await failureOf(readLocation(url, fast));
      expect(error.code).toBe('NETWORK_UNREACHABLE');
      expect(error.nextStep).toContain('NODE_EXTRA_CA_CERTS');
      expect(connections).toBe(1);
    } finally {
      server.close();
    }
  });

  it('goes through a tunnel of HTTPS_PROXY', async ({ skip }) => {
    const paths = certificate(context.folder) ?? skip();
    const { server, url } = await startHttps(paths, file(bytes));
    const { host, lines } = await proxy();
    const program = await bundle(fileURLToPath(new URL('program.ts', import.meta.url)));
    try {
      const job = { file: { url, fileName: 'net.h5' }, options: { ...fast, cacheFolder: context.folder } };
      const child = spawn(process.execPath, [program.path, JSON.stringify(job)], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, HTTPS_PROXY: `http://${host}`, NODE_EXTRA_CA_CERTS: paths.cert },
      });
      const last = (await text(child.stdout)).trim().split('\n').at(-1)!;
      const { path } = JSON.parse(last) as { path: string };
      expectBytes(await readFile(path), bytes);
      expect(lines).toEqual([`CONNECT ${new URL(url).host}`]);
    } finally {
      server.close();
      await program.remove();
    }
  });
});
