import type { ServerState } from '../api/types.ts';
import { historyMs } from './stats-history.ts';

/** What the server used at an instant. */
export interface ServerSample {
  readonly atMs: number;
  /** Of one core, since the sample before; null for the first one. */
  readonly cpuPercent: number | null;
  readonly residentBytes: number;
}

/** The last minutes of the server, oldest first. */
export interface ServerHistory {
  readonly samples: readonly ServerSample[];
  readonly last: ServerState | null;
}

/** Nothing is known yet. */
export const noServerHistory: ServerHistory = { samples: [], last: null };

/** The history with one more answer; the load is between the server's own times, however long the answers took. */
export function addServerState(history: ServerHistory, state: ServerState, atMs: number): ServerHistory {
  const { last } = history;
  const seconds = last === null ? 0 : (Date.parse(state.time) - Date.parse(last.time)) / 1000;
  const used = last === null ? 0 : state.cpu_seconds - last.cpu_seconds;
  // A server that was started anew counts from 0.
  const cpuPercent = seconds > 0 && used >= 0 ? (used / seconds) * 100 : null;
  const kept = history.samples.filter((sample) => sample.atMs > atMs - historyMs && sample.atMs < atMs);
  return { samples: [...kept, { atMs, cpuPercent, residentBytes: state.resident_bytes }], last: state };
}
