import { concatBytes, writeU24, writeU32 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample, Track } from '../../types.ts';
import { flvLeftOut, isFlvReady } from './carriage.ts';
import { flvTagType, tagHeadBytes, tagTailBytes } from './codes.ts';
import { writeMetadata } from './metadata.ts';
import { type FlvH265, sequenceHeader, type TagLead, tagLead } from './sequence-header.ts';

/** How streams are muxed. */
export interface FlvMuxerOptions {
  /** Default `fourcc`. */
  readonly h265?: FlvH265;
  /** Time of the stream that becomes timestamp 0, ms; default 0. */
  readonly originMs?: number;
}

/**
 * Times of sequence headers, 0…2^32-1 ms. Sound comes up to half a second before or after its picture: a header amid the
 * stream has the time of the newest sample of its own track, or time would go backwards there.
 */
export interface HeaderTimes {
  readonly videoMs: number;
  readonly audioMs: number;
}

interface Lane {
  readonly track: Track;
  readonly tagType: number;
  readonly lead: TagLead;
  /** Of the body before its frame. */
  readonly leadBytes: number;
  /** 4 where NAL units get a length, else 0. */
  readonly prefix: number;
}

/** DataSize has 24 bits (Adobe FLV v10.1 §E.4.1). */
const maxBodyBytes = 0xff_ffff;

/**
 * Writes samples as FLV tags (Adobe FLV v10.1 annex E; enhanced RTMP v2). Of each kind the first track that FLV carries
 * and whose codec data are known is carried. New parameter sets are a new muxer, and its `begin` amid the stream.
 */
export class FlvMuxer {
  /** The tracks that are carried: picture first. */
  readonly tracks: readonly Track[];
  readonly #lanes: readonly Lane[];
  readonly #h265: FlvH265;
  readonly #originMs: number;

  constructor(tracks: readonly Track[], options: FlvMuxerOptions = {}) {
    const { h265 = 'fourcc', originMs = 0 } = options;
    this.#h265 = h265;
    this.#originMs = originMs;
    const carried = tracks.filter((track) => flvLeftOut(track) === undefined && isFlvReady(track));
    const video = carried.find((track) => track.kind === 'video');
    const audio = carried.find((track) => track.kind === 'audio');
    this.tracks = [video, audio].filter((track) => track !== undefined);
    this.#lanes = this.tracks.map((track) => openLane(track, h265));
  }

