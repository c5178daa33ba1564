import type { Clock } from '@watchpost/base/clock.ts';
import type { RecordingQuery } from '../catalog/types.ts';

/** A player may pause for so long between the playlist and a segment. */
const leaseMs = 10 * 60_000;
/** Segments that are held at once; past it the ones asked for first are let go. */
const maxLeases = 20_000;

interface Lease {
  readonly lease: Disposable;
  readonly untilMs: number;
}

/** Keeps the segments of playlists that were handed out from deletion; leases end by themselves. */
export class SegmentLeases {
  readonly #recordings: RecordingQuery;
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();

  constructor(recordings: RecordingQuery, clock: Clock) {
    this.#recordings = recordings;
    this.#clock = clock;
  }

  /** Holds a segment for the next minutes. */
  hold(segmentId: string): void {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#leases.get(segmentId);
    if (known !== undefined && known.untilMs - nowMs > leaseMs / 2) return;
    const lease = this.#recordings.lease(segmentId, leaseMs);
    known?.lease[Symbol.dispose]();
    this.#leases.delete(segmentId);
    this.#leases.set(segmentId, { lease, untilMs: nowMs + leaseMs });
    this.#forget(nowMs);
  }

  /** Those that ended, and the oldest past the bound; the map is in order of their end. */
  #forget(nowMs: number): void {
    for (const [segmentId, { lease, untilMs }] of this.#leases) {
      if (untilMs > nowMs && this.#leases.size <= maxLeases) return;
      lease[Symbol.dispose]();
      this.#leases.delete(segmentId);
    }
  }
}
