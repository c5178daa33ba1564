import { TimelineMap } from './timeline-map.ts';

/** What was repaired, by kind, since the stream began. */
export interface TimelineCounts {
  /** New timelines that began > 5 s ahead of the arrival clock. */
  jump: number;
  /** New timelines that began in the past: camera restarted, its clock reset. */
  backward: number;
  /** Single samples with a timestamp of another time, stamped after their predecessor. */
  outlier: number;
  /** Samples with the timestamp of their predecessor. */
  duplicate: number;
  /** Samples that had to be moved behind their predecessor by a tick. */
  nonMonotonic: number;
  /** Tracks that ran away from the arrival clock by > 500 ms and were pulled back. */
  drift: number;
  /** Media that came early in a burst (pre-buffer of a battery camera): kept as it is. */
  early: number;
  /** Tracks aligned to the others by sender reports. */
  aligned: number;
}

/** What a track's timeline needs to know of it; `Track` is one. */
export interface TimelineTrack {
  readonly kind: 'video' | 'audio' | 'data';
  /** Ticks per second of its RTP timestamps. */
  readonly clockRate: number;
}

/** Against the arrival clock, past which a timestamp is of another timeline. As others draw the line. */
const jumpMs = 5000;
/** How far ahead of arrival media may be: pre-buffers of 5 s are common, 10 s are met. */
const maxEarlyMs = 15_000;
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
const windowMs = 10_000;
const windowSamples = 5;
const driftMs = 500;
const slewFromMs = 100;
const slewUntilMs = 20;
/** What clocks of cameras drift; corrected without a trace. */
const maxSlew = 0.0005;
/** After sender reports said how tracks belong together: soon, but not to be heard. */
const maxAlignSlew = 0.02;

/** The timeline of one track; see `TimelineRepair`. */
export class TrackTimeline {
  readonly clockRate: number;
  readonly #counts: TimelineCounts;
  readonly #onLate: (lateMs: number) => void;
  readonly #ticksPerMs: number;
  readonly #jumpTicks: number;
  readonly #reorderTicks: number;
  readonly #map = new TimelineMap();
  #started = false;
  #lastRtp = 0;
  /** Arrival of the newest sample that was believed, and of any. */
  #goodMs = 0;
  #lastMs = 0;
  /** Timestamps made continuous: wraps, jumps and resets folded away. */
  #media = 0;
  #maxMedia = 0;
  #lastOut = 0;
  #maxOut = -1;
  #belowMax = 0;
  #frame: number;
  #suspectRtp = 0;
  #suspects = 0;
  #duplicates = 0;
  /** Output minus arrival time of the newest sample that was believed, ms. */
  #leadMs = 0;
  #windowStartMs = 0;
  #windowMedia = 0;
  #windowCount = 0;
  /** Media time minus arrival time, ms, of the least delayed sample of the window. */
  #windowLeadMs = Number.NEGATIVE_INFINITY;
  /** Where the lead begins, and where it belongs. */
  #beginMs = 0;
  #homeMs = 0;
  #settled = false;
  /** Media time minus arrival time, ms, when an alignment began before the track had settled. */
  #alignedAtMs = Number.POSITIVE_INFINITY;
  #squeezing = false;
  #aligning = false;
  #previousErrorMs = 0;
  #isRising = false;

  /** `onLate`: it has come late for a while, and is moved by so much from the next sample on. */
  constructor(track: TimelineTrack, counts: TimelineCounts, onLate: (lateMs: number) => void = () => {}) {
    this.clockRate = track.clockRate;
    this.#counts = counts;
    this.#onLate = onLate;
    this.#ticksPerMs = track.clockRate / 1000;
    this.#jumpTicks = jumpMs * this.#ticksPerMs;
    this.#reorderTicks = track.kind === 'video' ? maxReorderMs * this.#ticksPerMs : 0;
    this.#frame = Math.ceil((track.kind === 'video' ? 40 : 20) * this.#ticksPerMs);
  }

