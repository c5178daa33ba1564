import { concatBytes } from '@watchpost/base/bytes.ts';
import type { MediaChunk, MediaHead } from './live-media.ts';
import { type LivePart, PartCutter, type PartLength } from './part-cutter.ts';

/** A segment as far as it is known when it begins. */
export interface SegmentHead {
  readonly number: number;
  /** Counts discontinuities before this segment, from a base that only grows (RFC 8216 §4.3.3.3). */
  readonly discontinuities: number;
  readonly init: MediaHead | undefined;
  /** Name of its init segment's version: the number of the first segment that uses it; 0 without one. */
  readonly initVersion: number;
  /** Capture time of its first sample, ms since 1970 UTC. */
  readonly wallMs: number;
  /** A player can start with it. */
  readonly key: boolean;
  /** In order, those that are whole; none without low latency. */
  readonly parts: readonly LivePart[];
}

/** A finished segment. Immutable. */
export interface LiveSegment extends SegmentHead {
  readonly bytes: Uint8Array;
  readonly durationMs: number;
}

/** What a segmenter is told. */
export interface SegmenterOptions {
  /** Number of the first segment. */
  readonly firstNumber: number;
  /** What discontinuities are counted from; `firstNumber` where it is missing. */
  readonly firstDiscontinuity?: number;
  /** Segments end at the first key picture after so long. */
  readonly segmentDurationMs: number;
  /** Longest time between key pictures seen so far; undefined while not known. */
  readonly gopMs: () => number | undefined;
  readonly onSegment: (segment: LiveSegment) => void;
  /** Segments are told of in parts, too. */
  readonly parts?: {
    readonly firstNumber: number;
    readonly length: () => PartLength;
    /** One more of the segment under way. */
    readonly onPart: () => void;
  };
}

/** RFC 8216 §4.3.3.1: durations, rounded, stay within the target; so a segment may be so much longer than it. */
const roundingMs = 400;
/** Cameras with longer groups than this get segments that begin between key pictures. */
const maxTargetSeconds = 12;

interface Draft {
  readonly first: MediaChunk;
  readonly head: Omit<SegmentHead, 'parts'>;
  readonly chunks: Uint8Array[];
  endMs: number;
}

/**
 * Cuts chunks into segments: at key pictures where it can, between them where a group is longer than the target duration,
 * which never changes once it has been told.
 */
export class Segmenter {
  readonly #options: SegmenterOptions;
  #draft: Draft | undefined;
  #previous: MediaChunk | undefined;
  #nextNumber: number;
  #discontinuities: number;
  #init: MediaHead | undefined;
  #initVersion = 0;
  #lastKeyMs = -1;
  #groupMs = 0;
  #targetSeconds = 0;
  readonly #cutter: PartCutter | undefined;

  constructor(options: SegmenterOptions) {
    this.#options = options;
    this.#nextNumber = options.firstNumber;
    this.#discontinuities = options.firstDiscontinuity ?? options.firstNumber;
    this.#cutter = options.parts && new PartCutter(options.parts);
  }

  /** `EXT-X-TARGETDURATION`; 0 before the first segment is finished. */
  get targetSeconds(): number {
    return this.#targetSeconds;
  }

  /** Number of the segment after the last one that is finished. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** Number of the last discontinuity. */
  get discontinuities(): number {
    return this.#discontinuities;
  }

  /** Media time of what is not yet in a finished segment. */
  get draftMs(): number {
    return this.#draft === undefined ? 0 : this.#draft.endMs - this.#draft.first.startMs;
  }

