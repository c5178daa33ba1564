import { randomBytes } from 'node:crypto';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { sql } from 'kysely';
import type { Database } from '../database.ts';
import { ApiTokens } from './api-tokens.ts';
import { equalSecrets, newSecret } from './secrets.ts';
import { Sessions } from './sessions.ts';
import type { User } from './types.ts';
import { Users } from './users.ts';

/** Who may come in: users, their sessions, API tokens, the one-time set-up token, keys to sign with. */
export class Identity {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: ApiTokens;
  /** HMAC key of the `?token=` of media addresses: 32 bytes, the same after a restart. */
  readonly mediaKey: Uint8Array;
  readonly #database: Database;
  readonly #listeners = new Set<() => void>();
  #setUpToken: string | undefined;

  private constructor(database: Database, clock: Clock, mediaKey: Uint8Array) {
    const tell = () => {
      for (const listener of this.#listeners) listener();
    };
    this.#database = database;
    this.users = new Users(database, clock, tell);
    this.sessions = new Sessions(database, clock, tell);
    this.tokens = new ApiTokens(database, clock, tell);
    this.mediaKey = mediaKey;
  }

  /** Calls `listener` when somebody may do less than before, by this process. Returns what forgets it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Another number once another process (`watchpost user`, `watchpost token`) has written to the database. */
  async version(): Promise<number> {
    const { rows } = await sql<{ data_version: number }>`SELECT data_version FROM pragma_data_version`.execute(
      this.#database,
    );
    return rows[0]!.data_version;
  }

  /** Reads, or makes at the first start, what is needed to tell who is who. */
  static async open(database: Database, clock: Clock): Promise<Identity> {
    return new Identity(database, clock, await signingKey(database, clock, 'media'));
  }

  /**
   * A one-time token for making the first administrator, the same until the process ends; undefined once somebody can
   * log in. It is kept in memory only: whoever reads the database cannot use it.
   */
  async setUpToken(): Promise<string | undefined> {
    if (await this.users.any()) this.#setUpToken = undefined;
    else this.#setUpToken ??= newSecret('');
    return this.#setUpToken;
  }

  /**
   * Makes the first administrator. Throws `conflict` (`SET_UP_DONE`) once there is one, `unauthenticated`
   * (`SET_UP_TOKEN_WRONG`) for another token than the one printed.
   */
  async setUp(token: string, administrator: { readonly name: string; readonly password: string }): Promise<User> {
    if (await this.users.any())
      throw new WatchpostError('the first administrator exists already — log in instead', {
        kind: 'conflict',
        code: 'SET_UP_DONE',
      });
    if (this.#setUpToken === undefined || !equalSecrets(token, this.#setUpToken))
      throw new WatchpostError(
        'this set-up link is not valid — use the one that the server printed at its last start, or run "watchpost user add"',
        { kind: 'unauthenticated', code: 'SET_UP_TOKEN_WRONG' },
      );
    const user = await this.users.add({ ...administrator, role: 'admin' }, { onlyFirst: true });
    this.#setUpToken = undefined;
    return user;
  }
}

async function signingKey(database: Database, clock: Clock, purpose: string): Promise<Uint8Array> {
  await database
    .insertInto('signing_keys')
    .values({ purpose, key: new Uint8Array(randomBytes(32)), created_ms: Math.round(clock.wallMs()) })
    .onConflict((conflict) => conflict.column('purpose').doNothing())
    .execute();
  const row = await database
    .selectFrom('signing_keys')
    .select('key')
    .where('purpose', '=', purpose)
    .executeTakeFirstOrThrow();
  return row.key;
}
