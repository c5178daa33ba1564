import { concatBytes, readU16, writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import { malformed } from '../../codec/malformed.ts';
import type { CodecName, Track } from '../../types.ts';
import { ourPid, streamType } from './codes.ts';
import { crc32Mpeg } from './crc32.ts';

/** One elementary stream of a programme. */
export interface TsStream {
  readonly pid: number;
  readonly streamType: number;
  /** What its type and descriptors mean; undefined for what is not read. */
  readonly codec: CodecName | undefined;
  /** Of Opus, from its descriptor. */
  readonly channels: number;
}

/** A programme map. */
export interface ProgramMap {
  readonly version: number;
  readonly pcrPid: number;
  readonly streams: readonly TsStream[];
}

const opusTag = 0x4f70_7573;
const hevcTag = 0x4845_5643;
const maxPrograms = 256;
const maxStreams = 64;

/** Program association section with one programme (ISO/IEC 13818-1 §2.4.4.3). */
export function writePat(version: number): Uint8Array {
  return section(0, 1, version, Uint8Array.of(0, 1, 0xe0 | (ourPid.pmt >> 8), ourPid.pmt & 255));
}

/** Program map section (§2.4.4.8); each track gets `pidOf`. */
export function writePmt(version: number, tracks: readonly Track[], pcrPid: number): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0xe0 | (pcrPid >> 8), pcrPid & 255, 0xf0, 0)];
  for (const track of tracks) {
    const pid = pidOf(track);
    const descriptors = track.codec === 'opus' ? opusDescriptors(track.channels ?? 2) : new Uint8Array(0);
    parts.push(Uint8Array.of(typeOf(track), 0xe0 | (pid >> 8), pid & 255, 0xf0, descriptors.length), descriptors);
  }
  return section(2, 1, version, concatBytes(parts));
}

/** PID of a track of our muxer, which carries one of each kind. */
export function pidOf(track: Track): number {
  return track.kind === 'video' ? ourPid.video : ourPid.audio;
}

function typeOf({ codec }: Track): number {
  return codec === 'h264' || codec === 'h265' || codec === 'aac' || codec === 'mp3'
    ? streamType[codec]
    : streamType.privateData;
}

/** Registration descriptor (§2.6.8) and Opus extension descriptor ("Opus in MPEG-TS" §3): the channel count is its code. */
function opusDescriptors(channels: number): Uint8Array {
  const bytes = Uint8Array.of(5, 4, 0, 0, 0, 0, 0x7f, 2, 0x80, channels);
  writeU32(bytes, 2, opusTag);
  return bytes;
}

function section(tableId: number, idExtension: number, version: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + body.length + 4);
  bytes[0] = tableId;
  writeU16(bytes, 1, 0xb000 | (bytes.length - 3));
  writeU16(bytes, 3, idExtension);
  bytes[5] = 0xc1 | (version << 1);
  bytes.set(body, 8);
  writeU32(bytes, 8 + body.length, crc32Mpeg(bytes, 0, 8 + body.length));
  return bytes;
}

/** PMT PIDs of the programmes in a whole section; undefined if it is another table or not valid yet. Throws `malformed`. */
export function parsePat(bytes: Uint8Array): number[] | undefined {
  const end = checkSection(bytes, 0);
  if (end < 0) return undefined;
  const pids: number[] = [];
  for (let at = 8; at + 4 <= end && pids.length < maxPrograms; at += 4) {
    // Programme 0 is the network's own table.
    if (readU16(bytes, at) !== 0) pids.push(readU16(bytes, at + 2) & 0x1fff);
  }
  return pids;
}

/** The programme map in a whole section; undefined if it is another table or not valid yet. Throws `malformed`. */
export function parsePmt(bytes: Uint8Array): ProgramMap | undefined {
  const end = checkSection(bytes, 2);
  if (end < 0) return undefined;
  if (end < 12) throw malformed('TS_PMT', 'A programme map is cut off.');
  const streams: TsStream[] = [];
  let at = 12 + (readU16(bytes, 10) & 0xfff);
  while (at + 5 <= end && streams.length < maxStreams) {
    const type = bytes[at]!;
    const pid = readU16(bytes, at + 1) & 0x1fff;
    const from = at + 5;
    at = from + (readU16(bytes, at + 3) & 0xfff);
    if (at > end) throw malformed('TS_PMT', 'A descriptor goes beyond its programme map.');
    streams.push({ pid, streamType: type, ...readCodec(type, bytes.subarray(from, at)) });
  }
  return { version: (bytes[5]! >> 1) & 31, pcrPid: readU16(bytes, 8) & 0x1fff, streams };
}

/** Where the entries of a section end; -1 for another table, or one that is not valid yet. */
function checkSection(bytes: Uint8Array, tableId: number): number {
  if (bytes.length < 12 || bytes[0] !== tableId || (bytes[5]! & 1) === 0) return -1;
  if (crc32Mpeg(bytes, 0, bytes.length) !== 0) throw malformed('TS_CRC', 'A table is damaged: its checksum is wrong.');
  return bytes.length - 4;
}

const codecOf: Readonly<Record<number, CodecName>> = {
  [streamType.mp3]: 'mp3',
  [streamType.mpeg2Audio]: 'mp3',
  [streamType.aac]: 'aac',
  [streamType.h264]: 'h264',
  [streamType.h265]: 'h265',
};

function readCodec(type: number, descriptors: Uint8Array): { codec: CodecName | undefined; channels: number } {
  let codec = codecOf[type];
  let channels = 2;
  for (let at = 0; at + 2 <= descriptors.length; at += 2 + descriptors[at + 1]!) {
    const length = descriptors[at + 1]!;
    const isWhole = at + 2 + length <= descriptors.length;
    if (isWhole && descriptors[at] === 5 && length >= 4 && type === streamType.privateData) {
      const tag = readU16(descriptors, at + 2) * 0x1_0000 + readU16(descriptors, at + 4);
      if (tag === opusTag) codec = 'opus';
      if (tag === hevcTag) codec = 'h265';
    }
    if (isWhole && descriptors[at] === 0x7f && length >= 2 && descriptors[at + 2] === 0x80) {
      const code = descriptors[at + 3]!;
      if (code >= 1 && code <= 8) channels = code;
    }
  }
  return { codec, channels };
}
