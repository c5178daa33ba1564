import { WatchpostError } from './errors.ts';

/** Address of a source, credentials apart, so that no log or answer shows them by accident. */
export interface SourceUrl {
  /** Lower case, without colon: `rtsp`. */
  readonly scheme: string;
  /** The whole address without credentials: `rtsp://192.0.2.10:554/cam?channel=1`. */
  readonly url: string;
  /** Host name or address, IPv6 without brackets; empty for schemes without one. */
  readonly host: string;
  /** Port, or undefined for the scheme's default. */
  readonly port?: number;
  /** Path and query, beginning with `/`; for schemes without a host all that follows the colon. */
  readonly path: string;
  readonly username?: string;
  readonly password?: string;
}

/** Host and port as URLs have them: an IPv6 address in brackets (RFC 3986 §3.2). */
export function authorityOf(host: string, port?: number): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}

/**
 * Parses the address of a source. A password may hold `#`, `/`, `@`, `?`, `:` and `%`: credentials are all up to the
 * last `@` that can stand before a host. Percent escapes in credentials are decoded where they are valid.
 * Throws `invalid_argument` (`URL_INVALID`) with the cure.
 */
export function parseSourceUrl(text: string, credentials: { username?: string; password?: string } = {}): SourceUrl {
  const head = /^([a-zA-Z][a-zA-Z0-9+.-]*):(\/\/)?/.exec(text);
  if (!head)
    throw invalid(
      text,
      /^[a-z]+\/\//.test(text) ? `did you mean "${text.replace('//', '://')}"?` : 'write it as "rtsp://HOST/PATH"',
    );
  const scheme = head[1]!.toLowerCase();
  // `file:///PATH` names no host.
  if (!head[2] || (scheme === 'file' && text[head[0].length] === '/'))
    return withCredentials(
      { scheme, url: `${scheme}:${text.slice(head[0].length)}`, host: '', path: text.slice(head[0].length) },
      credentials,
    );
  const rest = text.slice(head[0].length);
  const at = lastCredentialAt(rest);
  const hostAndPath = rest.slice(at + 1);
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^/?#:[\]\s]+)(?::(\d{1,5}))?([/?#].*)?$/s.exec(hostAndPath);
  if (!match) throw invalid(text, 'the host or port cannot be read');
  const port = match[2] === undefined ? undefined : Number(match[2]);
  if (port !== undefined && (port < 1 || port > 65535)) throw invalid(text, `port ${port} is not between 1 and 65535`);
  const path = match[3] === undefined ? '/' : match[3].startsWith('/') ? match[3] : `/${match[3]}`;
  const inUrl = at < 0 ? {} : splitCredentials(rest.slice(0, at));
  const source = { scheme, url: `${scheme}://${hostAndPath}`, host: match[1]!.replace(/^\[|\]$/g, ''), path, ...inUrl };
  return withCredentials(port === undefined ? source : { ...source, port }, credentials);
}

/** The address as a person may see it: a user name and password are shown as `***`. */
export function redactUrl(text: string): string {
  const head = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.exec(text);
  if (!head) return text;
  const rest = text.slice(head[0].length);
  const at = lastCredentialAt(rest);
  const visible = at < 0 ? rest : `***@${rest.slice(at + 1)}`;
  return head[0] + visible.replaceAll(/([?&](?:password|passwd|pwd|pass|token|secret|key)=)[^&#]*/gi, '$1***');
}

/** The address of a target as a person may see it: besides, the last segment of an RTMP path is a stream key, which is a password. */
export function redactTarget(text: string): string {
  const visible = redactUrl(text);
  if (!/^rtmps?:/i.test(visible)) return visible;
  const [path = '', ...query] = visible.split('?');
  const hidden = path.replace(/(?<=:\/\/[^/]+\/[^/]+\/).+$/, '***');
  return query.length === 0 ? hidden : `${hidden}?***`;
}

/** Index of the `@` that ends the credentials, or -1: the last one that is followed by something like a host. */
function lastCredentialAt(rest: string): number {
  for (let at = rest.lastIndexOf('@'); at >= 0; at = rest.lastIndexOf('@', at - 1)) {
    const followsHost = /^(\[[0-9a-fA-F:.%]+\]|[a-zA-Z0-9._-]+)(:\d{1,5})?([/?#]|$)/.test(rest.slice(at + 1));
    // An `@` in the path or query belongs to it, unless nothing before it looks like a host of its own.
    const beforeIsHostAndPath = /^(\[[0-9a-fA-F:.%]+\]|[a-zA-Z0-9._-]+)(:\d{1,5})?[/?#]/.test(rest.slice(0, at));
    if (followsHost && !beforeIsHostAndPath) return at;
    if (at === 0) return -1;
  }
  return -1;
}

function splitCredentials(text: string): { username: string; password?: string } {
  const colon = text.indexOf(':');
  if (colon < 0) return { username: decode(text) };
  return { username: decode(text.slice(0, colon)), password: decode(text.slice(colon + 1)) };
}

function decode(text: string): string {
  return text.replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

function withCredentials(source: SourceUrl, credentials: { username?: string; password?: string }): SourceUrl {
  if (credentials.username === undefined && credentials.password === undefined) return source;
  return { ...source, ...credentials };
}

function invalid(text: string, cure: string): WatchpostError {
  return new WatchpostError(`"${redactUrl(text)}" is not a URL — ${cure}`, {
    kind: 'invalid_argument',
    code: 'URL_INVALID',
  });
}
