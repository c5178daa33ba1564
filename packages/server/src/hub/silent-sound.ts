import type { Track } from '@watchpost/media/types.ts';

/** Sound that is announced has so long to come after the first picture. */
const patienceMs = 3000;

/**
 * Knows of sound that a camera announces and does not send, as those do whose microphone is off: a browser shows no picture
 * of a stream one of whose tracks has nothing (Media Source Extensions §3.10: what is buffered is what all tracks have).
 */
export class SilentSound {
  /** The tracks that recordings, live fMP4 and FLV carry: all but such sound. hls.js plays MPEG-TS without it, and takes it when it comes. */
  tracks: readonly Track[] = [];
  #all: readonly Track[] = [];
  #hasSound = false;
  #isSilent: boolean;
  #isHeard = false;
  #pictureSinceMs: number | undefined;
  readonly #settled: (isSilent: boolean) => void;

  /** `isSilent`: as it was known before; `settled` is told whenever that changes. */
  constructor(isSilent = false, settled: (isSilent: boolean) => void = () => {}) {
    this.#isSilent = isSilent;
    this.#settled = settled;
  }

  /** A session begins. One after a silent one is taken to be silent, too, until sound comes. */
  begin(): void {
    this.#isHeard = false;
    this.#pictureSinceMs = undefined;
  }

  /** The tracks of the session, `all`, are known, or are others. */
  change(all: readonly Track[]): void {
    this.#all = all;
    this.#hasSound = all.some((track) => track.kind === 'audio');
    const isLeftOut = this.#isSilent && all.some((track) => track.kind === 'video');
    this.tracks = isLeftOut ? all.filter((track) => track.kind !== 'audio') : all;
  }

  /** A sample came. */
  observe(track: Track, nowMs: number): void {
    if (this.#isHeard) return;
    if (track.kind === 'audio') {
      this.#isHeard = true;
      this.#settle(false);
    } else if (track.kind === 'video' && this.#hasSound && !this.#isSilent) {
      this.#pictureSinceMs ??= nowMs;
      if (nowMs - this.#pictureSinceMs >= patienceMs) this.#settle(true);
    }
  }

  #settle(isSilent: boolean): void {
    if (this.#isSilent === isSilent) return;
    this.#isSilent = isSilent;
    this.change(this.#all);
    this.#settled(isSilent);
  }
}
