import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Selectable } from 'kysely';
import type { Database } from '../database.ts';
import { Gate } from './gate.ts';
import type { IdentityTables } from './identity-tables.ts';
import { streamsOfColumn, streamsToColumn } from './rights.ts';
import { hashPassword, hashSecret, newId, verifyPassword } from './secrets.ts';
import type { Rights, Role, User, UserAccount, VerifiedUser } from './types.ts';

/** A user before there is one. */
export interface NewUser extends Rights {
  /** Letters, digits, `.`, `_`, `@`, `-`; at most 64. */
  readonly name: string;
  /** At least 8 characters. */
  readonly password: string;
}

/** What can be changed of a user; what is missing stays. `streams: null` lifts the limit. */
export interface UserChange {
  readonly password?: string | undefined;
  readonly role?: Role | undefined;
  readonly streams?: readonly string[] | null | undefined;
}

const namePattern = /^[\p{L}\p{N}._@-]{1,64}$/u;
const minPasswordLength = 8;
const maxPasswordLength = 256;

/** People with passwords. */
export class Users {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  /** Each hash holds 19 MiB. */
  readonly #gate = new Gate({ maxRunning: 2, maxWaiting: 20 });
  #decoyHash: Promise<string> | undefined;

  /** `onChange`: somebody may do less than before, or was removed. */
  constructor(database: Database, clock: Clock, onChange: () => void = () => {}) {
    this.#database = database;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** True once somebody can log in. */
  async any(): Promise<boolean> {
    return (await this.#database.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;
  }

  /** All users in order of their names. */
  async list(): Promise<readonly UserAccount[]> {
    const rows = await this.#database
      .selectFrom('users')
      .selectAll('users')
      .select((eb) =>
        eb
          .selectFrom('sessions')
          .select((session) => session.fn.max('used_ms').as('used_ms'))
          .whereRef('sessions.user_id', '=', 'users.id')
          .as('seen_ms'),
      )
      .orderBy('name')
      .execute();
    return rows.map((row) => ({ ...toUser(row), createdMs: row.created_ms, seenMs: row.seen_ms ?? undefined }));
  }

  /** The user with this id, if there still is one. */
  async byId(id: string): Promise<User | undefined> {
    const row = await this.#database.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toUser(row);
  }

  /** Those of these ids. */
  async byIds(ids: readonly string[]): Promise<readonly VerifiedUser[]> {
    const rows = await this.#database.selectFrom('users').selectAll().where('id', 'in', ids).execute();
    return rows.map((row) => ({ ...toUser(row), passwordMark: passwordMarkOf(row.password) }));
  }

  /**
   * Adds a user; with `onlyFirst` only while there is none. Throws `conflict` (`USER_EXISTS`, `SET_UP_DONE`) and
   * `invalid_argument` (`USER_NAME_INVALID`, `PASSWORD_INVALID`, `STREAMS_INVALID`, `FIRST_ADMIN_LIMITED`).
   */
  async add(user: NewUser, options: { readonly onlyFirst?: boolean } = {}): Promise<User> {
    checkName(user.name);
    checkPassword(user.password);
    const streams = streamsToColumn(user.streams);
    const row = {
      id: newId(),
      name: user.name.normalize('NFC'),
      role: user.role,
      streams,
      password: await hashPassword(user.password),
      created_ms: Math.round(this.#clock.wallMs()),
    };
    await this.#database.transaction().execute(async (transaction) => {
      const others = await transaction.selectFrom('users').select('name').execute();
      if (options.onlyFirst && others.length > 0)
        throw new WatchpostError('the first administrator exists already — log in instead', {
          kind: 'conflict',
          code: 'SET_UP_DONE',
        });
      if (others.length === 0 && row.role === 'admin' && streams !== null)
        throw new WatchpostError('the first administrator is one of all streams — leave the list out', {
          kind: 'invalid_argument',
          code: 'FIRST_ADMIN_LIMITED',
        });
      if (others.some(({ name }) => name === row.name))
        throw new WatchpostError(`there is a user "${row.name}" already — choose another name`, {
          kind: 'conflict',
          code: 'USER_EXISTS',
        });
      await transaction.insertInto('users').values(row).execute();
    });
    return toUser(row);
  }

  /**
   * Changes a user; a new password ends all sessions but `keepSessionId`. Throws `not_found` (`USER_NOT_FOUND`),
   * `conflict` (`LAST_ADMIN`) where nobody would be left to administer, and what `add` throws for bad values.
   */
  async change(name: string, change: UserChange, options: { readonly keepSessionId?: string } = {}): Promise<User> {
    if (change.password !== undefined) checkPassword(change.password);
    const hash = change.password === undefined ? undefined : await hashPassword(change.password);
    const { id } = await this.#find(name);
    const changed = await this.#database.transaction().execute(async (transaction) => {
      const row = await transaction.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row) throw userNotFound(name);
      const role = change.role ?? row.role;
      const streams =
        change.streams === undefined
          ? row.streams
          : streamsToColumn(change.streams === null ? undefined : change.streams);
      if (role !== 'admin' || streams !== null) await keepOneAdmin(transaction, row);
      await transaction
        .updateTable('users')
        .set({ role, streams, ...(hash !== undefined && { password: hash }) })
        .where('id', '=', id)
        .execute();
      if (hash !== undefined)
        await transaction
          .deleteFrom('sessions')
          .where('user_id', '=', id)
          .where('id', '!=', options.keepSessionId ?? '')
          .execute();
      return toUser({ ...row, role, streams });
    });
    this.#onChange();
    return changed;
  }

  /**
   * Removes a user with all sessions and tokens. Throws `not_found` (`USER_NOT_FOUND`) where there is no such user,
   * `conflict` (`LAST_ADMIN`) for the last administrator.
   */
  async remove(name: string): Promise<void> {
    const found = await this.#find(name);
    const { id } = found;
    await this.#database.transaction().execute(async (transaction) => {
      await keepOneAdmin(transaction, found);
      await transaction.deleteFrom('sessions').where('user_id', '=', id).execute();
      await transaction.deleteFrom('api_tokens').where('user_id', '=', id).execute();
      await transaction.deleteFrom('users').where('id', '=', id).execute();
    });
    this.#onChange();
  }

  /** The user, if name and password are right; it takes as long for a name that does not exist. */
  async verify(name: string, password: string): Promise<VerifiedUser | undefined> {
    const row = await this.#row(name);
    this.#decoyHash ??= hashPassword('a password that nobody has');
    const hash = row?.password ?? (await this.#decoyHash);
    const right = await this.#gate.run(() => verifyPassword(password, hash));
    return row && right ? { ...toUser(row), passwordMark: passwordMarkOf(row.password) } : undefined;
  }

  #row(name: string): Promise<Selectable<IdentityTables['users']> | undefined> {
    return this.#database.selectFrom('users').selectAll().where('name', '=', name.normalize('NFC')).executeTakeFirst();
  }

  async #find(name: string): Promise<Selectable<IdentityTables['users']>> {
    const row = await this.#row(name);
    if (row) return row;
    throw userNotFound(name);
  }
}

