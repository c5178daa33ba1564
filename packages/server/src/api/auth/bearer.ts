import type { Identity } from '../../catalog/identity/identity.ts';
import type { Rights } from '../../catalog/identity/types.ts';
import type { AuthMode } from '../dependencies.ts';
import { ofToken } from './authenticator.ts';
import { anybody, type Principal } from './principal.ts';

/** Of one query; SQLite takes more, but plans them longer. */
const maxIds = 500;

/**
 * By what somebody was let in, which can end: an API token, a session, a password, a user for whom an address was signed,
 * or that nobody need log in.
 */
export interface Bearer {
  /** The same for the same credentials. */
  readonly key: string;
  readonly kind: 'token' | 'session' | 'user' | 'anybody';
  readonly id: string;
  /** The password that was told; undefined where none was. */
  readonly passwordMark?: string;
}

/** What a bearer may do now. */
export interface Standing extends Rights {
  /** ms since 1970 UTC */
  readonly expiresMs?: number;
}

/** All who came in without a login. */
export const anybodyBearer: Bearer = { key: 'anybody', kind: 'anybody', id: '' };

/** By what `principal` was let in. */
export function bearerOf(principal: Principal): Bearer {
  const { tokenId, sessionId, userId, passwordMark } = principal;
  if (tokenId !== undefined) return { key: `t${tokenId}`, kind: 'token', id: tokenId };
  if (sessionId !== undefined) return { key: `s${sessionId}`, kind: 'session', id: sessionId };
  if (userId === undefined) return anybodyBearer;
  if (passwordMark === undefined) return { key: `u${userId}`, kind: 'user', id: userId };
  return { key: `p${userId}.${passwordMark}`, kind: 'user', id: userId, passwordMark };
}

/** What each of them may do now, where `mode` counts, by key; those that may not come in any more are missing. */
export async function standingsOf(
  identity: Identity,
  bearers: readonly Bearer[],
  mode: AuthMode,
): Promise<ReadonlyMap<string, Standing>> {
  const [tokens, sessions, users] = [
    await inBatches(idsOf(bearers, 'token'), (ids) => identity.tokens.byIds(ids)),
    await inBatches(idsOf(bearers, 'session'), (ids) => identity.sessions.byIds(ids)),
    await inBatches(idsOf(bearers, 'user'), (ids) => identity.users.byIds(ids)),
  ];
  const standings = new Map<string, Standing>();
  for (const bearer of bearers) {
    const { key, kind, id, passwordMark } = bearer;
    const token = kind === 'token' ? tokens.get(id) : undefined;
    const session = kind === 'session' ? sessions.get(id) : undefined;
    if (kind === 'anybody' && mode === 'none') standings.set(key, anybody);
    const user = kind === 'user' ? users.get(id) : undefined;
    if (token !== undefined) standings.set(key, ofToken(token));
    else if (session !== undefined) standings.set(key, { ...session.user, expiresMs: session.expiresMs });
    else if (user !== undefined && (passwordMark ?? user.passwordMark) === user.passwordMark) standings.set(key, user);
  }
  return standings;
}

function idsOf(bearers: readonly Bearer[], kind: Bearer['kind']): readonly string[] {
  return [...new Set(bearers.filter((bearer) => bearer.kind === kind).map(({ id }) => id))];
}

async function inBatches<T extends { readonly id: string }>(
  ids: readonly string[],
  read: (ids: readonly string[]) => Promise<readonly T[]>,
): Promise<ReadonlyMap<string, T>> {
  const found = new Map<string, T>();
  for (let at = 0; at < ids.length; at += maxIds)
    for (const row of await read(ids.slice(at, at + maxIds))) found.set(row.id, row);
  return found;
}
