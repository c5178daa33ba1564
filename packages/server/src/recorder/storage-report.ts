import type { LockStore } from '../catalog/lock-store.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { RecordingQuery } from '../catalog/types.ts';
import type { BackendState, Retention } from './retention.ts';
import type { SegmentPool } from './segment-pool.ts';

const dayMs = 86_400_000;

/** A backend as an operator sees it. */
export interface BackendReport {
  readonly name: string;
  readonly state: BackendState['state'];
  readonly message?: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly recordedBytes: number;
  /** Of them what may not be deleted. */
  readonly lockedBytes: number;
  /** The oldest recordings go where there are more; missing where only the disk limits them. */
  readonly maxBytes?: number;
  readonly writeBytesPerSecond: number;
  readonly retentionDays: number;
  /** How many days fit at the present rate; missing while nothing is written. */
  readonly forecastDays?: number;
  /** The same in words: "at this rate 4.2 of 7 days fit". */
  readonly forecast?: string;
}

/** How full the disks are, and how long they will do. */
export interface StorageReport {
  readonly backends: readonly BackendReport[];
  readonly streams: Awaited<ReturnType<RecordingQuery['recordedStreams']>>;
  /** Why what is recorded cannot be indexed just now; missing while it can. */
  readonly catalogFailure?: string;
}

/** Makes the report of all backends. */
export async function reportStorage(parts: {
  readonly retentions: readonly Retention[];
  readonly store: SegmentStore;
  readonly locks: LockStore;
  readonly pool: SegmentPool;
  readonly query: RecordingQuery;
}): Promise<StorageReport> {
  const backends: BackendReport[] = [];
  for (const retention of parts.retentions) {
    const { name } = retention.place.backend;
    let recordedBytes = await parts.store.bytes(name);
    for (const writer of parts.pool.writers) if (writer.backend.name === name) recordedBytes += writer.bytes;
    backends.push(reportBackend(retention, recordedBytes, await parts.locks.lockedBytes(name)));
  }
  const { catalogFailure } = parts.pool;
  return { backends, streams: await parts.query.recordedStreams(), ...(catalogFailure && { catalogFailure }) };
}

function reportBackend(retention: Retention, recordedBytes: number, lockedBytes: number): BackendReport {
  const { place, state, bytesPerSecond, reserveBytes, maxBytes } = retention;
  const report = {
    name: place.backend.name,
    ...state,
    recordedBytes,
    lockedBytes,
    ...(maxBytes !== undefined && { maxBytes: Math.round(maxBytes) }),
    writeBytesPerSecond: Math.round(bytesPerSecond),
    retentionDays: place.retentionDays,
  };
  if (bytesPerSecond < 1) return report;
  // What is locked never makes room for what is new.
  const onDisk = Math.max(0, recordedBytes - lockedBytes + state.freeBytes - reserveBytes);
  const room = Math.min(onDisk, Math.max(0, (maxBytes ?? Number.POSITIVE_INFINITY) - lockedBytes));
  return { ...report, ...forecast((room * 1000) / bytesPerSecond / dayMs, place.retentionDays) };
}

/** What to tell of `days` that fit, where `wanted` are to be kept. */
export function forecast(days: number, wanted: number): { forecastDays: number; forecast: string } {
  const forecastDays = days < 1 ? Math.round(days * 1000) / 1000 : Math.round(days * 10) / 10;
  const text =
    days >= wanted ? `at this rate all ${wanted} days fit` : `at this rate ${partOfDays(days)} of ${wanted} days fit`;
  return { forecastDays, forecast: text };
}

/** So many days as people say it before "of 7 days": "4.2", or "6 hours", "20 minutes" where it is less than one. */
export function partOfDays(days: number): string {
  if (days >= 0.95) return String(Math.round(days * 10) / 10);
  const minutes = days * 24 * 60;
  const [count, unit] = minutes >= 90 ? [Math.round(minutes / 60), 'hour'] : [Math.round(minutes), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
