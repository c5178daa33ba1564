import type { Segment } from '../catalog/types.ts';

/** Where bytes are from: a recorded file, the sound that was made anew, or these bytes themselves. */
export type SliceSource = Segment | 'sound' | Uint8Array;

/** Bytes [start, end) of their source, and where they begin among the media data. */
export interface Mp4Slice {
  readonly source: SliceSource;
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** A hole that was closed, ms since 1970 UTC. */
export interface Mp4Gap {
  readonly startMs: number;
  readonly endMs: number;
}

/** A progressive MP4 that is never written: its head, and where the rest is read from. */
export interface Mp4File {
  readonly head: Uint8Array;
  /** In order, without holes. */
  readonly slices: readonly Mp4Slice[];
  /** Of the head and all slices. */
  readonly bytes: number;
  /** Wall time of the first picture, and of the end of the last one, ms since 1970 UTC. */
  readonly startMs: number;
  readonly endMs: number;
  readonly durationMs: number;
  readonly gaps: readonly Mp4Gap[];
}

/** Collects slices; those that continue one another become one. */
export class SliceList {
  readonly slices: Mp4Slice[] = [];
  bytes = 0;

  /** Adds bytes; returns where they begin among the media data. */
  add(source: SliceSource, start: number, end: number): number {
    const at = this.bytes;
    this.bytes += end - start;
    const last = this.slices.at(-1);
    if (last?.source === source && last.end === start) this.slices[this.slices.length - 1] = { ...last, end };
    else this.slices.push({ source, start, end, at });
    return at;
  }
}

/** Index of the slice that holds byte `at` of the media data. */
export function sliceAt(slices: readonly Mp4Slice[], at: number): number {
  let low = 0;
  let high = slices.length;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (slices[middle]!.at <= at) low = middle;
    else high = middle;
  }
  return low;
}

/** The file that it is from, where it is from one. */
export function segmentOf({ source }: Pick<Mp4Slice, 'source'>): Segment | undefined {
  return source === 'sound' || source instanceof Uint8Array ? undefined : source;
}
