/** When to ask, and when to give up; all ends use the same so that a dead link is noticed within 20 s. */
export interface LivenessLimits {
  /** Silence after which a PING is sent. */
  readonly pingAfterMs: number;
  /** Silence, or bytes unacknowledged without progress, after which the connection is dead. */
  readonly deadAfterMs: number;
}

/** The promise is 25 s; what is left covers timers that fire late. */
export const defaultLiveness: LivenessLimits = { pingAfterMs: 10_000, deadAfterMs: 20_000 };

/** A timer that fires so late means that this process stood still: the other end gets another chance. */
const stoodStillMs = 5000;
const keptRoundTrips = 8;

/** What `check` wants done. */
export type LivenessVerdict = 'alive' | 'ping' | 'dead';

/** Finds dead connections, and measures the round trip. One for each connection; times are monotonic milliseconds. */
export class Liveness {
  readonly #limits: LivenessLimits;
  #receivedAtMs: number;
  #progressAtMs: number;
  #checkedAtMs: number;
  #pingId = 0;
  #pingAtMs: number | undefined;
  #roundTrips: number[] = [];
  #lastRoundTripMs: number | undefined;

  constructor(limits: LivenessLimits, nowMs: number) {
    this.#limits = limits;
    this.#receivedAtMs = nowMs;
    this.#progressAtMs = nowMs;
    this.#checkedAtMs = nowMs;
  }

  /** How often `check` must be called. */
  get intervalMs(): number {
    return this.#limits.pingAfterMs / 4;
  }

  /** When the other end last acknowledged something, or owed nothing. */
  get progressAtMs(): number {
    return this.#progressAtMs;
  }

  /** Shortest of the last round trips; 0 before the first. */
  get shortestRoundTripMs(): number {
    let shortest = Number.POSITIVE_INFINITY;
    for (const roundTrip of this.#roundTrips) if (roundTrip < shortest) shortest = roundTrip;
    return shortest === Number.POSITIVE_INFINITY ? 0 : shortest;
  }

  /** The last round trip; undefined before the first. */
  get lastRoundTripMs(): number | undefined {
    return this.#lastRoundTripMs;
  }

  /** Something came. */
  received(nowMs: number): void {
    this.#receivedAtMs = nowMs;
  }

  /** The other end acknowledged something, or there was nothing to acknowledge. */
  progressed(nowMs: number): void {
    this.#progressAtMs = nowMs;
  }

  /** Number of a new PING; undefined while one is under way. */
  ping(nowMs: number): number | undefined {
    if (this.#pingAtMs !== undefined) return undefined;
    this.#pingAtMs = nowMs;
    return ++this.#pingId;
  }

  /** The answer to a PING. */
  pong(id: number, nowMs: number): void {
    if (id !== this.#pingId || this.#pingAtMs === undefined) return;
    this.#lastRoundTripMs = nowMs - this.#pingAtMs;
    this.#pingAtMs = undefined;
    this.#roundTrips.push(this.#lastRoundTripMs);
    if (this.#roundTrips.length > keptRoundTrips) this.#roundTrips.shift();
  }

  /** Called every `intervalMs`; `unacknowledged` where the other end owes an ACK. */
  check(nowMs: number, unacknowledged: boolean): LivenessVerdict {
    const { pingAfterMs, deadAfterMs } = this.#limits;
    const lateMs = nowMs - this.#checkedAtMs - this.intervalMs;
    this.#checkedAtMs = nowMs;
    if (!unacknowledged) this.#progressAtMs = nowMs;
    if (lateMs > stoodStillMs) {
      // What came meanwhile may still wait in the socket; nothing can be said before it was read.
      this.#receivedAtMs = Math.max(this.#receivedAtMs, nowMs - pingAfterMs);
      this.#progressAtMs = Math.max(this.#progressAtMs, nowMs - pingAfterMs);
    }
    const silentMs = nowMs - this.#receivedAtMs;
    if (silentMs >= deadAfterMs || nowMs - this.#progressAtMs >= deadAfterMs) return 'dead';
    return silentMs >= pingAfterMs ? 'ping' : 'alive';
  }
}
