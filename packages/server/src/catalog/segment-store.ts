import { sql, type Transaction } from 'kysely';
import type { Database } from './database.ts';
import { packFragments, unpackFragments } from './fragment-index.ts';
import { letOthersRun } from './let-others-run.ts';
import { type LockedStretches, readLockedStretches } from './locked-stretches.ts';
import { isLocked, plainColumns, segmentColumns, toRow, toSegment } from './segment-row.ts';
import type { Tables } from './tables.ts';
import type { FragmentEntry, Segment } from './types.ts';

/** No segment is longer, so a search by time may begin so much earlier and stop: the index is by start. */
export const maxSegmentMs = 3_600_000;

const dayMs = 86_400_000;
/** Rows that are read, and files that are closed, in one piece of work. */
const pieceRows = 500;
const pieceClosed = 50;
const pieceDays = 2;

/** How far a growing row has come. */
export interface SegmentProgress {
  readonly id: string;
  readonly endMs: number;
  readonly bytes: number;
}

/** A segment that is final, with its fragments. */
export interface ClosedSegment {
  readonly segment: Segment;
  readonly fragments: readonly FragmentEntry[];
}

/** What one group commit changes. */
export interface CommitBatch {
  /** Rows to insert, growing. */
  readonly created: readonly Segment[];
  readonly moved: readonly SegmentProgress[];
  readonly closed: readonly ClosedSegment[];
}

