import type { Sample } from '@watchpost/media/types.ts';
import type { EndedGap } from '../catalog/types.ts';
import type { GapLedger } from './gap-ledger.ts';
import type { WallLine } from './wall-line.ts';

/** No picture for so long is a hole that people see. */
const minHoleMs = 250;
/** A link that loses all the time has a mark for each so long. */
const minApartMs = 10_000;

/**
 * G5: holes that loss tears into a file. The picture before one lasts until the one after it, so the file plays on; the
 * row says that it stood still, and why.
 */
export class LossMarks {
  readonly #streamId: string;
  readonly #gaps: GapLedger;
  #track: Sample['track'] | undefined;
  #lastMs = 0;
  #markedMs = Number.NEGATIVE_INFINITY;
  #holes = 0;
  /** A hole whose far side is not written yet: it may become a border of two files. */
  #pending: { readonly beforeMs: number; readonly ms: number; readonly gap: EndedGap } | undefined;

  constructor(streamId: string, gaps: GapLedger) {
    this.#streamId = streamId;
    this.#gaps = gaps;
  }

  /** Holes so far, marked or not. */
  get holes(): number {
    return this.#holes;
  }

  /** Looks at a sample that is being recorded; `line` is that of its run, undefined before the first fragment. */
  observe(sample: Sample, line: WallLine | undefined): void {
    const { track } = sample;
    if (track.kind !== 'video') return;
    const ms = (sample.dts * 1000) / track.clockRate;
    const beforeMs = this.#lastMs;
    const goesOn = this.#track === track;
    this.#track = track;
    this.#lastMs = ms;
    if (sample.lost === 0 || !goesOn || line === undefined || ms - beforeMs < minHoleMs) return;
    this.#holes++;
    if (ms - this.#markedMs < minApartMs) return;
    this.#markedMs = ms;
    this.settle(ms, false);
    this.#pending = {
      beforeMs,
      ms,
      gap: {
        streamId: this.#streamId,
        startMs: line.at(beforeMs),
        endMs: line.at(ms),
        reason: 'packet_loss',
        detail: `${sample.lost} packets were lost on the way from the camera: the picture stands still`,
      },
    };
  }

  /** A fragment that begins at `startMs` is about to be written; `afterGap`: a gap before it explains the hole already. */
  settle(startMs: number, afterGap: boolean): void {
    const pending = this.#pending;
    if (pending === undefined || pending.beforeMs >= startMs) return;
    this.#pending = undefined;
    if (!(afterGap && startMs <= pending.ms)) this.#gaps.mark(pending.gap);
  }
}
