import { fileURLToPath } from 'node:url';
import { UsageError } from '../base/errors.ts';

export type Source =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'http'; readonly url: URL };

/**
 * A path, a `file:` URL or an http(s) URL.
 *
 * @throws UsageError `USAGE_ARGUMENT` for other protocols and URLs that are not well formed
 */
export function parseSource(location: string | URL): Source {
  if (typeof location === 'string' && !/^([a-z][a-z0-9+.-]+:\/\/|file:)/i.test(location)) {
    return { kind: 'file', path: location };
  }
  const url = parseUrl(location);
  if (url.protocol === 'http:' || url.protocol === 'https:') return { kind: 'http', url };
  if (url.protocol === 'file:') return { kind: 'file', path: pathOfFileUrl(url) };
  throw new UsageError('USAGE_ARGUMENT', `Addresses that begin with ${url.protocol} are not read.`, {
    given: shownUrl(url),
    expected: 'a path, or a URL that begins with https:, http: or file:',
    nextStep: 'download the file first and give its path',
  });
}

/** For files with a public address, where a bare path would be a mistake. */
export function parseUrlSource(url: string): Source {
  parseUrl(url);
  return parseSource(url);
}

function parseUrl(location: string | URL): URL {
  if (location instanceof URL) return location;
  try {
    return new URL(location);
  } catch (cause) {
    throw new UsageError('USAGE_ARGUMENT', 'This is not a well-formed URL.', {
      given: location,
      expected: 'a URL such as https://example.org/weights.h5',
      nextStep: 'correct the address; a path needs no scheme',
      cause,
    });
  }
}

function pathOfFileUrl(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new UsageError('USAGE_ARGUMENT', 'This file: URL does not name a file of this machine.', {
      given: url.href,
      expected: 'a URL such as file:///folder/weights.h5',
      nextStep: 'give the path instead',
      cause,
    });
  }
}

/** A URL as it may be shown and stored: without user name, password and fragment. */
export function shownUrl(url: string | URL): string {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  copy.hash = '';
  return copy.href;
}

/**
 * Where a mirror keeps a file: `<mirror>/<host>/<path>`, a query string as part of the last name (`?` written as
 * `%3F`). It is the layout that `wget --force-directories URL` makes, and no two addresses share a place.
 * `http:` and `https:` of one host count as the same address. `file:` URLs are never mirrored.
 */
export function mirrorUrl(mirror: string, url: string): URL {
  const original = new URL(shownUrl(url));
  let base: URL;
  try {
    base = new URL(mirror.endsWith('/') ? mirror : `${mirror}/`);
    if (!['http:', 'https:', 'file:'].includes(base.protocol))
      throw new TypeError(`protocol ${base.protocol}`);
  } catch (cause) {
    throw new UsageError('USAGE_OPTION', 'The mirror is not a URL that can be read.', {
      given: `DOVECOTE_MIRROR=${mirror}`,
      expected: 'a base URL that begins with https:, http: or file:',
      nextStep: 'correct DOVECOTE_MIRROR or remove it',
      cause,
    });
  }
  base.search = '';
  base.hash = '';
  base.pathname += `${original.host}${original.pathname}${encodeURIComponent(original.search)}`;
  return base;
}
