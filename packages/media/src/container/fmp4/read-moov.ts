import { readU16, readU32 } from '@watchpost/base/bytes.ts';
import { aacSampleRates, parseAudioSpecificConfig } from '../../codec/aac/config.ts';
import type { CodecName, Track } from '../../types.ts';
import { type Box, findBox, malformedBox, readBoxes } from './boxes.ts';

/** Most tracks of one file. */
export const maxTracks = 64;

/** Defaults of a track's fragments (`trex`, ISO/IEC 14496-12 §8.8.3). */
export interface TrackDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/** A track of a file with what its fragments leave out. */
export interface FileTrack {
  readonly track: Track;
  /** Id in the file: `tfhd` names it. */
  readonly fileId: number;
  readonly defaults: TrackDefaults;
}

const codecs: Readonly<Record<string, CodecName>> = {
  avc1: 'h264',
  avc3: 'h264',
  hvc1: 'h265',
  hev1: 'h265',
  av01: 'av1',
  mp4a: 'aac',
  fLaC: 'flac',
  Opus: 'opus',
  alaw: 'pcma',
  ulaw: 'pcmu',
  mp4v: 'mjpeg',
  jpeg: 'mjpeg',
};

const videoCodecs: ReadonlySet<CodecName> = new Set(['h264', 'h265', 'av1', 'mjpeg']);

/** Reads the tracks of a `moov`; those of unknown codecs are left out. `base`: place of `bytes` in the file. Throws `malformed`. */
export function readMoov(bytes: Uint8Array, moov: Box, base: number): FileTrack[] {
  const children = readBoxes(bytes, moov.body, moov.end, base);
  const defaults = readDefaults(bytes, children, base);
  const tracks: FileTrack[] = [];
  for (const trak of children) {
    if (trak.type !== 'trak') continue;
    if (tracks.length >= maxTracks) throw malformedBox(`more than ${maxTracks} tracks`, base + trak.start);
    const found = readTrak(bytes, trak, base);
    if (found === undefined) continue;
    const fileId = found.id + 1;
    tracks.push({ track: found, fileId, defaults: defaults.get(fileId) ?? { duration: 0, size: 0, flags: 0 } });
  }
  return tracks;
}

function readDefaults(bytes: Uint8Array, children: readonly Box[], base: number): Map<number, TrackDefaults> {
  const defaults = new Map<number, TrackDefaults>();
  const mvex = findBox(children, 'mvex');
  if (mvex === undefined) return defaults;
  for (const trex of readBoxes(bytes, mvex.body, mvex.end, base)) {
    if (trex.type !== 'trex') continue;
    need(trex, 24, base);
    const at = trex.body;
    defaults.set(readU32(bytes, at + 4), {
      duration: readU32(bytes, at + 12),
      size: readU32(bytes, at + 16),
      flags: readU32(bytes, at + 20),
    });
  }
  return defaults;
}

/** Throws unless the body of `box` has `length` bytes. */
export function need(box: Box, length: number, base: number): void {
  if (box.end - box.body < length) throw malformedBox(`box '${box.type}' that is too short`, base + box.start);
}

function child(bytes: Uint8Array, parent: Box, type: string, base: number): Box {
  const found = findBox(readBoxes(bytes, parent.body, parent.end, base), type);
  if (found === undefined) throw malformedBox(`a '${parent.type}' without '${type}'`, base + parent.start);
  return found;
}

function readTrak(bytes: Uint8Array, trak: Box, base: number): Track | undefined {
  const tkhd = child(bytes, trak, 'tkhd', base);
  need(tkhd, 24, base);
  const id = readU32(bytes, tkhd.body + (bytes[tkhd.body] === 1 ? 20 : 12)) - 1;
  if (id < 0) throw malformedBox('track id 0', base + tkhd.start);
  const mdia = child(bytes, trak, 'mdia', base);
  const mdhd = child(bytes, mdia, 'mdhd', base);
  need(mdhd, 24, base);
  const clockRate = readU32(bytes, mdhd.body + (bytes[mdhd.body] === 1 ? 20 : 12));
  if (clockRate === 0) throw malformedBox('timescale 0', base + mdhd.start);
  const stsd = child(bytes, child(bytes, child(bytes, mdia, 'minf', base), 'stbl', base), 'stsd', base);
  const entry = readBoxes(bytes, stsd.body + 8, stsd.end, base)[0];
  if (entry === undefined) throw malformedBox("an empty 'stsd'", base + stsd.start);
  const named = codecs[entry.type];
  if (named === undefined) return undefined;
  const isVideo = videoCodecs.has(named);
  need(entry, isVideo ? 78 : 28, base);
  const configs = readBoxes(bytes, entry.body + (isVideo ? 78 : 28), entry.end, base);
  const parameterSets = readParameterSets(bytes, configs, base);
  const codec = named === 'aac' && isMpegAudio(bytes, configs) ? 'mp3' : named;
  if (isVideo) {
    const size = { width: readU16(bytes, entry.body + 24), height: readU16(bytes, entry.body + 26) };
    return { id, kind: 'video', codec, clockRate, parameterSets, ...size };
  }
  return {
    id,
    kind: 'audio',
    codec,
    clockRate,
    parameterSets,
    ...readSound(bytes, entry, codec, clockRate, parameterSets),
  };
}

