import type { StreamStats } from '../api/types.ts';

/** The counters of a stream at an instant, and what changed since the sample before. */
export interface StatsSample {
  readonly atMs: number;
  /** Bits per second. */
  readonly bitrate: number;
  readonly fps: number;
  readonly gopSeconds: number | null;
  /** Packets lost, of a hundred, since the sample before. */
  readonly lostPercent: number;
  /** Readers by protocol. */
  readonly readers: Readonly<Record<string, number>>;
  /** The connection was made anew since the sample before. */
  readonly reconnected: boolean;
}

/** What is known of the last minutes of a stream, oldest first. */
export interface StatsHistory {
  readonly samples: readonly StatsSample[];
  readonly last: StreamStats | null;
}

/** Nothing is known yet. */
export const noHistory: StatsHistory = { samples: [], last: null };

/** So long is remembered. */
export const historyMs = 5 * 60_000;

/** Samples further apart than this are not joined: nobody asked in between. */
export const breakMs = 8000;

/** At most so many samples are kept, however often somebody asks. */
const maxSamples = 600;

/** The history with one more answer of the API; the oldest ones go. */
export function addStats(history: StatsHistory, stats: StreamStats, atMs: number): StatsHistory {
  const { last } = history;
  const sample: StatsSample = {
    atMs,
    bitrate: stats.bitrate,
    fps: stats.fps,
    gopSeconds: stats.gop_seconds,
    lostPercent: last === null ? 0 : lossBetween(last, stats),
    readers: Object.fromEntries(stats.readers.map(({ protocol, count }) => [protocol, count])),
    reconnected: last !== null && stats.reconnects > last.reconnects,
  };
  const samples = history.samples.filter((known) => known.atMs > atMs - historyMs && known.atMs < atMs);
  return { samples: [...samples.slice(1 - maxSamples), sample], last: stats };
}

/** Counters begin anew where the server did. */
function lossBetween(before: StreamStats, after: StreamStats): number {
  const lost = after.lost - before.lost;
  const received = after.packets - before.packets;
  return lost > 0 && received >= 0 ? (lost / (lost + received)) * 100 : 0;
}

/** Names of the protocols that anybody read by, in the order of the alphabet. */
export function readerProtocols(samples: readonly StatsSample[]): string[] {
  return [...new Set(samples.flatMap(({ readers }) => Object.keys(readers)))].sort();
}

/** The end of an axis: the least round number that holds all values, and `least`. */
export function axisEnd(values: readonly (number | null)[], least: number): number {
  let largest = least;
  for (const value of values) if (value !== null && value > largest) largest = value;
  const power = 10 ** Math.floor(Math.log10(largest));
  for (const step of [1, 1.5, 2, 3, 4, 6, 8]) if (step * power >= largest) return step * power;
  return 10 * power;
}

/** What is drawn: as long as somebody looked, a minute at least, up to the newest sample. */
export function historyRange(samples: readonly Pick<StatsSample, 'atMs'>[]): { startMs: number; endMs: number } {
  const endMs = samples.at(-1)?.atMs ?? 0;
  const lengthMs = Math.min(historyMs, Math.max(60_000, endMs - (samples[0]?.atMs ?? endMs)));
  return { startMs: endMs - lengthMs, endMs };
}
