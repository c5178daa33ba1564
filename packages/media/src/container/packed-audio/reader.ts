import { isAdts, parseAdts } from '../../codec/aac/adts.ts';
import type { AudioConfig } from '../../codec/aac/config.ts';
import { writeAudioSpecificConfig } from '../../codec/aac/write-config.ts';
import { malformed } from '../../codec/malformed.ts';
import { parseMpegAudioHeader } from '../../codec/mpeg-audio/frame-header.ts';
import { rescale } from '../../time/rescale.ts';
import type { Track } from '../../types.ts';
import { readId3 } from './id3.ts';

/** A frame of sound, as the segment times it. */
export interface PackedUnit {
  readonly dts: number;
  readonly pts: number;
  readonly key: boolean;
  readonly units: readonly Uint8Array[];
}

/** Where a reader of packed audio puts what it finds. */
export interface PackedSink {
  /** A track is there, or another one: another object. */
  track(track: Track): void;
  /** Called only after `track` with this object. */
  unit(track: Track, unit: PackedUnit): void;
}

const timestampRate = 90_000;
const maxFrames = 100_000;

/** True where a segment of packed audio may begin: an ID3 tag, ADTS, or MPEG audio. */
export function isPackedAudio(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && (readId3(bytes, 0) !== undefined || (bytes[0] === 0xff && bytes[1]! >= 0xe0));
}

/** Reads segments of frames of AAC (ADTS) or MPEG audio, one after the other (RFC 8216 §3.4). */
export class PackedAudioReader {
  readonly #sink: PackedSink;
  #track: Track | undefined;
  /** Of the track, where no tag tells: the segment goes on where the one before ended. */
  #nextTicks = 0;

  constructor(sink: PackedSink) {
    this.#sink = sink;
  }

  /** A whole segment. Throws `malformed` where it is something else; a frame that is cut off at its end is left out. */
  read(segment: Uint8Array): void {
    let frames = 0;
    let timestamp: number | undefined;
    for (let at = 0; at < segment.length; ) {
      const tag = readId3(segment, at);
      if (tag !== undefined) {
        // Tags further on are of pictures and titles.
        if (frames === 0) timestamp ??= tag.timestamp;
        at = tag.end;
        continue;
      }
      if (++frames > maxFrames) throw malformed('PACKED_AUDIO', 'A segment of sound has too many frames.');
      const next = this.#readFrame(segment, at, timestamp);
      if (next === undefined) break;
      timestamp = undefined;
      at = next;
    }
  }

  /** Returns the byte after the frame; undefined where it is cut off. */
  #readFrame(segment: Uint8Array, at: number, timestamp: number | undefined): number | undefined {
    // Layer 0 is ADTS (ISO/IEC 14496-3 §1.A.2.2), any other one MPEG audio.
    const layer = segment.length - at < 2 ? 0 : segment[at + 1]! & 6;
    if (segment[at] !== 0xff)
      throw malformed('PACKED_AUDIO', 'Sound without a frame header where one must be.', { at });
    if (layer === 0) {
      if (!isAdts(segment, at, segment.length)) return undefined;
      const { headerBytes, frameBytes, ...config } = parseAdts(segment, at, segment.length);
      const track = this.#trackOf('aac', config);
      this.#place(track, timestamp);
      this.#emit(track, segment.subarray(at + headerBytes, at + frameBytes), config.frameLength);
      return at + frameBytes;
    }
    if (at + 4 > segment.length) return undefined;
    const { frameBytes, frameSamples, ...format } = parseMpegAudioHeader(segment, at);
    if (at + frameBytes > segment.length) return undefined;
    const track = this.#trackOf('mp3', format);
    this.#place(track, timestamp);
    this.#emit(track, segment.subarray(at, at + frameBytes), frameSamples);
    return at + frameBytes;
  }

  #place(track: Track, timestamp: number | undefined): void {
    if (timestamp !== undefined) this.#nextTicks = rescale(timestamp, timestampRate, track.clockRate);
  }

  #emit(track: Track, frame: Uint8Array, samples: number): void {
    const dts = this.#nextTicks;
    this.#nextTicks += samples;
    this.#sink.unit(track, { dts, pts: dts, key: true, units: [frame] });
  }

  #trackOf(codec: 'aac' | 'mp3', format: AudioConfig | { sampleRate: number; channels: number }): Track {
    const { sampleRate, channels } = format;
    const known = this.#track;
    if (known?.codec === codec && known.sampleRate === sampleRate && known.channels === channels) return known;
    const track: Track = {
      ...{ id: 1, kind: 'audio', codec, clockRate: sampleRate, sampleRate, channels },
      parameterSets: 'objectType' in format ? [writeAudioSpecificConfig(format)] : [],
    };
    this.#track = track;
    this.#sink.track(track);
    return track;
  }
}
