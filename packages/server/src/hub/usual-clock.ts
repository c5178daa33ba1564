import type { Track } from '@watchpost/media/types.ts';
import type { TimedUnit } from './timed-units.ts';

const videoRate = 90_000;
/** RFC 7587 §4.1. */
const opusRate = 48_000;

/** Brings the time stamps of containers that choose their own unit of time to the ones that a stream has. */
export class UsualClock {
  /** By the container's track. */
  readonly #tracks = new WeakMap<Track, Track>();

  /** Rounds each time stamp by itself: nothing adds up, however long it goes on. */
  convert({ track: own, unit }: TimedUnit): TimedUnit {
    const track = this.#usual(own);
    if (track === own) return { track, unit };
    const { clockRate: from } = own;
    const { clockRate: to } = track;
    return { track, unit: { ...unit, dts: rescale(unit.dts, from, to), pts: rescale(unit.pts, from, to) } };
  }

  #usual(own: Track): Track {
    const known = this.#tracks.get(own);
    if (known !== undefined) return known;
    const clockRate = usualRate(own);
    const track = clockRate === own.clockRate ? own : { ...own, clockRate };
    this.#tracks.set(own, track);
    return track;
  }
}

function usualRate({ kind, codec, sampleRate, clockRate }: Track): number {
  if (kind === 'video') return videoRate;
  return codec === 'opus' ? opusRate : sampleRate || clockRate;
}

/** Whole seconds apart from the rest: ticks since 1970 times 90 000 are no safe integers. */
function rescale(ticks: number, from: number, to: number): number {
  const seconds = Math.floor(ticks / from);
  return seconds * to + Math.round(((ticks - seconds * from) * to) / from);
}
