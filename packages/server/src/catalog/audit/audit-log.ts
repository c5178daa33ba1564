import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { Selectable } from 'kysely';
import type { Database } from '../database.ts';
import { letOthersRun } from '../let-others-run.ts';
import type { AuditTables } from './audit-tables.ts';
import { OnceAMinute } from './once-a-minute.ts';
import type { AuditAction, AuditEntry, AuditFilter, AuditSink, NewAuditEntry } from './types.ts';

/** Rows that may wait for the database; past it the oldest are dropped and counted. */
const maxWaiting = 10_000;
/** Written in one transaction. */
const pieceRows = 200;
const writeDelayMs = 200;
const trimEvery = 500;
const dayMs = 24 * 3_600_000;
const maxTextLength = 200;
/** What goes on rather than happens, and would fill the log. */
const lasting: ReadonlySet<AuditAction> = new Set([
  'live',
  'playback',
  'publish',
  'snapshot',
  'export',
  'denied',
  'ptz',
]);

/** Of these another detail is another row: a range of an exported file that is fetched in pieces is not. */
const detailed: ReadonlySet<AuditAction> = new Set(['denied', 'export', 'ptz', 'snapshot']);

/** What an audit log is made with. */
export interface AuditLogOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The newest so many are kept. Default 500 000. */
  readonly maxRows?: number;
  /** Older rows go. Default 365. */
  readonly maxDays?: number;
}

/** A page of the log: newest first, older than `beforeId` where given; `limit` is 1…1000. */
export interface AuditPage extends AuditFilter {
  readonly beforeId?: number | undefined;
  readonly limit: number;
}

/** Keeps who did what; rows are written in batches behind `record`. */
export class AuditLog implements AuditSink, AsyncDisposable {
  readonly #options: AuditLogOptions;
  readonly #once = new OnceAMinute();
  #waiting: { readonly atMs: number; readonly entry: NewAuditEntry }[] = [];
  #written: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #untilTrim = 0;
  #droppedRows = 0;

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /** Rows that were never stored because the database did not keep up. */
  get dropped(): number {
    return this.#droppedRows;
  }

  /** Notes a row. What goes on (somebody who watches) is one row for each user, address and stream, and minute at most. */
  record(entry: NewAuditEntry): void {
    const { clock } = this.#options;
    if (lasting.has(entry.action)) {
      const { action, user, via, address, streamId } = entry;
      const key = [action, user, via, address, streamId ?? '', detailed.has(action) ? entry.detail : ''].join('\n');
      if (!this.#once.isNew(key, clock.monotonicMs())) return;
    }
    if (this.#waiting.length >= maxWaiting) {
      this.#waiting.shift();
      this.#droppedRows++;
    }
    this.#waiting.push({ atMs: clock.wallMs(), entry });
    this.#cancelTimer ??= clock.after(writeDelayMs, () => void this.flush());
  }

  /** A page, rows that were not yet on disk included. */
  async query(page: AuditPage): Promise<AuditEntry[]> {
    await this.flush();
    let select = this.#options.database
      .selectFrom('audit')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(Math.min(Math.max(page.limit, 1), 1000));
    const { beforeId, user, action, streamId, startMs, endMs } = page;
    if (beforeId !== undefined) select = select.where('id', '<', beforeId);
    if (user !== undefined) select = select.where('user_name', '=', user);
    if (action !== undefined) select = select.where('action', '=', action);
    if (streamId !== undefined) select = select.where('stream_id', 'in', [streamId, `${streamId}.sub`]);
    if (startMs !== undefined) select = select.where('at_ms', '>=', startMs);
    if (endMs !== undefined) select = select.where('at_ms', '<', endMs);
    return (await select.execute()).map(toEntry);
  }

  /** Resolves once everything recorded so far is in the database. */
  async flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#written = this.#written.then(() => this.#write());
    await this.#written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
  }

  async #write(): Promise<void> {
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    for (let at = 0; at < batch.length; at += pieceRows) {
      if (at > 0) await letOthersRun();
      await this.#writePiece(batch.slice(at, at + pieceRows));
    }
    if (this.#untilTrim <= 0) await this.#trim();
  }

  async #writePiece(batch: readonly { readonly atMs: number; readonly entry: NewAuditEntry }[]): Promise<void> {
    try {
      await this.#options.database.transaction().execute(async (transaction) => {
        for (const { atMs, entry } of batch) await transaction.insertInto('audit').values(toRow(entry, atMs)).execute();
      });
      this.#untilTrim -= batch.length;
    } catch (error) {
      this.#droppedRows += batch.length;
      this.#options.logger.error('the audit log cannot be written', { error: String(error), rows: batch.length });
    }
  }

  async #trim(): Promise<void> {
    this.#untilTrim = trimEvery;
    const { database, clock, logger, maxDays = 365, maxRows = 500_000 } = this.#options;
    try {
      const newest = await database
        .selectFrom('audit')
        .select((eb) => eb.fn.max('id').as('id'))
        .executeTakeFirst();
      await database
        .deleteFrom('audit')
        .where((eb) =>
          eb.or([eb('id', '<=', (newest?.id ?? 0) - maxRows), eb('at_ms', '<', clock.wallMs() - maxDays * dayMs)]),
        )
        .execute();
    } catch (error) {
      logger.error('old rows of the audit log cannot be deleted', { error: String(error) });
    }
  }
}

function toRow(entry: NewAuditEntry, atMs: number): Omit<Selectable<AuditTables['audit']>, 'id'> {
  return {
    at_ms: Math.round(atMs),
    action: entry.action,
    user_name: entry.user.slice(0, maxTextLength),
    via: entry.via.slice(0, maxTextLength),
    stream_id: entry.streamId ?? null,
    detail: (entry.detail ?? '').slice(0, maxTextLength),
    address: (entry.address ?? '').slice(0, maxTextLength),
    user_agent: entry.userAgent.slice(0, maxTextLength),
  };
}

function toEntry(row: Selectable<AuditTables['audit']>): AuditEntry {
  return {
    id: row.id,
    atMs: row.at_ms,
    action: row.action as AuditAction,
    user: row.user_name,
    via: row.via,
    streamId: row.stream_id ?? undefined,
    detail: row.detail,
    address: row.address,
    userAgent: row.user_agent,
  };
}
