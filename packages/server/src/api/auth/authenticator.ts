import { WatchpostError } from '@watchpost/base/errors.ts';
import { apiTokenPrefix } from '../../catalog/identity/api-tokens.ts';
import type { Identity } from '../../catalog/identity/identity.ts';
import { lesserRights } from '../../catalog/identity/rights.ts';
import type { ApiToken, User } from '../../catalog/identity/types.ts';
import type { AuthMode, AuthSettings } from '../dependencies.ts';
import { sessionCookie } from './cookie.ts';
import { foreignHostError, namesOwnHost } from './own-host.ts';
import { anybody, type Principal } from './principal.ts';
import type { Headers } from './same-origin.ts';

/** Longest secret that is looked up. */
const maxSecretLength = 200;

/** Finds out who asks. */
export class Authenticator {
  readonly #identity: Identity;
  readonly #settings: () => AuthSettings;

  /** `settings` are asked for each time: they may change. */
  constructor(identity: Identity, settings: () => AuthSettings) {
    this.#identity = identity;
    this.#settings = settings;
  }

  /** Whether a login is required now. */
  get mode(): AuthMode {
    return this.#settings().mode;
  }

  /**
   * Who asks, by `Authorization: Bearer` or session cookie; undefined without credentials. Throws `unauthenticated`
   * (`TOKEN_INVALID`) for a bearer token that is not known, expired or revoked. A stale cookie counts as none. Where no login
   * is required, as `anybody`.
   */
  async identify(headers: Headers): Promise<Principal | undefined> {
    if (this.mode === 'none') return this.anybody(headers);
    const bearer = bearerToken(headers);
    if (bearer !== undefined) {
      const principal = await this.bySecret(bearer);
      if (principal) return principal;
      throw tokenInvalid();
    }
    const cookie = sessionCookie(headers);
    const principal = cookie === undefined ? undefined : await this.bySecret(cookie);
    return principal?.via === 'session' ? { ...principal, byCookie: true } : undefined;
  }

  /** Whoever asks where no login is required. Throws `forbidden` (`FOREIGN_HOST`) under names that others may lead here. */
  anybody(headers: Headers): Principal {
    if (namesOwnHost(headers, this.#settings().hosts)) return anybody;
    throw foreignHostError(headers);
  }

  /** Whose API token or session it is. */
  async bySecret(secret: string): Promise<Principal | undefined> {
    if (secret.length > maxSecretLength) return undefined;
    if (secret.startsWith(apiTokenPrefix)) {
      const token = await this.#identity.tokens.find(secret);
      return token && ofToken(token);
    }
    const session = await this.#identity.sessions.find(secret);
    return session && { ...ofUser(session.user), sessionId: session.id, expiresMs: session.expiresMs };
  }

  /** Who holds the API token with this id, which is used by that; undefined once it is revoked or expired. */
  async byTokenId(id: string): Promise<Principal | undefined> {
    const token = await this.#identity.tokens.use(id);
    return token && ofToken(token);
  }

  /** The same as before, with the rights of this moment; undefined once the session or token ended, or a login is required. */
  async still(principal: Principal): Promise<Principal | undefined> {
    const { via, sessionId, tokenId } = principal;
    if (via === 'none') return this.mode === 'none' ? principal : undefined;
    if (tokenId !== undefined) return this.byTokenId(tokenId);
    const [session] = sessionId === undefined ? [] : await this.#identity.sessions.byIds([sessionId]);
    return session && { ...ofUser(session.user), sessionId: session.id };
  }

  /** Whom a signed address was made for, with the rights of this moment; undefined once user or token are gone. */
  async byGrantee(grantee: string): Promise<Principal | undefined> {
    const id = grantee.slice(1);
    if (grantee.startsWith('t')) {
      const token = await this.#identity.tokens.byId(id);
      return token && ofToken(token);
    }
    const user = await this.#identity.users.byId(id);
    return user && ofUser(user);
  }
}

/** Somebody who proved to be a user. */
export function ofUser({ id, name, role, streams }: User): Principal {
  return { via: 'session', userId: id, name, role, streams, byCookie: false };
}

/** The program that has the token. */
export function ofToken({ id, name, user, limits, expiresMs }: ApiToken): Principal {
  const rights = lesserRights(user, limits);
  return {
    ...{ via: 'token', userId: user.id, name: user.name, ...rights, tokenId: id, tokenName: name, byCookie: false },
    ...(expiresMs !== undefined && { expiresMs }),
  };
}

/** The answer to somebody without credentials; `isPlayer` for programs that know addresses and stream keys, but no headers. */
export function loginNeeded(isPlayer = false): WatchpostError {
  const how = isPlayer
    ? 'or put ?token=TOKEN behind the address or stream key'
    : 'or send "Authorization: Bearer TOKEN"';
  return new WatchpostError(`log in first, ${how}`, { kind: 'unauthenticated', code: 'LOGIN_NEEDED' });
}

/** The answer to an API token that is none, or none any more. */
export function tokenInvalid(): WatchpostError {
  return new WatchpostError('the token is not valid: it expired, was revoked, or was never one — make a new one', {
    kind: 'unauthenticated',
    code: 'TOKEN_INVALID',
  });
}

function bearerToken(headers: Headers): string | undefined {
  const field = headers['authorization'];
  if (typeof field !== 'string') return undefined;
  return /^bearer +([^\s]+)$/i.exec(field.trim())?.[1];
}
