import { createHash } from 'node:crypto';
import type { Database } from './database.ts';

/** How far webhooks have come. */
export interface WebhookTables {
  webhook_progress: {
    /** Hash of its address, which may have a password in it. */
    hook: string;
    settled_id: number;
    failures: number;
    next_ms: number;
    dropped: number;
  };
}

/** How far one webhook has come. */
export interface WebhookProgress {
  /** Of the newest event that needs nothing more, like all before it. */
  readonly settledId: number;
  /** Attempts that failed one after the other. */
  readonly failures: number;
  /** When the next attempt is due, ms since 1970 UTC; 0 at once. */
  readonly nextMs: number;
  /** Events that were lost and that the receiver has not been told of. */
  readonly dropped: number;
}

/** Keeps how far each webhook has come: one small row for each, since the events themselves are in their log. */
export class WebhookStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined for an address that is new. */
  async load(url: string): Promise<WebhookProgress | undefined> {
    const row = await this.#database
      .selectFrom('webhook_progress')
      .selectAll()
      .where('hook', '=', keyOf(url))
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return { settledId: row.settled_id, failures: row.failures, nextMs: row.next_ms, dropped: row.dropped };
  }

  async save(url: string, { settledId, failures, nextMs, dropped }: WebhookProgress): Promise<void> {
    const row = { settled_id: settledId, failures, next_ms: Math.round(nextMs), dropped };
    await this.#database
      .insertInto('webhook_progress')
      .values({ hook: keyOf(url), ...row })
      .onConflict((conflict) => conflict.column('hook').doUpdateSet(row))
      .execute();
  }

  /** Forgets all other addresses. */
  async keepOnly(urls: readonly string[]): Promise<void> {
    const keys = ['', ...urls.map(keyOf)];
    await this.#database.deleteFrom('webhook_progress').where('hook', 'not in', keys).execute();
  }
}

function keyOf(url: string): string {
  return createHash('sha256').update(url).digest('base64url');
}
