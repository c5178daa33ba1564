import type { Clock } from '@watchpost/base/clock.ts';
import type { Database } from '../database.ts';
import { noteUse } from './note-use.ts';
import { hashSecret, newId, newSecret } from './secrets.ts';
import type { LoginSession, User } from './types.ts';
import { toUser } from './users.ts';

/** A session ends when it was not used for so long. */
export const sessionLifeMs = 30 * 24 * 3_600_000;
/** The time of use is written at most this often. */
const touchEveryMs = 3_600_000;
const maxSessionsPerUser = 100;
const maxUserAgentLength = 200;

/** Logins that last: 30 days since they were last used, kept as hashes. */
export class Sessions {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #onRevoked: () => void;

  constructor(database: Database, clock: Clock, onRevoked: () => void = () => {}) {
    this.#database = database;
    this.#clock = clock;
    this.#onRevoked = onRevoked;
  }

  /** Begins a session; the token is not kept. The oldest one ends where a user has more than 100. */
  async begin(
    user: User,
    from: { readonly address: string; readonly userAgent: string },
  ): Promise<{ readonly token: string; readonly expiresMs: number }> {
    const token = newSecret('wps_');
    const nowMs = Math.round(this.#clock.wallMs());
    const expiresMs = nowMs + sessionLifeMs;
    await this.#database.deleteFrom('sessions').where('expires_ms', '<=', nowMs).execute();
    const older = await this.#database
      .selectFrom('sessions')
      .select('id')
      .where('user_id', '=', user.id)
      .orderBy('used_ms', 'desc')
      .offset(maxSessionsPerUser - 1)
      .limit(1000)
      .execute();
    for (const { id } of older) await this.revoke(id);
    await this.#database
      .insertInto('sessions')
      .values({
        id: newId(),
        hash: hashSecret(token),
        user_id: user.id,
        created_ms: nowMs,
        used_ms: nowMs,
        expires_ms: expiresMs,
        address: from.address,
        user_agent: from.userAgent.slice(0, maxUserAgentLength),
      })
      .execute();
    return { token, expiresMs };
  }

  /** The session of a token, if it is alive; its life is extended. */
  async find(token: string): Promise<LoginSession | undefined> {
    const row = await this.#select().where('sessions.hash', '=', hashSecret(token)).executeTakeFirst();
    const nowMs = Math.round(this.#clock.wallMs());
    if (!row || row.expires_ms <= nowMs) return undefined;
    if (nowMs - row.used_ms >= touchEveryMs)
      await noteUse(() =>
        this.#database
          .updateTable('sessions')
          .set({ used_ms: nowMs, expires_ms: nowMs + sessionLifeMs })
          .where('id', '=', row.id)
          .execute(),
      );
    return toSession(row);
  }

  /** Those of these ids that are alive; nothing is noted. */
  async byIds(ids: readonly string[]): Promise<readonly LoginSession[]> {
    const rows = await this.#select().where('sessions.id', 'in', ids).execute();
    const nowMs = this.#clock.wallMs();
    return rows.filter(({ expires_ms }) => expires_ms > nowMs).map(toSession);
  }

  /** Sessions that are alive, the one used last first; those of one user where given. */
  async list(userId?: string): Promise<readonly LoginSession[]> {
    let select = this.#select()
      .where('sessions.expires_ms', '>', this.#clock.wallMs())
      .orderBy('sessions.used_ms', 'desc');
    if (userId !== undefined) select = select.where('sessions.user_id', '=', userId);
    return (await select.execute()).map(toSession);
  }

  /** Ends a session, of this user where one is given; false where there is no such. */
  async revoke(id: string, userId?: string): Promise<boolean> {
    let deletion = this.#database.deleteFrom('sessions').where('id', '=', id);
    if (userId !== undefined) deletion = deletion.where('user_id', '=', userId);
    const isRevoked = (await deletion.executeTakeFirst()).numDeletedRows > 0n;
    if (isRevoked) this.#onRevoked();
    return isRevoked;
  }

  #select() {
    return this.#database
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .select(['users.id as user_id', 'users.name', 'users.role', 'users.streams'])
      .select([
        'sessions.id',
        'sessions.created_ms',
        'sessions.used_ms',
        'sessions.expires_ms',
        'sessions.address',
        'sessions.user_agent',
      ]);
  }
}

interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly name: string;
  readonly role: string;
  readonly streams: string | null;
  readonly created_ms: number;
  readonly used_ms: number;
  readonly expires_ms: number;
  readonly address: string;
  readonly user_agent: string;
}

function toSession(row: SessionRow): LoginSession {
  return {
    id: row.id,
    user: toUser({ ...row, id: row.user_id }),
    createdMs: row.created_ms,
    usedMs: row.used_ms,
    expiresMs: row.expires_ms,
    address: row.address,
    userAgent: row.user_agent,
  };
}
