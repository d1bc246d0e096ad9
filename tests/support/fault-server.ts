import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

/** One answer of the server. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Milliseconds, from `performance.now()`. */
  readonly time: number;
}

export interface FaultServer {
  /** `http://127.0.0.1:<free port>`, without a slash at the end. */
  readonly url: string;
  /** Adds or replaces a route. */
  route(path: string, answer: Answer): string;
  /** Requests so far, of one path or of all. */
  requests(path?: string): readonly SeenRequest[];
  close(): Promise<void>;
}

/**
 * A local HTTP server that misbehaves as told, for tests of everything that goes over the network. Unknown paths
 * are answered by 404. `route` returns the URL of the route.
 */
export async function startFaultServer(routes: Readonly<Record<string, Answer>> = {}): Promise<FaultServer> {
  const answers = new Map(Object.entries(routes));
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    seen.push({ path, headers: request.headers, time: performance.now() });
    (answers.get(path) ?? status(404))(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    route: (path, answer) => {
      answers.set(path, answer);
      return `${url}${path}`;
    },
    requests: (path) => seen.filter((request) => path === undefined || request.path === path),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

export interface FileOptions {
  /** Answer `Range` and `If-Range`. Default true; otherwise they are ignored. */
  readonly ranges?: boolean;
  /** Default `"v1"`; `false` sends none. */
  readonly etag?: string | false;
  readonly lastModified?: string;
  readonly contentType?: string;
  /** What `Content-Length` says instead of the truth; `false` sends chunks without a length. */
  readonly statedLength?: number | false;
  /** Destroy the connection after so many bytes of an answer. */
  readonly dropAfter?: number;
  /**
   * Wait before dropping until this says that the client has taken in the file up to `position`: a client throws
   * away what it has not read yet when it sees the connection break.
   */
  readonly dropWhen?: (position: number) => boolean;
  /** Send so many bytes of an answer and then nothing, with the connection open. */
  readonly stallAfter?: number;
  /** End an answer properly after so many bytes; only without a length. */
  readonly endAfter?: number;
  /** Send so many bytes at a time, with pauses. */
  readonly trickle?: { readonly bytes: number; readonly pauseMs: number };
  /** Compress, whatever the client accepts. */
  readonly gzip?: boolean;
}

/** A file, sent well unless told otherwise. */
export function file(bytes: Uint8Array, options: FileOptions = {}): Answer {
  const etag = options.etag ?? '"v1"';
  return (request, response) => {
    const start = options.ranges === false ? 0 : rangeStart(request, etag, options.lastModified);
    if (start >= bytes.length && start > 0) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}`, ...(etag && { etag }) }).end();
      return;
    }
    const body = options.gzip ? gzipSync(bytes) : bytes.subarray(start);
    response.statusCode = start > 0 ? 206 : 200;
    response.setHeader('content-type', options.contentType ?? 'application/octet-stream');
    if (options.gzip) response.setHeader('content-encoding', 'gzip');
    if (etag) response.setHeader('etag', etag);
    if (options.lastModified !== undefined) response.setHeader('last-modified', options.lastModified);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`);
    if (options.statedLength !== false)
      response.setHeader('content-length', options.statedLength ?? body.length);
    void send(response, body, start, options);
  };
}

async function send(
  response: ServerResponse,
  body: Uint8Array,
  start: number,
  options: FileOptions,
): Promise<void> {
  const { dropAfter, stallAfter, endAfter, trickle } = options;
  const stop = Math.min(dropAfter ?? stallAfter ?? endAfter ?? body.length, body.length);
  response.flushHeaders();
  const step = trickle?.bytes ?? 16_384;
  for (let at = 0; at < stop && !response.destroyed; at += step) {
    const chunk = body.subarray(at, Math.min(at + step, stop));
    await new Promise<void>((resolve) => response.write(chunk, () => resolve()));
    if (trickle !== undefined) await pause(trickle.pauseMs);
  }
  if (dropAfter !== undefined) {
    while (options.dropWhen?.(start + stop) === false && !response.destroyed) await pause(2);
    response.destroy();
  } else if (stallAfter === undefined) response.end();
}

function rangeStart(
  request: IncomingMessage,
  etag: string | false,
  lastModified: string | undefined,
): number {
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const condition = request.headers['if-range'];
  const unchanged = condition === undefined || condition === etag || condition === lastModified;
  return start !== undefined && unchanged ? Number(start) : 0;
}

export function status(code: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_, response) => {
    response.writeHead(code, { 'content-type': 'text/plain', ...headers }).end(`status ${code}`);
  };
}

export function redirect(to: string, code = 302): Answer {
  return status(code, { location: to });
}

/** A web page with status 200, as login portals and moved hosts send it. */
export function html(contentType = 'text/html; charset=utf-8'): Answer {
  return (_, response) => {
    response
      .writeHead(200, { 'content-type': contentType })
      .end('\n<!DOCTYPE html><html><body>Sign in</body></html>');
  };
}

/** Never answers. */
export const silence: Answer = () => undefined;

/** Breaks the connection before any answer. */
export const hangUp: Answer = (request) => {
  request.socket.destroy();
};

/** The first answer to the first request, and so on; the last one to all that follow. */
export function inTurn(...answers: readonly Answer[]): Answer {
  let turn = 0;
  return (request, response) => answers[Math.min(turn++, answers.length - 1)]?.(request, response);
}

/** `count` times the first answer, then the second for ever. */
export function times(count: number, first: Answer, then: Answer): Answer {
  return inTurn(...Array.from({ length: count }, () => first), then);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
