import type { CodecName } from '@watchpost/media/types.ts';

/** Why there is no video, as the timeline shows it. */
export type GapReason =
  | 'camera_offline'
  | 'camera_refused'
  | 'auth_failed'
  | 'network_timeout'
  | 'camera_hung'
  | 'recording_stopped'
  | 'not_scheduled'
  | 'no_event'
  | 'packet_loss'
  | 'disk_full'
  | 'disk_error'
  | 'disk_missing'
  | 'overload'
  | 'clock_step'
  | 'shutdown'
  | 'crash'
  | 'expired'
  | 'file_missing'
  | 'unknown';

/** One fragment (moof + mdat) of a segment file. */
export interface FragmentEntry {
  /** First byte in the file. */
  readonly offset: number;
  readonly bytes: number;
  /** Wall clock of its first sample, ms since 1970 UTC. */
  readonly startMs: number;
  /**
   * Media duration in ms (of the video track; of the first track where there is no video). That of the last picture lasts as
   * long as the sound that no picture follows, whose own fragments are 0.
   */
  readonly durationMs: number;
  /** It begins with a key picture. */
  readonly key: boolean;
}

/** What a segment's tracks are, for API and player. */
export interface SegmentTrack {
  readonly kind: 'video' | 'audio' | 'data';
  readonly codec: CodecName;
  readonly width?: number;
  readonly height?: number;
  readonly sampleRate?: number;
  readonly channels?: number;
}

/** A file of a contiguous stretch of one stream. A row promises that the bytes are on disk up to `bytes`. */
export interface Segment {
  /** Begins with `~`. */
  readonly id: string;
  readonly streamId: string;
  /** Segments of one run follow each other without a gap; their decode times go on. */
  readonly runId: string;
  /** Place in the run, from 0. */
  readonly sequence: number;
  /** Name of the storage backend and key of the file in it. */
  readonly backend: string;
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly bytes: number;
  /** Bytes of ftyp + moov at the head of the file. */
  readonly initBytes: number;
  /** RFC 6381, for players: `avc1.64001e,mp4a.40.2`. */
  readonly codecs: string;
  readonly tracks: readonly SegmentTrack[];
  readonly locked: boolean;
  /** False while the recorder still appends. */
  readonly closed: boolean;
}

/** A hole with a reason. `endMs` is missing while it lasts. */
export interface Gap {
  readonly streamId: string;
  readonly startMs: number;
  readonly endMs?: number;
  readonly reason: GapReason;
  readonly detail?: string;
}

/** A gap that is over. */
export interface EndedGap extends Gap {
  readonly endMs: number;
}

/** What playback and API ask of the recordings; growing segments are in the answers. */
export interface RecordingQuery {
  /** Segments that overlap [startMs, endMs), oldest first. */
  segments(streamId: string, startMs: number, endMs: number): Promise<readonly Segment[]>;
  /** Fragments of a segment, in order; what is committed or at least written so far. */
  fragments(segmentId: string): Promise<readonly FragmentEntry[]>;
  segment(segmentId: string): Promise<Segment | undefined>;
  gaps(streamId: string, startMs: number, endMs: number): Promise<readonly Gap[]>;
  /** Days (`YYYY-MM-DD` in the time zone given by offset) of which there is anything; for calendars. */
  days(
    streamId: string,
    startMs: number,
    endMs: number,
  ): Promise<readonly { readonly startMs: number; readonly recordedMs: number }[]>;
  /** Streams that have recordings, also those that are no longer defined. */
  recordedStreams(): Promise<
    readonly {
      readonly streamId: string;
      readonly bytes: number;
      readonly oldestMs: number;
      readonly newestMs: number;
    }[]
  >;
  /** Keeps retention from deleting the segment until released (or `maxMs` passed). */
  lease(segmentId: string, maxMs: number): Disposable;
  /** Somebody could not read the segment's file, because it is not there: what is told of it is made true. */
  missed?(segmentId: string): void;
}

/** The room on a file system, as df(1) counts. */
export interface StorageSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** It takes no further file. */
  readonly lacksInodes: boolean;
}

/** Where segment bytes live. Each backend passes checks/conformance/storage.ts. Policies are backends made of backends. */
export interface StorageBackend {
  readonly name: string;
  create(key: string, signal: AbortSignal): Promise<SegmentFile>;
  /** Bytes [start, end); to the end where `end` is missing. `not_found` where there is no such key. */
  read(key: string, start?: number, end?: number): AsyncIterable<Uint8Array>;
  /**
   * Several ranges `[start, end)` of one file at once, each as far as the file reaches, in memory from `allocate`, which may
   * still be filled after a rejection. Where this is missing, each is a `read`.
   */
  readRanges?(
    key: string,
    ranges: readonly (readonly [number, number])[],
    allocate?: (bytes: number) => Uint8Array,
  ): Promise<Uint8Array[]>;
  /** Resolves once the key would stay away after a power cut; a key that is not there is no error. */
  remove(key: string): Promise<void>;
  /** Cuts the file to its first `bytes` bytes, for recovery; resolves once that would survive a power cut. */
  truncate(key: string, bytes: number): Promise<void>;
  /** Files whose keys begin with `prefix`, in order of their keys. */
  list(prefix: string): AsyncIterable<{ key: string; bytes: number }>;
  /**
   * Names of the files in one folder, none where there is no such folder; costs one look into it. Where this is missing,
   * `list` tells them.
   */
  names?(folder: string): Promise<readonly string[]>;
  /** The room of the place that it writes to. */
  space(): Promise<StorageSpace>;
  /** Rejects with what is in the way of writing, where that can be told without writing: a read-only file system. */
  checkWritable?(): Promise<void>;
}

/** A file that grows. */
export interface SegmentFile {
  /** Appends all parts with one call; resolves once the operating system has the bytes, which are then the caller's to overwrite. When it rejects, the file is as it was before. One call at a time. */
  append(...parts: readonly Uint8Array[]): Promise<void>;
  /** Resolves once the bytes of the appends that have resolved, and the file's name, would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** How grave an event is, for colours and for whom it wakes. */
export type EventLevel = 'info' | 'warning' | 'error';

/** Something that happened. `type` is `area.what`: `stream.online`, `stream.offline`, `recording.gap`, `disk.low`, `auth.login`. */
export interface EventRecord {
  readonly id: number;
  readonly atMs: number;
  readonly type: string;
  readonly level: EventLevel;
  readonly streamId?: string;
  /** Machine-readable: an error code or gap reason. */
  readonly reason?: string;
  /** What a person reads when there is no translation for `type`. */
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An event before it has an id. `atMs` defaults to now. */
export type NewEvent = Omit<EventRecord, 'id' | 'atMs'> & { readonly atMs?: number };

/** Where everybody tells what happened. */
export interface EventSink {
  emit(event: NewEvent): void;
}
