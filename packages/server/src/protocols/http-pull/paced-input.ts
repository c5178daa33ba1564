import { sleep } from '@watchpost/base/clock.ts';
import { dtsMs, type TimedUnit } from '../../hub/timed-units.ts';
import type { UnitInput } from '../../hub/unit-input.ts';
import type { Pace } from './pace.ts';

/** Units that are due this soon go out at once. */
const togetherMs = 15;
/** So late, what comes is believed to go on late: the network was slow. */
const lateMs = 300;
const lookAgainMs = 50;

/** How units are handed on. */
export interface PacedInputOptions {
  readonly input: UnitInput;
  /** One for the lists that belong together. */
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** It sets the pace; the sound of a list of its own follows. */
  readonly isLeading?: boolean;
}

/** Hands units on at the pace of their own time stamps: what comes in files of seconds must not be shown in bursts. */
export class PacedInput {
  readonly #options: PacedInputOptions;
  readonly #isLeading: boolean;
  #epoch: number | undefined;
  /** Added to the source's times: makes one timeline of several. */
  #shiftMs = 0;
  /** Output time of the newest unit. */
  #lastMs: number | undefined;
  /** The same of each track. */
  readonly #trackMs = new Map<number, number>();

  constructor(options: PacedInputOptions) {
    this.#options = options;
    this.#isLeading = options.isLeading ?? true;
  }

  /** `epoch`: number of their timeline. Resolves when the last one is handed on; rejects with the signal's reason. */
  async write(units: readonly TimedUnit[], epoch = 0): Promise<void> {
    const { input, pace, signal } = this.#options;
    if (units.length > 0 && epoch !== this.#epoch) {
      await this.#enter(epoch, dtsMs(units[0]!));
      // Sound that changes with the picture is told before it: after it, it would have to wait for the next key picture.
      for (const track of new Set(units.map((entry) => entry.track))) input.track(track);
    }
    for (const entry of units) {
      const atMs = this.#place(dtsMs(entry), epoch);
      if (pace.first === undefined) pace.begin(epoch, atMs);
      if (!this.#isLeading && this.#isOver(atMs, epoch)) continue;
      const dueMs = this.#due(entry.track.id, atMs);
      let aheadMs = dueMs - pace.nowMs;
      // The other list may have put everything off meanwhile.
      for (; aheadMs > togetherMs; aheadMs = dueMs - pace.nowMs) {
        input.flush();
        await sleep(pace.clock, aheadMs, signal);
      }
      if (aheadMs >= -lateMs || pace.delay(-aheadMs, this.#isLeading)) this.#hand(entry);
    }
    input.flush();
  }

  /**
   * When a unit goes out. MPEG-TS holds sound back until a packet is full: such sound stands behind newer pictures, it is not
   * late. A track that steps back does so for all of them.
   */
  #due(trackId: number, atMs: number): number {
    const isForward = atMs > (this.#trackMs.get(trackId) ?? Number.NEGATIVE_INFINITY);
    this.#trackMs.set(trackId, atMs);
    this.#lastMs = isForward ? Math.max(this.#lastMs ?? atMs, atMs) : atMs;
    return this.#lastMs;
  }

  /** Sound from before the first picture, or in the place of what was heard. */
  #isOver(atMs: number, epoch: number): boolean {
    const { first } = this.#options.pace;
    if (first !== undefined && (epoch < first.epoch || atMs < first.atMs)) return true;
    return this.#lastMs !== undefined && atMs <= this.#lastMs;
  }

  /** Where a timeline goes is told by the leading list, which is waited for. */
  async #enter(epoch: number, ownMs: number): Promise<void> {
    const { pace, signal } = this.#options;
    const untilMs = pace.clock.monotonicMs() + pace.patienceMs;
    while (!this.#isLeading && pace.shiftOf(epoch) === undefined && pace.clock.monotonicMs() < untilMs) {
      if (epoch < (pace.first?.epoch ?? 0)) return;
      await sleep(pace.clock, lookAgainMs, signal);
    }
    this.#epoch = epoch;
    this.#shiftMs = pace.shiftOf(epoch) ?? pace.open(epoch, ownMs, this.#lastMs);
  }

  /** The output time of a unit. */
  #place(ownMs: number, epoch: number): number {
    const { pace } = this.#options;
    const atMs = ownMs + this.#shiftMs;
    if (pace.first === undefined || this.#lastMs === undefined) return atMs;
    const stepMs = Math.min(Math.abs(atMs - this.#lastMs), Math.abs(atMs - pace.nowMs));
    if (stepMs > pace.maxStepMs) this.#shiftMs = pace.fitting(ownMs) ?? pace.open(epoch, ownMs, this.#lastMs);
    return ownMs + this.#shiftMs;
  }

  #hand({ track, unit }: TimedUnit): void {
    const { input } = this.#options;
    const shift = Math.round((this.#shiftMs * track.clockRate) / 1000);
    const { dts, pts, key, units } = unit;
    input.track(track);
    input.unit(track, { dts: dts + shift, pts: pts + shift, key, units });
  }
}
