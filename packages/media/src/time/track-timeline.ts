import { ArrivalPace } from './arrival-pace.ts';
import type { TimelineCounts } from './timeline-counts.ts';
import type { TimelineMap } from './timeline-map.ts';

/** What a track's timeline needs to know of it; `Track` is one. */
export interface TimelineTrack {
  readonly kind: 'video' | 'audio' | 'data';
  /** Ticks per second of its RTP timestamps. */
  readonly clockRate: number;
}

/** Against the arrival clock, past which a timestamp is of another timeline. As others draw the line. */
const jumpMs = 5000;
/** Further ahead than this nothing gets, however fast a clock runs. */
const mostEarlyMs = 30_000;
/** Consecutive strange timestamps that make a timeline of their own. */
const newTimelineSamples = 3;
/** Consecutive repetitions of one timestamp that make it no clock at all. */
const deadClockSamples = 4;
/** How far ahead of arrival time goes on without a clock: cameras send, and we read, in bursts. */
const unclockedMs = 500;
/** After such a silence a strange timestamp is believed at once: the camera was away. */
const silenceMs = 1000;
/** H.264 and H.265 Annex A: no picture waits for more than 16 others. */
const maxReorder = 16;
const maxReorderMs = 1000;

/**
 * The timeline of one track. It knows what timestamps mean: makes one line of media time of them, with wraps, jumps and
 * resets folded away. Where that line belongs among the times of arrival is for `ArrivalPace` to say.
 */
export class TrackTimeline {
  readonly clockRate: number;
  readonly #counts: TimelineCounts;
  readonly #onStrange: () => void;
  readonly #ticksPerMs: number;
  readonly #jumpTicks: number;
  readonly #reorderTicks: number;
  readonly #pace: ArrivalPace;
  readonly #map: TimelineMap;
  #hasBegun = false;
  #lastRtp = 0;
  /** Arrival of the newest sample that was believed, and of any. */
  #goodMs = 0;
  #lastMs = 0;
  /** Media time of the newest sample that was believed, ticks. */
  #media = 0;
  #lastOut = 0;
  #maxOut = -1;
  #belowMax = 0;
  /** Usual time between two samples, ticks. */
  #frame: number;
  #suspectRtp = 0;
  #suspects = 0;
  #duplicates = 0;

