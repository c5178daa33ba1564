import { type Logger, silentLogger } from '@watchpost/base/logger.ts';
import type { Database } from '../catalog/database.ts';
import { KeyFileStore } from '../catalog/key-file-store.ts';
import { SegmentStore } from '../catalog/segment-store.ts';
import type { StorageBackend } from '../catalog/types.ts';
import { emptySummary, finishInterrupted, type ReconcileSummary, reconcile } from './reconcile.ts';

/** What an index is rebuilt from. */
export interface RebuildOptions {
  /** Empty, or one that lost rows: what it has and is true stays. No recorder may be running. */
  readonly database: Database;
  readonly backends: readonly StorageBackend[];
  readonly logger?: Logger;
  /** Called for each file with the counts so far. */
  readonly progress?: (summary: Readonly<ReconcileSummary>) => void;
  readonly signal?: AbortSignal;
}

/**
 * `watchpost index rebuild`: makes the rows of all recordings again from the files alone. Rejects with the storage's
 * error where a volume is missing; what was done until then stays.
 */
export async function rebuildIndex(options: RebuildOptions): Promise<ReconcileSummary> {
  const store = new SegmentStore(options.database);
  const summary = emptySummary();
  for (const backend of options.backends) {
    const one = {
      store,
      backend,
      logger: options.logger ?? silentLogger,
      keepTorn: true,
      keyFiles: new KeyFileStore(options.database),
      ...(options.progress === undefined ? {} : { progress: options.progress }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    await finishInterrupted(one, summary);
    await reconcile(one, '', summary);
  }
  return summary;
}