  /**
   * What a viewer needs before its first frame: `onMetaData` at 0 and sequence headers at their times; the file header
   * before it unless the stream is under way. Throws `malformed` for parameter sets that cannot be read.
   */
  begin(times: HeaderTimes, options: { readonly fileHeader: boolean }): Uint8Array {
    const parts: Uint8Array[] = [];
    if (options.fileHeader) parts.push(this.#fileHeader());
    for (const { tagType, body } of this.beginBodies())
      parts.push(wrapTag(tagType, headTimestampMs(tagType, times), body));
    return concatBytes(parts);
  }

  /** Timestamp of a sample's tag, 0…2^32-1 ms. */
  timestampMs(sample: Sample): number {
    return this.#ms(sample.dts, sample.track.clockRate) >>> 0;
  }

  /** Bytes of a sample as a tag; 0 where its track is not carried. */
  tagBytes(sample: Sample): number {
    const lane = this.#laneOf(sample.track);
    return lane === undefined ? 0 : tagHeadBytes + bodyBytes(lane, sample) + tagTailBytes;
  }

  /** A sample as a tag of its own; its body is an RTMP message. Undefined where its track is not carried. */
  tag(sample: Sample): Uint8Array | undefined {
    const length = this.tagBytes(sample);
    if (length === 0) return undefined;
    const bytes = new Uint8Array(length);
    this.writeTag(sample, bytes, 0);
    return bytes;
  }

  /** Writes a sample's tag (`tagBytes` of it, every byte) at `at`; returns where it ends. Throws `resource_exhausted` beyond 16 MiB. */
  writeTag(sample: Sample, into: Uint8Array, at: number): number {
    const lane = this.#laneOf(sample.track);
    if (lane === undefined) return at;
    const length = bodyBytes(lane, sample);
    if (length > maxBodyBytes) throw tooLarge(length);
    writeTagHead(into, at, { tagType: lane.tagType, length, timestampMs: this.timestampMs(sample) });
    const to = this.#writeBody(lane, sample, { into, at: at + tagHeadBytes });
    writeU32(into, to, to - at);
    return to + tagTailBytes;
  }

  /** Bytes of a sample as the body of a tag; 0 where its track is not carried. Throws `resource_exhausted` beyond 16 MiB. */
  bodyBytes(sample: Sample): number {
    const lane = this.#laneOf(sample.track);
    const length = lane === undefined ? 0 : bodyBytes(lane, sample);
    if (length > maxBodyBytes) throw tooLarge(length);
    return length;
  }

  /** Writes the body of a sample's tag, which is an RTMP message, at `at`; returns where it ends. */
  writeBody(sample: Sample, into: Uint8Array, at: number): number {
    const lane = this.#laneOf(sample.track);
    return lane === undefined ? at : this.#writeBody(lane, sample, { into, at });
  }

  /** What a player needs before its first frame, as messages: `onMetaData` and sequence headers. Throws as `begin`. */
  beginBodies(): readonly { readonly tagType: number; readonly body: Uint8Array }[] {
    const bodies: { tagType: number; body: Uint8Array }[] = [
      { tagType: flvTagType.script, body: writeMetadata(this.tracks, this.#h265) },
    ];
    for (const { track, tagType } of this.#lanes) {
      const body = sequenceHeader(track, this.#h265);
      if (body !== undefined) bodies.push({ tagType, body });
    }
    return bodies;
  }

  #writeBody(lane: Lane, sample: Sample, place: { into: Uint8Array; at: number }): number {
    const { lead } = lane;
    const { into } = place;
    let to = place.at;
    into.set(lead.bytes, to);
    if (sample.key) into[to] = lead.keyByte;
    to += lead.bytes.length;
    if (lead.hasComposition) {
      const { clockRate } = sample.track;
      writeU24(into, to, this.#ms(sample.pts, clockRate) - this.#ms(sample.dts, clockRate));
      to += 3;
    }
    const { units } = sample;
    for (let i = 0; i < units.length; i++) {
      const unit = units[i]!;
      if (lane.prefix !== 0) {
        writeU32(into, to, unit.length);
        to += 4;
      }
      into.set(unit, to);
      to += unit.length;
    }
    return to;
  }

  #ms(ticks: number, clockRate: number): number {
    const ms = Math.floor((ticks * 1000) / clockRate) - this.#originMs;
    return ms > 0 ? ms : 0;
  }

  #laneOf(track: Track): Lane | undefined {
    const lanes = this.#lanes;
    for (let i = 0; i < lanes.length; i++) if (lanes[i]!.track === track) return lanes[i];
    return undefined;
  }

  /** §E.2, and PreviousTagSize0. */
  #fileHeader(): Uint8Array {
    let flags = 0;
    for (const track of this.tracks) flags |= track.kind === 'video' ? 1 : 4;
    return Uint8Array.of(0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0);
  }
}

function openLane(track: Track, h265: FlvH265): Lane {
  const lead = tagLead(track, h265);
  return {
    track,
    tagType: track.kind === 'video' ? flvTagType.video : flvTagType.audio,
    lead,
    leadBytes: lead.bytes.length + (lead.hasComposition ? 3 : 0),
    prefix: track.codec === 'h264' || track.codec === 'h265' ? 4 : 0,
  };
}

function bodyBytes(lane: Lane, sample: Sample): number {
  const { units } = sample;
  let length = lane.leadBytes;
  for (let i = 0; i < units.length; i++) length += lane.prefix + units[i]!.length;
  return length;
}

/** FFmpeg takes `onMetaData` at any other time than 0 for a subtitle. */
export function headTimestampMs(tagType: number, times: HeaderTimes): number {
  if (tagType === flvTagType.script) return 0;
  return tagType === flvTagType.video ? times.videoMs : times.audioMs;
}

/** A body with header and size around it; `timestampMs` wraps at 2^32. Copies. */
export function wrapTag(tagType: number, timestampMs: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(tagHeadBytes + body.length + tagTailBytes);
  writeTagHead(bytes, 0, { tagType, length: body.length, timestampMs });
  bytes.set(body, tagHeadBytes);
  writeU32(bytes, tagHeadBytes + body.length, tagHeadBytes + body.length);
  return bytes;
}

/** §E.4.1: the upper eight bits of the timestamp come after the lower ones. */
function writeTagHead(
  bytes: Uint8Array,
  at: number,
  head: { readonly tagType: number; readonly length: number; readonly timestampMs: number },
): void {
  const timestamp = head.timestampMs >>> 0;
  bytes[at] = head.tagType;
  writeU24(bytes, at + 1, head.length);
  writeU24(bytes, at + 4, timestamp & 0xff_ffff);
  bytes[at + 7] = timestamp >>> 24;
  writeU24(bytes, at + 8, 0);
}

function tooLarge(length: number): WatchpostError {
  return new WatchpostError(`A frame of ${length} bytes does not fit an FLV tag; lower the camera's bitrate.`, {
    kind: 'resource_exhausted',
    code: 'FLV_TAG_TOO_LARGE',
    context: { length },
  });
}
