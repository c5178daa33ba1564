import type { Database } from './database.ts';

/** Stretches of time, each with its end; in order, none touches the next. */
export type Stretches = readonly { readonly startMs: number; readonly endMs: number }[];

/** What of each stream is locked. */
export class LockedStretches {
  readonly #byStream: ReadonlyMap<string, Stretches>;

  constructor(byStream: ReadonlyMap<string, Stretches>) {
    this.#byStream = byStream;
  }

  /** By stream. */
  get all(): ReadonlyMap<string, Stretches> {
    return this.#byStream;
  }

  /** Whether a lock holds any part of it. */
  touch({ streamId, startMs, endMs }: { streamId: string; startMs: number; endMs: number }): boolean {
    const stretches = this.#byStream.get(streamId);
    if (stretches === undefined) return false;
    // The first that ends after its start.
    let [low, high] = [0, stretches.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (stretches[middle]!.endMs > startMs) high = middle;
      else low = middle + 1;
    }
    return low < stretches.length && stretches[low]!.startMs < endMs;
  }
}

/** Reads the locks of one stream, or of all, and puts those together that overlap or touch. */
export async function readLockedStretches(database: Database, streamId: string | undefined): Promise<LockedStretches> {
  let select = database
    .selectFrom('recording_locks')
    .select(['stream_id', 'start_ms', 'end_ms'])
    .orderBy('stream_id')
    .orderBy('start_ms');
  if (streamId !== undefined) select = select.where('stream_id', '=', streamId);
  const byStream = new Map<string, { startMs: number; endMs: number }[]>();
  for (const row of await select.execute()) {
    const stretches = byStream.get(row.stream_id) ?? [];
    const last = stretches.at(-1);
    if (last !== undefined && row.start_ms <= last.endMs) last.endMs = Math.max(last.endMs, row.end_ms);
    else stretches.push({ startMs: row.start_ms, endMs: row.end_ms });
    byStream.set(row.stream_id, stretches);
  }
  return new LockedStretches(byStream);
}