function readSound(
  bytes: Uint8Array,
  entry: Box,
  codec: CodecName,
  clockRate: number,
  parameterSets: readonly Uint8Array[],
): { sampleRate: number; channels: number } {
  const sampleRate = readU16(bytes, entry.body + 24) || clockRate;
  const channels = readU16(bytes, entry.body + 16);
  if (codec !== 'aac' || parameterSets.length === 0) return { sampleRate, channels };
  const config = parseAudioSpecificConfig(parameterSets[0]!);
  const isCore = aacSampleRates.includes(sampleRate);
  return { sampleRate: isCore ? sampleRate : config.sampleRate, channels: config.channels || channels };
}

function readParameterSets(bytes: Uint8Array, configs: readonly Box[], base: number): Uint8Array[] {
  for (const config of configs) {
    if (config.type === 'avcC') return readAvcC(bytes, config, base);
    if (config.type === 'hvcC') return readHvcC(bytes, config, base);
    if (config.type === 'av1C') return [bytes.slice(config.body, config.end)];
    if (config.type === 'esds') return readEsds(bytes, config, base);
    if (config.type === 'dfLa') {
      need(config, 4 + 38, base);
      return [bytes.slice(config.body + 4, config.body + 4 + 38)];
    }
  }
  return [];
}

/** Takes one parameter set with a 16-bit length; returns the byte after it. */
function takeSet(bytes: Uint8Array, at: number, box: Box, base: number, into: Uint8Array[]): number {
  const end = at + 2 + (at + 2 <= box.end ? readU16(bytes, at) : 0);
  if (at + 2 > box.end || end > box.end) throw malformedBox(`a parameter set that leaves '${box.type}'`, base + at);
  into.push(bytes.slice(at + 2, end));
  return end;
}

function readAvcC(bytes: Uint8Array, avcC: Box, base: number): Uint8Array[] {
  need(avcC, 7, base);
  const sets: Uint8Array[] = [];
  let at = avcC.body + 6;
  for (let i = bytes[avcC.body + 5]! & 31; i > 0; i--) at = takeSet(bytes, at, avcC, base, sets);
  const counts = at < avcC.end ? bytes[at]! : 0;
  at++;
  for (let i = 0; i < counts; i++) at = takeSet(bytes, at, avcC, base, sets);
  return sets;
}

function readHvcC(bytes: Uint8Array, hvcC: Box, base: number): Uint8Array[] {
  need(hvcC, 23, base);
  const sets: Uint8Array[] = [];
  let at = hvcC.body + 23;
  for (let arrays = bytes[hvcC.body + 22]!; arrays > 0; arrays--) {
    if (at + 3 > hvcC.end) throw malformedBox("an array that leaves 'hvcC'", base + at);
    const isParameterSet = (bytes[at]! & 63) >= 32 && (bytes[at]! & 63) <= 34;
    const found: Uint8Array[] = [];
    let count = readU16(bytes, at + 1);
    at += 3;
    for (; count > 0; count--) at = takeSet(bytes, at, hvcC, base, found);
    if (isParameterSet) sets.push(...found.slice(0, 16));
  }
  return sets;
}

/** An `esds` without DecoderSpecificInfo whose objectTypeIndication is that of MPEG audio. */
function isMpegAudio(bytes: Uint8Array, configs: readonly Box[]): boolean {
  const esds = findBox(configs, 'esds');
  if (esds === undefined) return false;
  // Descriptors of tag 3 and 4, whose lengths may be padded to four bytes, stand before it.
  for (let at = esds.body + 4; at + 2 < esds.end; at++) {
    if (bytes[at] !== 4) continue;
    let type = at + 1;
    while (type < esds.end && bytes[type]! > 127) type++;
    if (bytes[type] === undefined || bytes[type]! < 13) continue;
    return bytes[type + 1] === 0x6b || bytes[type + 1] === 0x69;
  }
  return false;
}

/** DecoderSpecificInfo of an ES_Descriptor (ISO/IEC 14496-1 §7.2.6.5); none for JPEG. */
function readEsds(bytes: Uint8Array, esds: Box, base: number): Uint8Array[] {
  let at = esds.body + 4;
  const open = (tag: number): number => {
    if (at + 2 > esds.end || bytes[at] !== tag) return -1;
    let length = 0;
    at++;
    for (let i = 0; i < 4 && at < esds.end; i++) {
      const byte = bytes[at++]!;
      length = (length << 7) | (byte & 127);
      if ((byte & 128) === 0) break;
    }
    if (at + length > esds.end) throw malformedBox("a descriptor that leaves 'esds'", base + at);
    return length;
  };
  if (open(3) < 3) return [];
  at += 3;
  if (open(4) < 13) return [];
  at += 13;
  const length = open(5);
  return length > 0 ? [bytes.slice(at, at + length)] : [];
}
