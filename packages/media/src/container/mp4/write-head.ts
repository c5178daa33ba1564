import { concatBytes, writeU32 } from '@watchpost/base/bytes.ts';
import type { Track } from '../../types.ts';
import { box, fullBox, u16, u32, u64 } from '../fmp4/boxes.ts';
import { pictureSize, writeSampleEntry } from '../fmp4/sample-entry.ts';
import type { NumberList, RunList } from './number-list.ts';
import type { SampleTable } from './sample-table.ts';

/** A track of a progressive file. */
export interface ProgressiveTrack {
  /** Sample entries, at least one, all of one kind; media time counts in `clockRate` of the first. */
  readonly entries: readonly Track[];
  /** At least one sample. */
  readonly table: SampleTable;
  /** What is shown: from `firstTicks` of the media (its first `dts` is 0) for `shownTicks`, after nothing for `emptyTicks`; ticks of the track. */
  readonly edit: { readonly firstTicks: number; readonly shownTicks: number; readonly emptyTicks: number };
}

const movieTimescale = 90_000;
const matrix = u32(0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000);
const encoder = new TextEncoder();

/**
 * All of a progressive MP4 file (ISO/IEC 14496-12 §6.2.3) that stands before `dataBytes` of media data: `ftyp`, `moov`
 * with all sample tables, header of `mdat`. 64-bit offsets and sizes where it is larger than 4 GiB. Throws as
 * `writeInitSegment` does.
 */
export function writeProgressiveHead(tracks: readonly ProgressiveTrack[], dataBytes: number): Uint8Array {
  const ftyp = box('ftyp', encoder.encode('isom'), u32(512), encoder.encode('isomiso2mp41'));
  const mdat = writeMdatHeader(dataBytes);
  // Whatever the offsets are, the tables are as long.
  let isLarge = dataBytes > 0xffff_ffff;
  let moovBytes = writeMoov(tracks, 0, isLarge).length;
  if (!isLarge && ftyp.length + moovBytes + mdat.length + dataBytes > 0xffff_ffff) {
    isLarge = true;
    moovBytes = writeMoov(tracks, 0, isLarge).length;
  }
  const dataAt = ftyp.length + moovBytes + mdat.length;
  return concatBytes([ftyp, writeMoov(tracks, dataAt, isLarge), mdat]);
}

function writeMdatHeader(dataBytes: number): Uint8Array {
  const type = encoder.encode('mdat');
  if (dataBytes + 8 <= 0xffff_ffff) return concatBytes([u32(dataBytes + 8), type]);
  return concatBytes([u32(1), type, u64(dataBytes + 16)]);
}

function writeMoov(tracks: readonly ProgressiveTrack[], dataAt: number, isLarge: boolean): Uint8Array {
  const duration = Math.max(
    0,
    ...tracks.map(({ edit, entries }) => movieTicks(edit.emptyTicks + edit.shownTicks, entries)),
  );
  const is64 = duration > 0xffff_ffff;
  const times = is64 ? [u64(0, 0), u32(movieTimescale), u64(duration)] : [u32(0, 0, movieTimescale, duration)];
  const rest = [u32(0x0001_0000, 0x0100_0000, 0, 0), matrix, u32(0, 0, 0, 0, 0, 0, tracks.length + 1)];
  const mvhd = fullBox('mvhd', is64 ? 1 : 0, 0, ...times, ...rest);
  return box('moov', mvhd, ...tracks.map((track, index) => writeTrak(track, { id: index + 1, dataAt, isLarge })));
}

function movieTicks(ticks: number, entries: readonly Track[]): number {
  return Math.round((ticks * movieTimescale) / entries[0]!.clockRate);
}

interface TrakPlace {
  readonly id: number;
  readonly dataAt: number;
  readonly isLarge: boolean;
}

function writeTrak(track: ProgressiveTrack, place: TrakPlace): Uint8Array {
  const { entries, table, edit } = track;
  const first = entries[0]!;
  const isVideo = first.kind === 'video';
  const shown = movieTicks(edit.emptyTicks + edit.shownTicks, entries);
  const { width, height } = isVideo ? pictureSize(first) : { width: 0, height: 0 };
  const layer = [u16(0, 0, isVideo ? 0 : 0x0100, 0), matrix, u16(width, 0, height, 0)];
  const is64 = shown > 0xffff_ffff;
  const times = is64 ? [u64(0, 0), u32(place.id, 0), u64(shown)] : [u32(0, 0, place.id, 0, shown)];
  const tkhd = fullBox('tkhd', is64 ? 1 : 0, 7, ...times, u32(0, 0), ...layer);
  const name = encoder.encode(isVideo ? 'video\0' : 'audio\0');
  const hdlr = fullBox('hdlr', 0, 0, u32(0), encoder.encode(isVideo ? 'vide' : 'soun'), u32(0, 0, 0), name);
  const header = isVideo ? fullBox('vmhd', 0, 1, u16(0, 0, 0, 0)) : fullBox('smhd', 0, 0, u32(0));
  const dinf = box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1)));
  const minf = box('minf', header, dinf, writeStbl(entries, table, place));
  return box('trak', tkhd, writeEdts(track), box('mdia', writeMdhd(table, first.clockRate), hdlr, minf));
}

