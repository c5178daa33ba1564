import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { type AddressTranslation, authorityOf, type PagePlace } from './page-addresses.ts';

/** What names of cookies of ours begin with; those of pages end with their port, for cookies of a host are shared by all ports. */
export const pageCookie = 'watchpost_page';

/** Of one connection only (RFC 9110 §7.6.1). */
const hopByHop = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
]);

/** What a camera must not tell the browser about a host that is not its own. */
const notTheirs = new Set([
  ...['strict-transport-security', 'clear-site-data', 'service-worker-allowed', 'public-key-pins', 'alt-svc'],
  ...['nel', 'report-to', 'reporting-endpoints'],
]);

/** Fields with addresses in them. */
const withAddresses = new Set([
  ...['content-location', 'refresh', 'link', 'content-security-policy', 'content-security-policy-report-only'],
  'access-control-allow-origin',
]);

/** API tokens and session tokens: whoever holds one may do what its user may. */
const ourToken = /^\s*bearer\s+(wp_|wps_)/i;

/** What the camera is sent: its own host, and neither cookies nor tokens of ours. */
export function requestHeaders(
  headers: IncomingHttpHeaders,
  translation: AddressTranslation,
  isUpgrade: boolean,
): OutgoingHttpHeaders {
  const { place, origin } = translation;
  const sent: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) if (!hopByHop.has(name)) sent[name] = value;
  sent['host'] = authorityOf(place);
  for (const name of ['origin', 'referer']) {
    const value = headers[name];
    const isOwn = typeof value === 'string' && (value === origin || value.startsWith(`${origin}/`));
    if (isOwn) sent[name] = placeOrigin(place) + value.slice(origin.length);
    else delete sent[name];
  }
  if (isOurToken(headers.authorization)) delete sent['authorization'];
  const cookies = (headers.cookie ?? '').split(/;\s*/).filter((cookie) => cookie !== '' && !isOurs(cookie));
  if (cookies.length > 0) sent['cookie'] = cookies.join('; ');
  else delete sent['cookie'];
  sent['connection'] = isUpgrade ? 'Upgrade' : 'close';
  if (isUpgrade) sent['upgrade'] = headers.upgrade;
  return sent;
}

/**
 * What the browser is sent: redirects stay at this page, no cookie has a name of ours, and nothing of the page speaks with
 * another origin than its own (CSP Level 3 §3.2), that of the console included.
 */
export function answerHeaders(headers: IncomingHttpHeaders, translation: AddressTranslation): OutgoingHttpHeaders {
  const { origin } = translation;
  const sent: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (hopByHop.has(name) || notTheirs.has(name)) continue;
    sent[name] = withAddresses.has(name) && typeof value === 'string' ? translation.translate(value) : value;
  }
  if (headers.location !== undefined) sent['location'] = translation.redirect(headers.location);
  const isSecure = origin.startsWith('https:');
  const cookies = headers['set-cookie']?.filter((cookie) => !isOurs(cookie));
  if (cookies) sent['set-cookie'] = cookies.map((cookie) => ownCookie(cookie, isSecure));
  const theirs = sent['content-security-policy'];
  sent['content-security-policy'] = theirs === undefined ? policyOf(origin) : `${theirs}, ${policyOf(origin)}`;
  sent['cross-origin-resource-policy'] = 'same-origin';
  sent['referrer-policy'] = 'same-origin';
  // A port may be another camera's tomorrow; what was cached for one page is not for the next.
  sent['vary'] = headers.vary === undefined ? 'Cookie' : `${headers.vary}, Cookie`;
  return sent;
}

/** The value of a cookie. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const cookie of (header ?? '').split(/;\s*/))
    if (cookie.startsWith(`${name}=`)) return cookie.slice(name.length + 1);
  return undefined;
}

function policyOf(origin: string): string {
  const own = `'self' data: blob:`;
  return (
    `default-src ${own} 'unsafe-inline' 'unsafe-eval'; connect-src ${own} ${origin.replace(/^http/, 'ws')}; ` +
    "form-action 'self'; base-uri 'self'; frame-ancestors 'self'"
  );
}

/** Where TLS ends here, or begins here, is not what the camera knows. */
function ownCookie(cookie: string, isSecure: boolean): string {
  const local = cookie.replace(/;\s*domain=[^;]*/gi, '');
  return isSecure ? local : local.replace(/;\s*(secure(?=\s*(;|$))|samesite=none)/gi, '');
}

function isOurs(cookie: string): boolean {
  return /^\s*(__host-|__secure-)?watchpost/i.test(cookie);
}

function isOurToken(authorization: string | undefined): boolean {
  if (authorization === undefined) return false;
  const basic = /^\s*basic\s+([\w+/=-]+)\s*$/i.exec(authorization)?.[1];
  if (basic === undefined) return ourToken.test(authorization);
  const text = Buffer.from(basic, 'base64').toString('latin1');
  return ourToken.test(`bearer ${text.slice(text.indexOf(':') + 1)}`);
}

function placeOrigin(place: PagePlace): string {
  return `http${place.tls ? 's' : ''}://${authorityOf(place)}`;
}
