import type { TimelineCounts } from './timeline-counts.ts';
import { TimelineMap } from './timeline-map.ts';

/** How far ahead of arrival media may be: pre-buffers of 5 s are common, 10 s are met. */
const maxEarlyMs = 15_000;
const windowMs = 10_000;
const windowSamples = 5;
const driftMs = 500;
const slewFromMs = 100;
const slewUntilMs = 20;
/** What clocks of cameras drift; corrected without a trace. */
const maxSlew = 0.0005;
/** After sender reports said how tracks belong together: soon, but not to be heard. */
const maxAlignSlew = 0.02;

/**
 * Keeps one track at the pace of its arrival. It knows by how much the track's time is ahead of its arrival (its lead)
 * and by how much it belongs there (its home). After each window of 10 s it compares the two by the least delayed sample,
 * and bends the map where they differ: at once where the track is late, slowly where it is ahead.
 */
export class ArrivalPace {
  /** Of media ticks to output ticks; samples are entered in `newest` before `observe`. */
  readonly map: TimelineMap = new TimelineMap();
  /** Output minus arrival time of the newest sample that was believed, ms. */
  leadMs = 0;
  readonly #ticksPerMs: number;
  readonly #counts: TimelineCounts;
  readonly #onLate: (lateMs: number) => void;
  #windowStartMs = 0;
  #windowMedia = 0;
  #windowCount = 0;
  /** Media time minus arrival time, ms, of the least delayed sample of the window. */
  #windowLeadMs = Number.NEGATIVE_INFINITY;
  /** Where the lead begins, and where it belongs. */
  #beginMs = 0;
  #homeMs = 0;
  /** A whole window has been seen. */
  #settled = false;
  /** Media time minus arrival time, ms, when an alignment began before the track had settled. */
  #alignedAtMs = Number.POSITIVE_INFINITY;
  #squeezing = false;
  #aligning = false;
  #previousErrorMs = 0;
  #isRising = false;

  /** `onLate`: the track has come late for a while, and is moved by so much from the next sample on. */
  constructor(ticksPerMs: number, counts: TimelineCounts, onLate: (lateMs: number) => void) {
    this.#ticksPerMs = ticksPerMs;
    this.#counts = counts;
    this.#onLate = onLate;
  }

  /** Before `begin`: see `TrackTimeline.lead`. */
  lead(leadMs: number, lateMs: number): void {
    this.#beginMs = leadMs;
    this.#homeMs = leadMs + lateMs;
  }

  /** The media and output ticks, which are the same, of the first sample. */
  begin(sinceOriginMs: number): number {
    const out = Math.max(0, Math.round((sinceOriginMs + this.#beginMs) * this.#ticksPerMs));
    this.map.newest = out - 1;
    this.#windowStartMs = sinceOriginMs;
    this.#windowMedia = out;
    return out;
  }

  /** A sample that was believed. What it leads to holds from the next one on. */
  observe(media: number, out: number, sinceOriginMs: number): void {
    const mediaLeadMs = media / this.#ticksPerMs - sinceOriginMs;
    if (mediaLeadMs > this.#windowLeadMs) this.#windowLeadMs = mediaLeadMs;
    this.#windowCount++;
    this.leadMs = out / this.#ticksPerMs - sinceOriginMs;
    if (sinceOriginMs - this.#windowStartMs >= windowMs && this.#windowCount >= windowSamples)
      this.#evaluate(sinceOriginMs);
  }

  /** What the repair has added to media time so far, ms; 0 before the first sample. */
  get movedMs(): number {
    return this.map.moved / this.#ticksPerMs;
  }

  /** By how much the newest sample is late, ms, where that is more than a jitter. */
  get lateMs(): number {
    const lateMs = this.#homeMs - this.leadMs;
    return lateMs > driftMs ? lateMs : 0;
  }

  /** Another track was moved for being late by `lateMs`: so is this one, if it is late, too. True if it was. */
  follow(lateMs: number, sinceOriginMs: number): boolean {
    if (this.#homeMs - this.leadMs < lateMs / 2) return false;
    this.#counts.drift++;
    this.map.bend(Math.round(lateMs * this.#ticksPerMs), this.map.slope);
    this.#previousErrorMs = -lateMs;
    this.#isRising = false;
    this.#beginWindow(sinceOriginMs);
    return true;
  }

  /** True while an alignment is under way. */
  get isAligning(): boolean {
    return this.#aligning || this.#squeezing;
  }

  /** Moves the track by `shiftMs` against the others, without a step where it is small. */
  align(shiftMs: number, sinceOriginMs: number): void {
    this.#counts.aligned++;
    if (!this.#settled && this.#windowCount > 0) {
      // What came in a burst so far stays as it is, and so does what is yet to come of it. Where nothing has come since the
      // last window, that one has brought the track home.
      this.#alignedAtMs = this.#windowLeadMs;
      this.#homeMs = this.#windowLeadMs + this.movedMs;
    }
    this.#homeMs += shiftMs;
    this.#aligning = true;
    if (this.#windowCount > 0) this.#evaluate(sinceOriginMs);
  }

  /** End of a window: compares the least delayed sample with where it belongs. */
  #evaluate(sinceOriginMs: number): void {
    const leadMs = this.#windowLeadMs + this.movedMs;
    const spanMs = sinceOriginMs - this.#windowStartMs;
    // Less than a window, which a report has cut short, may be all burst: it tells nothing of the clock.
    const rate = spanMs < windowMs ? 1 : (this.map.newest - this.#windowMedia) / this.#ticksPerMs / spanMs;
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
    this.#windowMedia = this.map.newest;
    this.#windowLeadMs = Number.NEGATIVE_INFINITY;
    this.#windowCount = 0;
  }

  /** Media that got ahead within one window came in a burst; a clock that runs fast does so window after window. */
  #isBurst(errorMs: number): boolean {
    return !this.#settled || (!this.#squeezing && !this.#isRising && errorMs - this.#previousErrorMs > driftMs);
  }

  #correct(errorMs: number, rate: number): void {
    if (errorMs < -driftMs) this.#setForward(-errorMs);
    else if (errorMs > driftMs || (this.#squeezing && errorMs > slewUntilMs)) this.#squeeze(errorMs, rate);
    else this.#slew(errorMs);
  }

  #setForward(lateMs: number): void {
    this.map.bend(Math.round(lateMs * this.#ticksPerMs), 1);
    if (!this.#aligning) {
      this.#counts.drift++;
      this.#onLate(lateMs);
    }
    this.#squeezing = false;
    this.#aligning = false;
  }

  /** Too far ahead to be slewed: as much of it as fits goes within the next window. */
  #squeeze(errorMs: number, rate: number): void {
    if (!this.#squeezing && !this.#aligning) this.#counts.drift++;
    this.#squeezing = true;
    const wantedMs = windowMs - Math.min(errorMs, windowMs / 2);
    this.#bendTo(Math.min(1, Math.max(0.005, wantedMs / (Math.max(rate, 0.1) * windowMs))));
  }

  #slew(errorMs: number): void {
    const size = Math.abs(errorMs);
    this.#squeezing = false;
    const isSlewing = this.#aligning || this.map.slope !== 1;
    if (size <= (isSlewing ? slewUntilMs : slewFromMs)) {
      this.#aligning = false;
      this.#bendTo(1);
      return;
    }
    const slew = Math.min(size / windowMs, this.#aligning ? maxAlignSlew : maxSlew);
    this.#bendTo(errorMs > 0 ? 1 - slew : 1 + slew);
  }

  #bendTo(slope: number): void {
    if (slope !== this.map.slope) this.map.bend(0, slope);
  }
}
