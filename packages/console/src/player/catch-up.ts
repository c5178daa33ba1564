/** A stretch of buffered media, seconds on the element's clock. */
export interface BufferedRange {
  readonly start: number;
  readonly end: number;
}

/** What the element is doing when it is decided how to stay live. */
export interface PlaybackPoint {
  readonly currentTime: number;
  readonly playbackRate: number;
  readonly ranges: readonly BufferedRange[];
  /** A picture has been shown since the last start. */
  readonly shown: boolean;
  /** How far behind the newest media it should play, seconds; grows for viewers whose network is uneven. */
  readonly targetSeconds: number;
}

/** What to do: seek (seconds), or play at another rate. */
export interface CatchUpStep {
  readonly seekTo?: number;
  readonly rate: number;
}

/** Behind by more than this, playback is sped up. */
export const speedUpSeconds = 1.5;
/** Behind by more than this, it jumps. */
export const jumpSeconds = 5;

/** Decides how a live player gets back to the newest picture: gaps are jumped, small delays are sped up, large ones jumped. */
export function catchUp(point: PlaybackPoint): CatchUpStep {
  const newest = point.ranges.at(-1);
  if (!newest) return { rate: 1 };
  const inside = point.ranges.findIndex(
    (range) => point.currentTime >= range.start - 0.01 && point.currentTime < range.end,
  );
  if (inside < 0) return leaveHole(point, newest);
  const target = Math.max(newest.start, newest.end - point.targetSeconds);
  const behind = newest.end - point.currentTime;
  if (point.shown && behind > jumpSeconds) return { seekTo: target, rate: 1 };
  const holdsGap = inside < point.ranges.length - 1;
  const here = point.ranges[inside];
  const next = point.ranges[inside + 1];
  if (holdsGap && here && next && here.end - point.currentTime < 0.1) return { seekTo: next.start + 0.01, rate: 1 };
  if (behind > speedUpSeconds + point.targetSeconds - 0.5) return { rate: behind > 3 ? 1.5 : 1.15 };
  const catching = point.playbackRate > 1 && behind > point.targetSeconds + 0.2;
  return { rate: catching ? point.playbackRate : 1 };
}

function leaveHole(point: PlaybackPoint, newest: BufferedRange): CatchUpStep {
  const next = point.ranges.find((range) => range.start > point.currentTime);
  if (next)
    return {
      seekTo:
        point.shown && next === newest
          ? Math.max(next.start + 0.01, newest.end - point.targetSeconds)
          : next.start + 0.01,
      rate: 1,
    };
  // Past the end by little is the normal wait for the next picture; by much, the source's clock was set back.
  if (point.currentTime > newest.end + 3)
    return { seekTo: Math.max(newest.start, newest.end - point.targetSeconds), rate: 1 };
  return { rate: 1 };
}

/** How much of the past may go, in seconds on the element's clock: [start, end), or null where nothing is worth trimming. */
export function trimRange(
  ranges: readonly BufferedRange[],
  currentTime: number,
  keepSeconds: number,
): BufferedRange | null {
  const oldest = ranges[0];
  if (!oldest) return null;
  const end = currentTime - keepSeconds;
  return end - oldest.start > keepSeconds / 2 ? { start: oldest.start, end } : null;
}
