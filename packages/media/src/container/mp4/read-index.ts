import { readU32, readU64 } from '@watchpost/base/bytes.ts';
import type { Track } from '../../types.ts';
import { type Box, findBox, malformedBox, readBoxes } from '../fmp4/boxes.ts';
import type { FileTrack } from '../fmp4/read-moov.ts';
import { NumberList } from './number-list.ts';

/** A sample of a file by its place and time. */
export interface IndexedSample {
  readonly offset: number;
  readonly bytes: number;
  /** Ticks of the track. */
  readonly dts: number;
  readonly pts: number;
  readonly key: boolean;
}

/** The samples of one track of an MP4 file without fragments, in decode order. */
export class TrackIndex {
  readonly track: Track;
  readonly #offsets = new NumberList();
  readonly #sizes = new NumberList();
  readonly #times = new NumberList();
  readonly #compositions: Int32Array;
  readonly #keys: Uint8Array;

  /** Reads an `stbl` (ISO/IEC 14496-12 §8.5). Throws `malformed` for tables that do not fit each other. */
  constructor(track: Track, bytes: Uint8Array, stbl: Box) {
    this.track = track;
    const boxes = readBoxes(bytes, stbl.body, stbl.end);
    const tables = new Tables(bytes, boxes, stbl);
    tables.readSizes(this.#sizes);
    tables.readTimes(this.#sizes.length, this.#times);
    tables.readOffsets(this.#sizes, this.#offsets);
    this.#compositions = tables.readCompositions(this.#sizes.length);
    this.#keys = tables.readSyncs(this.#sizes.length);
  }

  /** How many samples there are. */
  get length(): number {
    return this.#sizes.length;
  }

  /** The sample at `index`, which there must be. */
  at(index: number): IndexedSample {
    const dts = this.#times.at(index);
    return {
      ...{ offset: this.#offsets.at(index), bytes: this.#sizes.at(index), dts },
      ...{ pts: dts + this.#compositions[index]!, key: this.#keys[index] === 1 },
    };
  }

  /** Time of the sample at `index`; of the end of the last one for `length`. */
  dtsAt(index: number): number {
    return this.#times.at(index);
  }
}

/** The samples of each track of `tracks`, by the `moov` that those were read from. Throws `malformed`. */
export function readIndex(bytes: Uint8Array, moov: Box, tracks: readonly FileTrack[]): TrackIndex[] {
  const found: TrackIndex[] = [];
  for (const trak of readBoxes(bytes, moov.body, moov.end)) {
    if (trak.type !== 'trak') continue;
    const parts = readBoxes(bytes, trak.body, trak.end);
    const tkhd = findBox(parts, 'tkhd')!;
    const fileId = readU32(bytes, tkhd.body + (bytes[tkhd.body] === 1 ? 20 : 12));
    const file = tracks.find((one) => one.fileId === fileId);
    if (file === undefined) continue;
    const mdia = findBox(parts, 'mdia')!;
    const minf = findBox(readBoxes(bytes, mdia.body, mdia.end), 'minf')!;
    const stbl = findBox(readBoxes(bytes, minf.body, minf.end), 'stbl')!;
    found.push(new TrackIndex(file.track, bytes, stbl));
  }
  return found;
}

class Tables {
  readonly #bytes: Uint8Array;
  readonly #boxes: readonly Box[];
  readonly #stbl: Box;

  constructor(bytes: Uint8Array, boxes: readonly Box[], stbl: Box) {
    this.#bytes = bytes;
    this.#boxes = boxes;
    this.#stbl = stbl;
  }

  /** §8.7.3.2. */
  readSizes(sizes: NumberList): void {
    const stsz = this.#find('stsz');
    const same = readU32(this.#bytes, stsz.body + 4);
    const count = readU32(this.#bytes, stsz.body + 8);
    // All of one size say so in eight bytes, whatever their number.
    if (same === 0) this.#need(stsz, 12 + 4 * count);
    else if (count > maxEqualSamples) throw malformedBox(`${count} samples of one size`, stsz.start);
    for (let i = 0; i < count; i++) sizes.push(same === 0 ? readU32(this.#bytes, stsz.body + 12 + 4 * i) : same);
  }

  /** Times of so many samples, and of the end (§8.6.1.2). */
  readTimes(count: number, times: NumberList): void {
    let dts = 0;
    for (const [n, delta] of this.#runs(this.#find('stts')))
      for (let i = 0; i < n && times.length < count; i++, dts += delta) times.push(dts);
    if (times.length < count) throw malformedBox("fewer times than samples in 'stts'", this.#stbl.start);
    times.push(dts);
  }

  /** §8.6.1.3; version 0, too, holds negative ones in many files. */
  readCompositions(count: number): Int32Array {
    const compositions = new Int32Array(count);
    const ctts = findBox(this.#boxes, 'ctts');
    if (ctts === undefined) return compositions;
    let at = 0;
    for (const [n, offset] of this.#runs(ctts)) {
      const end = Math.min(count, at + n);
      compositions.fill(offset | 0, at, end);
      at = end;
    }
    return compositions;
  }

  /** §8.6.2: without the box all are. */
  readSyncs(count: number): Uint8Array {
    const keys = new Uint8Array(count);
    const stss = findBox(this.#boxes, 'stss');
    if (stss === undefined) return keys.fill(1);
    const entries = this.#count(stss, 4);
    for (let i = 0; i < entries; i++) keys[readU32(this.#bytes, stss.body + 8 + 4 * i) - 1] = 1;
    return keys;
  }

  /** Chunks (§8.7.5) of so many samples each (§8.7.4), which lie side by side in them. */
  readOffsets(sizes: NumberList, offsets: NumberList): void {
    const stsc = this.#find('stsc');
    const entries = this.#count(stsc, 12);
    const long = findBox(this.#boxes, 'co64');
    const chunks = long ?? this.#find('stco');
    const chunkCount = this.#count(chunks, long ? 8 : 4);
    let entry = 0;
    for (let chunk = 0; chunk < chunkCount && offsets.length < sizes.length; chunk++) {
      while (entry + 1 < entries && readU32(this.#bytes, stsc.body + 8 + 12 * (entry + 1)) <= chunk + 1) entry++;
      const at = chunks.body + 8 + chunk * (long ? 8 : 4);
      let offset = long ? readU64(this.#bytes, at) : readU32(this.#bytes, at);
      const samples = entries === 0 ? 0 : readU32(this.#bytes, stsc.body + 12 + 12 * entry);
      for (let i = 0; i < samples && offsets.length < sizes.length; i++) {
        offsets.push(offset);
        offset += sizes.at(offsets.length - 1);
      }
    }
    if (offsets.length < sizes.length) throw malformedBox('samples without a chunk', this.#stbl.start);
  }

  *#runs(box: Box): Iterable<readonly [count: number, value: number]> {
    const entries = this.#count(box, 8);
    for (let i = 0; i < entries; i++) {
      const at = box.body + 8 + 8 * i;
      yield [readU32(this.#bytes, at), readU32(this.#bytes, at + 4)];
    }
  }

  /** Entries of a table behind version, flags and their number. */
  #count(box: Box, entryBytes: number): number {
    this.#need(box, 8);
    const entries = readU32(this.#bytes, box.body + 4);
    this.#need(box, 8 + entries * entryBytes);
    return entries;
  }

  #find(type: string): Box {
    const found = findBox(this.#boxes, type);
    if (found === undefined) throw malformedBox(`an 'stbl' without '${type}'`, this.#stbl.start);
    this.#need(found, type === 'stsz' ? 12 : 8);
    return found;
  }

  #need(box: Box, length: number): void {
    if (box.end - box.body < length) throw malformedBox(`box '${box.type}' that is too short`, box.start);
  }
}

/** A day of PCM, sample by sample, is no more than twice that. */
const maxEqualSamples = 4_000_000;
