import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Database } from './database.ts';
import { letOthersRun } from './let-others-run.ts';
import type { RecordingTables } from './recording-tables.ts';
import type { Gap, GapReason } from './types.ts';

/** The rows of gaps. */
export class GapStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(gap: Gap): Promise<number> {
    const { insertId } = await this.#database
      .insertInto('gaps')
      .values({
        stream_id: gap.streamId,
        start_ms: Math.round(gap.startMs),
        end_ms: gap.endMs === undefined ? null : Math.round(gap.endMs),
        reason: gap.reason,
        detail: gap.detail ?? null,
      })
      .executeTakeFirstOrThrow();
    return Number(insertId);
  }

  /** Ends a gap; one that would have no length goes. */
  async end(id: number, endMs: number): Promise<void> {
    const end = Math.round(endMs);
    await this.#database.updateTable('gaps').set({ end_ms: end }).where('id', '=', id).execute();
    await this.#database.deleteFrom('gaps').where('id', '=', id).whereRef('start_ms', '>=', 'end_ms').execute();
  }

  /** Gaps that last. */
  async open(): Promise<(Gap & { readonly id: number })[]> {
    const rows = await this.#database.selectFrom('gaps').selectAll().where('end_ms', 'is', null).execute();
    return rows.map((row) => ({ ...toGap(row), id: row.id }));
  }

  /** Gaps of a stream that overlap [startMs, endMs), oldest first. */
  async inRange(streamId: string, startMs: number, endMs: number): Promise<Gap[]> {
    const rows = await this.#database
      .selectFrom('gaps')
      .selectAll()
      .where('stream_id', '=', streamId)
      .where('start_ms', '<', endMs)
      .where((eb) => eb.or([eb('end_ms', 'is', null), eb('end_ms', '>', startMs)]))
      .orderBy('start_ms')
      .execute();
    return rows.map(toGap);
  }

  /** [startMs, endMs) was recorded after all: what is left of ended gaps stays, but for rests below `minRestMs`. */
  async fill(streamId: string, startMs: number, endMs: number, minRestMs = 250): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const rows = await transaction
        .deleteFrom('gaps')
        .where('stream_id', '=', streamId)
        .where('start_ms', '<', endMs)
        .where('end_ms', '>', startMs)
        .returningAll()
        .execute();
      for (const { id: _id, ...row } of rows) {
        const rests = [
          { ...row, end_ms: startMs },
          { ...row, start_ms: endMs },
        ];
        for (const rest of rests)
          if (rest.end_ms! - rest.start_ms >= minRestMs) await transaction.insertInto('gaps').values(rest).execute();
      }
    });
  }

  /** Drops all gaps of a stream that are over. */
  async dropEnded(streamId: string): Promise<void> {
    await this.#database.deleteFrom('gaps').where('stream_id', '=', streamId).where('end_ms', 'is not', null).execute();
  }

  /** G4: drops gaps older than the oldest recording of their stream; for streams without any, older than `beforeMs`. */
  async expire(beforeMs: number): Promise<void> {
    // Streams one after the other, found by leaps through the index.
    const next = async (after: string) => {
      const { rows } = await sql<{ id: string | null }>`select min(stream_id) as id from gaps
        where stream_id > ${after}`.execute(this.#database);
      return rows[0]?.id;
    };
    let seen = 0;
    for (let id = await next(''); id !== null && id !== undefined; id = await next(id)) {
      await sql`delete from gaps where stream_id = ${id} and end_ms is not null
        and end_ms <= coalesce((select min(start_ms) from segments where stream_id = ${id}), ${beforeMs})
        and start_ms <= coalesce((select min(start_ms) from segments where stream_id = ${id}), ${beforeMs})`.execute(
        this.#database,
      );
      if (++seen % 10 === 0) await letOthersRun();
    }
  }
}

function toGap(row: Selectable<RecordingTables['gaps']>): Gap {
  return {
    streamId: row.stream_id,
    startMs: row.start_ms,
    ...(row.end_ms === null ? {} : { endMs: row.end_ms }),
    reason: row.reason as GapReason,
    ...(row.detail === null ? {} : { detail: row.detail }),
  };
}
