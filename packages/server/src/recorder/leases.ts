import type { Clock } from '@watchpost/base/clock.ts';

/** Who reads which segment, so that retention leaves it alone (D2). */
export class Leases {
  readonly #clock: Clock;
  readonly #untilMs = new Map<string, Set<{ readonly untilMs: number }>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Until disposed, or for `maxMs`. */
  take(segmentId: string, maxMs: number): Disposable {
    const lease = { untilMs: this.#clock.monotonicMs() + maxMs };
    const leases = this.#untilMs.get(segmentId) ?? new Set();
    this.#untilMs.set(segmentId, leases.add(lease));
    return {
      [Symbol.dispose]: () => {
        leases.delete(lease);
        if (leases.size === 0 && this.#untilMs.get(segmentId) === leases) this.#untilMs.delete(segmentId);
      },
    };
  }

  /** True while somebody reads the segment. */
  has(segmentId: string): boolean {
    const leases = this.#untilMs.get(segmentId);
    if (leases === undefined) return false;
    const nowMs = this.#clock.monotonicMs();
    for (const lease of leases) if (lease.untilMs <= nowMs) leases.delete(lease);
    if (leases.size === 0) this.#untilMs.delete(segmentId);
    return leases.size > 0;
  }
}