/** The rows of segments. What each promises is in docs/design/recording.md. */
export class SegmentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * One group commit, and the sign of life of the process that makes it. Where many files end at once, as those that began
   * together do, they are closed in several transactions: each is a promise of its own.
   */
  async commit(batch: CommitBatch, alive?: { readonly processId: number; readonly nowMs: number }): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      for (const segment of batch.created) await transaction.insertInto('segments').values(toRow(segment)).execute();
      if (batch.moved.length > 0) {
        const moved = JSON.stringify(batch.moved.map((row) => [row.id, row.endMs, row.bytes]));
        await sql`update segments set end_ms = moved.value ->> 1, bytes = moved.value ->> 2
          from json_each(${moved}) as moved where segments.id = moved.value ->> 0 and closed = 0`.execute(transaction);
      }
      await close(transaction, batch.closed.slice(0, pieceClosed));
      if (alive) {
        await transaction
          .updateTable('recorder_processes')
          .set({ alive_ms: alive.nowMs })
          .where('id', '=', alive.processId)
          .execute();
      }
    });
    for (let at = pieceClosed; at < batch.closed.length; at += pieceClosed) {
      await letOthersRun();
      const piece = batch.closed.slice(at, at + pieceClosed);
      await this.#database.transaction().execute((transaction) => close(transaction, piece));
    }
  }

  /** F1: gives a file that was found its row; gaps that it disproves go. */
  async adopt(found: ClosedSegment): Promise<void> {
    await this.commit({ created: [], moved: [], closed: [found] });
    const { streamId, startMs, endMs } = found.segment;
    await this.#database
      .deleteFrom('gaps')
      .where('stream_id', '=', streamId)
      .where('start_ms', '>=', startMs)
      .where('end_ms', '<=', endMs)
      .execute();
  }

  /** Segments of a stream that overlap [startMs, endMs), oldest first. */
  async inRange(streamId: string, startMs: number, endMs: number): Promise<Segment[]> {
    const found: Segment[] = [];
    for (let after = { startMs: startMs - maxSegmentMs, id: '' }; ; await letOthersRun()) {
      const rows = await this.#database
        .selectFrom('segments')
        .select(segmentColumns)
        .where('stream_id', '=', streamId)
        .where('start_ms', '>=', after.startMs)
        .where((eb) => eb.or([eb('start_ms', '>', after.startMs), eb('id', '>', after.id)]))
        .where('start_ms', '<', endMs)
        .where('end_ms', '>', startMs)
        .where('deleting', '=', 0)
        .orderBy('start_ms')
        .orderBy('id')
        .limit(pieceRows)
        .execute();
      for (const row of rows) found.push(toSegment(row));
      const last = found.at(-1);
      if (rows.length < pieceRows || last === undefined) return found;
      after = { startMs: last.startMs, id: last.id };
    }
  }

  async get(id: string): Promise<Segment | undefined> {
    const row = await this.#database
      .selectFrom('segments')
      .select(segmentColumns)
      .where('id', '=', id)
      .where('deleting', '=', 0)
      .executeTakeFirst();
    return row && toSegment(row);
  }

  /** Fragments of a closed segment; empty for others. */
  async fragments(id: string): Promise<FragmentEntry[]> {
    const row = await this.#database.selectFrom('segments').select('fragments').where('id', '=', id).executeTakeFirst();
    return row?.fragments ? unpackFragments(row.fragments) : [];
  }

  /** Fragments of those of the segments that are closed, by their ids. */
  async fragmentsOf(segments: readonly Pick<Segment, 'id'>[]): Promise<ReadonlyMap<string, FragmentEntry[]>> {
    const ids = JSON.stringify(segments.map(({ id }) => id));
    const rows = await this.#database
      .selectFrom('segments')
      .select(['id', 'fragments'])
      .where(sql<boolean>`id in (select value from json_each(${ids}))`)
      .execute();
    return new Map(rows.map(({ id, fragments }) => [id, fragments === null ? [] : unpackFragments(fragments)]));
  }

  /** Rows not yet closed: after a crash, those of the process before. */
  async growing(backend: string): Promise<Segment[]> {
    const rows = await this.#database
      .selectFrom('segments')
      .select(segmentColumns)
      .where('closed', '=', sql.lit(0))
      .where('deleting', '=', 0)
      .where('backend', '=', backend)
      .execute();
    return rows.map(toSegment);
  }

  /** Keys of a backend from `prefix` on, after `afterKey`, in order of the keys. */
  async page(
    backend: string,
    prefix: string,
    afterKey: string,
  ): Promise<{ id: string; key: string; deleting: number }[]> {
    return this.#database
      .selectFrom('segments')
      .select(['id', 'key', 'deleting'])
      .where('backend', '=', backend)
      .where('key', '>', afterKey)
      .where('key', '>=', prefix)
      .where('key', '<', `${prefix}\u{10ffff}`)
      .orderBy('key')
      .limit(500)
      .execute();
  }

  /** The segment whose file this is, also one that is being deleted. */
  async byKey(backend: string, key: string): Promise<Segment | undefined> {
    const row = await this.#database
      .selectFrom('segments')
      .select(segmentColumns)
      .where('backend', '=', backend)
      .where('key', '=', key)
      .executeTakeFirst();
    return row && toSegment(row);
  }

  /** The oldest segments that may be deleted: of one stream, and those that began before `beforeMs`, where these are given. */
  async oldest(
    backend: string,
    limit: number,
    { beforeMs, streamId }: { readonly beforeMs?: number | undefined; readonly streamId?: string | undefined } = {},
  ): Promise<Segment[]> {
    const locked = await readLockedStretches(this.#database, streamId);
    const found: Segment[] = [];
    for (let after = { startMs: Number.MIN_SAFE_INTEGER, id: '' }; ; await letOthersRun()) {
      let select = this.#database
        .selectFrom('segments')
        .select([...plainColumns, sql<number>`0`.as('locked')])
        .where('backend', '=', backend)
        .where('closed', '=', 1)
        .where('deleting', '=', 0)
        .where('start_ms', '>=', after.startMs)
        .where((eb) => eb.or([eb('start_ms', '>', after.startMs), eb('id', '>', after.id)]))
        .orderBy('start_ms')
        .orderBy('id')
        .limit(pieceRows);
      if (beforeMs !== undefined) select = select.where('start_ms', '<', beforeMs);
      if (streamId !== undefined) select = select.where('stream_id', '=', streamId);
      const rows = await select.execute();
      addFree(found, rows.map(toSegment), { locked, limit });
      const last = rows.at(-1);
      if (found.length >= limit || rows.length < pieceRows || last === undefined) return found;
      after = { startMs: last.start_ms, id: last.id };
    }
  }

  /** Segments of a stream that may be deleted. */
  async deletable(backend: string, streamId: string): Promise<Segment[]> {
    const rows = await this.#database
      .selectFrom('segments')
      .select(segmentColumns)
      .where('stream_id', '=', streamId)
      .where('backend', '=', backend)
      .where('closed', '=', 1)
      .where(isLocked, '=', 0)
      .execute();
    return rows.map(toSegment);
  }

  /** D1: from now on these are on their way out, but for those that were locked meanwhile (D2). Returns the ids that are. */
  async mark(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const marked = await this.#database
      .updateTable('segments')
      .set({ deleting: 1 })
      .where('id', 'in', [...ids])
      .where(isLocked, '=', 0)
      .returning('id')
      .execute();
    return new Set(marked.map(({ id }) => id));
  }

  /** Segments whose deletion has begun. */
  async marked(backend: string): Promise<Segment[]> {
    const rows = await this.#database
      .selectFrom('segments')
      .select(segmentColumns)
      .where('deleting', '=', sql.lit(1))
      .where('backend', '=', backend)
      .execute();
    return rows.map(toSegment);
  }

  /** Drops the rows of files that are gone. */
  async drop(segments: readonly Segment[]): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      for (const segment of segments) {
        const gone = await transaction.deleteFrom('segments').where('id', '=', segment.id).executeTakeFirst();
        if (gone.numDeletedRows > 0n && segment.closed) await addTotals(transaction, segment, -1);
      }
    });
  }

  /** Bytes, first and last moment of each stream that has closed segments. */
  async streams(): Promise<{ streamId: string; bytes: number; oldestMs: number; newestMs: number }[]> {
    const totals = await this.#database
      .selectFrom('recording_totals')
      .select((eb) => ['stream_id', eb.fn.sum<number>('bytes').as('bytes')])
      .where('segments', '>', 0)
      .groupBy('stream_id')
      .orderBy('stream_id')
      .execute();
    const streams = [];
    for (const [index, { stream_id: streamId, bytes }] of totals.entries()) {
      if (index % 50 === 49) await letOthersRun();
      const first = await this.#edge(streamId, 'asc');
      const last = await this.#edge(streamId, 'desc');
      if (first && last) streams.push({ streamId, bytes, oldestMs: first.start_ms, newestMs: last.end_ms });
    }
    return streams;
  }

  /** Bytes of the closed segments of a stream. */
  async streamBytes(streamId: string): Promise<number> {
    const row = await this.#database
      .selectFrom('recording_totals')
      .select((eb) => eb.fn.sum<number>('bytes').as('bytes'))
      .where('stream_id', '=', streamId)
      .executeTakeFirst();
    return row?.bytes ?? 0;
  }

  /** Streams that have closed segments on a backend. */
  async streamsOn(backend: string): Promise<string[]> {
    const rows = await this.#database
      .selectFrom('recording_totals')
      .select('stream_id')
      .where('backend', '=', backend)
      .where('segments', '>', 0)
      .execute();
    return rows.map((row) => row.stream_id);
  }

  /** Bytes of the closed segments of a backend. */
  async bytes(backend: string): Promise<number> {
    const row = await this.#database
      .selectFrom('recording_totals')
      .select((eb) => eb.fn.sum<number>('bytes').as('bytes'))
      .where('backend', '=', backend)
      .executeTakeFirst();
    return row?.bytes ?? 0;
  }

  /** Bytes of what is being recorded on a backend, as of the last commit. */
  async growingBytes(backend: string): Promise<number> {
    // A partial index is used only where its condition stands in the text.
    const { rows } = await sql<{ bytes: number | null }>`select sum(bytes) as bytes
      from segments indexed by segments_growing where closed = 0 and backend = ${backend}`.execute(this.#database);
    return rows[0]?.bytes ?? 0;
  }

  /** End of the last recording of each stream, ms since 1970 UTC. */
  async lastEnds(): Promise<Map<string, number>> {
    const rows = await sql<{ stream_id: string; end_ms: number }>`
      select stream_id, (select end_ms from segments where segments.stream_id = recording_totals.stream_id
        order by start_ms desc limit 1) as end_ms from recording_totals group by stream_id`.execute(this.#database);
    return new Map(rows.rows.filter((row) => row.end_ms !== null).map((row) => [row.stream_id, row.end_ms]));
  }

  /** Recorded ms of each stretch of 24 h from `startMs` on that has any. */
  async days(streamId: string, startMs: number, endMs: number): Promise<{ startMs: number; recordedMs: number }[]> {
    const found: { startMs: number; recordedMs: number }[] = [];
    for (let fromMs = startMs; fromMs < endMs; fromMs += pieceDays * dayMs) {
      if (fromMs > startMs) await letOthersRun();
      found.push(...(await this.#days(streamId, fromMs, Math.min(fromMs + pieceDays * dayMs, endMs))));
    }
    return found;
  }

  async #days(streamId: string, startMs: number, endMs: number): Promise<{ startMs: number; recordedMs: number }[]> {
    // Numbers are bound as floating point, and days are counted by integer division.
    const from = sql`cast(${startMs} as integer)`;
    const until = sql`min(end_ms, cast(${endMs} as integer))`;
    const start = sql`max(start_ms, ${from})`;
    const dayAfter = sql`(${start} - ${from}) / ${sql.lit(dayMs)} + 1`;
    const midnight = sql`${from} + (${dayAfter}) * ${sql.lit(dayMs)}`;
    const matching = sql`stream_id = ${streamId} and deleting = 0 and start_ms >= ${startMs - maxSegmentMs}
      and start_ms < ${endMs} and end_ms > ${startMs}`;
    const rows = await sql<{ day: number; recorded: number }>`
      select ${dayAfter} - 1 as day, sum(min(${until}, ${midnight}) - ${start}) as recorded
        from segments where ${matching} group by day
      union all
      select ${dayAfter} as day, sum(${until} - (${midnight})) as recorded
        from segments where ${matching} and ${until} > ${midnight} group by day`.execute(this.#database);
    const days = new Map<number, number>();
    for (const { day, recorded } of rows.rows) days.set(day, (days.get(day) ?? 0) + recorded);
    return [...days]
      .sort(([a], [b]) => a - b)
      .map(([day, recordedMs]) => ({ startMs: startMs + day * dayMs, recordedMs }));
  }

  #edge(streamId: string, direction: 'asc' | 'desc') {
    return this.#database
      .selectFrom('segments')
      .select(['start_ms', 'end_ms'])
      .where('stream_id', '=', streamId)
      .where('deleting', '=', 0)
      .orderBy('start_ms', direction)
      .limit(1)
      .executeTakeFirst();
  }
}

function addFree(
  found: Segment[],
  segments: readonly Segment[],
  { locked, limit }: { readonly locked: LockedStretches; readonly limit: number },
): void {
  for (const segment of segments) if (found.length < limit && !locked.touch(segment)) found.push(segment);
}

async function close(transaction: Transaction<Tables>, closed: readonly ClosedSegment[]): Promise<void> {
  for (const { segment, fragments } of closed) {
    const row = { ...toRow(segment), closed: 1, fragments: packFragments(fragments) };
    await transaction
      .insertInto('segments')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
    await addTotals(transaction, segment, 1);
  }
}

async function addTotals(transaction: Transaction<Tables>, segment: Segment, sign: 1 | -1): Promise<void> {
  const { backend, streamId } = segment;
  const bytes = sign * segment.bytes;
  await sql`insert into recording_totals (backend, stream_id, bytes, segments) values (${backend}, ${streamId}, ${bytes}, ${sign})
    on conflict (backend, stream_id) do update set bytes = bytes + excluded.bytes, segments = segments + excluded.segments`.execute(
    transaction,
  );
}