  /** The segment under way, where it is told of in parts. */
  get open(): SegmentHead | undefined {
    if (this.#draft === undefined || this.#cutter === undefined) return undefined;
    return { ...this.#draft.head, parts: this.#cutter.parts };
  }

  /** Number of the part that comes next. */
  get nextPart(): number {
    return this.#cutter?.nextNumber ?? 0;
  }

  /** Longest that a part may be, ms; 0 without parts and before the first. */
  get partTargetMs(): number {
    return this.#cutter?.maxMs ?? 0;
  }

  push(chunk: MediaChunk): void {
    const previous = this.#previous;
    // A late muxer begins with a key picture; sound without picture is always one.
    if (previous === undefined && !chunk.key) return;
    const isNewSession = previous !== undefined && (chunk.session !== previous.session || chunk.init !== previous.init);
    if (chunk.key) this.#onKey(chunk.startMs, isNewSession);
    this.#previous = chunk;
    const draft = this.#draft;
    if (draft === undefined) this.#begin(chunk, isNewSession);
    else if (isNewSession) {
      this.#finish(draft.endMs);
      this.#begin(chunk, true);
    } else if (this.#endsBefore(chunk, draft)) {
      this.#finish(chunk.startMs);
      this.#begin(chunk, false);
    } else {
      draft.chunks.push(chunk.bytes);
      draft.endMs = Math.max(draft.endMs, chunk.endMs);
      this.#cutter?.add(chunk);
    }
  }

  /** A key picture of the same session comes next, in a chunk that is still to be made: ends the segment now where it ends there. */
  keyFollows(startMs: number): void {
    this.#onKey(startMs, false);
    const draft = this.#draft;
    if (draft !== undefined && this.#endsAtKey(startMs, draft)) this.#finish(startMs);
  }

  /** Finishes what there is although no key picture follows: for a player that waits. */
  cut(): void {
    if (this.#draft !== undefined) this.#finish(this.#draft.endMs);
  }

  #onKey(startMs: number, isNewSession: boolean): void {
    if (startMs === this.#lastKeyMs) return;
    if (this.#lastKeyMs >= 0 && !isNewSession) this.#groupMs = startMs - this.#lastKeyMs;
    this.#lastKeyMs = startMs;
  }

  #endsBefore(chunk: MediaChunk, draft: Draft): boolean {
    if (chunk.endMs - draft.first.startMs > this.#limitMs()) return true;
    return chunk.key && this.#endsAtKey(chunk.startMs, draft);
  }

  #endsAtKey(startMs: number, draft: Draft): boolean {
    const lengthMs = startMs - draft.first.startMs;
    return lengthMs >= this.#options.segmentDurationMs - roundingMs || lengthMs + this.#groupMs > this.#limitMs();
  }

  /** No segment is longer. */
  #limitMs(): number {
    return (this.#targetSeconds || this.#likelyTarget()) * 1000 + roundingMs;
  }

  #begin(chunk: MediaChunk, isDiscontinuity: boolean): void {
    const number = this.#nextNumber;
    if (isDiscontinuity) this.#discontinuities++;
    if (chunk.init !== this.#init) {
      this.#init = chunk.init;
      this.#initVersion = chunk.init === undefined ? 0 : number;
    }
    const { init, wallMs, key } = chunk;
    const head = { number, init, wallMs, key, discontinuities: this.#discontinuities, initVersion: this.#initVersion };
    this.#draft = { first: chunk, head, chunks: [chunk.bytes], endMs: chunk.endMs };
    this.#cutter?.begin(chunk);
  }

  #finish(endMs: number): void {
    const { first, head, chunks } = this.#draft!;
    this.#nextNumber++;
    const durationMs = endMs - first.startMs;
    if (this.#targetSeconds === 0) this.#targetSeconds = this.#target(durationMs);
    const bytes = concatBytes(chunks);
    const parts = this.#cutter?.end(bytes, endMs) ?? [];
    this.#draft = undefined;
    this.#options.onSegment({ ...head, bytes, durationMs, parts });
  }

  /** Before it is told: the first group ends where it ends, unless the pace of key pictures is known. */
  #likelyTarget(): number {
    const isKnown = this.#groupMs > 0 || this.#options.gopMs() !== undefined;
    return isKnown ? this.#target(0) : maxTargetSeconds;
  }

  #target(lengthMs: number): number {
    const { segmentDurationMs, gopMs } = this.#options;
    const longestMs = Math.max(segmentDurationMs, gopMs() ?? 0, this.#groupMs, lengthMs);
    return Math.min(Math.ceil((longestMs - roundingMs) / 1000), maxTargetSeconds);
  }
}
