import type { Clock } from '@watchpost/base/clock.ts';

/** A wait is looked at again after so long: the limit may have been raised meanwhile. */
const maxPauseMs = 500;

interface Pausable {
  readonly destroyed: boolean;
  pause(): unknown;
  resume(): unknown;
}

/** Told of bytes that came, lets a socket rest where they were more than allowed each second; 0 for no limit. */
export function pauseAbove(maxBytesPerSecond: () => number, socket: Pausable, clock: Clock): (bytes: number) => void {
  const rate = new ByteRate(maxBytesPerSecond, clock.monotonicMs());
  let isResting = false;
  const rest = () => {
    const waitMs = rate.spend(0, clock.monotonicMs());
    isResting = waitMs > 0 && !socket.destroyed;
    if (isResting) clock.after(Math.min(waitMs, maxPauseMs), rest);
    else if (!socket.destroyed) socket.resume();
  };
  return (bytes) => {
    if (rate.spend(bytes, clock.monotonicMs()) <= 0) return;
    socket.pause();
    if (!isResting) rest();
  };
}

/** Counts bytes in each second, and says how long to wait where they are more than allowed. */
class ByteRate {
  readonly #maxBytesPerSecond: () => number;
  #allowance: number;
  #atMs: number;

  /** 0 for no limit; asked each time, because it may change. */
  constructor(maxBytesPerSecond: () => number, nowMs: number) {
    this.#maxBytesPerSecond = maxBytesPerSecond;
    this.#allowance = maxBytesPerSecond();
    this.#atMs = nowMs;
  }

  /** Milliseconds to wait before the next bytes are taken; a second's worth may come at once. */
  spend(bytes: number, nowMs: number): number {
    const perSecond = this.#maxBytesPerSecond();
    if (perSecond === 0) return 0;
    const earned = ((nowMs - this.#atMs) * perSecond) / 1000;
    this.#atMs = nowMs;
    this.#allowance = Math.min(perSecond, this.#allowance + earned) - bytes;
    return this.#allowance >= 0 ? 0 : (-this.#allowance * 1000) / perSecond;
  }
}
