import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@watchpost/base/clock.ts';
import { formatEnrolmentToken, tokenSecretBytes } from '@watchpost/tunnel/enrolment-token.ts';
import type { KnownToken } from '@watchpost/tunnel/handshake/server-handshake.ts';
import type { Database } from '../database.ts';

/** An enrolment token as people see it. */
export interface EnrolmentTokenRecord {
  readonly id: string;
  readonly name: string;
  readonly createdBy: string;
  /** ms since 1970 UTC */
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly uses: number;
  readonly maxUses: number;
}

/** What agents show at their first connection. Only hashes are kept. */
export class EnrolmentTokens {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Makes a token; `token` is shown this once. */
  async create(wish: {
    name: string;
    createdBy: string;
    expiresMs: number;
    maxUses: number;
  }): Promise<EnrolmentTokenRecord & { readonly token: string }> {
    const id = randomBytes(6).toString('hex');
    const secret = new Uint8Array(randomBytes(tokenSecretBytes));
    const createdMs = Math.round(this.#clock.wallMs());
    const expiresMs = Math.round(wish.expiresMs);
    await this.#database
      .insertInto('enrolment_tokens')
      .values({
        id,
        secret_hash: new Uint8Array(createHash('sha256').update(secret).digest()),
        name: wish.name,
        created_by: wish.createdBy,
        created_ms: createdMs,
        expires_ms: expiresMs,
        uses: 0,
        max_uses: wish.maxUses,
      })
      .execute();
    return { ...wish, id, createdMs, expiresMs, uses: 0, token: formatEnrolmentToken({ id, secret }) };
  }

  /** All tokens, newest first. */
  async list(): Promise<readonly EnrolmentTokenRecord[]> {
    const rows = await this.#database
      .selectFrom('enrolment_tokens')
      .selectAll()
      .orderBy('created_ms', 'desc')
      .execute();
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      createdBy: row.created_by,
      createdMs: row.created_ms,
      expiresMs: row.expires_ms,
      uses: row.uses,
      maxUses: row.max_uses,
    }));
  }

  /** Takes a token back; false where there is none. Agents that used it stay. */
  async revoke(id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#database
      .deleteFrom('enrolment_tokens')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  /** For the handshake: the hash of the secret, and why it enrols nobody any more. */
  async find(id: string): Promise<KnownToken | undefined> {
    const row = await this.#database.selectFrom('enrolment_tokens').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) return undefined;
    const secretHash = new Uint8Array(row.secret_hash);
    if (row.expires_ms <= this.#clock.wallMs()) return { secretHash, refusal: 'token_expired' };
    return row.uses >= row.max_uses ? { secretHash, refusal: 'token_used_up' } : { secretHash };
  }
}
