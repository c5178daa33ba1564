import { type Clock, sleep } from '@watchpost/base/clock.ts';

const lookMs = 1000;
/** More than NTP ever slews in a while, less than anybody waits for. */
const setAheadMs = 60_000;

/** By how much the wall clock is ahead of the one that never steps; for `sleepUntilSet`. */
export function clockOffsetMs(clock: Clock): number {
  return clock.wallMs() - clock.monotonicMs();
}

/** As `sleep`, but ends within a second where somebody has set the wall clock ahead since its offset was `offsetMs`. */
export async function sleepUntilSet(
  clock: Clock,
  delayMs: number,
  { offsetMs, signal }: { offsetMs: number; signal: AbortSignal },
): Promise<void> {
  for (let leftMs = delayMs; leftMs > 0 && clockOffsetMs(clock) - offsetMs < setAheadMs; leftMs -= lookMs)
    await sleep(clock, Math.min(leftMs, lookMs), signal);
}
