import type { Explanation } from './gap-ledger.ts';
import type { Wanted } from './recording-plan.ts';
import type { RecordingState } from './recording-state.ts';

/** The state of a stream that nobody records; one that only waits for its schedule or an event says so. */
export function offState(
  off: { readonly sinceMs: number; readonly why: Explanation } | undefined,
  sinceMs: number,
): RecordingState {
  if (off === undefined) return { state: 'off', sinceMs };
  const { reason, detail } = off.why;
  if (reason === 'recording_stopped') return { state: 'off', sinceMs: off.sinceMs };
  return { state: 'waiting', sinceMs: off.sinceMs, reason, ...(detail !== undefined && { detail }) };
}

/** The state with why it is as it is. */
export function describeState(
  state: RecordingState,
  { wanted, event }: { readonly wanted: Wanted | undefined; readonly event: string | undefined },
): RecordingState {
  const { cause, nextChangeMs } = wanted ?? {};
  return {
    ...state,
    ...(state.state === 'recording' && cause !== undefined && { cause }),
    ...(state.state === 'recording' && cause === 'event' && event !== undefined && { event }),
    ...(nextChangeMs !== undefined && { nextChangeMs }),
  };
}

interface Recorded {
  readonly recorder: { readonly state: { readonly state: string }; readonly lostFragments: number };
}

/** The numbers that metrics show of all streams that are recorded. */
export function statsOf(recorded: readonly Recorded[], commitMs: number): Readonly<Record<string, number>> {
  const recording = recorded.filter(({ recorder }) => recorder.state.state === 'recording').length;
  const lostFragments = recorded.reduce((sum, { recorder }) => sum + recorder.lostFragments, 0);
  return { streams: recorded.length, recording, lostFragments, commitMs };
}
