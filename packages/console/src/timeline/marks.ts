import type { Stretch } from './geometry.ts';

/** The range that somebody marks; either end may be missing yet, ms since 1970 UTC. */
export interface Marks {
  readonly startMs: number | null;
  readonly endMs: number | null;
}

/** Nothing is marked. */
export const noMarks: Marks = { startMs: null, endMs: null };

/** Sets one end; the other one goes where it would lie on the wrong side. */
export function setMark(marks: Marks, end: keyof Marks, ms: number): Marks {
  const next = { ...marks, [end]: ms };
  if (next.startMs === null || next.endMs === null || next.startMs < next.endMs) return next;
  return { ...noMarks, [end]: ms };
}

/** The range, once both ends are marked. */
export function markedRange({ startMs, endMs }: Marks): Stretch | null {
  return startMs === null || endMs === null ? null : { startMs, endMs };
}

/** Bytes that a range of these segments has, as far as can be told without reading them. */
export function estimateBytes(segments: readonly (Stretch & { readonly bytes: number })[], range: Stretch): number {
  let bytes = 0;
  for (const segment of segments) {
    const from = Math.max(segment.startMs, range.startMs);
    const to = Math.min(segment.endMs, range.endMs);
    if (to > from) bytes += (segment.bytes * (to - from)) / (segment.endMs - segment.startMs);
  }
  return Math.round(bytes);
}

/** The instant whose picture stands for `ms`, so that moving a little asks for nothing new. */
export function thumbnailTime(ms: number, viewMs: number): number {
  const stepMs = Math.max(2000, Math.round(viewMs / 240 / 1000) * 1000);
  return Math.floor(ms / stepMs) * stepMs;
}
