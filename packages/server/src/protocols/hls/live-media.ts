/** Codec data before the segments: ftyp and moov. MPEG-TS has none. */
export interface MediaHead {
  readonly bytes: Uint8Array;
}

/** A stretch of media that is cut no further: one or more of them make a segment. Immutable. */
export interface MediaChunk {
  /** Undefined where the chunks say by themselves how they are decoded. */
  readonly init: MediaHead | undefined;
  /** Another number than before is a discontinuity. */
  readonly session: number;
  readonly bytes: Uint8Array;
  /** A decoder can start here. */
  readonly key: boolean;
  /** Decode time of its first sample, ms since the stream began. */
  readonly startMs: number;
  /** Decode time at which its last picture (or sound, where there is no picture) ends; an estimate. */
  readonly endMs: number;
  /** Capture time of its first sample, ms since 1970 UTC. */
  readonly wallMs: number;
}
