import type { GapStore } from '../catalog/gap-store.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { FragmentEntry, Gap, RecordingQuery, Segment } from '../catalog/types.ts';
import type { Leases } from './leases.ts';
import type { SegmentPool } from './segment-pool.ts';

const dayMs = 86_400_000;

/** Answers from the rows, and from memory for what the rows do not tell yet. */
export class RecordingIndex implements RecordingQuery {
  readonly #store: SegmentStore;
  readonly #gaps: GapStore;
  readonly #pool: SegmentPool;
  readonly #leases: Leases;
  readonly missed: NonNullable<RecordingQuery['missed']>;

  constructor(parts: {
    store: SegmentStore;
    gaps: GapStore;
    pool: SegmentPool;
    leases: Leases;
    missed: NonNullable<RecordingQuery['missed']>;
  }) {
    this.#store = parts.store;
    this.#gaps = parts.gaps;
    this.#pool = parts.pool;
    this.#leases = parts.leases;
    this.missed = parts.missed;
  }

  async segments(streamId: string, startMs: number, endMs: number): Promise<readonly Segment[]> {
    const rows = await this.#store.inRange(streamId, startMs, endMs);
    const found = rows.filter((row) => this.#pool.writer(row.id) === undefined);
    let added = false;
    for (const writer of this.#pool.writers) {
      if (writer.streamId !== streamId || writer.startMs >= endMs || writer.endMs <= startMs) continue;
      const row = rows.find((other) => other.id === writer.id);
      found.push({ ...writer.segment(), closed: false, locked: row?.locked ?? false });
      added = true;
    }
    if (added) found.sort((a, b) => a.startMs - b.startMs);
    return found;
  }

  async fragments(segmentId: string): Promise<readonly FragmentEntry[]> {
    const writer = this.#pool.writer(segmentId);
    return writer === undefined ? this.#store.fragments(segmentId) : [...writer.fragments];
  }

  async segment(segmentId: string): Promise<Segment | undefined> {
    const writer = this.#pool.writer(segmentId);
    const row = await this.#store.get(segmentId);
    return writer === undefined ? row : { ...writer.segment(), closed: false, locked: row?.locked ?? false };
  }

  gaps(streamId: string, startMs: number, endMs: number): Promise<readonly Gap[]> {
    return this.#gaps.inRange(streamId, startMs, endMs);
  }

  async days(
    streamId: string,
    startMs: number,
    endMs: number,
  ): Promise<readonly { startMs: number; recordedMs: number }[]> {
    const days = new Map(
      (await this.#store.days(streamId, startMs, endMs)).map((day) => [day.startMs, day.recordedMs]),
    );
    for (const writer of this.#pool.writers) {
      if (writer.streamId !== streamId) continue;
      // The row knows the part that is promised.
      const fromMs = Math.max(startMs, writer.hasRow ? writer.promisedEndMs : writer.startMs);
      for (let at = fromMs; at < Math.min(writer.endMs, endMs); ) {
        const day = startMs + Math.floor((at - startMs) / dayMs) * dayMs;
        const until = Math.min(writer.endMs, endMs, day + dayMs);
        days.set(day, (days.get(day) ?? 0) + until - at);
        at = until;
      }
    }
    return [...days].sort(([a], [b]) => a - b).map(([day, recordedMs]) => ({ startMs: day, recordedMs }));
  }

  async recordedStreams(): Promise<readonly { streamId: string; bytes: number; oldestMs: number; newestMs: number }[]> {
    const streams = new Map((await this.#store.streams()).map((stream) => [stream.streamId, stream]));
    for (const { streamId, bytes, startMs, endMs } of this.#pool.writers) {
      const known = streams.get(streamId);
      streams.set(streamId, {
        streamId,
        bytes: (known?.bytes ?? 0) + bytes,
        oldestMs: Math.min(known?.oldestMs ?? startMs, startMs),
        newestMs: Math.max(known?.newestMs ?? endMs, endMs),
      });
    }
    return [...streams.values()].sort((a, b) => (a.streamId < b.streamId ? -1 : 1));
  }

  lease(segmentId: string, maxMs: number): Disposable {
    return this.#leases.take(segmentId, maxMs);
  }
}
