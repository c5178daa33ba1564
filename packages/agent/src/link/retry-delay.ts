/** Longest wait between attempts while the session can still be resumed. */
export const maxGraceDelayMs = 1500;

const firstDelayMs = 200;
const maxDelayMs = 30_000;

/**
 * Wait before the attempt number `failures` (from 1) in a row: doubled each time, with jitter of half, so that thousands of
 * agents do not come back at once. While a session can be resumed it is short; after it at most 30 s.
 */
export function retryDelayMs(failures: number, canResume: boolean, random: number): number {
  const limitMs = canResume ? maxGraceDelayMs : maxDelayMs;
  const fullMs = Math.min(firstDelayMs * 2 ** Math.min(failures - 1, 10), limitMs);
  return Math.round(fullMs / 2 + (fullMs / 2) * random);
}
