import type { TrackTimeline } from './track-timeline.ts';

/** Sender reports that put tracks further apart than this are of clocks that have nothing to do with each other. */
const maxApartMs = 10_000;
/** Below what an eye or ear notices: left alone. */
const alignFromMs = 20;
/** Reports of one track that differ by more are of a clock that was set; by less, of a camera that reports carelessly. */
const clockSetFromMs = 100;

/**
 * What sender reports (RFC 3550 §6.4.1) say of where the tracks of one stream belong: all of them to the first one that was
 * reported. A sender that sets its clock says so of one track before it does of the others: that moves nothing.
 */
export class SenderReports {
  readonly #tracks: readonly TrackTimeline[];
  /** Newest report of each track that has not begun. */
  readonly #early: ({ readonly rtpTimestamp: number; readonly ntpMs: number } | undefined)[] = [];
  /** NTP ms of output tick 0 by each track's newest report. */
  readonly #originNtpMs: (number | undefined)[] = [];
  /** Tracks whose newest report is of another clock than the one before, until the first reported track's stays the same. */
  readonly #unsure = new Set<number>();

  /** `tracks` may get longer. */
  constructor(tracks: readonly TrackTimeline[]) {
    this.#tracks = tracks;
  }

  /** A report of a track; of one that is yet to begin it is kept until then. */
  take(trackIndex: number, rtpTimestamp: number, ntpMs: number): void {
    const track = this.#tracks[trackIndex]!;
    const out = track.outputOf(rtpTimestamp);
    if (out === undefined) this.#early[trackIndex] = { rtpTimestamp, ntpMs };
    if (out === undefined || track.isAligning) return;
    const before = this.#originNtpMs[trackIndex];
    const originNtpMs = ntpMs - (out * 1000) / track.clockRate;
    this.#originNtpMs[trackIndex] = originNtpMs;
    const reference = this.#originNtpMs.findIndex((origin) => origin !== undefined);
    const isOtherClock = before !== undefined && Math.abs(originNtpMs - before) > clockSetFromMs;
    if (reference !== trackIndex) this.#unsure.add(trackIndex);
    if (isOtherClock) return;
    for (const index of reference === trackIndex ? this.#unsure : [trackIndex]) this.#compare(index, reference);
  }

  /** By how much the first sample of a track is ahead of its arrival, ms; undefined where no report has told. */
  leadMs(trackIndex: number, rtpTimestamp: number, sinceOriginMs: number): number | undefined {
    const early = this.#early[trackIndex];
    if (early === undefined) return undefined;
    const { clockRate } = this.#tracks[trackIndex]!;
    const capturedNtpMs = early.ntpMs + ((rtpTimestamp - early.rtpTimestamp) | 0) / (clockRate / 1000);
    const originNtpMs = this.#originNtpMs.find((origin) => origin !== undefined);
    const leadMs = originNtpMs === undefined ? 0 : capturedNtpMs - originNtpMs - sinceOriginMs;
    return Math.abs(leadMs) <= maxApartMs ? leadMs : undefined;
  }

  /** A track has begun: the report that was kept counts now. */
  begun(trackIndex: number): void {
    const early = this.#early[trackIndex];
    this.#early[trackIndex] = undefined;
    if (early !== undefined) this.take(trackIndex, early.rtpTimestamp, early.ntpMs);
  }

  /** A track was moved for being late: its newest report says now that it began so much earlier. */
  moved(trackIndex: number, lateMs: number): void {
    const originNtpMs = this.#originNtpMs[trackIndex];
    if (originNtpMs !== undefined) this.#originNtpMs[trackIndex] = originNtpMs - lateMs;
  }

  #compare(trackIndex: number, reference: number): void {
    this.#unsure.delete(trackIndex);
    const track = this.#tracks[trackIndex]!;
    if (track.isAligning || this.#tracks[reference]!.isAligning) return;
    const apartMs = this.#originNtpMs[trackIndex]! - this.#originNtpMs[reference]!;
    if (Math.abs(apartMs) <= alignFromMs || Math.abs(apartMs) > maxApartMs) return;
    // What is moved now has no report any more that says where it is.
    this.#originNtpMs[trackIndex] = undefined;
    track.align(apartMs);
  }
}
