import type { Gap, Timeline } from '../api/types.ts';
import type { Stretch } from './geometry.ts';

/** A gap with its times in ms. */
export interface GapStretch extends Stretch {
  readonly gap: Gap;
}

/** What was recorded and what was not, with times in ms; a gap that goes on lasts until the end of the bounds. */
export function readTimeline(data: Timeline | undefined, bounds: Stretch): { spans: Stretch[]; gaps: GapStretch[] } {
  return {
    spans: data?.spans.map(({ start, end }) => ({ startMs: Date.parse(start), endMs: Date.parse(end) })) ?? [],
    gaps:
      data?.gaps.map((gap) => ({
        startMs: Date.parse(gap.start),
        endMs: gap.end === null ? bounds.endMs : Date.parse(gap.end),
        gap,
      })) ?? [],
  };
}

/** The gaps, of which those that go on end now; `nowMs` by the clock of the server, which the browser's may not agree with. */
export function untilNow(gaps: readonly GapStretch[], nowMs: number): GapStretch[] {
  return gaps.map((stretch) =>
    stretch.gap.end === null ? { ...stretch, endMs: Math.min(stretch.endMs, nowMs) } : stretch,
  );
}
