import type { SegmentStore } from '../catalog/segment-store.ts';
import { isDiskFull } from '../catalog/server-lock.ts';
import type { Segment, StorageBackend } from '../catalog/types.ts';
import { sidecarKey } from './segment-key.ts';

/**
 * D1: mark → unlink file and sidecar → sync directory → drop row. Rows of files that could not be removed stay marked.
 * Returns those that went: what was locked meanwhile stays. A disk so full that no row can be marked loses the file of the
 * first one before: the database may need just that room.
 */
export async function removeSegments(
  store: SegmentStore,
  backend: StorageBackend,
  segments: readonly Segment[],
): Promise<readonly Segment[]> {
  if (segments.length === 0) return [];
  const ids = segments.map((segment) => segment.id);
  const marked = await store.mark(ids).catch(async (error) => {
    if (!isDiskFull(error)) throw error;
    await backend.remove(segments[0]!.key);
    return store.mark(ids);
  });
  const going = segments.filter(({ id }) => marked.has(id));
  await finishRemoval(store, backend, going);
  return going;
}

/** The rest of a removal whose rows are marked. */
export async function finishRemoval(
  store: SegmentStore,
  backend: StorageBackend,
  segments: readonly Segment[],
): Promise<void> {
  const gone: Segment[] = [];
  try {
    for (const segment of segments) {
      await backend.remove(segment.key);
      await backend.remove(sidecarKey(segment.key));
      gone.push(segment);
    }
  } finally {
    await store.drop(gone);
  }
}

/** Removes all segments of a stream that are closed, and neither locked nor leased (D2). */
export async function removeStream(
  streamId: string,
  parts: {
    readonly store: SegmentStore;
    readonly places: readonly { readonly backend: StorageBackend }[];
    readonly isLeased: (segmentId: string) => boolean;
  },
): Promise<void> {
  for (const { backend } of parts.places) {
    const all = await parts.store.deletable(backend.name, streamId);
    await removeSegments(
      parts.store,
      backend,
      all.filter((one) => !parts.isLeased(one.id)),
    );
  }
}
