import { readU32 } from '@watchpost/base/bytes.ts';
import { parseAudioSpecificConfig } from '../../codec/aac/config.ts';
import { sequenceHeaderOf } from '../../codec/av1/decoder-config.ts';
import { parseAv1Sequence } from '../../codec/av1/sequence-header.ts';
import { splitAvcc } from '../../codec/h264/avcc.ts';
import { parseAvcC } from '../../codec/h264/decoder-config.ts';
import { parseHvcC } from '../../codec/h265/decoder-config.ts';
import { malformed } from '../../codec/malformed.ts';
import { parseMpegAudioHeader } from '../../codec/mpeg-audio/frame-header.ts';
import { parseVp8Header, parseVp9Header } from '../../codec/vpx/frame-header.ts';
import { rescale } from '../../time/rescale.ts';
import { unwrapNear } from '../../time/unwrap.ts';
import type { CodecName, Track } from '../../types.ts';
import { PictureReader } from '../picture-reader.ts';
import { type AmfValue, readAmf0 } from './amf0.ts';
import { readAmf3 } from './amf3.ts';
import { codecOfFourCc, flvTagType, packetType, soundFormat, soundRates, videoId } from './codes.ts';

/** A picture or a frame of sound, as the sender timed it; `units` are views of the tag's body. */
export interface FlvUnit {
  readonly dts: number;
  /** May be below `dts`, where the sender says so. */
  readonly pts: number;
  readonly key: boolean;
  readonly units: readonly Uint8Array[];
}

/** Where a reader of FLV puts what it finds. */
export interface FlvSink {
  /** A track is there, or has new codec data: the same id, another object. Picture is 0, sound 1. */
  track(track: Track): void;
  /** Called only after `track` with this object. */
  unit(track: Track, unit: FlvUnit): void;
  /** Values of a script tag: `['onMetaData', {…}]`. */
  script?(values: readonly AmfValue[]): void;
}

const maxModifiers = 8;
const videoTrackId = 0;
const audioTrackId = 1;
const videoClockRate = 90_000;

/** A body after its header: what it is, and where its content begins. */
interface Head {
  codec: CodecName | undefined;
  packetType: number;
  compositionMs: number;
  at: number;
  isMultitrack?: boolean;
}

/**
 * Reads the bodies of FLV tags, which are the audio, video and data messages of RTMP too (Adobe FLV v10.1 §E.4,
 * enhanced RTMP v2). Frames before the codec data are dropped and counted, as are codecs that are not known.
 */
export class FlvTagReader {
  /** Frames of codecs that are not read, before their codec data, or of a second track. */
  skipped = 0;
  /** Those of them that were of several tracks in one message. */
  multitrack = 0;
  readonly #sink: FlvSink;
  #pictures: PictureReader | undefined;
  /** VP8 or VP9, whose size is in its key pictures only. */
  #unsized: Track | undefined;
  #video: Track | undefined;
  #audio: Track | undefined;
  #lengthBytes = 4;
  #lastMs: number | undefined;

  constructor(sink: FlvSink) {
    this.#sink = sink;
  }

  /** `timestampMs`: 0…2^32-1, as sent. Units are views of the body, codec data are copies. Throws `malformed`; the next call goes on. */
  read(tagType: number, timestampMs: number, body: Uint8Array): void {
    if (body.length === 0) return;
    const ms = this.#lastMs === undefined ? timestampMs : unwrapNear(timestampMs, this.#lastMs);
    if (tagType === flvTagType.script) this.#sink.script?.(readAmf0(body, 0, readAmf3));
    if (tagType !== flvTagType.video && tagType !== flvTagType.audio) return;
    this.#lastMs = ms;
    if (tagType === flvTagType.video) this.#readVideo(ms, body);
    else this.#readAudio(ms, body);
  }

