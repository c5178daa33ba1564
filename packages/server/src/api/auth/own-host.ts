import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf, type Headers } from './same-origin.ts';

/** Names that no public DNS answers for: RFC 6761 §6.3, RFC 6762 §3, RFC 8375, ICANN's `.internal`, and routers' `.lan`. */
const localEndings = ['.localhost', '.local', '.lan', '.home.arpa', '.internal'];

/**
 * Whether a request names this server as only its own network can: by IP address, by a local name, by that of this machine,
 * or by one of `hosts`. A page whose public name was led here (DNS rebinding) is "the same origin" for its browser, and only
 * `Host` tells. Requests without one come from no browser (RFC 9110 §7.2).
 */
export function namesOwnHost(headers: Headers, hosts: readonly string[]): boolean {
  const authority = authorityOf(headers);
  if (authority === undefined) return true;
  const [, inBrackets, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(authority.toLowerCase()) ?? [];
  if (inBrackets !== undefined) return isIP(inBrackets) === 6;
  const name = plain?.replace(/\.$/, '');
  if (name === undefined || name === '') return false;
  if (isIP(name) === 4 || !name.includes('.') || localEndings.some((ending) => name.endsWith(ending))) return true;
  return name === hostname().toLowerCase() || hosts.includes(name);
}

/** The answer to a request under a name that may be anybody's. */
export function foreignHostError(headers: Headers): WatchpostError {
  const name = (authorityOf(headers) ?? '').replace(/:\d*$/, '').slice(0, 253);
  return new WatchpostError(
    `without logins this server does not answer as "${name}" — open it by its IP address, add the name to auth.hosts, ` +
      'or set auth.mode = "required"',
    { kind: 'forbidden', code: 'FOREIGN_HOST' },
  );
}
