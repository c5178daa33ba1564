import { type Clock, sleep } from '@watchpost/base/clock.ts';
import type { UnitInput } from '../../hub/unit-input.ts';
import { dtsMs, type TimedUnit } from './timed-units.ts';

/** Units that are due this soon go out at once. */
const togetherMs = 15;
/** A step of this much is a new timeline, whether the playlist says so or not. */
const jumpMs = 5000;
/** So late, what comes is believed to go on late: the network was slow. */
const lateMs = 300;
const usualFrameMs = 40;

/** Hands units on at the pace of their own time stamps: what comes in files of seconds must not be shown in bursts. */
export class PacedInput {
  readonly #input: UnitInput;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** Monotonic ms of output time 0. */
  #baseMs: number | undefined;
  /** Added to the source's times: makes one timeline of several. */
  #shiftMs = 0;
  #lastMs = 0;
  #isNew = true;

  constructor(input: UnitInput, clock: Clock, signal: AbortSignal) {
    this.#input = input;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** What comes next has another timeline. */
  discontinuity(): void {
    this.#isNew = true;
  }

  /** Resolves when the last of them is handed on; rejects with the signal's reason. */
  async write(units: readonly TimedUnit[]): Promise<void> {
    for (const entry of units) {
      const ownMs = dtsMs(entry);
      let atMs = ownMs + this.#shiftMs;
      if (this.#isNew || Math.abs(atMs - this.#lastMs) > jumpMs) {
        atMs = this.#baseMs === undefined ? ownMs : this.#lastMs + usualFrameMs;
        this.#shiftMs = atMs - ownMs;
        this.#isNew = false;
      }
      if (atMs > this.#lastMs || this.#baseMs === undefined) this.#lastMs = atMs;
      const nowMs = this.#clock.monotonicMs();
      this.#baseMs ??= nowMs - atMs;
      const aheadMs = this.#baseMs + atMs - nowMs;
      if (aheadMs > togetherMs) {
        this.#input.flush();
        await sleep(this.#clock, aheadMs, this.#signal);
      } else if (aheadMs < -lateMs) this.#baseMs = nowMs - atMs;
      this.#hand(entry);
    }
    this.#input.flush();
  }

  #hand({ track, unit }: TimedUnit): void {
    const shift = Math.round((this.#shiftMs * track.clockRate) / 1000);
    const { dts, pts, key, units } = unit;
    this.#input.track(track);
    this.#input.unit(track, { dts: dts + shift, pts: pts + shift, key, units });
  }
}
