import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { GapStore } from '../catalog/gap-store.ts';
import type { KeyFileStore } from '../catalog/key-file-store.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { EventSink, Segment, StorageBackend } from '../catalog/types.ts';
import { finishRemoval } from './remove-segments.ts';
import { scanSegment } from './scan-segment.ts';
import { isKeyFileKey, isSegmentKey } from './segment-key.ts';

/** What came of comparing rows and files. */
export interface ReconcileSummary {
  /** Files looked at. */
  files: number;
  /** Files that got a row. */
  adopted: number;
  /** Rows that were made true to their file. */
  repaired: number;
  /** Bytes of incomplete fragments that were cut off. */
  cutBytes: number;
  /** Rows whose file is gone. */
  dropped: number;
  /** Files without one whole fragment, which were removed. */
  removed: number;
  /** Files that are not ours, copies, or cannot be read; left alone. */
  ignored: number;
}

/** What rows and files are compared with. */
export interface ReconcileOptions {
  readonly store: SegmentStore;
  readonly backend: StorageBackend;
  readonly logger: Logger;
  /** Rows of files of key pictures; without it those files are left alone. */
  readonly keyFiles?: KeyFileStore;
  readonly events?: EventSink;
  /** Where a file that is gone is told as a gap. */
  readonly gaps?: GapStore;
  /** True for files that the recorder writes to right now. */
  readonly isGrowing?: (key: string) => boolean;
  /** Leave files alone that hold nothing; for a rebuild. */
  readonly keepTorn?: boolean;
  /** Called for each file. */
  readonly progress?: (summary: Readonly<ReconcileSummary>) => void;
  readonly signal?: AbortSignal;
}

/** A summary of nothing. */
export function emptySummary(): ReconcileSummary {
  return { files: 0, adopted: 0, repaired: 0, cutBytes: 0, dropped: 0, removed: 0, ignored: 0 };
}

/** Ends what a crash left half done: deletions (D1) and growing rows (F2, F3). */
export async function finishInterrupted(options: ReconcileOptions, summary: ReconcileSummary): Promise<void> {
  const { store, backend } = options;
  await finishRemoval(store, backend, await store.marked(backend.name));
  for (const segment of await store.growing(backend.name)) {
    if (options.isGrowing?.(segment.key)) continue;
    await closeGrowing(options, segment, summary);
  }
}

/**
 * Compares the rows and the files whose keys begin with `prefix`, both in order of their keys: adopts files without a
 * row (F1), drops rows without a file (F3). Rejects with the storage's error while the volume is missing.
 */
export async function reconcile(options: ReconcileOptions, prefix: string, summary: ReconcileSummary): Promise<void> {
  const { store, backend, signal, progress } = options;
  let rows = await store.page(backend.name, prefix, '');
  const missing: string[] = [];
  for await (const file of backend.list(prefix)) {
    signal?.throwIfAborted();
    if (!file.key.endsWith('.mp4')) continue;
    if (isKeyFileKey(file.key)) {
      await adoptKeyFile(options, file, summary);
      continue;
    }
    summary.files++;
    for (;;) {
      const row = rows[0];
      if (row === undefined || row.key >= file.key) break;
      if (row.deleting === 0) missing.push(row.key);
      rows = rows.length > 1 ? rows.slice(1) : await store.page(backend.name, prefix, row.key);
    }
    const row = rows[0];
    if (row?.key === file.key) rows = rows.length > 1 ? rows.slice(1) : await store.page(backend.name, prefix, row.key);
    else await adopt(options, file, summary);
    progress?.(summary);
  }
  for (; rows.length > 0; rows = await store.page(backend.name, prefix, rows.at(-1)!.key)) {
    missing.push(...rows.filter((row) => row.deleting === 0).map((row) => row.key));
  }
  for (const key of missing) await dropIfGone(options, key, summary);
}

/** K2: a file of key pictures without a row was whole when it was synced; one that is torn is removed. */
async function adoptKeyFile(
  { backend, keyFiles, keepTorn }: ReconcileOptions,
  file: { key: string; bytes: number },
  summary: ReconcileSummary,
): Promise<void> {
  if (keyFiles === undefined || (await keyFiles.has(backend.name, file.key))) return;
  const scanned = await scanSegment(backend, file.key, file.bytes);
  if (scanned.kind === 'segment') {
    await keyFiles.insert(scanned.closed.segment, scanned.closed.fragments);
    summary.adopted++;
  } else if (scanned.kind === 'torn' && !keepTorn) {
    await backend.remove(file.key);
    summary.removed++;
  }
}

