import type { Sample, Track } from '@watchpost/media/types.ts';

/** Where to read recordings from. */
export interface RecordedRange {
  readonly streamId: string;
  /** ms since 1970 UTC; reading begins with the key picture at or before it, in reverse too. */
  readonly startMs: number;
  /** Exclusive; in reverse it is before `startMs`. */
  readonly endMs: number;
  /** Key pictures only, and no sound. */
  readonly keysOnly?: boolean;
  /** At least so far apart, ms; of key pictures. */
  readonly keyIntervalMs?: number;
  /** From the newest to the oldest; key pictures only. */
  readonly reverse?: boolean;
}

/** About a second of recordings. */
export interface RecordedPiece {
  /** Of all tracks, in decode order; `wallMs` is the time of capture. */
  readonly samples: readonly Sample[];
  /** Nothing is recorded between the piece before and this one. */
  readonly afterGap: boolean;
}

/** Recordings for protocols that play them; made by playback. */
export interface RecordedSource {
  /** The tracks recorded at an instant, or first after it, and all that is recorded of the stream. Throws `not_found`. */
  describe(
    streamId: string,
    atMs: number,
  ): Promise<{ readonly tracks: readonly Track[]; readonly startMs: number; readonly endMs: number }>;
  /** What is recorded of a range by now; files are not deleted while they are read. */
  read(range: RecordedRange): AsyncIterable<RecordedPiece>;
}
