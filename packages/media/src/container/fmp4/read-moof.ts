import { readU32, readU64 } from '@watchpost/base/bytes.ts';
import { type Box, findBox, malformedBox, readBoxes } from './boxes.ts';
import { type FileTrack, need } from './read-moov.ts';

/** Most samples of one track in one fragment. */
export const maxRunSamples = 100_000;

/** The samples of one track in a fragment as `moof` describes them, one entry each. */
export interface RunTable {
  readonly file: FileTrack;
  /** `dts` of the first sample, ticks. */
  readonly startTicks: number;
  readonly durations: readonly number[];
  readonly sizes: readonly number[];
  readonly flags: readonly number[];
  readonly compositions: readonly number[];
  /** First byte of each sample, from the first byte of the `moof`. */
  readonly offsets: readonly number[];
}

interface Defaults {
  duration: number;
  size: number;
  flags: number;
}

/** Reads a `moof` (ISO/IEC 14496-12 §8.8.4); tracks that `tracks` does not have are passed over. `base`: place of `bytes` in the file. */
export function readMoof(bytes: Uint8Array, moof: Box, tracks: readonly FileTrack[], base: number): RunTable[] {
  const tables: RunTable[] = [];
  let dataEnd = moof.end - moof.start + 8;
  for (const traf of readBoxes(bytes, moof.body, moof.end, base)) {
    if (traf.type !== 'traf') continue;
    const table = readTraf(bytes, traf, tracks, { base, moofStart: moof.start, dataStart: dataEnd });
    if (table === undefined) continue;
    tables.push(table);
    const last = table.offsets.length - 1;
    if (last >= 0) dataEnd = table.offsets[last]! + table.sizes[last]!;
  }
  return tables;
}

interface TrafPlace {
  readonly base: number;
  readonly moofStart: number;
  /** Where data without an offset begin. */
  readonly dataStart: number;
}

function readTraf(bytes: Uint8Array, traf: Box, tracks: readonly FileTrack[], place: TrafPlace): RunTable | undefined {
  const { base } = place;
  const children = readBoxes(bytes, traf.body, traf.end, base);
  const tfhd = findBox(children, 'tfhd');
  if (tfhd === undefined) throw malformedBox("a 'traf' without 'tfhd'", base + traf.start);
  need(tfhd, 8, base);
  const fileId = readU32(bytes, tfhd.body + 4);
  const file = tracks.find((one) => one.fileId === fileId);
  if (file === undefined) return undefined;
  const defaults: Defaults = { ...file.defaults };
  const dataBase = readTfhd(bytes, tfhd, defaults, base);
  const table = { durations: [], sizes: [], flags: [], compositions: [], offsets: [] };
  let at = place.dataStart;
  for (const trun of children) {
    if (trun.type === 'trun') at = readTrun(bytes, trun, { table, defaults, at, dataBase, place });
  }
  return { file, startTicks: readTfdt(bytes, findBox(children, 'tfdt'), base), ...table };
}

/** Fills in the defaults; returns base_data_offset where the file uses one. */
function readTfhd(bytes: Uint8Array, tfhd: Box, defaults: Defaults, base: number): number | undefined {
  const flags = readU32(bytes, tfhd.body) & 0xff_ffff;
  let at = tfhd.body + 8;
  const wanted = (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0) + (flags & 8 ? 4 : 0) + (flags & 16 ? 4 : 0);
  need(tfhd, 8 + wanted + (flags & 32 ? 4 : 0), base);
  let dataBase: number | undefined;
  if (flags & 1) {
    dataBase = readU64(bytes, at);
    at += 8;
  }
  if (flags & 2) at += 4;
  if (flags & 8) {
    defaults.duration = readU32(bytes, at);
    at += 4;
  }
  if (flags & 16) {
    defaults.size = readU32(bytes, at);
    at += 4;
  }
  if (flags & 32) defaults.flags = readU32(bytes, at);
  return dataBase;
}

function readTfdt(bytes: Uint8Array, tfdt: Box | undefined, base: number): number {
  if (tfdt === undefined) return 0;
  need(tfdt, 8, base);
  if (bytes[tfdt.body] !== 1) return readU32(bytes, tfdt.body + 4);
  need(tfdt, 12, base);
  const ticks = readU64(bytes, tfdt.body + 4);
  if (!Number.isSafeInteger(ticks)) throw malformedBox('a decode time beyond 2^53', base + tfdt.start);
  return ticks;
}

interface TrunContext {
  readonly table: {
    readonly durations: number[];
    readonly sizes: number[];
    readonly flags: number[];
    readonly compositions: number[];
    readonly offsets: number[];
  };
  readonly defaults: Defaults;
  readonly at: number;
  readonly dataBase: number | undefined;
  readonly place: TrafPlace;
}

/** Returns where the data of a following run begin. */
function readTrun(bytes: Uint8Array, trun: Box, context: TrunContext): number {
  const { table, defaults, place } = context;
  need(trun, 8, place.base);
  const flags = readU32(bytes, trun.body) & 0xff_ffff;
  const signed = bytes[trun.body] !== 0;
  const count = readU32(bytes, trun.body + 4);
  let perSample = 0;
  for (let flag = 0x100; flag <= 0x800; flag <<= 1) if (flags & flag) perSample += 4;
  if (count + table.sizes.length > maxRunSamples) throw malformedBox(`${count} samples`, place.base + trun.start);
  need(trun, 8 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0) + count * perSample, place.base);
  let at = trun.body + 8;
  let data = context.at;
  if (flags & 1) {
    const offset = readU32(bytes, at) | 0;
    data = offset + (context.dataBase === undefined ? 0 : context.dataBase - place.base - place.moofStart);
    at += 4;
  }
  const firstFlags = flags & 4 ? readU32(bytes, at) : undefined;
  if (flags & 4) at += 4;
  for (let i = 0; i < count; i++) {
    const duration = flags & 0x100 ? readU32(bytes, at) : defaults.duration;
    if (flags & 0x100) at += 4;
    const size = flags & 0x200 ? readU32(bytes, at) : defaults.size;
    if (flags & 0x200) at += 4;
    let own = flags & 0x400 ? readU32(bytes, at) : defaults.flags;
    if (flags & 0x400) at += 4;
    if (i === 0 && firstFlags !== undefined) own = firstFlags;
    const composition = flags & 0x800 ? readU32(bytes, at) : 0;
    if (flags & 0x800) at += 4;
    table.durations.push(duration);
    table.sizes.push(size);
    table.flags.push(own);
    table.compositions.push(signed ? composition | 0 : composition);
    table.offsets.push(data);
    data += size;
  }
  return data;
}
