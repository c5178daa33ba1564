import type { z } from 'zod';
import type { Gap, Segment } from '../catalog/types.ts';
import type { gapSchema, segmentSchema } from './schemas/recordings.ts';
import { toInstant, toInstantOrNull } from './time-text.ts';

/** Segments so near to each other are one span of the timeline: cutting files is not a hole. */
const mergeWithinMs = 1000;

/** A segment as the API shows it. */
export function toSegmentView(segment: Segment): z.output<typeof segmentSchema> {
  return {
    id: segment.id,
    start: toInstant(segment.startMs),
    end: toInstant(segment.endMs),
    bytes: segment.bytes,
    backend: segment.backend,
    run: segment.runId,
    locked: segment.locked,
    growing: !segment.closed,
    codecs: segment.codecs,
  };
}

/** A gap as the API shows it. */
export function toGapView(gap: Gap): z.output<typeof gapSchema> {
  return {
    start: toInstant(gap.startMs),
    end: toInstantOrNull(gap.endMs),
    reason: gap.reason,
    detail: gap.detail ?? null,
  };
}

/** Recorded stretches within [startMs, endMs), merged where they touch; segments come oldest first. */
export function toSpans(
  segments: readonly Segment[],
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): { startMs: number; endMs: number }[] {
  const spans: { startMs: number; endMs: number }[] = [];
  for (const segment of segments) {
    const from = Math.max(segment.startMs, startMs);
    const to = Math.min(segment.endMs, endMs);
    if (to <= from) continue;
    const last = spans.at(-1);
    if (last && from - last.endMs <= mergeWithinMs) last.endMs = Math.max(last.endMs, to);
    else spans.push({ startMs: from, endMs: to });
  }
  return spans;
}
