import type { Generated } from 'kysely';

/** Recordings: see docs/design/recording.md for what each row promises. */
export interface RecordingTables {
  segments: {
    id: string;
    stream_id: string;
    run_id: string;
    sequence: number;
    backend: string;
    key: string;
    start_ms: number;
    end_ms: number;
    bytes: number;
    init_bytes: number;
    codecs: string;
    /** JSON: `SegmentTrack[]` */
    tracks: string;
    closed: Generated<number>;
    /** 1: on its way out; its file may be gone. */
    deleting: Generated<number>;
    /** Fragment index, see `fragment-index.ts`; null while the segment grows. */
    fragments: Uint8Array | null;
  };
  gaps: {
    id: Generated<number>;
    stream_id: string;
    start_ms: number;
    /** Null while it lasts. */
    end_ms: number | null;
    reason: string;
    detail: string | null;
  };
  /** Closed segments in sum, kept with each close and deletion: summing millions of rows would take seconds. */
  recording_totals: {
    backend: string;
    stream_id: string;
    bytes: number;
    segments: number;
  };
  /** Files of key pictures that outlive their recordings; `fragments` as those of segments. */
  key_files: {
    id: string;
    stream_id: string;
    backend: string;
    key: string;
    /** The stretch of recordings that it was made of. */
    start_ms: number;
    end_ms: number;
    bytes: number;
    init_bytes: number;
    codecs: string;
    /** JSON: `SegmentTrack[]` */
    tracks: string;
    fragments: Uint8Array;
  };
  /** Stretches that retention leaves alone. */
  recording_locks: {
    id: Generated<number>;
    stream_id: string;
    start_ms: number;
    end_ms: number;
    note: string;
    /** Name of a user. */
    created_by: string;
    created_ms: number;
  };
  /** Which volume a backend's directory must be on. */
  storage_volumes: {
    backend: string;
    volume_id: string;
    created_ms: number;
  };
  /** One row for each start of the recorder, so that the next one knows when it ended. */
  recorder_processes: {
    id: Generated<number>;
    started_ms: number;
    /** Moved on with each group commit. */
    alive_ms: number;
    /** 1: it stopped in order. */
    ended: Generated<number>;
  };
}
