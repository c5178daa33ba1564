/** How fast the line follows the capture times: the crystals of cameras are within 500 ppm. */
const maxSlew = 0.0005;
/** Further off than this, for several fragments on end, the line is wrong and not the samples late. */
const maxErrorMs = 2000;
const fragmentsUntilStep = 3;

/** Wall clock of a run: media time from the first sample on, pulled slowly towards what the samples say. */
export class WallLine {
  #offsetMs: number;
  #observedMs: number;
  #off = 0;

  /** `mediaMs`: decode time of the first sample in ms; `wallMs`: its capture time, ms since 1970 UTC. */
  constructor(mediaMs: number, wallMs: number) {
    this.#offsetMs = wallMs - mediaMs;
    this.#observedMs = mediaMs;
  }

  /** Wall time of a decode time, whole ms since 1970 UTC. */
  at(mediaMs: number): number {
    return Math.round(mediaMs + this.#offsetMs);
  }

  /** Takes note of the capture time of a fragment's first sample. True: the run must end, its time no longer holds. */
  observe(mediaMs: number, wallMs: number): boolean {
    const error = wallMs - mediaMs - this.#offsetMs;
    if (Math.abs(error) > maxErrorMs) return ++this.#off >= fragmentsUntilStep;
    this.#off = 0;
    const most = Math.max(0, mediaMs - this.#observedMs) * maxSlew;
    this.#observedMs = Math.max(this.#observedMs, mediaMs);
    this.#offsetMs += Math.min(most, Math.max(-most, error));
    return false;
  }
}