  /**
   * `onLate`: it has come late for a while, and is moved by so much from the next sample on. `onStrange`: the timestamp
   * that is being pushed is not of the timeline of those before.
   */
  constructor(
    track: TimelineTrack,
    { counts, onLate, onStrange }: { counts: TimelineCounts; onLate: (lateMs: number) => void; onStrange: () => void },
  ) {
    this.clockRate = track.clockRate;
    this.#counts = counts;
    this.#onStrange = onStrange;
    this.#ticksPerMs = track.clockRate / 1000;
    this.#jumpTicks = jumpMs * this.#ticksPerMs;
    this.#reorderTicks = track.kind === 'video' ? maxReorderMs * this.#ticksPerMs : 0;
    this.#frame = Math.ceil((track.kind === 'video' ? 40 : 20) * this.#ticksPerMs);
    this.#pace = new ArrivalPace(this.#ticksPerMs, counts, onLate);
    this.#map = this.#pace.map;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Before the first `push`: its time is ahead of its arrival by so much, and is to stay so once it is not late by `lateMs`. */
  lead(leadMs: number, lateMs: number): void {
    if (!this.#hasBegun) this.#pace.lead(leadMs, lateMs);
  }

  /**
   * `sinceOriginMs`: arrival on a clock that never steps, since the first sample of the stream. `isKey`: nothing that came
   * before it is shown after it. Returns output ticks.
   */
  push(rtpTimestamp: number, sinceOriginMs: number, isKey: boolean): number {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      return this.#accept(rtpTimestamp, this.#pace.begin(sinceOriginMs), sinceOriginMs);
    }
    const elapsed = (sinceOriginMs - this.#goodMs) * this.#ticksPerMs;
    let delta = (rtpTimestamp - this.#lastRtp) | 0;
    if (elapsed > 0x4000_0000) delta = this.#acrossSilence(rtpTimestamp, Math.round(elapsed));
    if (delta === 0) return this.#duplicate(rtpTimestamp, sinceOriginMs);
    const wasDead = this.#duplicates >= deadClockSamples;
    this.#duplicates = 0;
    if (wasDead) return this.#adopt(rtpTimestamp, sinceOriginMs);
    const ahead = delta > this.#jumpTicks && delta - elapsed > this.#jumpTicks;
    if (ahead || delta < -this.#reorderTicks) return this.#suspect(rtpTimestamp, sinceOriginMs, delta > 0);
    this.#suspects = 0;
    if (this.#isTooEarly(delta, sinceOriginMs)) {
      this.#counts.outlier++;
      return this.#accept(rtpTimestamp, this.#map.newest + 1, sinceOriginMs);
    }
    const media = this.#media + delta;
    const step = media - this.#map.newest;
    if (step > 0) {
      if (delta < this.#jumpTicks) this.#frame += (step - this.#frame) / 16;
      this.#belowMax = 0;
    } else if ((isKey && step < -this.#frame) || ++this.#belowMax > maxReorder) {
      this.#counts.backward++;
      return this.#adopt(rtpTimestamp, sinceOriginMs);
    }
    return this.#accept(rtpTimestamp, media, sinceOriginMs);
  }

  /** Output ticks that a timestamp near the newest sample would have now; undefined before the first one. */
  outputOf(rtpTimestamp: number): number | undefined {
    return this.#hasBegun ? this.#map.atNow(this.#media + ((rtpTimestamp - this.#lastRtp) | 0)) : undefined;
  }

  /** What the repair has added to media time so far, ms; 0 before the first sample. */
  get movedMs(): number {
    return this.#pace.movedMs;
  }

  /** By how much its newest sample is late, ms, where that is more than a jitter; 0 before the first one. */
  get lateMs(): number {
    return this.#hasBegun ? this.#pace.lateMs : 0;
  }

  /** Another track has come late by `lateMs` and was moved: so is this one, if its newest sample is late, too. True if it was. */
  follow(lateMs: number): boolean {
    return this.#hasBegun && this.#pace.follow(lateMs, this.#lastMs);
  }

  /** True while an alignment is under way. */
  get isAligning(): boolean {
    return this.#pace.isAligning;
  }

  /** Moves the track by `shiftMs` against the others, without a step where it is small. */
  align(shiftMs: number): void {
    this.#pace.align(shiftMs, this.#lastMs);
  }

  /** The timestamp may have wrapped meanwhile: the number of wraps that agrees with the arrival clock. */
  #acrossSilence(rtpTimestamp: number, elapsed: number): number {
    return elapsed + ((rtpTimestamp - this.#lastRtp - elapsed) | 0);
  }

  #isTooEarly(delta: number, sinceOriginMs: number): boolean {
    const out = this.#map.at(this.#media + delta);
    return out > this.#maxOut && out / this.#ticksPerMs - sinceOriginMs > mostEarlyMs;
  }

  #duplicate(rtpTimestamp: number, sinceOriginMs: number): number {
    this.#counts.duplicate++;
    this.#suspects = 0;
    this.#lastMs = sinceOriginMs;
    if (++this.#duplicates < deadClockSamples) return this.#emit(this.#lastOut + 1);
    const { newest, slope } = this.#map;
    const ahead = (this.#unclocked(sinceOriginMs) - this.#map.at(newest)) / slope;
    const { leadMs } = this.#pace;
    const out = this.#accept(rtpTimestamp, newest + Math.max(1, Math.round(ahead)), sinceOriginMs);
    this.#pace.leadMs = leadMs;
    return out;
  }

  /** Output ticks of a sample whose timestamp says nothing: behind all others, at the pace of arrival. */
  #unclocked(sinceOriginMs: number): number {
    const latest = Math.round((sinceOriginMs + this.#pace.leadMs + unclockedMs) * this.#ticksPerMs);
    return Math.max(this.#maxOut + 1, Math.min(this.#maxOut + this.#step(), latest));
  }

  #suspect(rtpTimestamp: number, sinceOriginMs: number, ahead: boolean): number {
    this.#onStrange();
    const near = Math.abs((rtpTimestamp - this.#suspectRtp) | 0) <= this.#jumpTicks;
    this.#suspects = near ? this.#suspects + 1 : 1;
    this.#suspectRtp = rtpTimestamp;
    if (this.#suspects >= newTimelineSamples || sinceOriginMs - this.#lastMs > silenceMs) {
      if (ahead) this.#counts.jump++;
      else this.#counts.backward++;
      return this.#adopt(rtpTimestamp, sinceOriginMs);
    }
    this.#counts.outlier++;
    this.#lastMs = sinceOriginMs;
    return this.#emit(this.#unclocked(sinceOriginMs));
  }

  /** A new timeline: goes on where the old one would be by the arrival clock. */
  #adopt(rtpTimestamp: number, sinceOriginMs: number): number {
    this.#onStrange();
    const { newest, slope } = this.#map;
    const old = this.#map.at(newest);
    const byArrival = old + Math.round((sinceOriginMs - this.#goodMs) * this.#ticksPerMs);
    const out = Math.max(this.#maxOut + this.#step(), byArrival);
    this.#suspects = 0;
    this.#belowMax = 0;
    return this.#accept(rtpTimestamp, newest + Math.max(1, Math.round((out - old) / slope)), sinceOriginMs);
  }

  #step(): number {
    return Math.max(1, Math.round(this.#frame * this.#map.slope));
  }

  #accept(rtpTimestamp: number, media: number, sinceOriginMs: number): number {
    this.#lastRtp = rtpTimestamp;
    this.#goodMs = sinceOriginMs;
    this.#lastMs = sinceOriginMs;
    this.#media = media;
    if (media > this.#map.newest) this.#map.newest = media;
    const out = this.#emit(this.#map.at(media));
    this.#pace.observe(media, out, sinceOriginMs);
    return out;
  }

  #emit(out: number): number {
    if (out <= this.#maxOut && this.#reorderTicks === 0) {
      this.#counts.nonMonotonic++;
      out = this.#maxOut + 1;
    }
    if (out < 0) out = 0;
    if (out > this.#maxOut) this.#maxOut = out;
    this.#lastOut = out;
    return out;
  }
}
