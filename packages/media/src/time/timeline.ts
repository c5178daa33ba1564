import { type TimelineCounts, type TimelineTrack, TrackTimeline } from './track-timeline.ts';

/** Sender reports that put tracks further apart than this are of clocks that have nothing to do with each other. */
const maxApartMs = 10_000;
/** Below what an eye or ear notices: left alone. */
const alignFromMs = 20;
/** Reports of one track that differ by more are of a clock that was set; by less, of a camera that reports carelessly. */
const clockSetFromMs = 100;

/**
 * Repairs the time of one stream, once, where it comes in: whatever timestamps a camera sends, output ticks go on at
 * the pace of arrival. Wraps, jumps, resets, duplicates, pauses, clocks that run fast or slow, each is repaired and
 * counted; nothing is thrown and no sample refused. Early data is no error. Tracks share one origin: 0 is the first
 * sample of the stream; another track begins where its first sample arrived, and is moved once sender reports tell.
 */
export class TimelineRepair {
  readonly counts: TimelineCounts = {
    jump: 0,
    backward: 0,
    outlier: 0,
    duplicate: 0,
    nonMonotonic: 0,
    drift: 0,
    early: 0,
    aligned: 0,
  };
  readonly #tracks: TrackTimeline[] = [];
  /** Newest report of each track that has not begun. */
  readonly #early: ({ readonly rtpTimestamp: number; readonly ntpMs: number } | undefined)[] = [];
  /** NTP ms of output tick 0 by each track's newest report. */
  readonly #originNtpMs: (number | undefined)[] = [];
  /** Tracks whose newest report is of another clock than the one before, until the first reported track's stays the same. */
  readonly #unsure = new Set<number>();
  #originMs: number | undefined;

  /** `tracks`: in the order of `trackIndex`. */
  constructor(tracks: readonly TimelineTrack[]) {
    for (const track of tracks) this.addTrack(track);
  }

  /** A track that appeared later; returns its index. */
  addTrack(track: TimelineTrack): number {
    this.#originNtpMs.push(undefined);
    const index = this.#tracks.length;
    return this.#tracks.push(new TrackTimeline(track, this.counts, (lateMs) => this.#onLate(index, lateMs))) - 1;
  }

  /**
   * For sources whose tracks have one timeline (containers): before a track's first sample, by how much its time is ahead
   * of its arrival when the first sample of the stream was neither early nor late.
   */
  lead(trackIndex: number, leadMs: number): void {
    const movedMs = this.#tracks.find((track) => track.movedMs)?.movedMs ?? 0;
    this.#tracks[trackIndex]!.lead(leadMs + movedMs, this.#lateMs());
  }

  /** By how much the tracks that have begun are late, before they are moved: one that begins now is, too. */
  #lateMs(): number {
    return Math.max(...this.#tracks.map((track) => track.lateMs));
  }

  /**
   * `rtpTimestamp` 0…2^32-1 of the next sample in decode order, `arrivalMs` of a clock that never steps. Returns the
   * presentation time in the track's ticks, ≥ 0; strictly increasing for audio, in presentation order for video.
   */
  push(trackIndex: number, rtpTimestamp: number, arrivalMs: number): number {
    if (this.#originMs === undefined) this.#originMs = arrivalMs;
    const track = this.#tracks[trackIndex]!;
    const sinceOriginMs = arrivalMs - this.#originMs;
    const early = this.#early[trackIndex];
    if (early === undefined) return track.push(rtpTimestamp, sinceOriginMs);
    this.#early[trackIndex] = undefined;
    const capturedNtpMs = early.ntpMs + ((rtpTimestamp - early.rtpTimestamp) | 0) / (track.clockRate / 1000);
    const originNtpMs = this.#originNtpMs.find((origin) => origin !== undefined);
    const leadMs = originNtpMs === undefined ? 0 : capturedNtpMs - originNtpMs - sinceOriginMs;
    if (Math.abs(leadMs) <= maxApartMs) track.lead(leadMs, this.#lateMs());
    const out = track.push(rtpTimestamp, sinceOriginMs);
    this.senderReport(trackIndex, early.rtpTimestamp, early.ntpMs);
    return out;
  }

  /**
   * An RTCP sender report (RFC 3550 §6.4.1); `ntpMs` since 1970. Moves this track to where the first reported one is. Of a
   * track that is yet to begin it tells where (FFmpeg and GStreamer report before their first packet). A sender that sets
   * its clock says so of one track before it does of the others: that moves nothing.
   */
  senderReport(trackIndex: number, rtpTimestamp: number, ntpMs: number): void {
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

  /** What made one track late (the network, the sender) has made the others late: moved alone, it would be out of step. */
  #onLate(trackIndex: number, lateMs: number): void {
    for (const [index, track] of this.#tracks.entries()) {
      if (index !== trackIndex && !track.follow(lateMs)) continue;
      const originNtpMs = this.#originNtpMs[index];
      if (originNtpMs !== undefined) this.#originNtpMs[index] = originNtpMs - lateMs;
    }
  }
}
