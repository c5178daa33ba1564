/** How fast the line follows the capture times: the crystals of cameras are within 500 ppm. */
const maxSlew = 0.0005;
/** Further off than this, for several fragments on end, the line is wrong and not the samples late. */
const maxErrorMs = 2000;
const fragmentsUntilStep = 3;
/** Of a recording, whose times do not stray: what is further off has a hole before it. */
const maxPastErrorMs = 500;

/** Wall clock of a run: media time from the first sample on, pulled slowly towards what the samples say. */
export class WallLine {
  #offsetMs: number;
  #observedMs: number;
  #off = 0;
  readonly #isPast: boolean;

  /**
   * `mediaMs`: decode time of the first sample in ms; `wallMs`: its capture time, ms since 1970 UTC. `isPast`: of a recording,
   * whose capture times are exact.
   */
  constructor(mediaMs: number, wallMs: number, isPast = false) {
    this.#offsetMs = wallMs - mediaMs;
    this.#observedMs = mediaMs;
    this.#isPast = isPast;
  }

  /** Wall time of a decode time, whole ms since 1970 UTC. */
  at(mediaMs: number): number {
    return Math.round(mediaMs + this.#offsetMs);
  }

  /** Takes note of the capture time of a fragment's first sample. True: the run must end, its time no longer holds. */
  observe(mediaMs: number, wallMs: number): boolean {
    const error = wallMs - mediaMs - this.#offsetMs;
    if (this.#isPast && Math.abs(error) > maxPastErrorMs) return true;
    if (Math.abs(error) > maxErrorMs) return ++this.#off >= fragmentsUntilStep;
    this.#off = 0;
    const most = Math.max(0, mediaMs - this.#observedMs) * maxSlew;
    this.#observedMs = Math.max(this.#observedMs, mediaMs);
    this.#offsetMs += Math.min(most, Math.max(-most, error));
    return false;
  }
}
