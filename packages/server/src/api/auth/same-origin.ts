import { WatchpostError } from '@watchpost/base/errors.ts';

/** Header fields as node:http gives them. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** True for methods that change nothing (RFC 9110 §9.2.1). */
export function isSafeMethod(method: string): boolean {
  return safeMethods.has(method);
}

/**
 * Whether a browser says that a page of this server asks: `Sec-Fetch-Site` (Fetch Metadata §2.4), else `Origin`
 * (RFC 6454 §7). `unknown` where it says neither.
 */
export function originOf(headers: Headers): 'same' | 'other' | 'unknown' {
  const site = headers['sec-fetch-site'];
  if (typeof site === 'string') return site === 'same-origin' || site === 'none' ? 'same' : 'other';
  const origin = headers['origin'];
  if (typeof origin !== 'string') return 'unknown';
  const host = authorityOf(headers);
  if (!URL.canParse(origin) || host === undefined) return 'other';
  return new URL(origin).host === host.toLowerCase() ? 'same' : 'other';
}

/** Host and port that the request was sent to: `Host`, or `:authority` of HTTP/2 in its place (RFC 9113 §8.3.1). */
export function authorityOf(headers: Headers): string | undefined {
  const host = headers['host'] ?? headers[':authority'];
  return typeof host === 'string' ? host : undefined;
}

/**
 * Whether a page of another origin may read what is answered: requests that it could read, WebSockets among them, name it
 * in `Origin` (Fetch §3.2); pictures and links come without, and their pages see nothing of the bytes.
 */
export function isReadElsewhere(headers: Headers): boolean {
  return headers['origin'] !== undefined && originOf(headers) === 'other';
}

/** The answer to a request for media that a page of another site made without a token. */
export function crossSiteMediaError(): WatchpostError {
  return new WatchpostError(
    'a page of another site needs "?token=" with an API token in this address — the page of this server needs none',
    { kind: 'forbidden', code: 'CROSS_SITE' },
  );
}

/** The answer to a request that another site's page made with this server's cookie. */
export function crossSiteError(): WatchpostError {
  return new WatchpostError(
    'a page of another site may not do this with your session — programs use "Authorization: Bearer TOKEN"',
    { kind: 'forbidden', code: 'CROSS_SITE' },
  );
}
