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
  // HTTP/2 has `:authority` in its place (RFC 9113 §8.3.1).
  const host = headers['host'] ?? headers[':authority'];
  if (!URL.canParse(origin) || typeof host !== 'string') return 'other';
  return new URL(origin).host === host.toLowerCase() ? 'same' : 'other';
}

/** The answer to a request that another site's page made with this server's cookie. */
export function crossSiteError(): WatchpostError {
  return new WatchpostError(
    'a page of another site may not do this with your session — programs use "Authorization: Bearer TOKEN"',
    { kind: 'forbidden', code: 'CROSS_SITE' },
  );
}
