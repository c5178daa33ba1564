import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import { letOthersRun } from './let-others-run.ts';
import { readLockedStretches, type Stretches } from './locked-stretches.ts';
import type { RecordingTables } from './recording-tables.ts';
import { maxSegmentMs } from './segment-store.ts';

/** Of locked recordings, what is added up in one query, and how many queries before others have their turn. */
const pieceMs = 2 * 86_400_000;
const pieceQueries = 20;
/** Locks of one stream. */
const maxLocks = 1000;

/** A stretch of a stream that retention leaves alone, with every segment that touches it. */
export interface RecordingLock {
  readonly id: number;
  readonly streamId: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Why, for people. */
  readonly note: string;
  /** Name of the user who locked it. */
  readonly createdBy: string;
  readonly createdMs: number;
}

/** A lock that is not yet there. */
export type NewLock = Omit<RecordingLock, 'id' | 'createdMs'>;

/** The locks of recordings. They last until somebody takes them away. */
export class LockStore {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Locks a stretch; the same stretch again changes the note. Throws `resource_exhausted` (`TOO_MANY_LOCKS`). */
  async put(lock: NewLock): Promise<RecordingLock> {
    const { streamId, note, createdBy } = lock;
    const [startMs, endMs] = [Math.floor(lock.startMs), Math.ceil(lock.endMs)];
    const createdMs = Math.round(this.#clock.wallMs());
    if ((await this.list(streamId)).length >= maxLocks)
      throw new WatchpostError(`"${streamId}" has ${maxLocks} locks — take away those that are not needed`, {
        kind: 'resource_exhausted',
        code: 'TOO_MANY_LOCKS',
      });
    const row = await this.#database
      .insertInto('recording_locks')
      .values({
        stream_id: streamId,
        start_ms: startMs,
        end_ms: endMs,
        note,
        created_by: createdBy,
        created_ms: createdMs,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['stream_id', 'start_ms', 'end_ms'])
          .doUpdateSet({ note, created_by: createdBy, created_ms: createdMs }),
      )
      .returningAll()
      .executeTakeFirstOrThrow();
    return toLock(row);
  }

  /** Locks of a stream that overlap [startMs, endMs), oldest first. */
  async list(streamId: string, startMs = Number.MIN_SAFE_INTEGER, endMs = Number.MAX_SAFE_INTEGER) {
    const rows = await this.#database
      .selectFrom('recording_locks')
      .selectAll()
      .where('stream_id', '=', streamId)
      .where('start_ms', '<', endMs)
      .where('end_ms', '>', startMs)
      .orderBy('start_ms')
      .execute();
    return rows.map(toLock);
  }

  /** Takes a lock away. False where the stream has no such lock. */
  async remove(streamId: string, id: number): Promise<boolean> {
    const gone = await this.#database
      .deleteFrom('recording_locks')
      .where('stream_id', '=', streamId)
      .where('id', '=', id)
      .executeTakeFirst();
    return gone.numDeletedRows > 0n;
  }

  /** Bytes of the closed segments of a backend, of one stream or of all, that may not be deleted. */
  async lockedBytes(backend: string, ofStream?: string): Promise<number> {
    const { all } = await readLockedStretches(this.#database, ofStream);
    let bytes = 0;
    let queries = 0;
    for (const [streamId, stretches] of all) {
      // A segment that began before counts where it was found first.
      let countedMs = Number.MIN_SAFE_INTEGER;
      for (const { startMs, endMs } of await this.#within(streamId, stretches)) {
        if (++queries % pieceQueries === 0) await letOthersRun();
        const fromMs = Math.max(startMs - maxSegmentMs, countedMs);
        const { rows } = await sql<{ bytes: number | null }>`select sum(bytes) as bytes
          from segments indexed by segments_by_time
          where stream_id = ${streamId} and start_ms >= ${fromMs} and start_ms < ${endMs}
            and end_ms > ${startMs} and backend = ${backend} and closed = 1`.execute(this.#database);
        bytes += rows[0]?.bytes ?? 0;
        countedMs = endMs;
      }
    }
    return bytes;
  }

  /** The parts of stretches that anything was recorded in, each short enough for one query. */
  async #within(streamId: string, stretches: Stretches): Promise<Stretches> {
    const { rows } = await sql<{ first: number | null; last: number | null }>`select
      (select min(start_ms) from segments where stream_id = ${streamId}) as first,
      (select max(start_ms) from segments where stream_id = ${streamId}) as last`.execute(this.#database);
    const { first, last } = rows[0] ?? { first: null, last: null };
    if (first === null || last === null) return [];
    return stretches.flatMap(({ startMs, endMs }) => {
      const parts: { startMs: number; endMs: number }[] = [];
      const untilMs = Math.min(endMs, last + maxSegmentMs);
      for (let fromMs = Math.max(startMs, first); fromMs < untilMs; fromMs += pieceMs)
        parts.push({ startMs: fromMs, endMs: Math.min(fromMs + pieceMs, untilMs) });
      return parts;
    });
  }
}

function toLock(row: Selectable<RecordingTables['recording_locks']>): RecordingLock {
  return {
    id: row.id,
    streamId: row.stream_id,
    startMs: row.start_ms,
    endMs: row.end_ms,
    note: row.note,
    createdBy: row.created_by,
    createdMs: row.created_ms,
  };
}