  #readVideo(ms: number, body: Uint8Array): void {
    const frameType = (body[0]! >> 4) & 7;
    // 5 is a command for the player (§E.4.3): no picture.
    if (frameType === 5) return;
    const head = (body[0]! & 0x80) === 0 ? readOldVideo(body) : readExHead(body, true);
    if (head.codec === undefined) this.#skip(head);
    else if (head.packetType === packetType.sequenceStart)
      this.#startVideo(head.codec, new Uint8Array(body.subarray(head.at)));
    else if (head.packetType === packetType.codedFrames || head.packetType === packetType.codedFramesX) {
      this.#readPicture(ms, head, { content: body.subarray(head.at), isKey: frameType === 1 });
    }
  }

  #skip(head: Head): void {
    this.skipped++;
    if (head.isMultitrack) this.multitrack++;
  }

  #startVideo(codec: CodecName, config: Uint8Array): void {
    this.#video = undefined;
    this.#pictures = undefined;
    this.#unsized = undefined;
    const track: Track = {
      id: videoTrackId,
      kind: 'video',
      codec,
      clockRate: videoClockRate,
      parameterSets: codec === 'h264' || codec === 'h265' || config.length === 0 ? [] : [config],
      ...(codec === 'av1' && config.length > 0 && av1Size(config)),
    };
    if (codec === 'vp8' || codec === 'vp9') {
      this.#unsized = track;
      return;
    }
    if (codec !== 'h264' && codec !== 'h265') {
      this.#announceVideo(track);
      return;
    }
    const { lengthBytes, parameterSets } = readRecord(codec, config);
    this.#lengthBytes = lengthBytes;
    this.#pictures = new PictureReader({ ...track, parameterSets });
    if (this.#pictures.complete) this.#announceVideo(this.#pictures.track);
  }

  #readPicture(ms: number, head: Head, frame: { content: Uint8Array; isKey: boolean }): void {
    let key = frame.isKey;
    let units: readonly Uint8Array[] = [frame.content];
    if (head.codec === 'h264' || head.codec === 'h265') {
      const pictures = this.#pictures;
      if (pictures === undefined || pictures.track.codec !== head.codec) {
        this.skipped++;
        return;
      }
      const picture = pictures.read(splitAvcc(frame.content, this.#lengthBytes), frame.isKey);
      ({ units, key } = picture);
      if (pictures.complete && pictures.track !== this.#video) this.#announceVideo(pictures.track);
    } else {
      const known = this.#unsized ?? this.#video;
      if (known?.codec !== head.codec) this.#startVideo(head.codec!, new Uint8Array(0));
      if (this.#unsized !== undefined && frame.isKey) this.#size(this.#unsized, frame.content);
    }
    const track = this.#video;
    if (track === undefined) this.skipped++;
    else if (units.length > 0 && frame.content.length > 0) {
      const perMs = videoClockRate / 1000;
      this.#sink.unit(track, { dts: ms * perMs, pts: (ms + head.compositionMs) * perMs, key, units });
    }
  }

  /** Announces the picture with its size; again where it changes. */
  #size(unsized: Track, key: Uint8Array): void {
    const track = { ...unsized, ...vpxSize(unsized.codec, key) };
    const { width, height } = this.#video ?? {};
    if (this.#video === undefined || width !== track.width || height !== track.height) this.#announceVideo(track);
  }

  #announceVideo(track: Track): void {
    this.#video = track;
    this.#sink.track(track);
  }

  #readAudio(ms: number, body: Uint8Array): void {
    const head = readAudioHead(body);
    const content = body.subarray(head.at);
    if (head.codec === undefined) this.#skip(head);
    else if (head.packetType === packetType.sequenceStart)
      this.#announceAudio(audioTrack(head.codec, body, { config: new Uint8Array(content) }));
    else if (head.packetType === packetType.codedFrames && content.length > 0) {
      if (this.#audio?.codec !== head.codec) this.#announceAudio(audioTrack(head.codec, body, { frame: content }));
      const track = this.#audio;
      if (track?.codec !== head.codec) {
        this.skipped++;
        return;
      }
      const dts = rescale(ms, 1000, track.clockRate);
      this.#sink.unit(track, { dts, pts: dts, key: true, units: [content] });
    }
  }

  #announceAudio(track: Track | undefined): void {
    if (track === undefined) return;
    this.#audio = track;
    this.#sink.track(track);
  }
}

/** Pixels by the sequence header of an AV1 configuration, where it has one. */
function av1Size(config: Uint8Array): { width?: number; height?: number } {
  const body = sequenceHeaderOf(config);
  if (body === undefined) return {};
  const { width, height } = parseAv1Sequence(body);
  return { width, height };
}

/** Pixels of a key picture; nothing where it does not begin as one. */
function vpxSize(codec: CodecName, key: Uint8Array): { width?: number; height?: number } {
  try {
    const { width, height } = codec === 'vp8' ? parseVp8Header(key) : parseVp9Header(key);
    return width > 0 ? { width, height } : {};
  } catch {
    return {};
  }
}

function readRecord(codec: 'h264' | 'h265', config: Uint8Array) {
  if (codec === 'h264') {
    const { lengthBytes, sps, pps } = parseAvcC(config);
    return { lengthBytes, parameterSets: [...sps, ...pps] };
  }
  const { lengthBytes, vps, sps, pps } = parseHvcC(config);
  return { lengthBytes, parameterSets: [...vps, ...sps, ...pps] };
}

/** AVCVIDEOPACKET (§E.4.3.1). */
function readOldVideo(body: Uint8Array): Head {
  const id = body[0]! & 15;
  const codec = id === videoId.h264 ? 'h264' : id === videoId.h265 ? 'h265' : undefined;
  if (codec !== undefined && body.length < 5) throw cut();
  return { codec, packetType: body[1] ?? 0, compositionMs: readSigned24(body, 2), at: 5 };
}

