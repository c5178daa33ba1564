/** What a person may do; each may do what the next may. */
export type Role = 'admin' | 'operator' | 'viewer';

/** All roles, the mightiest first. */
export const roles: readonly Role[] = ['admin', 'operator', 'viewer'];

/** What somebody may do, and with which streams. */
export interface Rights {
  readonly role: Role;
  /** Ids of the streams it is limited to, each with its second quality; undefined for all. */
  readonly streams?: readonly string[] | undefined;
}

/** A person with a password. */
export interface User extends Rights {
  readonly id: string;
  readonly name: string;
}

/** A user whose password was right. */
export interface VerifiedUser extends User {
  /** Changes with the password; tells nothing of it. */
  readonly passwordMark: string;
}

/** A user as administrators see it. */
export interface UserAccount extends User {
  readonly createdMs: number;
  /** When one of the sessions was last used; undefined where there is none. */
  readonly seenMs: number | undefined;
}

/** A login that lasts. */
export interface LoginSession {
  readonly id: string;
  readonly user: User;
  readonly createdMs: number;
  readonly usedMs: number;
  readonly expiresMs: number;
  readonly address: string;
  readonly userAgent: string;
}

/** A token for programs; it acts for the user who made it, with the same rights or fewer. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly user: User;
  /** What the token itself was limited to; what counts is the lesser of it and the user's rights. */
  readonly limits: Partial<Rights>;
  readonly createdMs: number;
  readonly usedMs: number | undefined;
  readonly expiresMs: number | undefined;
}
