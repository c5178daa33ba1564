import { WatchpostError } from '@watchpost/base/errors.ts';
import { apiTokenPrefix } from '../../catalog/identity/api-tokens.ts';
import type { Identity } from '../../catalog/identity/identity.ts';
import type { AuthMode } from '../dependencies.ts';
import { sessionCookie } from './cookie.ts';
import { anybody, type Principal } from './principal.ts';
import type { Headers } from './same-origin.ts';

/** Longest secret that is looked up. */
const maxSecretLength = 200;

/** Finds out who asks. */
export class Authenticator {
  readonly #identity: Identity;
  readonly mode: AuthMode;

  constructor(identity: Identity, mode: AuthMode) {
    this.#identity = identity;
    this.mode = mode;
  }

  /**
   * Who asks, by `Authorization: Bearer` or session cookie; undefined without credentials. Throws `unauthenticated`
   * (`TOKEN_INVALID`) for a bearer token that is not known, expired or revoked. A stale cookie counts as none.
   */
  async identify(headers: Headers): Promise<Principal | undefined> {
    if (this.mode === 'none') return anybody;
    const bearer = bearerToken(headers);
    if (bearer !== undefined) {
      const principal = await this.bySecret(bearer);
      if (principal) return principal;
      throw new WatchpostError('the token is not valid: it expired, was revoked, or was never one — make a new one', {
        kind: 'unauthenticated',
        code: 'TOKEN_INVALID',
      });
    }
    const cookie = sessionCookie(headers);
    const principal = cookie === undefined ? undefined : await this.bySecret(cookie);
    return principal?.via === 'session' ? { ...principal, byCookie: true } : undefined;
  }

  /** Whose API token or session it is. */
  async bySecret(secret: string): Promise<Principal | undefined> {
    if (secret.length > maxSecretLength) return undefined;
    if (secret.startsWith(apiTokenPrefix)) {
      const token = await this.#identity.tokens.find(secret);
      return (
        token && { via: 'token', userId: token.user.id, name: token.user.name, role: token.user.role, byCookie: false }
      );
    }
    const session = await this.#identity.sessions.find(secret);
    return (
      session && {
        via: 'session',
        userId: session.user.id,
        name: session.user.name,
        role: session.user.role,
        sessionId: session.id,
        byCookie: false,
      }
    );
  }
}

/** The answer to somebody without credentials. */
export function loginNeeded(): WatchpostError {
  return new WatchpostError('log in first, or send "Authorization: Bearer TOKEN"', {
    kind: 'unauthenticated',
    code: 'LOGIN_NEEDED',
  });
}

function bearerToken(headers: Headers): string | undefined {
  const field = headers['authorization'];
  if (typeof field !== 'string') return undefined;
  return /^bearer +([^\s]+)$/i.exec(field.trim())?.[1];
}
