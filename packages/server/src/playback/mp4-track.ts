import { concatBytes } from '@watchpost/base/bytes.ts';
import { u32 } from '@watchpost/media/container/fmp4/boxes.ts';
import type { RunTable } from '@watchpost/media/container/fmp4/read-moof.ts';
import { SampleTable } from '@watchpost/media/container/mp4/sample-table.ts';
import type { ProgressiveTrack } from '@watchpost/media/container/mp4/write-head.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { Segment } from '../catalog/types.ts';
import { FlacAudio } from '../hub/live-fmp4/flac-audio.ts';
import type { SliceList } from './mp4-slices.ts';

/** Where samples go, and where they are from. */
export interface SamplePlace {
  readonly segment: Segment;
  /** First byte of the `moof` in its file, from which the offsets of runs count. */
  readonly offset: number;
  readonly slices: SliceList;
  /** Seconds in the run, and in the MP4, at which the piece begins. */
  readonly pieceIn: number;
  readonly pieceOut: number;
}

/** Takes sound that was made anew; returns where it begins among all of it. */
export type KeepSound = (bytes: Uint8Array) => number;

/** ISO/IEC 14496-12 §8.8.3.1: sample_is_non_sync_sample. */
export const nonSync = 0x1_0000;

/** One track of an MP4 that is put together from fragments of many files; new parameter sets are a new sample entry. */
export class Mp4Track {
  readonly table = new SampleTable();
  readonly #entries: Track[] = [];
  readonly #entryKeys: string[] = [];
  #known: Track | undefined;
  #entry = 0;
  #endTicks = 0;
  /** Where what is shown ends: pictures may be shown later than the last one is decoded. */
  #shownEndTicks = 0;
  /** Goes before key pictures of all but the first sample entry. */
  #prefix: Uint8Array | undefined;
  #flac: FlacAudio | undefined;

  /** Seconds in the MP4 at which its last sample ends. */
  get endSeconds(): number {
    return this.#endTicks / this.#clockRate;
  }

