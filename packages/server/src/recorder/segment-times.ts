const maxShiftMs = 10_000;
/** A file on a backend that is to be left ends after this, where no key picture comes. */
const leavePatienceMs = 10_000;

/** When the files of one stream end; both are read when a file begins. */
export interface SegmentTimes {
  readonly segmentMs: number;
  /** Spreads the ends of files of many streams over time. */
  readonly shiftMs: number;
}

/** Times that follow `segmentMs()`; `spread` is any number of the stream's own. */
export function segmentTimes(segmentMs: () => number, spread: number): SegmentTimes {
  return {
    get segmentMs() {
      return segmentMs();
    },
    get shiftMs() {
      return segmentMs() >= 30_000 ? spread % Math.min(maxShiftMs, segmentMs() / 6) : 0;
    },
  };
}

/**
 * When the file that begins at `startMs` ends: at the first key picture from `rotate` on, a multiple of its duration,
 * shifted for this stream; at `hard` without one.
 */
export function endTimes({ segmentMs, shiftMs }: SegmentTimes, startMs: number): { rotate: number; hard: number } {
  const rotate = (Math.floor((startMs - shiftMs) / segmentMs) + 1) * segmentMs + shiftMs;
  return { rotate, hard: startMs + Math.max(2 * segmentMs, Math.min(5 * segmentMs, 600_000)) };
}

/** The same for a file whose backend is to be left since `leftMs`: at the next key picture, so that none is lost. */
export function endsOf(ends: { rotate: number; hard: number }, leftMs: number | undefined): typeof ends {
  return leftMs === undefined ? ends : { rotate: 0, hard: Math.min(ends.hard, leftMs + leavePatienceMs) };
}

/** A number of the stream's own, evenly spread over 32 bits. */
export function spreadOf(streamId: string): number {
  let value = 2166136261;
  for (let i = 0; i < streamId.length; i++) value = Math.imul(value ^ streamId.charCodeAt(i), 16777619) >>> 0;
  return value;
}
