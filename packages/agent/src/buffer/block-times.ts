import type { BlockInfo } from './block.ts';
import { leastWallMs, type RunClock } from './run-clock.ts';

/** How the times of a run become times for servers; or why they cannot. */
export type RunPlace =
  | { readonly kind: 'known'; readonly shiftMs: number }
  /** Will be known once this machine is told the time. */
  | { readonly kind: 'later' }
  | { readonly kind: 'unknown'; readonly why: string };

interface Run {
  readonly id: string;
  readonly startMs: number;
  endMs: number;
  /** As the run knew at its end: it may have been told the time after its first blocks. */
  offsetMs: number;
  wasSet: boolean;
}

/**
 * Where the runs that blocks are of lie: the present one is known whatever its wall clock shows; earlier ones by the wall
 * clock that they had at their end, where that can have been right.
 */
export function placeRuns(blocks: readonly BlockInfo[], clock: RunClock): ReadonlyMap<string, RunPlace> {
  const runs = runsOf(blocks);
  const places = new Map<string, RunPlace>([[clock.id, { kind: 'known', shiftMs: clock.lineOffsetMs }]]);
  const { isWallKnown, wallOffsetMs } = clock;
  const earlier = runs.filter(({ id }) => id !== clock.id);
  for (const run of earlier) {
    const why = doubtOf(run, earlier, clock);
    if (why !== undefined && (isWallKnown || isUnset(run))) places.set(run.id, { kind: 'unknown', why });
    else if (!isWallKnown) places.set(run.id, { kind: 'later' });
    else places.set(run.id, { kind: 'known', shiftMs: run.offsetMs - wallOffsetMs + clock.lineOffsetMs });
  }
  return places;
}

function runsOf(blocks: readonly BlockInfo[]): readonly Run[] {
  const runs = new Map<string, Run>();
  for (const { run: id, startMs, endMs, wallOffsetMs, wasSet } of blocks) {
    const run = runs.get(id);
    if (run) Object.assign(run, { endMs, offsetMs: wallOffsetMs, wasSet });
    else runs.set(id, { id, startMs, endMs, offsetMs: wallOffsetMs, wasSet });
  }
  return [...runs.values()];
}

function doubtOf(run: Run, earlier: readonly Run[], clock: RunClock): string | undefined {
  if (isUnset(run)) return 'the clock was not set';
  if (endOf(run) > clock.beganMs + clock.wallOffsetMs) return 'its clock was ahead of the present one';
  // Machines without a battery go on from the time at which they were switched off.
  if (clock.beganWrong && !run.wasSet) return 'the clock of this machine is wrong until it is set, and it was not';
  const at = earlier.indexOf(run);
  for (const [i, other] of earlier.entries()) {
    const isTurned = i < at ? endOf(other) > beginOf(run) : i > at && endOf(run) > beginOf(other);
    if (isTurned && !isUnset(other) && (other.wasSet || !run.wasSet))
      return 'its clock contradicts that of another run';
  }
  return undefined;
}

function isUnset(run: Run): boolean {
  return beginOf(run) < leastWallMs;
}

function beginOf({ startMs, offsetMs }: Run): number {
  return startMs + offsetMs;
}

function endOf({ endMs, offsetMs }: Run): number {
  return endMs + offsetMs;
}
