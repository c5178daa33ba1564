import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { GapStore } from '../catalog/gap-store.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { EventSink } from '../catalog/types.ts';
import { MissingFiles } from './missing-files.ts';
import type { PreviousProcess } from './process-record.ts';
import { dropIfGone, emptySummary, finishInterrupted, type ReconcileOptions, reconcile } from './reconcile.ts';
import type { RetainedBackend } from './retention.ts';
import { hourFolder } from './segment-key.ts';

/** A crash leaves files without rows only so near to the last sign of life. */
const crashWindowMs = 300_000;

/** What recovery needs. */
export interface RecoveryOptions {
  readonly store: SegmentStore;
  readonly gaps: GapStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly previous: PreviousProcess | undefined;
  readonly signal: AbortSignal;
  /** Streams that are defined. */
  streamIds(): readonly string[];
  isGrowing(key: string): boolean;
}

/** Ends what the process before left half done, and compares rows with files. */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** Ids of segments whose files are looked for. */
  readonly #sought = new Set<string>();
  #seeking: Promise<void> = Promise.resolve();

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Start-up recovery of one backend; again when its volume has come back. */
  async recover(place: RetainedBackend): Promise<void> {
    const { logger, previous, store, streamIds } = this.#options;
    const options = this.#reconcileOptions(place);
    const summary = emptySummary();
    try {
      await finishInterrupted(options, summary);
      if (previous !== undefined && !previous.ended) {
        const ids = new Set([...streamIds(), ...(await store.lastEnds()).keys()]);
        for (const id of ids) {
          for (const folder of hoursAround(id, previous.aliveMs)) await reconcile(options, folder, summary);
        }
      }
    } catch (error) {
      logger.warn('recordings cannot be checked now; again when their storage is back', {
        backend: place.backend.name,
        error: String(error),
      });
    }
    if (summary.adopted + summary.repaired + summary.dropped + summary.removed > 0) {
      logger.info('recordings of the process before were repaired', { backend: place.backend.name, ...summary });
    }
  }

  /** Compares all rows of the backends with all of their files. */
  async audit(places: readonly RetainedBackend[]): Promise<void> {
    const { logger, signal } = this.#options;
    for (const place of places) {
      const summary = emptySummary();
      try {
        await reconcile({ ...this.#reconcileOptions(place), signal }, '', summary);
        logger.info('recordings were compared with their index', { backend: place.backend.name, ...summary });
      } catch (error) {
        if (!signal.aborted) logger.warn('recordings could not be compared with their index', { error: String(error) });
      }
    }
  }

  /** F3 while the server runs: somebody found no file of a segment on one of the `places`. */
  lookFor(segmentId: string, places: readonly RetainedBackend[]): void {
    const { logger, signal, store } = this.#options;
    if (this.#sought.has(segmentId)) return;
    this.#sought.add(segmentId);
    const seek = async () => {
      // What retention deletes meanwhile is no row any more.
      const segment = await store.get(segmentId);
      const place = places.find(({ backend }) => backend.name === segment?.backend);
      if (segment && place) await dropIfGone(this.#reconcileOptions(place), segment.key, emptySummary());
    };
    this.#seeking = this.#seeking
      .then(seek)
      .catch((error: unknown) => {
        if (!signal.aborted) logger.warn('a file that is missing could not be told', { error: String(error) });
      })
      .then(() => void this.#sought.delete(segmentId));
  }

  /** F3 while the server runs: looks for all files of the `places`, one folder after the other, until the signal. */
  watch(places: () => readonly RetainedBackend[]): void {
    const { clock, logger, signal, store } = this.#options;
    const missed = (place: RetainedBackend, key: string) =>
      dropIfGone(this.#reconcileOptions(place), key, emptySummary());
    new MissingFiles({ store, clock, logger, signal, places, missed }).run().catch(() => {});
  }

  #reconcileOptions(place: RetainedBackend): ReconcileOptions {
    const { logger, events, store, gaps, isGrowing } = this.#options;
    return { store, gaps, backend: place.backend, logger, events, isGrowing };
  }
}

/** Folders in which a process that was alive last at `atMs` may have begun files. */
function hoursAround(streamId: string, atMs: number): string[] {
  return [...new Set([hourFolder(streamId, atMs - crashWindowMs), hourFolder(streamId, atMs + crashWindowMs)])];
}
