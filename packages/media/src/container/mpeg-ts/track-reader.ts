import { concatBytes, emptyBytes } from '@watchpost/base/bytes.ts';
import { isAdts, parseAdts } from '../../codec/aac/adts.ts';
import { writeAudioSpecificConfig } from '../../codec/aac/write-config.ts';
import { splitAnnexB } from '../../codec/h264/annex-b.ts';
import { malformed } from '../../codec/malformed.ts';
import { rescale } from '../../time/rescale.ts';
import type { CodecName, Track } from '../../types.ts';
import { PictureReader } from '../picture-reader.ts';
import { tsClockRate } from './codes.ts';
import type { PesPacket } from './pes-assembler.ts';
import { unwrap33 } from './pes-header.ts';
import type { TsStream } from './tables.ts';

/** A picture or a frame of sound, as the sender timed it. */
export interface TsUnit {
  readonly dts: number;
  readonly pts: number;
  readonly key: boolean;
  readonly units: readonly Uint8Array[];
}

/** Where a reader of MPEG-TS puts what it finds. */
export interface TsSink {
  /** The programme map names streams of these kinds that can be read; its tracks follow once their codec data are known. */
  announced?(kinds: { readonly video: boolean; readonly audio: boolean }): void;
  /** A track is there, or has new codec data: the same id (its PID), another object. */
  track(track: Track): void;
  /** Called only after `track` with this object. */
  unit(track: Track, unit: TsUnit): void;
}

/** Newest timestamp of the programme, by which all tracks unwrap theirs. */
export interface ProgramClock {
  ticks: number | undefined;
}

const maxFrames = 512;
/** An ADTS frame has at most 13 bits of length. */
const maxAdtsBytes = 8191;

/** Reads the PES packets of one elementary stream: units as `Sample` has them. */
export class TsTrackReader {
  readonly #stream: TsStream & { readonly codec: CodecName };
  readonly #sink: TsSink;
  readonly #clock: ProgramClock;
  readonly #pictures: PictureReader | undefined;
  #track: Track | undefined;
  #lastTicks: number | undefined;
  /** An ADTS frame that goes on in the next packet. */
  #rest: Uint8Array = emptyBytes;
  #nextSoundTicks = 0;

  constructor(stream: TsStream & { readonly codec: CodecName }, sink: TsSink, clock: ProgramClock) {
    this.#stream = stream;
    this.#sink = sink;
    this.#clock = clock;
    const { codec, pid: id } = stream;
    if (codec !== 'h264' && codec !== 'h265') return;
    this.#pictures = new PictureReader({ id, kind: 'video', codec, clockRate: tsClockRate, parameterSets: [] });
  }

  /** Throws `malformed`; the next packet goes on. */
  read(packet: PesPacket): void {
    const { pts, dts } = packet;
    const isTimed = pts !== undefined && dts !== undefined;
    const decode = isTimed ? this.#unwrap(dts) : this.#lastTicks;
    // Without a time stamp at the first packet there is nothing to go on from.
    if (decode === undefined) return;
    this.#lastTicks = decode;
    const { codec } = this.#stream;
    if (this.#pictures !== undefined) {
      const present = isTimed ? unwrap33(pts, decode) : decode;
      this.#readPicture(packet, { dts: decode, pts: present });
    } else if (codec === 'aac') this.#readAdts(packet.payload, isTimed ? decode : undefined);
    else if (codec === 'opus') this.#readOpus(packet.payload, decode);
    else this.#readMp3(packet.payload, decode);
  }

