import type { Track } from '@watchpost/media/types.ts';

/** ftyp + moov that the chunks after it belong to. Immutable; another object where parameters changed. */
export interface LiveInit {
  readonly bytes: Uint8Array;
  /** For `MediaSource.isTypeSupported`: `video/mp4; codecs="avc1.64001e,flac"`. */
  readonly mime: string;
  /** Codecs alone, RFC 6381, in order of the tracks: `avc1.64001e,flac`. */
  readonly codecs: string;
  /** As they are carried: G.711 is FLAC here. The lead track (the picture, where there is one) is first. */
  readonly tracks: readonly Track[];
}

/** moof + mdat (a CMAF chunk), serialized once for all viewers. Immutable. */
export interface LiveChunk {
  readonly init: LiveInit;
  /** Counts sessions with the source: another number than before is a discontinuity. */
  readonly session: number;
  readonly bytes: Uint8Array;
  /** A decoder can start here. */
  readonly key: boolean;
  /** Samples in chunks before this one since the muxer began; a jump tells a viewer what it missed. */
  readonly samplesBefore: number;
  readonly samples: number;
  /** Decode time of its first sample, ms since the stream began. */
  readonly startMs: number;
  /** Decode time at which its last picture (or sound, where there is no picture) ends; an estimate. */
  readonly endMs: number;
  /** Presentation time of its first sample, ms since the stream began: the player's clock. */
  readonly ptsMs: number;
  /** Capture time of its first sample, ms since 1970 UTC. */
  readonly wallMs: number;
}
