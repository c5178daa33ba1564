import type { Segment } from '../catalog/types.ts';

/** True where `segment` begins where `before` ends, in one run. */
export function follows(before: Segment, segment: Segment): boolean {
  return before.runId === segment.runId && before.sequence + 1 === segment.sequence;
}
