import type { Sample } from '@watchpost/media/types.ts';

/** Between the last picture before a gap and the first one after it, as players see it. */
const closedGapMs = 40;

/** How recordings are played. */
export interface ReplayPace {
  /** Recorded seconds for each second; below 0 for reverse. */
  readonly scale: number;
  /** The client sets the pace, and RTP time is recorded time (ONVIF `Rate-Control: no`). */
  readonly clientPaced: boolean;
}

/**
 * Where samples of recordings are on a session's RTP timeline, which only grows (RFC 2326 appendix B): gaps are closed,
 * `Scale` compresses or stretches, each PLAY goes on after the one before.
 */
export class ReplayClock {
  #pace: ReplayPace = { scale: 1, clientPaced: false };
  /** A moment on both lines. */
  #wallMs = 0;
  #mediaMs = 0;
  #newestMs = 0;

  /** A PLAY begins with what was recorded at `wallMs`. */
  begin(wallMs: number, pace: ReplayPace): void {
    this.#pace = pace;
    this.#join(wallMs);
  }

  /** What comes next was recorded at `wallMs`, after a hole. */
  skipGap(wallMs: number): void {
    if (!this.#pace.clientPaced) this.#join(wallMs);
  }

  /** RTP time of a sample, ms since the session began. */
  mediaMs(sample: Sample): number {
    const mediaMs = this.#at(sample.wallMs);
    if (mediaMs > this.#newestMs) this.#newestMs = mediaMs;
    return mediaMs;
  }

  /** When it is decoded, on the same line. */
  decodeMs(sample: Sample): number {
    return this.#at(sample.wallMs - ((sample.pts - sample.dts) * 1000) / sample.track.clockRate);
  }

  /** Where the next PLAY begins. */
  get nextMs(): number {
    return this.#newestMs === 0 ? 0 : this.#newestMs + closedGapMs;
  }

  #join(wallMs: number): void {
    this.#mediaMs = this.nextMs;
    this.#wallMs = wallMs;
  }

  #at(wallMs: number): number {
    const { scale, clientPaced } = this.#pace;
    const passedMs = wallMs - this.#wallMs;
    return this.#mediaMs + (clientPaced ? passedMs * Math.sign(scale) : passedMs / scale);
  }
}
