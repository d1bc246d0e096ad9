import { env } from 'node:process';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { UsageError } from '../base/errors.ts';
import type { TimeoutOptions } from './options.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as the file has it; never hanging around unread: consume or `discard` it. */
  readonly body: Readable;
  /** Set when the server compressed the body although it was asked not to: its length is not the file's. */
  readonly encoded: boolean;
  discard(): void;
}

export interface HttpRequest {
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly timeouts: Required<TimeoutOptions>;
  readonly signal?: AbortSignal;
}

const maxRedirections = 8;
const proxyVariables = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'] as const;

/** One GET through undici: redirects followed, HTTP_PROXY, HTTPS_PROXY and NO_PROXY obeyed. */
export async function openHttp({ url, headers, timeouts, signal }: HttpRequest): Promise<HttpAnswer> {
  const dispatcher = await dispatcherFor(timeouts.connectMs);
  const { request } = await import('undici');
  const target = new URL(url);
  const credentials = basicCredentials(target);
  const response = await request(target, {
    dispatcher,
    signal,
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    headers: {
      'user-agent': 'dovecote',
      accept: '*/*',
      'accept-encoding': 'identity',
      ...(credentials === undefined ? {} : { authorization: credentials }),
      ...headers,
    },
  });
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) single[name] = Array.isArray(value) ? (value[0] ?? '') : value;
  }
  const decoder = decoderFor(single['content-encoding']);
  const { body } = response;
  if (decoder !== undefined) body.on('error', (error) => decoder.destroy(error)).pipe(decoder);
  return {
    status: response.statusCode,
    headers: single,
    body: decoder === undefined ? body : decoder.on('close', () => body.destroy()),
    encoded: decoder !== undefined,
    discard: () => {
      for (const stream of [body, decoder]) stream?.on('error', () => undefined).destroy();
    },
  };
}

function decoderFor(encoding: string | undefined) {
  switch ((encoding ?? '').trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

/** Taken out of the URL, so that neither errors nor redirects carry them on. */
function basicCredentials(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const plain = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return `Basic ${Buffer.from(plain).toString('base64')}`;
}

let current: { key: string; dispatcher: Dispatcher } | undefined;

/** One agent for the process, so that connections are reused; a new one when the environment has changed. */
async function dispatcherFor(connectMs: number): Promise<Dispatcher> {
  const proxies = proxyVariables.map((name) => env[name] ?? '');
  const key = JSON.stringify([connectMs, ...proxies]);
  if (current?.key === key) return current.dispatcher;
  for (const name of proxyVariables) checkProxy(name, env[name]);
  const { EnvHttpProxyAgent, interceptors } = await import('undici');
  const connect = { timeout: connectMs };
  // Without a tunnel for plain http: most proxies allow CONNECT to port 443 only.
  const agent = new EnvHttpProxyAgent({
    proxyTunnel: false,
    connect,
    requestTls: connect,
    proxyTls: connect,
  });
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections }));
  current = { key, dispatcher };
  return dispatcher;
}

function checkProxy(name: string, value: string | undefined): void {
  if (value === undefined || value === '') return;
  const protocol = URL.canParse(value) ? new URL(value).protocol : '';
  if (['http:', 'https:', 'socks5:', 'socks:'].includes(protocol)) return;
  throw new UsageError('USAGE_OPTION', `The proxy in ${name} is not a URL.`, {
    // Not shown: it may hold a password.
    given: `${name}, set in the environment`,
    expected: 'http://host:port, https://host:port or socks5://host:port',
    nextStep: `correct ${name} or remove it`,
  });
}
