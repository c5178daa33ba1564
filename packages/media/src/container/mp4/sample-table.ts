import { WatchpostError } from '@watchpost/base/errors.ts';
import { NumberList, RunList } from './number-list.ts';

/** Samples of one track at the most: three days at 60 pictures a second. */
export const maxSamples = 16_000_000;

/** One sample as the tables of a track describe it. */
export interface SampleEntry {
  /** Ticks of the track; the first one of a track is 0 in the file, whatever it is here. */
  readonly dts: number;
  readonly pts: number;
  readonly bytes: number;
  /** A sync sample. */
  readonly key: boolean;
}

/** What the `stbl` of one track says (ISO/IEC 14496-12 §8.5), collected sample by sample in decode order. */
export class SampleTable {
  readonly durations = new RunList();
  readonly compositions = new RunList();
  readonly sizes = new NumberList();
  /** Numbers of the sync samples, from 1. */
  readonly syncs = new NumberList();
  /** Of each chunk: place of its first byte among the media data, its samples, and its sample entry from 0. */
  readonly chunkOffsets = new NumberList();
  readonly chunkSamples = new NumberList();
  readonly chunkEntries = new NumberList();
  #firstDts = 0;
  #lastDts = 0;

  /** How many samples there are. */
  get length(): number {
    return this.sizes.length;
  }

  /** `dts` of the first sample, as it was given. */
  get firstDts(): number {
    return this.#firstDts;
  }

  /** Begins a chunk at `offset` bytes of the media data; the samples that follow lie in it one after the other. */
  beginChunk(offset: number, entry: number): void {
    this.chunkOffsets.push(offset);
    this.chunkSamples.push(0);
    this.chunkEntries.push(entry);
  }

  /** Adds a sample to the chunk. One that is older than the sample before is decoded with it. Throws `resource_exhausted`. */
  add({ dts, pts, bytes, key }: SampleEntry): void {
    const { length } = this.sizes;
    if (length >= maxSamples) {
      throw new WatchpostError(`An MP4 file of more than ${maxSamples} samples is too large; ask for a shorter time.`, {
        kind: 'resource_exhausted',
        code: 'MP4_TOO_MANY_SAMPLES',
      });
    }
    if (length === 0) this.#firstDts = dts;
    const decodeAt = length === 0 ? dts : Math.max(dts, this.#lastDts);
    if (length > 0) this.durations.push(decodeAt - this.#lastDts);
    this.#lastDts = decodeAt;
    this.compositions.push(pts - decodeAt);
    this.sizes.push(bytes);
    if (key) this.syncs.push(length + 1);
    this.chunkSamples.setLast(this.chunkSamples.at(this.chunkSamples.length - 1) + 1);
  }

  /** Gives the last sample its duration; `endDts` is the `dts` of the sample after it. */
  end(endDts: number): void {
    if (this.length > 0) this.durations.push(Math.max(0, endDts - this.#lastDts));
  }
}
