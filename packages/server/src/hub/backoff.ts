import type { ErrorKind } from '@watchpost/base/errors.ts';

interface Steps {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Each delay is so many times the one before. */
  readonly growth: number;
}

/** What was away for a while is asked again within a quarter of that time: a camera that reboots is recorded again soon. */
const patient = 1.25;
/** What does not mend itself. */
const doubling = 2;

/** Shares of the spread around a delay, so that cameras behind one switch do not come back in one moment. */
const jitter = 0.2;
/** A session that lasted so long was healthy: the next failure counts as the first. */
const healthyMs = 30_000;

/**
 * How long to wait before the next attempt, by kind of error: growing, with jitter, for ever. Wrong credentials wait
 * for minutes, or the camera locks the account (Hikvision after 5…7 attempts).
 */
export class Backoff {
  /** First delay after an ordinary failure. */
  reconnectDelayMs: number;
  readonly #random: () => number;
  #failures = 0;
  #kind: ErrorKind | undefined;

  constructor(reconnectDelayMs: number, random: () => number = Math.random) {
    this.reconnectDelayMs = reconnectDelayMs;
    this.#random = random;
  }

  /** Delay in ms after a session that ended with `kind` and had been online for `onlineMs`. */
  next(kind: ErrorKind, onlineMs: number): number {
    if (onlineMs >= healthyMs || (kind !== this.#kind && this.#kind !== undefined)) this.#failures = 0;
    this.#kind = kind;
    const steps = this.#steps(kind);
    const delayMs = Math.min(steps.maxMs, steps.firstMs * steps.growth ** Math.min(this.#failures, 32));
    this.#failures++;
    return Math.round(delayMs * (1 - jitter + 2 * jitter * this.#random()));
  }

  #steps(kind: ErrorKind): Steps {
    const firstMs = this.reconnectDelayMs;
    switch (kind) {
      case 'unauthenticated':
      case 'forbidden':
        return { firstMs: Math.max(firstMs, 60_000), maxMs: 600_000, growth: doubling };
      case 'unsupported':
      case 'invalid_argument':
        return { firstMs: Math.max(firstMs, 60_000), maxMs: 600_000, growth: doubling };
      case 'not_found':
        return { firstMs: Math.max(firstMs, 15_000), maxMs: 300_000, growth: doubling };
      case 'timeout':
        return { firstMs: Math.min(firstMs, 1000), maxMs: 30_000, growth: patient };
      default:
        return { firstMs, maxMs: 60_000, growth: patient };
    }
  }
}
