import type { Selectable } from 'kysely';
import type { Database } from './database.ts';
import { packFragments, unpackFragments } from './fragment-index.ts';
import type { RecordingTables } from './recording-tables.ts';
import type { FragmentEntry, Segment, SegmentTrack } from './types.ts';

/** No file of key pictures covers more. */
export const maxKeyFileMs = 2 * 3_600_000;

/** The rows of files of key pictures; each looks like a segment whose fragments are one picture each. */
export class KeyFileStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds a file that is on disk. */
  async insert(file: Segment, fragments: readonly FragmentEntry[]): Promise<void> {
    const row = {
      id: file.id,
      stream_id: file.streamId,
      backend: file.backend,
      key: file.key,
      start_ms: Math.floor(file.startMs),
      end_ms: Math.ceil(file.endMs),
      bytes: file.bytes,
      init_bytes: file.initBytes,
      codecs: file.codecs,
      tracks: JSON.stringify(file.tracks),
      fragments: packFragments(fragments),
    };
    await this.#database
      .insertInto('key_files')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
  }

  /** Files of a stream that overlap [startMs, endMs), oldest first. */
  async inRange(streamId: string, startMs: number, endMs: number): Promise<Segment[]> {
    const rows = await this.#database
      .selectFrom('key_files')
      .select(columns)
      .where('stream_id', '=', streamId)
      .where('start_ms', '>=', startMs - maxKeyFileMs)
      .where('start_ms', '<', endMs)
      .where('end_ms', '>', startMs)
      .orderBy('start_ms')
      .execute();
    return rows.map(toFile);
  }

  /** All files of a stream, oldest first. */
  async ofStream(streamId: string): Promise<Segment[]> {
    return this.inRange(streamId, Number.MIN_SAFE_INTEGER / 2, Number.MAX_SAFE_INTEGER);
  }

  /** The pictures of a file. */
  async fragments(id: string): Promise<FragmentEntry[]> {
    const row = await this.#database
      .selectFrom('key_files')
      .select('fragments')
      .where('id', '=', id)
      .executeTakeFirst();
    return row ? unpackFragments(row.fragments) : [];
  }

  /** True where a file has this key. */
  async has(backend: string, key: string): Promise<boolean> {
    const row = await this.#database
      .selectFrom('key_files')
      .select('id')
      .where('backend', '=', backend)
      .where('key', '=', key)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** The oldest files of a backend. */
  async oldest(backend: string, limit: number): Promise<Segment[]> {
    const rows = await this.#database
      .selectFrom('key_files')
      .select(columns)
      .where('backend', '=', backend)
      .orderBy('start_ms')
      .limit(limit)
      .execute();
    return rows.map(toFile);
  }

  /** Drops the row of a file that is gone. */
  async drop(id: string): Promise<void> {
    await this.#database.deleteFrom('key_files').where('id', '=', id).execute();
  }

  /** Bytes of all files of a backend. */
  async bytes(backend: string): Promise<number> {
    const row = await this.#database
      .selectFrom('key_files')
      .select((eb) => eb.fn.sum<number | null>('bytes').as('bytes'))
      .where('backend', '=', backend)
      .executeTakeFirst();
    return row?.bytes ?? 0;
  }

  /** Beginning of the oldest file of each stream that has any. */
  async oldestOfStreams(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database
      .selectFrom('key_files')
      .select((eb) => ['stream_id', eb.fn.min('start_ms').as('start_ms')])
      .groupBy('stream_id')
      .execute();
    return new Map(rows.map((row) => [row.stream_id, row.start_ms]));
  }
}

const columns = [
  'id',
  'stream_id',
  'backend',
  'key',
  'start_ms',
  'end_ms',
  'bytes',
  'init_bytes',
  'codecs',
  'tracks',
] as const;

function toFile(row: Pick<Selectable<RecordingTables['key_files']>, (typeof columns)[number]>): Segment {
  return {
    id: row.id,
    streamId: row.stream_id,
    runId: row.id.slice(1),
    sequence: 0,
    backend: row.backend,
    key: row.key,
    startMs: row.start_ms,
    endMs: row.end_ms,
    bytes: row.bytes,
    initBytes: row.init_bytes,
    codecs: row.codecs,
    tracks: JSON.parse(row.tracks) as SegmentTrack[],
    locked: false,
    closed: true,
  };
}
