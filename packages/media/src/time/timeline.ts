import { SenderReports } from './sender-reports.ts';
import type { TimelineCounts } from './timeline-counts.ts';
import { type TimelineTrack, TrackTimeline } from './track-timeline.ts';

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
  readonly #reports = new SenderReports(this.#tracks);
  readonly #onStrange: (trackIndex: number) => void;
  #originMs: number | undefined;

  /**
   * `tracks`: in the order of `trackIndex`. `onStrange`: the timestamp that is being pushed is not of the
   * timeline of those before; what sender reports said does not hold for it.
   */
  constructor(tracks: readonly TimelineTrack[], onStrange: (trackIndex: number) => void = () => {}) {
    this.#onStrange = onStrange;
    for (const track of tracks) this.addTrack(track);
  }

  /** A track that appeared later; returns its index. */
  addTrack(track: TimelineTrack): number {
    const index = this.#tracks.length;
    this.#tracks.push(
      new TrackTimeline(track, {
        counts: this.counts,
        onLate: (lateMs) => this.#onLate(index, lateMs),
        onStrange: () => this.#onStrange(index),
      }),
    );
    return index;
  }

  /**
   * For sources whose tracks have one timeline (containers): before a track's first sample, by how much its time is ahead
   * of its arrival when the first sample of the stream was neither early nor late.
   */
  lead(trackIndex: number, leadMs: number): void {
    const movedMs = this.#tracks.find((track) => track.movedMs)?.movedMs ?? 0;
    this.#tracks[trackIndex]!.lead(leadMs + movedMs, this.#lateMs());
  }

  /**
   * `rtpTimestamp` 0…2^32-1 of the next sample in decode order, `arrivalMs` of a clock that never steps; `isKey` of a random
   * access point, which no picture before it is shown after (H.264 clause 7.4.1.2.4, H.265 clause 8.1.3). Returns the
   * presentation time in the track's ticks, ≥ 0; strictly increasing for audio, in presentation order for video.
   */
  push(trackIndex: number, rtpTimestamp: number, arrivalMs: number, isKey = false): number {
    if (this.#originMs === undefined) this.#originMs = arrivalMs;
    const track = this.#tracks[trackIndex]!;
    const sinceOriginMs = arrivalMs - this.#originMs;
    if (track.hasBegun) return track.push(rtpTimestamp, sinceOriginMs, isKey);
    const leadMs = this.#reports.leadMs(trackIndex, rtpTimestamp, sinceOriginMs);
    if (leadMs !== undefined) track.lead(leadMs, this.#lateMs());
    const out = track.push(rtpTimestamp, sinceOriginMs, isKey);
    this.#reports.begun(trackIndex);
    return out;
  }

  /**
   * An RTCP sender report (RFC 3550 §6.4.1); `ntpMs` since 1970. Moves this track to where the first reported one is. Of a
   * track that is yet to begin it tells where (FFmpeg and GStreamer report before their first packet).
   */
  senderReport(trackIndex: number, rtpTimestamp: number, ntpMs: number): void {
    this.#reports.take(trackIndex, rtpTimestamp, ntpMs);
  }

  /** By how much the tracks that have begun are late, before they are moved: one that begins now is, too. */
  #lateMs(): number {
    return Math.max(...this.#tracks.map((track) => track.lateMs));
  }

  /** What made one track late (the network, the sender) has made the others late: moved alone, it would be out of step. */
  #onLate(trackIndex: number, lateMs: number): void {
    for (const [index, track] of this.#tracks.entries())
      if (index === trackIndex || track.follow(lateMs)) this.#reports.moved(index, lateMs);
  }
}
