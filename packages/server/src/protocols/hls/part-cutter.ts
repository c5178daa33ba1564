import { concatBytes } from '@watchpost/base/bytes.ts';
import type { MediaChunk } from './live-media.ts';

/** A part of a segment that is told of before the segment is whole (draft-pantos-hls-rfc8216bis §4.4.4.9). Immutable. */
export interface LivePart {
  /** Goes on over segments, so that the name of the next part is known before it is known which segment it belongs to. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly durationMs: number;
  /** A player can start with it. */
  readonly independent: boolean;
}

/** How long parts are. */
export interface PartLength {
  /** A part ends with the picture that makes it so long. */
  readonly usualMs: number;
  /** `PART-TARGET`: none is longer. */
  readonly maxMs: number;
}

const wantedPartMs = 350;
/** Parts are whole pictures; cameras are not exact by so much. */
const jitterShare = 1.1;

/**
 * Lengths for pictures of `frameMs`: a whole number of them, so that no part but the last of a segment is shorter than
 * 85 % of the target (§4.4.4.9).
 */
export function partLength(frameMs: number): PartLength {
  const usualMs = Math.max(1, Math.round(wantedPartMs / frameMs)) * frameMs;
  return { usualMs, maxMs: Math.ceil(usualMs * jitterShare) };
}

/** What a cutter is told. */
export interface PartCutterOptions {
  readonly firstNumber: number;
  /** Asked once, with the first chunk. */
  readonly length: () => PartLength;
  /** A part more of the segment under way. */
  readonly onPart: () => void;
}

/** Cuts the segment under way into parts, each told of as soon as it is whole. */
export class PartCutter {
  readonly #options: PartCutterOptions;
  #length: PartLength | undefined;
  #nextNumber: number;
  #parts: LivePart[] = [];
  #isCutting = false;
  #chunks: Uint8Array[] = [];
  #isIndependent = false;
  #startMs = 0;
  #endMs = 0;

  constructor(options: PartCutterOptions) {
    this.#options = options;
    this.#nextNumber = options.firstNumber;
  }

  /** Of the segment under way, those that are whole. */
  get parts(): readonly LivePart[] {
    return this.#parts;
  }

  /** Number of the part that comes next. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** `PART-TARGET` in ms; 0 before the first chunk. */
  get maxMs(): number {
    return this.#length?.maxMs ?? 0;
  }

  /** A segment begins with this chunk. One that begins with a longer chunk than parts may be has none. */
  begin(chunk: MediaChunk): void {
    this.#length ??= this.#options.length();
    this.#parts = [];
    this.#isCutting = chunk.endMs - chunk.startMs <= this.#length.maxMs;
    if (this.#isCutting) this.#open(chunk);
  }

  /** One more chunk of the segment. */
  add(chunk: MediaChunk): void {
    if (!this.#isCutting) return;
    if (this.#chunks.length > 0 && chunk.endMs - this.#startMs > this.maxMs) this.#close(chunk.startMs);
    if (this.#chunks.length === 0) this.#open(chunk);
    else {
      this.#chunks.push(chunk.bytes);
      this.#endMs = chunk.endMs;
      this.#closeIfWhole();
    }
  }

  /** The segment ends: its parts, as views of its bytes, which so are kept once. */
  end(segment: Uint8Array, endMs: number): readonly LivePart[] {
    if (!this.#isCutting) return [];
    if (this.#chunks.length > 0) this.#close(endMs);
    let at = 0;
    const parts = this.#parts.map((part) => {
      const bytes = segment.subarray(at, at + part.bytes.length);
      at += part.bytes.length;
      return { ...part, bytes };
    });
    this.#parts = [];
    this.#isCutting = false;
    return parts;
  }

  #open(chunk: MediaChunk): void {
    this.#chunks = [chunk.bytes];
    this.#isIndependent = chunk.key;
    this.#startMs = chunk.startMs;
    this.#endMs = chunk.endMs;
    this.#closeIfWhole();
  }

  #closeIfWhole(): void {
    // Half the slack: the next picture would not fit, or only by luck.
    const slackMs = (this.#length!.maxMs - this.#length!.usualMs) / 2;
    if (this.#endMs - this.#startMs >= this.#length!.usualMs - slackMs) this.#close(this.#endMs);
  }

  #close(endMs: number): void {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : concatBytes(this.#chunks);
    // A hole in the stream is no media: the part is as long as what is in it.
    const durationMs = Math.min(endMs - this.#startMs, this.maxMs);
    this.#parts.push({ number: this.#nextNumber++, bytes, durationMs, independent: this.#isIndependent });
    this.#chunks = [];
    this.#options.onPart();
  }
}
