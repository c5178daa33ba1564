/** Codec names as configuration and API write them. */
export type CodecName =
  | 'h264'
  | 'h265'
  | 'av1'
  | 'vp8'
  | 'vp9'
  | 'mjpeg'
  | 'aac'
  | 'opus'
  | 'pcma'
  | 'pcmu'
  | 'g726'
  | 'l16'
  | 'mp3'
  | 'flac';

/** One elementary stream. Immutable: new parameter sets are a new Track with the same id. */
export interface Track {
  readonly id: number;
  readonly kind: 'video' | 'audio' | 'data';
  readonly codec: CodecName;
  /** Ticks per second of every timestamp of this track: 90 000 for video, the RTP clock for audio. */
  readonly clockRate: number;
  readonly sampleRate?: number;
  readonly channels?: number;
  readonly width?: number;
  readonly height?: number;
  /** Nominal frames per second, where the codec data say so. */
  readonly fps?: number;
  /** The encoding name of RTP where a codec has several that need telling apart: `G726-32`, `AAL2-G726-24`. */
  readonly encoding?: string;
  /** Out-of-band codec data: [SPS, PPS], [VPS, SPS, PPS], [AudioSpecificConfig]; empty when the codec has none. */
  readonly parameterSets: readonly Uint8Array[];
  /** Of a recording that is pulled: sender reports tell when it was recorded, times are exact and step where it has a hole. */
  readonly isPast?: boolean;
}

/**
 * One RTP packet (RFC 3550 §5.1) inside a chunk that it shares with its neighbours. Nobody writes to the chunk once
 * the packet exists. The packet pins the whole chunk, so what keeps packets counts chunks.
 */
export interface RtpPacket {
  readonly chunk: Uint8Array;
  /** First byte of the RTP header in `chunk`. */
  readonly start: number;
  /** First byte of the payload: after CSRC list and header extension. */
  readonly payloadStart: number;
  /** Byte after the payload: before the padding. */
  readonly payloadEnd: number;
  readonly payloadType: number;
  readonly marker: boolean;
  /** 0…65535 */
  readonly sequence: number;
  /** 0…2^32-1, as sent. */
  readonly timestamp: number;
  readonly ssrc: number;
}

/** Writes the NAL units of a picture as MP4 has them, each with its length in four bytes, without putting them together first. */
export interface AvccSource {
  avccBytes(): number;
  /** Writes `avccBytes()` bytes; returns the place after them. */
  writeAvcc(target: Uint8Array, at: number): number;
}

/**
 * All of one track that shares one timestamp: access unit, audio frame, picture. The unit of fan-out, GOP cache,
 * recording. Immutable and shared.
 */
export interface Sample {
  readonly track: Track;
  /** `track.clockRate` ticks since the stream began, unwrapped, repaired, monotonic; a safe integer. */
  readonly dts: number;
  /** Like `dts`, in order of presentation; never below `dts`. */
  readonly pts: number;
  /** Random access point. Always true for audio. */
  readonly key: boolean;
  /** NAL units without start code or length (H.26x; without AUD and parameter sets, which are in `track`), else one raw frame. May be put together at the first use. */
  readonly units: readonly Uint8Array[];
  /** Where this is cheaper than `units`: the same for MP4. */
  readonly avcc?: AvccSource | undefined;
  /** Bytes of media: payload bytes before `units` are put together, so it is cheap. */
  readonly byteLength: number;
  /** The packets it came in, if it came over RTP: RTP outputs send these as they are. Empty where the packet went out with the sample before. */
  readonly rtp?: readonly RtpPacket[] | undefined;
  /** Capture time, ms since 1970 UTC: RTCP sender reports while sane, else arrival. */
  readonly wallMs: number;
  /** RTP packets lost since the previous sample of this track. */
  readonly lost: number;
}

/** What a depacketizer makes of packets with one timestamp, before time is repaired. */
export interface AccessUnit {
  /** The RTP timestamp, 0…2^32-1; for the second and later frames of one packet already moved on. */
  readonly rtpTimestamp: number;
  readonly key: boolean;
  readonly byteLength: number;
  /** Packets that it came in; empty for the second and later frames of one packet. */
  readonly packets: readonly RtpPacket[];
  /** RTP packets lost since the unit before. */
  readonly lost: number;
  /** The track as of this unit: another object once parameter sets changed. */
  readonly track: Track;
  /** Puts the units together (see `Sample.units`). */
  units(): readonly Uint8Array[];
  /** See `Sample.avcc`. */
  readonly avcc?: AvccSource | undefined;
}

/**
 * Turns the RTP packets of one track, in order of sequence number, into access units. No clock, no socket. A damaged
 * or incomplete unit is dropped and counted, and all up to the next key picture with it where the codec predicts.
 */
export interface Depacketizer {
  /** `lost`: packets missing right before this one. Throws `malformed` for bytes that cannot be; the next call goes on. */
  push(packet: RtpPacket, lost: number): void;
  /** Ends the unit under way, for a stream that ends. */
  flush(): void;
  /** Units given up because packets were missing or wrong. */
  readonly dropped: number;
  /** The first packet of the unit under way, while there is one. */
  readonly oldestPending: RtpPacket | undefined;
}
