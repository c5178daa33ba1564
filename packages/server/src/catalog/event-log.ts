import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import type { EventTables } from './event-tables.ts';
import { letOthersRun } from './let-others-run.ts';
import type { EventLevel, EventRecord, EventSink, NewEvent } from './types.ts';

/** Events that may wait for the database; past it the oldest are dropped and counted. */
const maxWaiting = 10_000;
/** Written in one transaction. */
const pieceRows = 200;

/** What an event log is made with. */
export interface EventLogOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The newest so many are kept. Default 100 000. */
  readonly maxEvents?: number;
  /** Events of so long are written together. Default 200 ms. */
  readonly writeDelayMs?: number;
}

/** Which events; all that is given must be true of them. */
export interface EventQuery {
  /** Newer than this id; answers oldest first. */
  readonly afterId?: number;
  /** Older than this id; answers newest first, as without either. */
  readonly beforeId?: number;
  /** Whole types, or an area with a dot at its end: `recording.`. */
  readonly types?: readonly string[];
  readonly streamId?: string;
  /** Of these streams only, their second qualities included; nothing that concerns no stream. */
  readonly onlyStreams?: readonly string[];
  /** Not of this area: `auth.` */
  readonly exceptArea?: string;
  /** This level or graver. */
  readonly level?: EventLevel;
  /** 1…1000 */
  readonly limit: number;
}

const gravity: readonly EventLevel[] = ['info', 'warning', 'error'];

/** Stores what happened and tells listeners. `emit` never waits and never throws: rows are written in batches behind it. */
export class EventLog implements EventSink, AsyncDisposable {
  readonly #options: EventLogOptions;
  readonly #listeners = new Set<(event: EventRecord) => void>();
  readonly #settledListeners = new Set<(event: EventRecord) => void>();
  #waiting: EventRecord[] = [];
  #nextId: number;
  #written: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #sinceTrim = 0;
  #droppedEvents = 0;

  private constructor(options: EventLogOptions, nextId: number) {
    this.#options = options;
    this.#nextId = nextId;
  }

  /** Opens the log and goes on with the ids where the last process ended. */
  static async open(options: EventLogOptions): Promise<EventLog> {
    const newest = await options.database
      .selectFrom('events')
      .select((eb) => eb.fn.max('id').as('id'))
      .executeTakeFirst();
    return new EventLog(options, (newest?.id ?? 0) + 1);
  }

  /** Events that were never stored because the database did not keep up. */
  get dropped(): number {
    return this.#droppedEvents;
  }

  /** Id of the newest event; 0 where there was none. */
  get lastId(): number {
    return this.#nextId - 1;
  }

  emit(event: NewEvent): void {
    const record: EventRecord = { ...event, id: this.#nextId++, atMs: event.atMs ?? this.#options.clock.wallMs() };
    if (this.#waiting.length >= maxWaiting) {
      this.#waiting.shift();
      this.#droppedEvents++;
    }
    this.#waiting.push(record);
    this.#cancelTimer ??= this.#options.clock.after(this.#options.writeDelayMs ?? 200, () => {
      this.#cancelTimer = undefined;
      this.#written = this.#written.then(() => this.#write());
    });
    this.#tell(this.#listeners, record);
  }

  /** Calls `listener` for each event from now on; what comes back ends that. */
  subscribe(listener: (event: EventRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Calls `listener` for each event, in order, once it is in the database, or cannot be stored: what is told elsewhere by
   * its id must still be that event after a crash. What comes back ends that.
   */
  onSettled(listener: (event: EventRecord) => void): () => void {
    this.#settledListeners.add(listener);
    return () => {
      this.#settledListeners.delete(listener);
    };
  }

  /** Events in order of the query, those not yet on disk included. */
  async query(query: EventQuery): Promise<EventRecord[]> {
    await this.flush();
    const ascending = query.afterId !== undefined;
    let select = this.#options.database
      .selectFrom('events')
      .selectAll()
      .orderBy('id', ascending ? 'asc' : 'desc')
      .limit(Math.min(Math.max(query.limit, 1), 1000));
    if (query.afterId !== undefined) select = select.where('id', '>', query.afterId);
    if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
    if (query.streamId !== undefined) select = select.where('stream_id', '=', query.streamId);
    if (query.level !== undefined) select = select.where('level', 'in', gravity.slice(gravity.indexOf(query.level)));
    if (query.onlyStreams !== undefined)
      select = select.where('stream_id', 'in', ['', ...query.onlyStreams.flatMap((id) => [id, `${id}.sub`])]);
    if (query.exceptArea !== undefined) select = select.where('type', 'not like', `${query.exceptArea}%`);
    if (query.types !== undefined) {
      const types = query.types;
      select = select.where((eb) =>
        eb.or(types.map((type) => (type.endsWith('.') ? eb('type', 'like', `${type}%`) : eb('type', '=', type)))),
      );
    }
    return (await select.execute()).map(toRecord);
  }

  /** Resolves once everything emitted so far is in the database. */
  async flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#written = this.#written.then(() => this.#write());
    await this.#written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    this.#listeners.clear();
    this.#settledListeners.clear();
  }

  async #write(): Promise<void> {
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    for (let at = 0; at < batch.length; at += pieceRows) {
      if (at > 0) await letOthersRun();
      await this.#writePiece(batch.slice(at, at + pieceRows));
    }
    if (this.#sinceTrim >= 1000) await this.#trim();
  }

  async #writePiece(batch: readonly EventRecord[]): Promise<void> {
    try {
      const { database } = this.#options;
      await database.transaction().execute(async (transaction) => {
        for (const event of batch) await transaction.insertInto('events').values(toRow(event)).execute();
      });
      this.#sinceTrim += batch.length;
    } catch (error) {
      this.#droppedEvents += batch.length;
      this.#options.logger.error('events cannot be stored', { error: String(error), events: batch.length });
    }
    for (const event of batch) this.#tell(this.#settledListeners, event);
  }

  #tell(listeners: ReadonlySet<(event: EventRecord) => void>, event: EventRecord): void {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#options.logger.warn('a listener of events failed', { error: String(error) });
      }
    }
  }

  async #trim(): Promise<void> {
    this.#sinceTrim = 0;
    const oldest = this.#nextId - (this.#options.maxEvents ?? 100_000);
    try {
      await sql`delete from events where id < ${oldest}`.execute(this.#options.database);
    } catch (error) {
      this.#options.logger.error('old events cannot be deleted', { error: String(error) });
    }
  }
}

function toRow(event: EventRecord): Selectable<EventTables['events']> {
  return {
    id: event.id,
    at_ms: Math.round(event.atMs),
    type: event.type,
    level: event.level,
    stream_id: event.streamId ?? null,
    reason: event.reason ?? null,
    message: event.message,
    data: event.data === undefined ? null : JSON.stringify(event.data),
  };
}

function toRecord(row: Selectable<EventTables['events']>): EventRecord {
  return {
    id: row.id,
    atMs: row.at_ms,
    type: row.type,
    level: row.level as EventLevel,
    ...(row.stream_id === null ? {} : { streamId: row.stream_id }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    message: row.message,
    ...(row.data === null ? {} : { data: JSON.parse(row.data) as Record<string, unknown> }),
  };
}
