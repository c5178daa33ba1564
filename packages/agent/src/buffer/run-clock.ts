import type { Platform } from '../platform/platform.ts';

/** A machine that shows an earlier time than 2025 was never told the time: cameras without a battery begin at 1970. */
export const leastWallMs = Date.UTC(2025, 0, 1);
/** A clock that differs by less was not set, it was kept right. */
const leastStepMs = 2000;

/**
 * Time of one run of the machine: ms since it started, which no step of the wall clock moves. What is told to servers lies
 * on a line that runs as steadily, and that was the wall clock when the agent started, if that could be right.
 */
export class RunClock {
  readonly #platform: Pick<Platform, 'clock' | 'boot'>;
  readonly #lineOffsetMs: number;
  #sleptMs: number;
  #firstOffsetMs: number;
  #beganMs: number;
  #wasSet = false;

  constructor(platform: Pick<Platform, 'clock' | 'boot'>) {
    this.#platform = platform;
    this.#sleptMs = platform.boot.sleptMs();
    this.#beganMs = this.nowMs();
    this.#firstOffsetMs = this.wallOffsetMs;
    this.#lineOffsetMs = Math.max(platform.clock.wallMs(), leastWallMs) - this.#beganMs;
  }

  /** Names the run; the same for all agents until the machine starts again. */
  get id(): string {
    return this.#platform.boot.id;
  }

  /** When the first agent of this run began, as far as it is known. */
  get beganMs(): number {
    return this.#beganMs;
  }

  /** Now, ms since the machine started. */
  nowMs(): number {
    const { boot, clock } = this.#platform;
    return Math.floor(boot.clockZeroMs + clock.monotonicMs()) + this.#sleptMs;
  }

  /** Asks how long the machine slept; sleep is time for the wall, but not for the steady clock. */
  countSleep(): void {
    this.#sleptMs = Math.max(this.#sleptMs, this.#platform.boot.sleptMs());
  }

  /** What makes wall clock of a time of this run, as the wall clock stands now. */
  get wallOffsetMs(): number {
    return Math.round(this.#platform.clock.wallMs()) - this.nowMs();
  }

  /** What makes a time for servers of a time of this run. */
  get lineOffsetMs(): number {
    return this.#lineOffsetMs;
  }

  /** True where the wall clock can be right. */
  get isWallKnown(): boolean {
    return this.#platform.clock.wallMs() >= leastWallMs;
  }

  /** True where the wall clock was set since the run began. */
  get wasSet(): boolean {
    return this.#wasSet || Math.abs(this.wallOffsetMs - this.#firstOffsetMs) > leastStepMs;
  }

  /** True where the run began with a time that could have been right, and was not. */
  get beganWrong(): boolean {
    return this.wasSet && this.#beganMs + this.#firstOffsetMs >= leastWallMs;
  }

  /** Takes over what an earlier agent of the same run saw. */
  remember(seen: { readonly startMs: number; readonly wallOffsetMs: number; readonly wasSet: boolean }): void {
    this.#wasSet ||= seen.wasSet;
    if (seen.startMs >= this.#beganMs) return;
    this.#beganMs = seen.startMs;
    this.#firstOffsetMs = seen.wallOffsetMs;
  }
}
