import type { Clock } from '@watchpost/base/clock.ts';

/** Timelines that are remembered, for a list that is behind the other one. */
const maxEpochs = 8;
const usualFrameMs = 40;
/** What is so near to what is due now can belong to the same timeline. */
const nearMs = 5000;
/** A step of one list alone. */
const aloneStepMs = 5000;
/** What one of two lists left out is waited for: the other one has it. */
const jointStepMs = 30_000;

/** When output times are due, and how the source's times become output times: one for all lists of a source. */
export class Pace {
  readonly clock: Clock;
  /** Resolves once the first unit of the leading list is handed on. */
  readonly begun: Promise<void>;
  /** How long, in all, a list that leads waits for one that follows, ms; 0 where there is only one. */
  readonly patienceMs: number;
  /** A step of this much is a new timeline, whether the playlist says so or not. */
  readonly maxStepMs: number;
  readonly #onBegun: () => void;
  /** Monotonic ms of output time 0. */
  #baseMs = 0;
  #delayedMs = 0;
  #first: { readonly epoch: number; readonly atMs: number } | undefined;
  /** Added to the source's times, by number of the timeline; newest last. */
  readonly #shifts = new Map<number, number>();

  constructor(clock: Clock, patienceMs = 0) {
    this.clock = clock;
    this.patienceMs = patienceMs;
    this.maxStepMs = patienceMs === 0 ? aloneStepMs : jointStepMs;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.begun = promise;
    this.#onBegun = resolve;
  }

  /** Output time that is due now; means nothing before `begin`. */
  get nowMs(): number {
    return this.clock.monotonicMs() - this.#baseMs;
  }

  /** Where the leading list begins; undefined before that. */
  get first(): { readonly epoch: number; readonly atMs: number } | undefined {
    return this.#first;
  }

  /** The leading list begins: this output time is due now, what comes after it in its time. */
  begin(epoch: number, atMs: number): void {
    this.#first = { epoch, atMs };
    this.#baseMs = this.clock.monotonicMs() - atMs;
    this.#onBegun();
  }

  /** Puts everything off; for a list that follows only while there is patience left. True if it did. */
  delay(lateMs: number, isLeading: boolean): boolean {
    if (!isLeading) {
      if (this.#delayedMs + lateMs > this.patienceMs) return false;
      this.#delayedMs += lateMs;
    }
    this.#baseMs += lateMs;
    return true;
  }

  /** The shift of a timeline that some list has entered. */
  shiftOf(epoch: number): number | undefined {
    return this.#shifts.get(epoch);
  }

  /** The newest shift that puts `ownMs` near to what is due now. */
  fitting(ownMs: number): number | undefined {
    const { nowMs } = this;
    return [...this.#shifts.values()].findLast((shift) => Math.abs(ownMs + shift - nowMs) <= nearMs);
  }

  /** A timeline whose first unit goes right after `lastMs`; the first of all stays as it is. */
  open(epoch: number, ownMs: number, lastMs: number | undefined): number {
    const shift = lastMs === undefined ? 0 : lastMs + usualFrameMs - ownMs;
    this.#shifts.delete(epoch);
    this.#shifts.set(epoch, shift);
    for (const oldest of this.#shifts.keys()) {
      if (this.#shifts.size <= maxEpochs) break;
      this.#shifts.delete(oldest);
    }
    return shift;
  }
}
