import type { SegmentStore } from '../catalog/segment-store.ts';
import type { Segment, StorageBackend } from '../catalog/types.ts';
import { sidecarKey } from './segment-key.ts';

/** D1: mark → unlink file and sidecar → sync directory → drop row. Rows of files that could not be removed stay marked. */
export async function removeSegments(
  store: SegmentStore,
  backend: StorageBackend,
  segments: readonly Segment[],
): Promise<void> {
  if (segments.length === 0) return;
  await store.mark(segments.map((segment) => segment.id));
  await finishRemoval(store, backend, segments);
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
