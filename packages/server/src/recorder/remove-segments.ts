import type { GapStore } from '../catalog/gap-store.ts';
import { letOthersRun } from '../catalog/let-others-run.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { Segment, StorageBackend } from '../catalog/types.ts';
import { isDiskFull } from '../catalog/write-trouble.ts';
import { sidecarKey } from './segment-key.ts';

/** SQLite takes at most 32 766 values in one statement, and nobody waits long for a few hundred. */
const batchSize = 512;

/**
 * D1: mark → unlink file and sidecar → sync directory → drop row. Rows of files that could not be removed stay marked.
 * Returns those that went: what was locked meanwhile stays.
 */
export async function removeSegments(
  store: SegmentStore,
  backend: StorageBackend,
  segments: readonly Segment[],
): Promise<readonly Segment[]> {
  const going = await mark(store, backend, segments);
  await finishRemoval(store, backend, going);
  return going;
}

/** Those that are on their way out now. A disk so full that no row can be marked loses the file of the first one before: the database may need just that room. */
async function mark(
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
  return segments.filter(({ id }) => marked.has(id));
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

/** What a stream has left behind. */
export interface StreamRemains {
  readonly store: SegmentStore;
  readonly gaps: Pick<GapStore, 'dropEnded'>;
  readonly places: readonly { readonly backend: StorageBackend }[];
  readonly keyPictures?: { removeStream(streamId: string): Promise<void> };
  isLeased(segmentId: string): boolean;
}

/**
 * Removes all segments of a stream that are closed, and neither locked nor leased (D2), its key pictures, its gaps. Where a
 * backend fails, its rows are marked all the same: their files go once it is back, or at the next start. Rejects with the
 * first failure, after all else.
 */
export async function removeStream(streamId: string, remains: StreamRemains): Promise<void> {
  const removed = await Promise.allSettled([
    ...remains.places.map(({ backend }) => removeFrom(backend, streamId, remains)),
    remains.keyPictures?.removeStream(streamId),
    remains.gaps.dropEnded(streamId),
  ]);
  for (const part of removed) if (part.status === 'rejected') throw part.reason;
}

async function removeFrom(
  backend: StorageBackend,
  streamId: string,
  { store, isLeased }: Pick<StreamRemains, 'store' | 'isLeased'>,
): Promise<void> {
  const all = (await store.deletable(backend.name, streamId)).filter(({ id }) => !isLeased(id));
  const batches: (readonly Segment[])[] = [];
  for (let at = 0; at < all.length; at += batchSize) {
    batches.push(await mark(store, backend, all.slice(at, at + batchSize)));
    await letOthersRun();
  }
  for (const batch of batches) await finishRemoval(store, backend, batch);
}