async function adopt(
  options: ReconcileOptions,
  file: { key: string; bytes: number },
  summary: ReconcileSummary,
): Promise<void> {
  const { store, backend, logger } = options;
  const { key } = file;
  if (options.isGrowing?.(key) || (await store.byKey(backend.name, key)) !== undefined) return;
  const scanned = await scanSegment(backend, key, file.bytes);
  if (scanned.kind === 'segment') {
    const { segment } = scanned.closed;
    const known = await store.get(segment.id);
    if (known !== undefined) {
      summary.ignored++;
      logger.warn('a recorded file is a copy of another one', { key, other: known.key });
      return;
    }
    await cutTail(options, { key, bytes: file.bytes, keep: segment.bytes }, summary);
    await store.adopt(scanned.closed);
    summary.adopted++;
    return;
  }
  if (scanned.kind === 'torn' && isSegmentKey(key) && !options.keepTorn) {
    await backend.remove(key);
    summary.removed++;
    return;
  }
  summary.ignored++;
  logger.info('a file beside the recordings is left alone', {
    key,
    why: scanned.kind === 'foreign' ? scanned.why : 'holds no video',
  });
}

async function closeGrowing(options: ReconcileOptions, row: Segment, summary: ReconcileSummary): Promise<void> {
  const { store, backend } = options;
  const bytes = await sizeOf(backend, row.key);
  const scanned = bytes === undefined ? undefined : await scanSegment(backend, row.key, bytes);
  if (bytes === undefined || scanned?.kind !== 'segment') {
    await drop(options, row, summary);
    return;
  }
  const { segment, fragments } = scanned.closed;
  await cutTail(options, { key: row.key, bytes, keep: segment.bytes }, summary);
  // What was promised knows the slewed clock; the scan knows only the first moment.
  const endMs = segment.bytes === row.bytes ? row.endMs : segment.endMs;
  await store.commit({
    created: [],
    moved: [],
    closed: [{ segment: { ...segment, id: row.id, streamId: row.streamId, endMs, locked: row.locked }, fragments }],
  });
  summary.repaired++;
}

async function cutTail(
  options: ReconcileOptions,
  file: { key: string; bytes: number; keep: number },
  summary: ReconcileSummary,
): Promise<void> {
  if (file.keep >= file.bytes) return;
  await options.backend.truncate(file.key, file.keep);
  summary.cutBytes += file.bytes - file.keep;
}

/** Drops the row of a file that is gone, and leaves a gap (F3). Rejects with the storage's error while the volume is missing. */
export async function dropIfGone(options: ReconcileOptions, key: string, summary: ReconcileSummary): Promise<void> {
  const { store, backend } = options;
  if (options.isGrowing?.(key)) return;
  const row = await store.byKey(backend.name, key);
  if (row === undefined || (await sizeOf(backend, key)) !== undefined) return;
  // Retention marks the row of a file before it deletes it (D1).
  if ((await store.get(row.id)) === undefined) return;
  await drop(options, row, summary);
  await leaveGap(options, row);
}

/** G1: what was recorded is not any more. Files that follow each other are one gap. */
async function leaveGap({ gaps }: ReconcileOptions, { streamId, startMs, endMs }: Segment): Promise<void> {
  if (gaps === undefined) return;
  const reason = 'file_missing';
  await gaps.insertFree({
    streamId,
    startMs,
    endMs,
    reason,
    detail: 'what was recorded then was deleted from its disk',
  });
  await gaps.join(streamId, startMs, reason);
  await gaps.join(streamId, endMs, reason);
}

async function drop(options: ReconcileOptions, row: Segment, summary: ReconcileSummary): Promise<void> {
  await options.store.drop([row]);
  summary.dropped++;
  options.events?.emit({
    type: 'recording.lost',
    level: 'warning',
    streamId: row.streamId,
    reason: 'file_missing',
    message: `a recording of "${row.streamId}" is gone: its file ${row.key} was deleted or is damaged`,
    data: { key: row.key, start_ms: row.startMs, end_ms: row.endMs },
  });
}

/** Bytes of a file; undefined where there is none. Other errors, a missing volume above all, are thrown. */
async function sizeOf(backend: StorageBackend, key: string): Promise<number | undefined> {
  for await (const file of backend.list(key)) if (file.key === key) return file.bytes;
  try {
    for await (const _bytes of backend.read(key, 0, 1)) break;
    return 0;
  } catch (error) {
    if (error instanceof WatchpostError && error.kind === 'not_found') return undefined;
    throw error;
  }
}