  /** `sinceOriginMs`: arrival on a clock that never steps, since the first sample of the stream. Returns output ticks. */
  push(rtpTimestamp: number, sinceOriginMs: number): number {
    if (!this.#started) return this.#start(rtpTimestamp, sinceOriginMs);
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
      return this.#accept(rtpTimestamp, this.#maxMedia + 1, sinceOriginMs);
    }
    const media = this.#media + delta;
    if (media > this.#maxMedia) {
      if (delta < this.#jumpTicks) this.#frame += (media - this.#maxMedia - this.#frame) / 16;
      this.#belowMax = 0;
    } else if (++this.#belowMax > maxReorder) {
      this.#counts.backward++;
      return this.#adopt(rtpTimestamp, sinceOriginMs);
    }
    return this.#accept(rtpTimestamp, media, sinceOriginMs);
  }

  /** Before the first `push`: its time is ahead of its arrival by so much, and is to stay so once it is not late by `lateMs`. */
  lead(leadMs: number, lateMs: number): void {
    if (this.#started) return;
    this.#beginMs = leadMs;
    this.#homeMs = leadMs + lateMs;
  }

  /** By how much its newest sample is late, ms, where that is more than a jitter; 0 before the first one. */
  get lateMs(): number {
    const lateMs = this.#homeMs - this.#leadMs;
    return this.#started && lateMs > driftMs ? lateMs : 0;
  }

  /** Output ticks that a timestamp near the newest sample would have now; undefined before the first one. */
  outputOf(rtpTimestamp: number): number | undefined {
    return this.#started ? this.#map.atNow(this.#media + ((rtpTimestamp - this.#lastRtp) | 0)) : undefined;
  }

  /** Another track has come late by `lateMs` and was moved: so is this one, if its newest sample is late, too. True if it was. */
  follow(lateMs: number): boolean {
    if (!this.#started || this.#homeMs - this.#leadMs < lateMs / 2) return false;
    this.#counts.drift++;
    this.#map.bend(this.#maxMedia, Math.round(lateMs * this.#ticksPerMs), this.#map.slope);
    this.#previousErrorMs = -lateMs;
    this.#isRising = false;
    this.#beginWindow(this.#lastMs);
    return true;
  }

  /** True while an alignment is under way. */
  get isAligning(): boolean {
    return this.#aligning || this.#squeezing;
  }

  /** Moves the track by `shiftMs` against the others, without a step where it is small. */
  align(shiftMs: number): void {
    this.#counts.aligned++;
    if (!this.#settled) {
      // What came in a burst so far stays as it is, and so does what is yet to come of it.
      this.#alignedAtMs = this.#windowLeadMs;
      this.#homeMs = this.#windowLeadMs + this.movedMs;
    }
    this.#homeMs += shiftMs;
    this.#aligning = true;
    if (this.#windowCount > 0) this.#evaluate(this.#lastMs);
  }

  #start(rtpTimestamp: number, sinceOriginMs: number): number {
    this.#started = true;
    const out = Math.max(0, Math.round((sinceOriginMs + this.#beginMs) * this.#ticksPerMs));
    this.#maxMedia = out - 1;
    this.#windowStartMs = sinceOriginMs;
    this.#windowMedia = out;
    return this.#accept(rtpTimestamp, out, sinceOriginMs);
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
    const ahead = (this.#unclocked(sinceOriginMs) - this.#map.at(this.#maxMedia)) / this.#map.slope;
    const leadMs = this.#leadMs;
    const out = this.#accept(rtpTimestamp, this.#maxMedia + Math.max(1, Math.round(ahead)), sinceOriginMs);
    this.#leadMs = leadMs;
    return out;
  }

  /** Output ticks of a sample whose timestamp says nothing: behind all others, at the pace of arrival. */
  #unclocked(sinceOriginMs: number): number {
    const latest = Math.round((sinceOriginMs + this.#leadMs + unclockedMs) * this.#ticksPerMs);
    return Math.max(this.#maxOut + 1, Math.min(this.#maxOut + this.#step(), latest));
  }

  #suspect(rtpTimestamp: number, sinceOriginMs: number, ahead: boolean): number {
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
    const old = this.#map.at(this.#maxMedia);
    const byArrival = old + Math.round((sinceOriginMs - this.#goodMs) * this.#ticksPerMs);
    const out = Math.max(this.#maxOut + this.#step(), byArrival);
    this.#suspects = 0;
    this.#belowMax = 0;
    const media = this.#maxMedia + Math.max(1, Math.round((out - old) / this.#map.slope));
    return this.#accept(rtpTimestamp, media, sinceOriginMs);
  }

  #step(): number {
    return Math.max(1, Math.round(this.#frame * this.#map.slope));
  }

  #accept(rtpTimestamp: number, media: number, sinceOriginMs: number): number {
    this.#lastRtp = rtpTimestamp;
    this.#goodMs = sinceOriginMs;
    this.#lastMs = sinceOriginMs;
    this.#media = media;
    if (media > this.#maxMedia) this.#maxMedia = media;
    const leadMs = media / this.#ticksPerMs - sinceOriginMs;
    if (leadMs > this.#windowLeadMs) this.#windowLeadMs = leadMs;
    this.#windowCount++;
    const out = this.#emit(this.#map.at(media));
    this.#leadMs = out / this.#ticksPerMs - sinceOriginMs;
    if (sinceOriginMs - this.#windowStartMs >= windowMs && this.#windowCount >= windowSamples) {
      this.#evaluate(sinceOriginMs);
    }
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

  /** What the repair has added to media time so far, ms; 0 before the first sample. */
  get movedMs(): number {
    return (this.#map.at(this.#maxMedia) - this.#maxMedia) / this.#ticksPerMs;
  }

  /** End of a window: compares the least delayed sample with where it belongs. */
  #evaluate(sinceOriginMs: number): void {
    const leadMs = this.#windowLeadMs + this.movedMs;
    const spanMs = sinceOriginMs - this.#windowStartMs;
    // Less than a window, which a report has cut short, may be all burst: it tells nothing of the clock.
    const rate = spanMs < windowMs ? 1 : (this.#maxMedia - this.#windowMedia) / this.#ticksPerMs / spanMs;
    this.#homeMs += Math.max(0, this.#windowLeadMs - this.#alignedAtMs);
    let errorMs = leadMs - this.#homeMs;
    if (errorMs > 0 && leadMs <= maxEarlyMs && !this.#aligning && this.#isBurst(errorMs)) {
      if (errorMs > driftMs) this.#counts.early++;
      this.#homeMs = leadMs;
      this.#isRising = errorMs > driftMs;
      errorMs = 0;
    } else this.#isRising &&= this.#squeezing || errorMs > driftMs;
    if (spanMs >= windowMs) {
      this.#settled = true;
      this.#alignedAtMs = Number.POSITIVE_INFINITY;
    }
    this.#correct(errorMs, rate);
    this.#previousErrorMs = errorMs;
    this.#beginWindow(sinceOriginMs);
  }

  #beginWindow(sinceOriginMs: number): void {
    this.#windowStartMs = sinceOriginMs;
    this.#windowMedia = this.#maxMedia;
    this.#windowLeadMs = Number.NEGATIVE_INFINITY;
    this.#windowCount = 0;
  }

  /** Media that got ahead within one window came in a burst; a clock that runs fast does so window after window. */
  #isBurst(errorMs: number): boolean {
    return !this.#settled || (!this.#squeezing && !this.#isRising && errorMs - this.#previousErrorMs > driftMs);
  }

  #correct(errorMs: number, rate: number): void {
    const size = Math.abs(errorMs);
    if (errorMs < -driftMs) {
      this.#map.bend(this.#maxMedia, Math.round(-errorMs * this.#ticksPerMs), 1);
      if (!this.#aligning) {
        this.#counts.drift++;
        this.#onLate(-errorMs);
      }
      this.#squeezing = false;
      this.#aligning = false;
    } else if (errorMs > driftMs || (this.#squeezing && errorMs > slewUntilMs)) {
      if (!this.#squeezing && !this.#aligning) this.#counts.drift++;
      this.#squeezing = true;
      const wantedMs = windowMs - Math.min(errorMs, windowMs / 2);
      this.#bendTo(Math.min(1, Math.max(0.005, wantedMs / (Math.max(rate, 0.1) * windowMs))));
    } else {
      this.#squeezing = false;
      const isSlewing = this.#aligning || this.#map.slope !== 1;
      if (size <= (isSlewing ? slewUntilMs : slewFromMs)) {
        this.#aligning = false;
        this.#bendTo(1);
      } else {
        const slew = Math.min(size / windowMs, this.#aligning ? maxAlignSlew : maxSlew);
        this.#bendTo(errorMs > 0 ? 1 - slew : 1 + slew);
      }
    }
  }

  #bendTo(slope: number): void {
    if (slope !== this.#map.slope) this.#map.bend(this.#maxMedia, 0, slope);
  }
}
