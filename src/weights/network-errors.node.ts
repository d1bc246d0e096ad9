import { env } from 'node:process';
import { DovecoteError, NetworkError } from '../base/errors.ts';
import { shownUrl } from './locations.node.ts';
import { RetryableFailure } from './retry.ts';

const timeouts = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'];
const certificate = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

export interface FailureContext {
  readonly url: URL;
  /** How the file can be had without this address, as an instruction. */
  readonly otherWay: string;
  /** Bytes of the body that arrived in this try. */
  readonly received: number;
  readonly progressed: boolean;
}

/** Turns what undici throws into an error of ours, wrapped when another try may mend it. */
export function networkFailure(error: unknown, context: FailureContext): DovecoteError | RetryableFailure {
  if (error instanceof DovecoteError || error instanceof RetryableFailure) return error;
  const { code = '', message } = rootOf(error);
  const given = shownUrl(context.url);
  const { host } = context.url;
  const retryable = (failure: NetworkError) =>
    new RetryableFailure(failure, { progressed: context.progressed });

  if (/redirect loop|max redirects/i.test(message)) {
    return new NetworkError('NETWORK_STATUS', `${host} redirects in a circle.`, {
      given,
      expected: 'the file, after a few redirects at most',
      nextStep: context.otherWay,
      cause: error,
    });
  }
  const proxyStatus = Number(/^Proxy (?:response|Authentication Required) \((\d+)\)/.exec(message)?.[1]);
  if (proxyStatus > 0) return proxyFailure(proxyStatus, error, context);
  if (certificate.test(code)) {
    return new NetworkError('NETWORK_UNREACHABLE', `The certificate of ${host} is not trusted (${code}).`, {
      given,
      expected: 'a certificate that Node trusts',
      nextStep: `behind a company proxy, set NODE_EXTRA_CA_CERTS to its certificate; or ${context.otherWay}`,
      cause: error,
    });
  }
  if (timeouts.includes(code)) {
    const what = code === 'UND_ERR_BODY_TIMEOUT' ? 'stopped sending' : 'did not answer';
    return retryable(
      new NetworkError('NETWORK_TIMEOUT', `${host} ${what} for too long.`, {
        given,
        expected: 'an answer without long pauses',
        nextStep: `run again, a download goes on where it stopped; or ${context.otherWay}`,
        cause: error,
      }),
    );
  }
  if (context.received > 0) {
    return retryable(
      new NetworkError('DOWNLOAD_TRUNCATED', `${host} broke the connection in the middle of the file.`, {
        given: `${given}, ${context.received} bytes of this try`,
        expected: 'the whole file',
        nextStep: `run again, a download goes on where it stopped; or ${context.otherWay}`,
        cause: error,
      }),
    );
  }
  const failure = new NetworkError('NETWORK_UNREACHABLE', `${host} cannot be reached: ${message}.`, {
    given,
    expected: 'a connection to the internet, or to the proxy that leads there',
    nextStep: `${proxyAdvice()}; or ${context.otherWay}`,
    cause: error,
  });
  // A name that does not exist stays so; a resolver that is not there yet says EAI_AGAIN.
  return code === 'ENOTFOUND' ? failure : retryable(failure);
}

function proxyFailure(
  status: number,
  cause: unknown,
  context: FailureContext,
): NetworkError | RetryableFailure {
  const failure = new NetworkError('NETWORK_STATUS', `The proxy answered ${status}${meaningOf(status)}.`, {
    given: shownUrl(context.url),
    expected: 'a proxy that lets this address through',
    nextStep: `${proxyAdvice()}; or ${context.otherWay}`,
    cause,
  });
  return status >= 500 ? new RetryableFailure(failure, { progressed: context.progressed }) : failure;
}

export function statusFailure(
  status: number,
  retryAfterMs: number | undefined,
  context: FailureContext,
): NetworkError | RetryableFailure {
  const failure = new NetworkError(
    'NETWORK_STATUS',
    `${context.url.host} answered ${status}${meaningOf(status)}.`,
    {
      given: shownUrl(context.url),
      expected: 'status 200 and the file',
      nextStep: context.otherWay,
    },
  );
  const mendable = status === 408 || status === 429 || status >= 500;
  return mendable
    ? new RetryableFailure(failure, { afterMs: retryAfterMs, progressed: context.progressed })
    : failure;
}

function meaningOf(status: number): string {
  if (status === 401 || status === 403) return ' (access denied)';
  if (status === 404 || status === 410) return ' (there is no such file)';
  if (status === 407) return ' (it wants a user name and a password, as in http://user:password@host:port)';
  if (status === 429) return ' (too many requests)';
  if (status >= 300 && status < 400) return ' (too many redirects)';
  return '';
}

function proxyAdvice(): string {
  const proxy = env.https_proxy ?? env.HTTPS_PROXY ?? env.http_proxy ?? env.HTTP_PROXY;
  if (proxy === undefined || proxy === '') return 'check the connection (behind a proxy, set HTTPS_PROXY)';
  const shown = URL.canParse(proxy) ? new URL(proxy).host : 'the given address';
  return `check the connection and the proxy (${shown}, from the environment)`;
}

/** undici hides the system's error in `cause`, and several addresses of one host in an AggregateError. */
function rootOf(error: unknown): { code?: string; message: string } {
  if (!(error instanceof Error)) return { message: String(error) };
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause;
  const { code } = error as NodeJS.ErrnoException;
  if (inner instanceof Error && (code === undefined || error.message === '')) return rootOf(inner);
  return { code, message: (error.message || code || error.name).split('\n')[0] ?? '' };
}
