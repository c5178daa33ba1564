/** What a person may do; each may do what the next may. */
export type Role = 'admin' | 'operator' | 'viewer';

/** A person with a password. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
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

/** A token for programs; it acts for the user who made it. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly user: User;
  readonly createdMs: number;
  readonly usedMs: number | undefined;
  readonly expiresMs: number | undefined;
}