function writeMdhd(table: SampleTable, clockRate: number): Uint8Array {
  let total = 0;
  const { counts, values } = table.durations;
  for (let i = 0; i < counts.length; i++) total += counts.at(i) * values.at(i);
  if (total > 0xffff_ffff) return fullBox('mdhd', 1, 0, u64(0, 0), u32(clockRate), u64(total), u16(0x55c4, 0));
  return fullBox('mdhd', 0, 0, u32(0, 0, clockRate, total), u16(0x55c4, 0));
}

/** The edit list (§8.6.6): where in the media the presentation begins. */
function writeEdts({ entries, edit }: ProgressiveTrack): Uint8Array {
  const rows: Uint8Array[] = [];
  const empty = movieTicks(edit.emptyTicks, entries);
  const rate = u16(1, 0);
  const minusOne = u32(0xffff_ffff, 0xffff_ffff);
  if (empty > 0) rows.push(u64(empty), minusOne, rate);
  rows.push(u64(movieTicks(edit.shownTicks, entries)), u64(Math.max(0, edit.firstTicks)), rate);
  return box('edts', fullBox('elst', 1, 0, u32(rows.length / 3), ...rows));
}

function writeStbl(entries: readonly Track[], table: SampleTable, place: TrakPlace): Uint8Array {
  const stsd = fullBox('stsd', 0, 0, u32(entries.length), ...entries.map(writeSampleEntry));
  const boxes = [stsd, fullBox('stts', 0, 0, writeRuns(table.durations))];
  const isReordered = table.compositions.counts.length > 1 || table.compositions.values.at(0) !== 0;
  // Version 1 is for offsets below 0 (§8.6.1.3).
  if (isReordered)
    boxes.push(fullBox('ctts', hasNegative(table.compositions) ? 1 : 0, 0, writeRuns(table.compositions)));
  if (table.syncs.length < table.length) boxes.push(fullBox('stss', 0, 0, writeList(table.syncs)));
  boxes.push(writeStsc(table), writeStsz(table.sizes), writeOffsets(table.chunkOffsets, place));
  return box('stbl', ...boxes);
}

function hasNegative({ values }: RunList): boolean {
  for (let i = 0; i < values.length; i++) if (values.at(i) < 0) return true;
  return false;
}

function writeRuns({ counts, values }: RunList): Uint8Array {
  const bytes = new Uint8Array(4 + counts.length * 8);
  writeU32(bytes, 0, counts.length);
  for (let i = 0; i < counts.length; i++) {
    writeU32(bytes, 4 + i * 8, counts.at(i));
    writeU32(bytes, 8 + i * 8, values.at(i) >>> 0);
  }
  return bytes;
}

function writeList(list: NumberList): Uint8Array {
  const bytes = new Uint8Array(4 + list.length * 4);
  writeU32(bytes, 0, list.length);
  for (let i = 0; i < list.length; i++) writeU32(bytes, 4 + i * 4, list.at(i));
  return bytes;
}

/** §8.7.3: one size for all where they are equal. */
function writeStsz(sizes: NumberList): Uint8Array {
  const first = sizes.at(0);
  let isEqual = first > 0;
  for (let i = 1; i < sizes.length && isEqual; i++) isEqual = sizes.at(i) === first;
  if (isEqual) return fullBox('stsz', 0, 0, u32(first, sizes.length));
  return fullBox('stsz', 0, 0, u32(0), writeList(sizes));
}

/** §8.7.4: a row where the samples in a chunk or its sample entry differ from the chunk before. */
function writeStsc({ chunkSamples, chunkEntries }: SampleTable): Uint8Array {
  const firsts: number[] = [];
  for (let i = 0; i < chunkSamples.length; i++) {
    const isSame =
      i > 0 && chunkSamples.at(i) === chunkSamples.at(i - 1) && chunkEntries.at(i) === chunkEntries.at(i - 1);
    if (!isSame) firsts.push(i);
  }
  const bytes = new Uint8Array(4 + firsts.length * 12);
  writeU32(bytes, 0, firsts.length);
  for (const [row, chunk] of firsts.entries()) {
    writeU32(bytes, 4 + row * 12, chunk + 1);
    writeU32(bytes, 8 + row * 12, chunkSamples.at(chunk));
    writeU32(bytes, 12 + row * 12, chunkEntries.at(chunk) + 1);
  }
  return fullBox('stsc', 0, 0, bytes);
}

function writeOffsets(offsets: NumberList, { dataAt, isLarge }: TrakPlace): Uint8Array {
  const width = isLarge ? 8 : 4;
  const bytes = new Uint8Array(4 + offsets.length * width);
  writeU32(bytes, 0, offsets.length);
  for (let i = 0; i < offsets.length; i++) {
    const offset = dataAt + offsets.at(i);
    if (isLarge) writeU32(bytes, 4 + i * 8, Math.floor(offset / 2 ** 32));
    writeU32(bytes, 4 + i * width + width - 4, offset % 2 ** 32);
  }
  return fullBox(isLarge ? 'co64' : 'stco', 0, 0, bytes);
}