/** What tells one password's hash from the next one's. */
export function passwordMarkOf(hash: string): string {
  return hashSecret(hash).slice(0, 22);
}

/** A user as rows have it. */
export function toUser(row: { id: string; name: string; role: string; streams: string | null }): User {
  return { id: row.id, name: row.name, role: row.role as Role, streams: streamsOfColumn(row.streams) };
}

/** One administrator without a limit stays: a limited one may not make users, nor change the limit. */
async function keepOneAdmin(
  database: Database,
  user: { readonly id: string; readonly role: string; readonly streams: string | null },
): Promise<void> {
  if (user.role !== 'admin' || user.streams !== null) return;
  const admins = database.selectFrom('users').select('id').where('role', '=', 'admin').where('streams', 'is', null);
  if (await admins.where('id', '!=', user.id).executeTakeFirst()) return;
  throw new WatchpostError('this is the last administrator of all streams — make another one first', {
    kind: 'conflict',
    code: 'LAST_ADMIN',
  });
}

function userNotFound(name: string): WatchpostError {
  return new WatchpostError(`there is no user "${name}"`, { kind: 'not_found', code: 'USER_NOT_FOUND' });
}

function checkName(name: string): void {
  if (namePattern.test(name)) return;
  throw new WatchpostError('a user name is 1 to 64 letters, digits, ".", "_", "@" and "-"', {
    kind: 'invalid_argument',
    code: 'USER_NAME_INVALID',
  });
}

function checkPassword(password: string): void {
  if (password.length >= minPasswordLength && password.length <= maxPasswordLength) return;
  throw new WatchpostError(`a password has ${minPasswordLength} to ${maxPasswordLength} characters`, {
    kind: 'invalid_argument',
    code: 'PASSWORD_INVALID',
  });
}
