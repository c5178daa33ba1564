import type { Clock } from '@watchpost/base/clock.ts';
import type { Resting, RestRounds } from './rest-rounds.ts';

/** So much may come in a rest: it fits the system's receive window, which is 64 KB at first (tcp_rmem of Linux). */
const maxWaitingBytes = 32 * 1024;
/** After so much at once, a large key picture, the window may have been full: what follows is read without a rest. */
const largeBytes = 48 * 1024;
const maxRestMs = 200;
/** A shorter rest spares nothing. */
const minRestMs = 40;
/** Tracks find their place by the arrival of their first samples, and by sender reports, which come each 5 s. */
const steadyMs = 5000;
const rateEveryMs = 1000;

/** What `PacedReads` needs. */
export interface PacedReadsOptions {
  readonly clock: Clock;
  readonly rounds: RestRounds;
  /** How long pictures may wait, ms: 0 while somebody waits for each. */
  readonly patienceMs: () => number;
  /** The socket reads again. */
  readonly resume: () => void;
}

/**
 * Lets a connection rest after each read while nobody waits for its pictures (a recorder takes many at once, and the
 * cache has time): one read for several pictures costs little more than one for one, and with hundreds of cameras reads
 * are most of the work. Whoever comes to watch waits for the end of one rest, 0.2 s at most.
 */
export class PacedReads implements Resting {
  readonly #options: PacedReadsOptions;
  #sinceMs: number | undefined;
  #ratedMs = 0;
  #bytes = 0;
  #bytesPerMs = 0;
  /** What its bitrate allows; 0 while it must not rest. */
  #restMs = 0;
  #isResting = false;
  #isOver = false;

  constructor(options: PacedReadsOptions) {
    this.#options = options;
  }

  /** After a read of so many bytes. False: nothing more is to be read until `resume` is called. */
  goesOn(bytes: number): boolean {
    if (this.#isOver) return true;
    const { clock, rounds, patienceMs } = this.#options;
    this.#bytes += bytes;
    this.#rate(clock.monotonicMs());
    if (this.#restMs === 0 || bytes >= largeBytes) return true;
    const restMs = Math.min(this.#restMs, patienceMs());
    if (restMs < minRestMs) return true;
    // A transport that reads on all the same is not told twice.
    if (this.#isResting) return false;
    this.#isResting = true;
    rounds.rest(this, restMs);
    return false;
  }

  wake(): void {
    this.#isResting = false;
    if (!this.#isOver) this.#options.resume();
  }

  /** It rests no more: the connection is gone, or the other side loses what is not taken at once. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isResting) this.#options.resume();
  }

  #rate(nowMs: number): void {
    this.#sinceMs ??= this.#ratedMs = nowMs;
    const elapsedMs = nowMs - this.#ratedMs;
    if (elapsedMs < rateEveryMs) return;
    // Smoothed over some groups of pictures.
    this.#bytesPerMs += (this.#bytes / elapsedMs - this.#bytesPerMs) / 4;
    this.#bytes = 0;
    this.#ratedMs = nowMs;
    const restMs = Math.min(maxRestMs, Math.floor(maxWaitingBytes / this.#bytesPerMs));
    this.#restMs = nowMs - this.#sinceMs < steadyMs || restMs < minRestMs ? 0 : restMs;
  }
}
