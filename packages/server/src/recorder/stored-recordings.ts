import type { SegmentStore } from '../catalog/segment-store.ts';
import type { FragmentEntry, RecordingQuery, Segment, StorageBackend } from '../catalog/types.ts';
import { scanSegment } from './scan-segment.ts';

/**
 * Recordings as they are on the disk, for whoever reads them beside the process that records, or without one: of a file
 * that still grows, or was never closed, what its row promises. Nothing keeps retention of a running server away.
 */
export class StoredRecordings implements Pick<RecordingQuery, 'segments' | 'fragments' | 'lease'> {
  readonly #store: SegmentStore;
  readonly #backends: ReadonlyMap<string, StorageBackend>;
  readonly #growing = new Map<string, readonly FragmentEntry[]>();

  constructor(store: SegmentStore, backends: ReadonlyMap<string, StorageBackend>) {
    this.#store = store;
    this.#backends = backends;
  }

  async segments(streamId: string, startMs: number, endMs: number): Promise<readonly Segment[]> {
    const found: Segment[] = [];
    for (const row of await this.#store.inRange(streamId, startMs, endMs)) {
      const segment = row.closed ? row : await this.#scan(row);
      if (segment !== undefined) found.push(segment);
    }
    return found;
  }

  async fragments(segmentId: string): Promise<readonly FragmentEntry[]> {
    return this.#growing.get(segmentId) ?? this.#store.fragments(segmentId);
  }

  lease(): Disposable {
    return { [Symbol.dispose]: () => {} };
  }

  async #scan({ id, backend, key, bytes }: Segment): Promise<Segment | undefined> {
    const storage = this.#backends.get(backend);
    if (storage === undefined) return undefined;
    const scanned = await scanSegment(storage, key, bytes);
    if (scanned.kind !== 'segment') return undefined;
    const { segment, fragments } = scanned.closed;
    this.#growing.set(id, fragments);
    return { ...segment, id };
  }
}