  #unwrap(timestamp: number): number {
    const reference = this.#clock.ticks;
    const ticks = reference === undefined ? timestamp : unwrap33(timestamp, reference);
    this.#clock.ticks = ticks;
    return ticks;
  }

  #readPicture(packet: PesPacket, time: { dts: number; pts: number }): void {
    const pictures = this.#pictures!;
    const all = splitAnnexB(packet.payload);
    if (all === undefined) throw malformed('TS_UNITS', 'A picture has too many NAL units.');
    const { units, key } = pictures.read(all, packet.randomAccess);
    if (pictures.complete && pictures.track !== this.#track) this.#announce(pictures.track);
    if (this.#track !== undefined && units.length > 0) this.#sink.unit(this.#track, { ...time, key, units });
  }

  /** Frames may begin in one packet and end in the next: the time stamp is of the first that begins in it. */
  #readAdts(payload: Uint8Array, ticks: number | undefined): void {
    const bytes = this.#rest.length > 0 ? concatBytes([this.#rest, payload]) : payload;
    let carriedOver = this.#rest.length > 0;
    this.#rest = emptyBytes;
    if (!carriedOver && ticks !== undefined) this.#nextSoundTicks = ticks;
    let at = 0;
    for (let frames = 0; at + 7 <= bytes.length && frames < maxFrames; frames++) {
      if (!isAdts(bytes, at, bytes.length)) break;
      const { headerBytes, frameBytes, ...config } = parseAdts(bytes, at, bytes.length);
      this.#useConfig(config);
      this.#emitSound(this.#nextSoundTicks, bytes.subarray(at + headerBytes, at + frameBytes));
      this.#nextSoundTicks += (config.frameLength * tsClockRate) / config.sampleRate;
      at += frameBytes;
      if (carriedOver && ticks !== undefined) this.#nextSoundTicks = ticks;
      carriedOver = false;
    }
    if (at === bytes.length) return;
    const isCutFrame = bytes[at] === 0xff && bytes.length - at < maxAdtsBytes;
    if (!isCutFrame) throw malformed('TS_ADTS', 'AAC without an ADTS header where one must be.');
    this.#rest = bytes.slice(at);
  }

  #useConfig(config: Parameters<typeof writeAudioSpecificConfig>[0]): void {
    const { sampleRate, channels } = config;
    const known = this.#track;
    if (known?.sampleRate === sampleRate && known.channels === channels) return;
    const parameterSets = [writeAudioSpecificConfig(config)];
    const id = this.#stream.pid;
    this.#announce({ id, kind: 'audio', codec: 'aac', clockRate: sampleRate, sampleRate, channels, parameterSets });
  }

  /** Access units behind control headers ("Opus in MPEG-TS" §4). */
  #readOpus(payload: Uint8Array, ticks: number): void {
    const { pid: id, channels } = this.#stream;
    this.#announceOnce({
      ...{ id, kind: 'audio', codec: 'opus', clockRate: 48_000, sampleRate: 48_000, channels },
      parameterSets: [],
    });
    let time = ticks;
    let at = 0;
    for (let frames = 0; at + 3 <= payload.length && frames < maxFrames; frames++) {
      if (payload[at] !== 0x7f || (payload[at + 1]! & 0xe0) !== 0xe0) {
        throw malformed('TS_OPUS', 'Opus without a control header where one must be.');
      }
      const flags = payload[at + 1]!;
      at += 2;
      let size = 0;
      let byte = 255;
      while (byte === 255 && at < payload.length) {
        byte = payload[at++]!;
        size += byte;
      }
      at += ((flags & 0x10) === 0 ? 0 : 2) + ((flags & 8) === 0 ? 0 : 2);
      if ((flags & 4) !== 0) at += 1 + (payload[at] ?? 0);
      if (size === 0 || at + size > payload.length) throw malformed('TS_OPUS', 'An Opus packet is cut off.');
      const frame = payload.subarray(at, at + size);
      this.#emitSound(time, frame);
      time += opusTicks(frame);
      at += size;
    }
  }

  /** MP3 goes as it comes, all frames of a packet in one unit. */
  #readMp3(payload: Uint8Array, ticks: number): void {
    const sampleRate = mp3Rate(payload);
    if (sampleRate === undefined) throw malformed('TS_MP3', 'MPEG audio without a frame header where one must be.');
    const channels = payload[3]! >> 6 === 3 ? 1 : 2;
    const id = this.#stream.pid;
    this.#announceOnce({
      ...{ id, kind: 'audio', codec: 'mp3', clockRate: sampleRate, sampleRate, channels },
      parameterSets: [],
    });
    this.#emitSound(ticks, payload);
  }

  #emitSound(ticks: number, frame: Uint8Array): void {
    const track = this.#track;
    if (track === undefined || frame.length === 0) return;
    const dts = rescale(Math.round(ticks), tsClockRate, track.clockRate);
    this.#sink.unit(track, { dts, pts: dts, key: true, units: [frame] });
  }

  #announceOnce(track: Track): void {
    if (this.#track?.sampleRate !== track.sampleRate || this.#track?.channels !== track.channels) this.#announce(track);
  }

  #announce(track: Track): void {
    this.#track = track;
    this.#sink.track(track);
  }
}

/** Duration of an Opus packet by its TOC byte (RFC 6716 §3.1), at 90 kHz. */
function opusTicks(packet: Uint8Array): number {
  const config = packet[0]! >> 3;
  const code = packet[0]! & 3;
  const frames = code === 0 ? 1 : code === 3 ? (packet[1] ?? 1) & 63 : 2;
  const tenthsMs =
    config < 12 ? [100, 200, 400, 600][config & 3]! : config < 16 ? [100, 200][config & 1]! : 25 << (config & 3);
  return tenthsMs * 9 * frames;
}

/** Hz of an MPEG audio frame header (ISO/IEC 11172-3 §2.4.2.3, 13818-3). */
function mp3Rate(bytes: Uint8Array): number | undefined {
  if (bytes.length < 4 || bytes[0] !== 0xff || (bytes[1]! & 0xe0) !== 0xe0) return undefined;
  const rate = [44_100, 48_000, 32_000][(bytes[2]! >> 2) & 3];
  const version = (bytes[1]! >> 3) & 3;
  return rate === undefined || version === 1 ? undefined : rate >> [2, 0, 1, 0][version]!;
}