  get #clockRate(): number {
    return this.#entries[0]?.clockRate ?? 1;
  }

  /** Adds the first `count` samples of a run as they are; those before the beginning of the piece are left out. */
  add(run: RunTable, count: number, place: SamplePlace): void {
    const { track } = run.file;
    this.#enter(track);
    const from = Math.round(place.pieceIn * track.clockRate);
    let dts = run.startTicks;
    let expected = -1;
    for (let i = 0; i < count; i++) {
      const bytes = run.sizes[i]!;
      const start = place.offset + run.offsets[i]!;
      if (dts >= from) {
        const key = track.kind !== 'video' || (run.flags[i]! & nonSync) === 0;
        const prefix = key ? this.#prefix : undefined;
        const prefixAt = prefix === undefined ? undefined : place.slices.add(prefix, 0, prefix.length);
        const at = place.slices.add(place.segment, start, start + bytes);
        if (start !== expected || prefix !== undefined) this.table.beginChunk(prefixAt ?? at, this.#entry);
        expected = start + bytes;
        const pts = this.#ticks(dts + run.compositions[i]!, track, place);
        this.#shownEndTicks = Math.max(this.#shownEndTicks, pts + run.durations[i]!);
        this.table.add({ dts: this.#ticks(dts, track, place), pts, bytes: bytes + (prefix?.length ?? 0), key });
      }
      dts += run.durations[i]!;
    }
    this.#endTicks = Math.max(this.#endTicks, this.#ticks(dts, track, place));
  }

  /** Adds the first `count` samples of a run of G.711 as FLAC. `fragment` begins with the `moof`. */
  addFlac(run: RunTable, count: number, place: SamplePlace & { fragment: Uint8Array; keep: KeepSound }): void {
    const { track } = run.file;
    if (this.#flac?.track.sampleRate !== (track.sampleRate ?? track.clockRate)) this.flush(place);
    this.#flac ??= new FlacAudio(track);
    const frames: Sample[] = [];
    const from = Math.round(place.pieceIn * track.clockRate);
    let dts = run.startTicks;
    for (let i = 0; i < count; i++) {
      const start = run.offsets[i]!;
      const units = [place.fragment.subarray(start, start + run.sizes[i]!)];
      const sample = { track, dts, pts: dts, key: true, units, byteLength: run.sizes[i]!, wallMs: 0, lost: 0 };
      if (dts >= from) frames.push(...this.#flac.push(sample));
      dts += run.durations[i]!;
    }
    this.#addFrames(frames, place);
  }

  /** Ends sound that is made anew, at the end of a piece. */
  flush(place: Pick<SamplePlace, 'slices' | 'pieceIn' | 'pieceOut'> & { keep: KeepSound }): void {
    const rest = this.#flac?.end();
    if (rest !== undefined) this.#addFrames([rest], place);
    this.#flac = undefined;
  }

  /** The track with what is shown of it, seconds in the MP4; undefined where that is nothing. */
  finish(shown: { readonly from: number; readonly to: number }): ProgressiveTrack | undefined {
    if (this.table.length === 0) return undefined;
    this.table.end(this.#endTicks);
    const base = this.table.firstDts;
    const from = Math.max(base, Math.round(shown.from * this.#clockRate));
    const shownTicks =
      Math.min(Math.max(this.#endTicks, this.#shownEndTicks), Math.round(shown.to * this.#clockRate)) - from;
    if (shownTicks <= 0) return undefined;
    const emptyTicks = from - Math.round(shown.from * this.#clockRate);
    return { entries: this.#entries, table: this.table, edit: { firstTicks: from - base, shownTicks, emptyTicks } };
  }

  #addFrames(
    frames: readonly Sample[],
    place: Pick<SamplePlace, 'slices' | 'pieceIn' | 'pieceOut'> & { keep: KeepSound },
  ): void {
    const flac = this.#flac;
    if (flac === undefined || frames.length === 0) return;
    this.#enter(flac.track);
    for (const [i, { dts, units }] of frames.entries()) {
      const unit = units[0]!;
      const start = place.keep(unit);
      const at = place.slices.add('sound', start, start + unit.length);
      if (i === 0) this.table.beginChunk(at, this.#entry);
      const ticks = this.#ticks(dts, flac.track, place);
      this.table.add({ dts: ticks, pts: ticks, bytes: unit.length, key: true });
    }
    this.#endTicks = Math.max(this.#endTicks, this.#ticks(flac.endTicks, flac.track, place));
  }

  /** Ticks of this track in the MP4. One offset for a whole piece, so that no duration is off by a tick. */
  #ticks(ticks: number, track: Track, place: Pick<SamplePlace, 'pieceIn' | 'pieceOut'>): number {
    const { clockRate } = this.#entries[0]!;
    const own = track.clockRate === clockRate ? ticks : Math.round((ticks * clockRate) / track.clockRate);
    return own + Math.round((place.pieceOut - place.pieceIn) * clockRate);
  }

  #enter(track: Track): void {
    if (track === this.#known) return;
    this.#known = track;
    const { codec, width, height, sampleRate, channels, parameterSets } = track;
    const key = JSON.stringify([codec, width, height, sampleRate, channels, parameterSets.map((set) => [...set])]);
    this.#entry = this.#entryKeys.indexOf(key);
    if (this.#entry < 0) {
      this.#entry = this.#entries.length;
      this.#entries.push(track);
      this.#entryKeys.push(key);
    }
    this.#prefix = this.#entry > 0 ? inBand(track) : undefined;
  }
}

/**
 * Parameter sets as NAL units with four-byte lengths: Chromium 156 reads those of the first sample entry only, and fails
 * at the second one unless they come with the picture.
 */
function inBand({ codec, parameterSets }: Track): Uint8Array | undefined {
  if (codec !== 'h264' && codec !== 'h265') return undefined;
  return concatBytes(parameterSets.flatMap((set) => [u32(set.length), set]));
}
