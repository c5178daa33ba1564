/** How fast the line follows the capture times: the crystals of cameras are within 500 ppm. */
const maxSlew = 0.0005;
/** Further off than this, for several fragments on end, the line is wrong and not the samples late. */
const maxErrorMs = 2000;
/** Nothing comes before it is captured: a line that is later than this, for as many, was begun by samples that came late. */
const maxLateMs = 250;
const fragmentsUntilStep = 3;
/** Of a recording, whose times do not stray: what is further off has a hole before it. */
const maxPastErrorMs = 500;

/** What a `WallLine` begins with, besides a sample. */
export interface WallLineOptions {
  /** Of a recording, whose capture times are exact. */
  readonly isPast?: boolean;
  /** The time before it, ms since 1970 UTC, is taken: what was captured then lies at this moment. */
  readonly notBeforeMs?: number;
}

interface Line {
  /** Added to media time. */
  offsetMs: number;
  readonly notBeforeMs: number;
}

/**
 * Wall clock of a run: media time from the first sample on, pulled slowly towards what the samples say. It never goes back:
 * where it was too late, or begins in time that is taken, it stands until the samples have caught up.
 */
export class WallLine {
  #line: Line;
  /** What it was before it was put right last, and until where. */
  #before: Line;
  #kneeMs = Number.NEGATIVE_INFINITY;
  #observedMs: number;
  #off = 0;
  #late = 0;
  /** By how much the line is too late at least, by the last fragments that said so. */
  #lateMs = 0;
  readonly #isPast: boolean;

  /** `mediaMs`: decode time of the first sample in ms; `wallMs`: its capture time, ms since 1970 UTC. */
  constructor(mediaMs: number, wallMs: number, options: WallLineOptions = {}) {
    const { isPast = false, notBeforeMs = Number.NEGATIVE_INFINITY } = options;
    this.#line = this.#before = { offsetMs: wallMs - mediaMs, notBeforeMs };
    this.#observedMs = mediaMs;
    this.#isPast = isPast;
  }

  /** Wall time of a decode time, whole ms since 1970 UTC. */
  at(mediaMs: number): number {
    const { offsetMs, notBeforeMs } = mediaMs < this.#kneeMs ? this.#before : this.#line;
    return Math.round(Math.max(notBeforeMs, mediaMs + offsetMs));
  }

  /** Takes note of the capture time of a fragment's first sample. True: the run must end, its time no longer holds. */
  observe(mediaMs: number, wallMs: number): boolean {
    const error = wallMs - mediaMs - this.#line.offsetMs;
    if (this.#isPast && Math.abs(error) > maxPastErrorMs) return true;
    if (Math.abs(error) > maxErrorMs) return ++this.#off >= fragmentsUntilStep;
    this.#off = 0;
    if (this.#isTooLate(-error)) this.#putRight(mediaMs);
    const most = Math.max(0, mediaMs - this.#observedMs) * maxSlew;
    this.#observedMs = Math.max(this.#observedMs, mediaMs);
    this.#line.offsetMs += Math.min(most, Math.max(-most, error));
    return false;
  }

  #isTooLate(lateMs: number): boolean {
    if (lateMs <= maxLateMs) this.#late = 0;
    else this.#lateMs = this.#late++ === 0 ? lateMs : Math.min(lateMs, this.#lateMs);
    return this.#late >= fragmentsUntilStep;
  }

  /** From here on: what was dated already keeps its time. */
  #putRight(mediaMs: number): void {
    const notBeforeMs = this.at(mediaMs);
    this.#before = this.#line;
    this.#line = { offsetMs: this.#before.offsetMs - this.#lateMs, notBeforeMs };
    this.#kneeMs = mediaMs;
    this.#late = 0;
  }
}
