import { createHistogram } from 'node:perf_hooks';
import type { Clock } from '@watchpost/base/clock.ts';

/** Seldom enough to cost nothing while the server idles. */
const everyMs = 200;

/** How late timers are, in seconds: what the event loop did instead. */
export interface Lag {
  readonly mean: number;
  /** One timer in a hundred is later. */
  readonly p99: number;
  readonly max: number;
}

/**
 * Measures how late timers are, until it is disposed of. `monitorEventLoopDelay` of Node counts its own interval as delay
 * and wakes the process with each.
 */
export class EventLoopLag implements Disposable {
  readonly #clock: Clock;
  readonly #microseconds = createHistogram();
  #cancel: () => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#cancel = this.#arm();
  }

  /** What was seen since the last reading; zeros where nothing was. */
  read(): Lag {
    const seen = this.#microseconds;
    const lag =
      seen.count === 0
        ? { mean: 0, p99: 0, max: 0 }
        : { mean: seen.mean / 1e6, p99: seen.percentile(99) / 1e6, max: seen.max / 1e6 };
    seen.reset();
    return lag;
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #arm(): () => void {
    const dueMs = this.#clock.monotonicMs() + everyMs;
    return this.#clock.after(everyMs, () => {
      const lateMs = this.#clock.monotonicMs() - dueMs;
      this.#microseconds.record(Math.max(1, Math.round(lateMs * 1000)));
      this.#cancel = this.#arm();
    });
  }
}
