import type { Clock } from '@watchpost/base/clock.ts';
import type { Database } from '../database.ts';
import { noteUse } from './note-use.ts';
import { streamsOfColumn, streamsToColumn } from './rights.ts';
import { hashSecret, newId, newSecret } from './secrets.ts';
import type { ApiToken, Rights, Role, User } from './types.ts';
import { toUser } from './users.ts';

/** What every API token begins with. */
export const apiTokenPrefix = 'wp_';
/** The time of use is written at most this often. */
const touchEveryMs = 60_000;

/** A token before there is one. Without `expiresMs` it lives until it is revoked, without `limits` it may what its user may. */
export interface NewApiToken {
  readonly name: string;
  /** ms since 1970 UTC */
  readonly expiresMs?: number;
  readonly limits?: Partial<Rights>;
}

/** Tokens for programs, kept as hashes. */
export class ApiTokens {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #onRevoked: () => void;

  constructor(database: Database, clock: Clock, onRevoked: () => void = () => {}) {
    this.#database = database;
    this.#clock = clock;
    this.#onRevoked = onRevoked;
  }

  /** Makes a token that acts for `user`; `secret` is not kept. `invalid_argument` (`STREAMS_INVALID`) for bad limits. */
  async create(user: User, token: NewApiToken): Promise<ApiToken & { readonly secret: string }> {
    const secret = newSecret(apiTokenPrefix);
    const row = {
      id: newId(),
      hash: hashSecret(secret),
      name: token.name,
      user_id: user.id,
      created_ms: Math.round(this.#clock.wallMs()),
      used_ms: null,
      expires_ms: token.expiresMs === undefined ? null : Math.round(token.expiresMs),
      role: token.limits?.role ?? null,
      streams: streamsToColumn(token.limits?.streams),
    };
    await this.#database.insertInto('api_tokens').values(row).execute();
    const ofUser = {
      user_name: user.name,
      user_role: user.role,
      user_streams: user.streams === undefined ? null : JSON.stringify(user.streams),
    };
    return { ...toToken({ ...row, ...ofUser }), secret };
  }

  /** The token, if it is alive; the time of use is noted. */
  async find(secret: string): Promise<ApiToken | undefined> {
    const row = await this.#select().where('api_tokens.hash', '=', hashSecret(secret)).executeTakeFirst();
    return this.#used(row);
  }

  /** The token with this id, if it is alive; the time of use is noted. */
  async use(id: string): Promise<ApiToken | undefined> {
    return this.#used(await this.#select().where('api_tokens.id', '=', id).executeTakeFirst());
  }

  async #used(row: TokenRow | undefined): Promise<ApiToken | undefined> {
    const nowMs = Math.round(this.#clock.wallMs());
    if (!row || !isAlive(row, nowMs)) return undefined;
    if (row.used_ms === null || nowMs - row.used_ms >= touchEveryMs)
      await noteUse(() =>
        this.#database.updateTable('api_tokens').set({ used_ms: nowMs }).where('id', '=', row.id).execute(),
      );
    return toToken(row);
  }

  /** The token with this id, if it is alive. */
  async byId(id: string): Promise<ApiToken | undefined> {
    const row = await this.#select().where('api_tokens.id', '=', id).executeTakeFirst();
    return row && isAlive(row, this.#clock.wallMs()) ? toToken(row) : undefined;
  }

  /** Those of these ids that are alive. */
  async byIds(ids: readonly string[]): Promise<readonly ApiToken[]> {
    const nowMs = this.#clock.wallMs();
    const rows = await this.#select().where('api_tokens.id', 'in', ids).execute();
    return rows.filter((row) => isAlive(row, nowMs)).map(toToken);
  }

  /** All tokens, expired ones included, the newest first. */
  async list(): Promise<readonly ApiToken[]> {
    return (await this.#select().orderBy('api_tokens.created_ms', 'desc').execute()).map(toToken);
  }

  /** Revokes a token at once; false where there is no such. */
  async revoke(id: string): Promise<boolean> {
    const result = await this.#database.deleteFrom('api_tokens').where('id', '=', id).executeTakeFirst();
    const isRevoked = result.numDeletedRows > 0n;
    if (isRevoked) this.#onRevoked();
    return isRevoked;
  }

  #select() {
    return this.#database
      .selectFrom('api_tokens')
      .innerJoin('users', 'users.id', 'api_tokens.user_id')
      .select([
        'users.id as user_id',
        'users.name as user_name',
        'users.role as user_role',
        'users.streams as user_streams',
      ])
      .select([
        'api_tokens.id',
        'api_tokens.name',
        'api_tokens.created_ms',
        'api_tokens.used_ms',
        'api_tokens.expires_ms',
        'api_tokens.role',
        'api_tokens.streams',
      ]);
  }
}

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly user_role: string;
  readonly user_streams: string | null;
  readonly role: string | null;
  readonly streams: string | null;
  readonly created_ms: number;
  readonly used_ms: number | null;
  readonly expires_ms: number | null;
}

function isAlive(row: TokenRow, nowMs: number): boolean {
  return row.expires_ms === null || row.expires_ms > nowMs;
}

function toToken(row: TokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    user: toUser({ id: row.user_id, name: row.user_name, role: row.user_role, streams: row.user_streams }),
    limits: { ...(row.role !== null && { role: row.role as Role }), streams: streamsOfColumn(row.streams) },
    createdMs: row.created_ms,
    usedMs: row.used_ms ?? undefined,
    expiresMs: row.expires_ms ?? undefined,
  };
}
