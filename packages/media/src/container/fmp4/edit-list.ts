import { readU32, readU64 } from '@watchpost/base/bytes.ts';
import { type Box, findBox, readBoxes } from './boxes.ts';
import { need } from './read-moov.ts';

const maxEntries = 64;
/** A longer edit is no delay of a decoder; it is left alone. */
const maxSeconds = 60;

/**
 * By how much each track's samples are presented before their own times, in ticks, by its id in the file (edit list,
 * ISO/IEC 14496-12 §8.6.6): how files tell of reordered pictures and of the priming of AAC. Tracks without are missing.
 */
export function readEdits(bytes: Uint8Array, moov: Box): ReadonlyMap<number, number> {
  const edits = new Map<number, number>();
  const children = readBoxes(bytes, moov.body, moov.end);
  const mvhd = findBox(children, 'mvhd');
  const movieRate = mvhd === undefined ? 0 : timescale(bytes, mvhd);
  for (const trak of children) {
    if (trak.type !== 'trak') continue;
    const parts = readBoxes(bytes, trak.body, trak.end);
    const [tkhd, edts, mdia] = [findBox(parts, 'tkhd'), findBox(parts, 'edts'), findBox(parts, 'mdia')];
    if (tkhd === undefined || edts === undefined || mdia === undefined) continue;
    const mdhd = findBox(readBoxes(bytes, mdia.body, mdia.end), 'mdhd');
    const elst = findBox(readBoxes(bytes, edts.body, edts.end), 'elst');
    if (mdhd === undefined || elst === undefined) continue;
    need(tkhd, 24, 0);
    const rate = timescale(bytes, mdhd);
    const ticks = readElst(bytes, elst, movieRate === 0 ? 0 : rate / movieRate);
    const fileId = readU32(bytes, tkhd.body + (bytes[tkhd.body] === 1 ? 20 : 12));
    if (ticks !== 0 && Math.abs(ticks) <= maxSeconds * rate) edits.set(fileId, ticks);
  }
  return edits;
}

/** The first edit with media, less the empty ones before it. */
function readElst(bytes: Uint8Array, elst: Box, ticksPerMovieTick: number): number {
  need(elst, 8, 0);
  const isLong = bytes[elst.body] === 1;
  const entryBytes = isLong ? 20 : 12;
  const count = Math.min(readU32(bytes, elst.body + 4), maxEntries);
  let empty = 0;
  let at = elst.body + 8;
  for (let i = 0; i < count && at + entryBytes <= elst.end; i++, at += entryBytes) {
    const isEmpty = readU32(bytes, at + (isLong ? 8 : 4)) === 0xffff_ffff;
    if (!isEmpty) return (isLong ? readU64(bytes, at + 8) : readU32(bytes, at + 4)) - Math.round(empty);
    empty += (isLong ? readU64(bytes, at) : readU32(bytes, at)) * ticksPerMovieTick;
  }
  return 0;
}

/** Ticks per second by `mvhd` or `mdhd`, which begin alike. */
function timescale(bytes: Uint8Array, header: Box): number {
  need(header, 24, 0);
  return readU32(bytes, header.body + (bytes[header.body] === 1 ? 20 : 12));
}