/** ExVideoTagHeader and ExAudioTagHeader (enhanced RTMP v2), modifiers passed over; several tracks in one message are not read. */
function readExHead(body: Uint8Array, isVideo: boolean): Head {
  let type = body[0]! & 15;
  let at = 1;
  for (let i = 0; type === packetType.modEx; i++) {
    if (i >= maxModifiers) throw malformed('FLV_MODIFIERS', `More than ${maxModifiers} modifiers before a frame.`);
    let size = (body[at++] ?? 0) + 1;
    if (size === 256) {
      size = (((body[at] ?? 0) << 8) | (body[at + 1] ?? 0)) + 1;
      at += 2;
    }
    at += size;
    if (at >= body.length) throw cut();
    type = body[at++]! & 15;
  }
  if (type === (isVideo ? packetType.multitrackVideo : packetType.multitrackAudio)) {
    return { codec: undefined, packetType: type, compositionMs: 0, at, isMultitrack: true };
  }
  if (at + 4 > body.length) throw cut();
  const codec = codecOfFourCc(readU32(body, at));
  at += 4;
  const head: Head = { codec, packetType: type, compositionMs: 0, at };
  if (isVideo && type === packetType.codedFrames && (codec === 'h264' || codec === 'h265')) {
    if (at + 3 > body.length) throw cut();
    head.compositionMs = readSigned24(body, at);
    head.at += 3;
  }
  if (!isVideo && type === packetType.codedFramesX) head.codec = undefined;
  return head;
}

const oldSounds: Readonly<Record<number, CodecName>> = {
  [soundFormat.mp3]: 'mp3',
  [soundFormat.mp3At8k]: 'mp3',
  [soundFormat.pcma]: 'pcma',
  [soundFormat.pcmu]: 'pcmu',
  [soundFormat.aac]: 'aac',
};

function readAudioHead(body: Uint8Array): Head {
  const format = body[0]! >> 4;
  if (format === soundFormat.enhanced) return readExHead(body, false);
  const codec = oldSounds[format];
  const isAac = codec === 'aac';
  if (isAac && body.length < 2) throw cut();
  const type = isAac ? body[1]! : packetType.codedFrames;
  return { codec, packetType: type, compositionMs: 0, at: isAac ? 2 : 1 };
}

/** Undefined where the codec needs its data first. `frame`: one that comes without a sequence header before it. */
function audioTrack(
  codec: CodecName,
  body: Uint8Array,
  { config, frame }: { config?: Uint8Array; frame?: Uint8Array },
): Track | undefined {
  const track = { id: audioTrackId, kind: 'audio', codec } as const;
  if (codec === 'aac') {
    if (config === undefined) return undefined;
    const { sampleRate, channels } = parseAudioSpecificConfig(config);
    return { ...track, clockRate: sampleRate, sampleRate, channels, parameterSets: [config] };
  }
  if (codec === 'flac') return config === undefined ? undefined : flacTrack(config);
  if (codec === 'opus') {
    const channels = config === undefined || config.length < 10 ? 2 : config[9]!;
    return { ...track, clockRate: 48_000, sampleRate: 48_000, channels, parameterSets: [] };
  }
  if (codec === 'mp3' && frame !== undefined) {
    const told = mp3Format(frame);
    if (told !== undefined) return { ...track, clockRate: told.sampleRate, ...told, parameterSets: [] };
  }
  const format = body[0]! >> 4;
  const isEnhanced = format === soundFormat.enhanced;
  const oldRate = format === soundFormat.mp3 ? soundRates[(body[0]! >> 2) & 3]! : 8000;
  const sampleRate = isEnhanced ? 44_100 : oldRate;
  const channels = isEnhanced ? 2 : (body[0]! & 1) + 1;
  return { ...track, clockRate: sampleRate, sampleRate, channels, parameterSets: [] };
}

/** What the frame itself says: tags of FLV know few sample rates. Undefined where it says nothing. */
function mp3Format(frame: Uint8Array): { sampleRate: number; channels: number } | undefined {
  try {
    const { sampleRate, channels } = parseMpegAudioHeader(frame, 0);
    return { sampleRate, channels };
  } catch {
    return undefined;
  }
}

/** STREAMINFO (RFC 9639 §8.2), after `fLaC` and block header, or bare as some encoders send it. */
function flacTrack(config: Uint8Array): Track {
  let at = config.length >= 4 && readU32(config, 0) === 0x664c_6143 ? 4 : 0;
  const isBare = config.length - at === 34;
  if (!isBare) at += 4;
  if (config.length < at + 34) throw cut();
  const block = new Uint8Array(38);
  block[0] = 0x80;
  block[3] = 34;
  block.set(config.subarray(at, at + 34), 4);
  const sampleRate = readU32(block, 14) >>> 12;
  if (sampleRate === 0) throw malformed('FLV_FLAC', 'A FLAC header without a sample rate.');
  const channels = ((block[16]! >> 1) & 7) + 1;
  const id = audioTrackId;
  return { id, kind: 'audio', codec: 'flac', clockRate: sampleRate, sampleRate, channels, parameterSets: [block] };
}

function readSigned24(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8)) >> 8;
}

function cut(): Error {
  return malformed('FLV_TAG_CUT', 'An FLV tag ends before its content.');
}
