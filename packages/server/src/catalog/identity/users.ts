import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Selectable } from 'kysely';
import type { Database } from '../database.ts';
import { Gate } from './gate.ts';
import type { IdentityTables } from './identity-tables.ts';
import { hashPassword, newId, verifyPassword } from './secrets.ts';
import type { Role, User } from './types.ts';

/** A user before there is one. */
export interface NewUser {
  /** Letters, digits, `.`, `_`, `@`, `-`; at most 64. */
  readonly name: string;
  /** At least 8 characters. */
  readonly password: string;
  readonly role: Role;
}

const namePattern = /^[\p{L}\p{N}._@-]{1,64}$/u;
const minPasswordLength = 8;
const maxPasswordLength = 256;

/** People with passwords. */
export class Users {
  readonly #database: Database;
  readonly #clock: Clock;
  /** Each hash holds 19 MiB. */
  readonly #gate = new Gate({ maxRunning: 2, maxWaiting: 20 });
  #decoyHash: Promise<string> | undefined;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** True once somebody can log in. */
  async any(): Promise<boolean> {
    return (await this.#database.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;
  }

  /** All users in order of their names. */
  async list(): Promise<readonly User[]> {
    return (await this.#database.selectFrom('users').selectAll().orderBy('name').execute()).map(toUser);
  }

  /**
   * Adds a user; with `onlyFirst` only while there is none. Throws `conflict` (`USER_EXISTS`, `SET_UP_DONE`) and
   * `invalid_argument` (`USER_NAME_INVALID`, `PASSWORD_INVALID`).
   */
  async add(user: NewUser, options: { readonly onlyFirst?: boolean } = {}): Promise<User> {
    checkName(user.name);
    checkPassword(user.password);
    const row = {
      id: newId(),
      name: user.name.normalize('NFC'),
      role: user.role,
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
      if (others.some(({ name }) => name === row.name))
        throw new WatchpostError(`there is a user "${row.name}" already — choose another name`, {
          kind: 'conflict',
          code: 'USER_EXISTS',
        });
      await transaction.insertInto('users').values(row).execute();
    });
    return toUser(row);
  }

  /** Sets a new password and ends the user's sessions. `not_found` (`USER_NOT_FOUND`) where there is no such user. */
  async setPassword(name: string, password: string): Promise<void> {
    checkPassword(password);
    const hash = await hashPassword(password);
    const { id } = await this.#find(name);
    await this.#database.transaction().execute(async (transaction) => {
      await transaction.updateTable('users').set({ password: hash }).where('id', '=', id).execute();
      await transaction.deleteFrom('sessions').where('user_id', '=', id).execute();
    });
  }

  /** Removes a user with all sessions and tokens. `not_found` (`USER_NOT_FOUND`) where there is no such user. */
  async remove(name: string): Promise<void> {
    const { id } = await this.#find(name);
    await this.#database.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('sessions').where('user_id', '=', id).execute();
      await transaction.deleteFrom('api_tokens').where('user_id', '=', id).execute();
      await transaction.deleteFrom('users').where('id', '=', id).execute();
    });
  }

  /** The user, if name and password are right; it takes as long for a name that does not exist. */
  async verify(name: string, password: string): Promise<User | undefined> {
    const row = await this.#row(name);
    this.#decoyHash ??= hashPassword('a password that nobody has');
    const hash = row?.password ?? (await this.#decoyHash);
    const right = await this.#gate.run(() => verifyPassword(password, hash));
    return row && right ? toUser(row) : undefined;
  }

  #row(name: string): Promise<Selectable<IdentityTables['users']> | undefined> {
    return this.#database.selectFrom('users').selectAll().where('name', '=', name.normalize('NFC')).executeTakeFirst();
  }

  async #find(name: string): Promise<Selectable<IdentityTables['users']>> {
    const row = await this.#row(name);
    if (row) return row;
    throw new WatchpostError(`there is no user "${name}"`, { kind: 'not_found', code: 'USER_NOT_FOUND' });
  }
}

/** A user as rows have it. */
export function toUser(row: { id: string; name: string; role: string }): User {
  return { id: row.id, name: row.name, role: row.role as Role };
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
