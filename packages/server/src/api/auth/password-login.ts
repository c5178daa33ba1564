import { createHmac, randomBytes } from 'node:crypto';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { VerifiedUser } from '../../catalog/identity/types.ts';
import type { Users } from '../../catalog/identity/users.ts';
import type { LoginThrottle } from './login-throttle.ts';

/** Who tries, and from where. */
export interface PasswordAttempt {
  readonly name: string;
  readonly password: string;
  readonly address: string;
}

/**
 * Names and passwords of requests that have no session: players, publishers. As slow for whoever guesses as the login
 * page is; a wall of monitors that connects all its players at once costs one hash.
 */
export class PasswordLogin {
  readonly #users: Pick<Users, 'verify'>;
  readonly #throttle: LoginThrottle;
  readonly #key = randomBytes(32);
  readonly #underWay = new Map<string, Promise<VerifiedUser | undefined>>();

  constructor(users: Pick<Users, 'verify'>, throttle: LoginThrottle) {
    this.#users = users;
    this.#throttle = throttle;
  }

  /** The user. Throws `unauthenticated` (`LOGIN_WRONG`) or `resource_exhausted` (`LOGIN_THROTTLED`, `LOGIN_BUSY`). */
  async check({ name, password, address }: PasswordAttempt): Promise<VerifiedUser> {
    this.#throttle.check(address, name);
    const user = await this.#verify(name, password);
    if (user) {
      this.#throttle.succeeded(address, name);
      return user;
    }
    this.#throttle.failed(address, name);
    throw new WatchpostError('name or password is wrong', { kind: 'unauthenticated', code: 'LOGIN_WRONG' });
  }

  #verify(name: string, password: string): Promise<VerifiedUser | undefined> {
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([name, password]))
      .digest('base64');
    const known = this.#underWay.get(key);
    if (known !== undefined) return known;
    const verified = this.#users.verify(name, password).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, verified);
    return verified;
  }
}
