import { type Selectable, sql } from 'kysely';
import type { RecordingTables } from './recording-tables.ts';
import type { Segment, SegmentTrack } from './types.ts';

/** 1 where a segment touches a stretch that is locked. */
export const isLocked = sql<number>`(exists (select 1 from recording_locks as hold
  where hold.stream_id = segments.stream_id and hold.start_ms < segments.end_ms and hold.end_ms > segments.start_ms))`;

/** What is read of a row itself. */
export const plainColumns = [
  'id',
  'stream_id',
  'run_id',
  'sequence',
  'backend',
  'key',
  'start_ms',
  'end_ms',
  'bytes',
  'init_bytes',
  'codecs',
  'tracks',
  'closed',
] as const;

/** What is read of a segment's row. */
export const segmentColumns = [...plainColumns, isLocked.as('locked')] as const;

/** A row as it is read and written. */
type SegmentRow = Pick<Selectable<RecordingTables['segments']>, (typeof plainColumns)[number]> & {
  readonly locked: number;
};

/** The row of a segment; locks have rows of their own. */
export function toRow(segment: Segment): Omit<SegmentRow, 'locked'> {
  return {
    id: segment.id,
    stream_id: segment.streamId,
    run_id: segment.runId,
    sequence: segment.sequence,
    backend: segment.backend,
    key: segment.key,
    start_ms: segment.startMs,
    end_ms: segment.endMs,
    bytes: segment.bytes,
    init_bytes: segment.initBytes,
    codecs: segment.codecs,
    tracks: JSON.stringify(segment.tracks),
    closed: segment.closed ? 1 : 0,
  };
}

/** The segment of a row. */
export function toSegment(row: SegmentRow): Segment {
  return {
    id: row.id,
    streamId: row.stream_id,
    runId: row.run_id,
    sequence: row.sequence,
    backend: row.backend,
    key: row.key,
    startMs: row.start_ms,
    endMs: row.end_ms,
    bytes: row.bytes,
    initBytes: row.init_bytes,
    codecs: row.codecs,
    tracks: JSON.parse(row.tracks) as SegmentTrack[],
    locked: row.locked === 1,
    closed: row.closed === 1,
  };
}
