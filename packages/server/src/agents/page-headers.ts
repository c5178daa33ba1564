import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** Names the page that a browser is looking at. */
export const pageCookie = 'watchpost_page';

/** Of one connection only (RFC 9110 §7.6.1). */
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** What a camera must not tell the browser about a host that is not its own. */
const notTheirs = ['strict-transport-security', 'clear-site-data', 'service-worker-allowed', 'public-key-pins'];

/** Where the page really is. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/** What the camera is sent: its own host, and no cookie of ours; cookies of a host are shared by all its ports. */
export function requestHeaders(headers: IncomingHttpHeaders, place: Place, isUpgrade: boolean): OutgoingHttpHeaders {
  const sent: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) if (!hopByHop.includes(name)) sent[name] = value;
  const authority = authorityOf(place);
  sent['host'] = authority;
  for (const name of ['origin', 'referer']) {
    const value = headers[name];
    if (typeof value === 'string') sent[name] = value.replace(/^https?:\/\/[^/]+/, `http://${authority}`);
  }
  const cookies = (headers.cookie ?? '').split(/;\s*/).filter((cookie) => cookie !== '' && !isOurs(cookie));
  if (cookies.length > 0) sent['cookie'] = cookies.join('; ');
  else delete sent['cookie'];
  if (isUpgrade) {
    sent['connection'] = 'Upgrade';
    sent['upgrade'] = headers.upgrade;
  } else sent['connection'] = 'close';
  return sent;
}

/** What the browser is sent: redirects stay on this port, and no cookie has a name of ours. */
export function answerHeaders(headers: IncomingHttpHeaders, place: Place): OutgoingHttpHeaders {
  const sent: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers))
    if (!hopByHop.includes(name) && !notTheirs.includes(name)) sent[name] = value;
  const own = [`http://${authorityOf(place)}`, `http://${place.host}`];
  const { location } = headers;
  const prefix = own.find((origin) => location === origin || location?.startsWith(`${origin}/`));
  if (location !== undefined && prefix !== undefined) sent['location'] = location.slice(prefix.length) || '/';
  const cookies = headers['set-cookie']?.filter((cookie) => !isOurs(cookie));
  if (cookies) sent['set-cookie'] = cookies.map((cookie) => cookie.replace(/;\s*domain=[^;]*/i, ''));
  return sent;
}

/** The value of a cookie. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const cookie of (header ?? '').split(/;\s*/))
    if (cookie.startsWith(`${name}=`)) return cookie.slice(name.length + 1);
  return undefined;
}

function isOurs(cookie: string): boolean {
  return /^\s*(__host-|__secure-)?watchpost/i.test(cookie);
}

function authorityOf({ host, port }: Place): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === 80 ? name : `${name}:${port}`;
}
