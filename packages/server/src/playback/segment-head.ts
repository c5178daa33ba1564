import { createHash } from 'node:crypto';
import { concatBytes, readU32, writeU32 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type Box, findBox, readBoxes, readType } from '@watchpost/media/container/fmp4/boxes.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import type { Track } from '@watchpost/media/types.ts';
import { FlacAudio } from '../hub/live-fmp4/flac-audio.ts';

/** What playback needs to know of the head (ftyp + moov) of a file. */
export interface SegmentHead {
  /** Equal where two files can be played with one init segment. */
  readonly parameterKey: string;
  /** Sound that HLS players do not decode, by track id in the file. */
  readonly g711: ReadonlyMap<number, Track>;
}

/** More is not the head of one of our files. */
export const maxHeadBytes = 256 * 1024;

/** Reads the head of a file. Throws `malformed`. */
export function parseSegmentHead(head: Uint8Array): SegmentHead {
  const hash = createHash('sha256');
  const g711 = new Map<number, Track>();
  for (const trak of children(head, moovOf(head)).filter((box) => box.type === 'trak')) {
    const { id, timescale, stsd, entry } = parseTrak(head, trak);
    hash.update(`${id} ${timescale} ${stsd.length} `).update(stsd);
    const codec = entry === 'alaw' ? 'pcma' : entry === 'ulaw' ? 'pcmu' : undefined;
    if (codec === undefined) continue;
    // ISO/IEC 14496-12 §12.2.3: channel count 16 bytes into the fields of the sample entry, after its header of 8.
    const channels = (stsd[16 + 8 + 16]! << 8) | stsd[16 + 8 + 17]!;
    g711.set(id, {
      id: id - 1,
      kind: 'audio',
      codec,
      clockRate: timescale,
      sampleRate: timescale,
      channels: Math.max(1, channels),
      parameterSets: [],
    });
  }
  return { parameterKey: hash.digest('base64url'), g711 };
}

/** The head with FLAC where the file has G.711: an init segment for parts made by `toFlacParts`. */
export function toFlacHead(head: Uint8Array, { g711 }: SegmentHead): Uint8Array {
  const moov = moovOf(head);
  const parts: Uint8Array[] = [];
  for (const box of children(head, moov)) {
    const track = box.type === 'trak' ? g711.get(parseTrak(head, box).id) : undefined;
    parts.push(track === undefined ? head.subarray(box.start, box.end) : flacTrak(track));
  }
  const body = concatBytes(parts);
  const header = head.slice(moov.start, moov.start + 8);
  writeU32(header, 0, 8 + body.length);
  const ftyp = findBox(readBoxes(head, 0, head.length), 'ftyp');
  return concatBytes([ftyp === undefined ? new Uint8Array(0) : head.subarray(ftyp.start, ftyp.end), header, body]);
}

function flacTrak(track: Track): Uint8Array {
  const bytes = writeInitSegment([new FlacAudio(track).track]);
  const trak = need(children(bytes, moovOf(bytes)), 'trak');
  return bytes.subarray(trak.start, trak.end);
}

interface Trak {
  readonly id: number;
  readonly timescale: number;
  readonly stsd: Uint8Array;
  /** Type of the first sample entry. */
  readonly entry: string;
}

function parseTrak(head: Uint8Array, trak: Box): Trak {
  const inTrak = children(head, trak);
  const tkhd = need(inTrak, 'tkhd');
  const inMdia = children(head, need(inTrak, 'mdia'));
  const mdhd = need(inMdia, 'mdhd');
  const stbl = need(children(head, need(inMdia, 'minf')), 'stbl');
  const stsd = need(children(head, stbl), 'stsd');
  if (stsd.end - stsd.start < 16 + 8 + 20) throw malformed('a sample description without an entry');
  // ISO/IEC 14496-12 §8.3.2, §8.4.2: two times of 4 or, in version 1, 8 bytes come first.
  const idAt = tkhd.body + 4 + (head[tkhd.body] === 1 ? 16 : 8);
  const timescaleAt = mdhd.body + 4 + (head[mdhd.body] === 1 ? 16 : 8);
  return {
    id: readU32(head, idAt),
    timescale: readU32(head, timescaleAt),
    stsd: head.subarray(stsd.start, stsd.end),
    entry: readType(head, stsd.body + 12),
  };
}

function moovOf(head: Uint8Array): Box {
  return need(readBoxes(head, 0, head.length), 'moov');
}

function children(bytes: Uint8Array, box: Box): Box[] {
  return readBoxes(bytes, box.body, box.end);
}

function need(boxes: readonly Box[], type: string): Box {
  const box = findBox(boxes, type);
  if (box === undefined) throw malformed(`no '${type}' box`);
  return box;
}

function malformed(problem: string): WatchpostError {
  return new WatchpostError(`The head of a recorded file has ${problem}; the file is damaged`, {
    kind: 'malformed',
    code: 'PLAYBACK_HEAD',
  });
}
