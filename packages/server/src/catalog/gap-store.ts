import type { Selectable } from 'kysely';
import { sql, type Transaction } from 'kysely';
import type { Database } from './database.ts';
import { letOthersRun } from './let-others-run.ts';
import type { RecordingTables } from './recording-tables.ts';
import { maxSegmentMs } from './segment-store.ts';
import type { Tables } from './tables.ts';
import type { EndedGap, Gap, GapReason } from './types.ts';

/** Rests below this are jitter. */
const minRestMs = 250;

type Row = Selectable<RecordingTables['gaps']>;

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

  /** Inserts what of a gap that is over is neither recorded nor in another gap (G2). */
  async insertFree(gap: EndedGap): Promise<void> {
    const { streamId, reason, detail = null } = gap;
    const row = {
      stream_id: streamId,
      start_ms: Math.round(gap.startMs),
      end_ms: Math.round(gap.endMs),
      reason,
      detail,
    };
    await this.#database.transaction().execute((transaction) => insertFree(transaction, row));
  }

  /** Ends a gap, as far as its time is neither recorded nor in another gap; one that would have no length goes. */
  async end(id: number, endMs: number): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const row = await transaction.deleteFrom('gaps').where('id', '=', id).returningAll().executeTakeFirst();
      if (row !== undefined) await insertFree(transaction, { ...row, end_ms: Math.round(endMs) });
    });
  }

  /** Two gaps of one reason that touch at `atMs` become one, with what is told of the later one. */
  async join(streamId: string, atMs: number, reason: GapReason): Promise<void> {
    const at = Math.round(atMs);
    await this.#database.transaction().execute(async (transaction) => {
      const touching = transaction.selectFrom('gaps').selectAll().where('stream_id', '=', streamId);
      const of = touching.where('reason', '=', reason);
      const before = await of.where('end_ms', '=', at).executeTakeFirst();
      const after = await of.where('start_ms', '=', at).executeTakeFirst();
      if (before === undefined || after === undefined) return;
      await transaction.deleteFrom('gaps').where('id', '=', before.id).execute();
      await transaction.updateTable('gaps').set({ start_ms: before.start_ms }).where('id', '=', after.id).execute();
    });
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
  async fill(streamId: string, startMs: number, endMs: number): Promise<void> {
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

/** A clock that was set, of the machine or of a camera, comes again to a time that has been accounted for. */
async function insertFree(transaction: Transaction<Tables>, row: Omit<Row, 'id' | 'end_ms'> & { end_ms: number }) {
  const { stream_id, start_ms, end_ms, reason, detail } = row;
  const segments = await transaction
    .selectFrom('segments')
    .select(['start_ms', 'end_ms'])
    .where('stream_id', '=', stream_id)
    .where('deleting', '=', 0)
    .where('start_ms', '>=', start_ms - maxSegmentMs)
    .where('start_ms', '<', end_ms)
    .where('end_ms', '>', start_ms)
    .execute();
  const gaps = await transaction
    .selectFrom('gaps')
    .select(['start_ms', 'end_ms'])
    .where('stream_id', '=', stream_id)
    .where('start_ms', '<', end_ms)
    .where((eb) => eb.or([eb('end_ms', 'is', null), eb('end_ms', '>', start_ms)]))
    .execute();
  const taken = [...segments, ...gaps].sort((a, b) => a.start_ms - b.start_ms);
  const leastMs = taken.length === 0 ? 1 : minRestMs;
  let fromMs = start_ms;
  for (const one of [...taken, { start_ms: end_ms, end_ms }]) {
    const rest = { start_ms: fromMs, end_ms: Math.min(one.start_ms, end_ms) };
    if (rest.end_ms - rest.start_ms >= leastMs)
      await transaction
        .insertInto('gaps')
        .values({ stream_id, reason, detail, ...rest })
        .execute();
    fromMs = Math.max(fromMs, one.end_ms ?? end_ms);
  }
}

function toGap(row: Row): Gap {
  return {
    streamId: row.stream_id,
    startMs: row.start_ms,
    ...(row.end_ms === null ? {} : { endMs: row.end_ms }),
    reason: row.reason as GapReason,
    ...(row.detail === null ? {} : { detail: row.detail }),
  };
}
