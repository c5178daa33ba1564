import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import { FragmentBuffers } from './fragment-buffers.ts';
import type { Cut } from './fragment-cutter.ts';
import type { GapLedger } from './gap-ledger.ts';
import { storageGapReason } from './gap-reason.ts';
import { GroupCommit } from './group-commit.ts';
import type { SegmentSink } from './recording-state.ts';
import type { Retention } from './retention.ts';
import { type Run, SegmentWriter } from './segment-writer.ts';

/** What the pool needs. */
export interface SegmentPoolOptions {
  /** In order of preference. */
  readonly retentions: readonly Retention[];
  readonly store: SegmentStore;
  /** Hears of what was written, but could not be promised. */
  readonly gaps: GapLedger;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly processId: number;
  readonly signal: AbortSignal;
}

/** The segments that grow or are not yet closed in the database, of all streams and backends. */
export class SegmentPool implements SegmentSink {
  readonly #options: SegmentPoolOptions;
  readonly #commits = new Map<string, GroupCommit>();
  readonly #retentions = new Map<string, Retention>();
  readonly #writers = new Map<string, SegmentWriter>();
  readonly #keys = new Set<string>();
  readonly #buffers = new FragmentBuffers();

  constructor(options: SegmentPoolOptions) {
    this.#options = options;
    const { store, clock, logger, processId } = options;
    for (const retention of options.retentions) {
      const { name } = retention.place.backend;
      this.#retentions.set(name, retention);
      this.#commits.set(
        name,
        new GroupCommit({ store, clock, logger, processId, onClosed: (writer) => this.#forget(writer) }),
      );
    }
  }

  /** Segments whose rows are behind what is written. */
  get writers(): IterableIterator<SegmentWriter> {
    return this.#writers.values();
  }

  /** Longest commit round of any backend, ms. */
  get commitMs(): number {
    return Math.max(0, ...[...this.#commits.values()].map((commit) => commit.lastRoundMs));
  }

  writer(segmentId: string): SegmentWriter | undefined {
    return this.#writers.get(segmentId);
  }

  /** True for a file that is being written. */
  isGrowing(key: string): boolean {
    return this.#keys.has(key);
  }

  async begin(streamId: string, run: Run, cuts: readonly Cut[]): Promise<SegmentWriter> {
    let failure: WatchpostError | undefined;
    for (const { place } of this.#options.retentions) {
      try {
        const { signal } = this.#options;
        const writer = await SegmentWriter.begin({
          backend: place.backend,
          streamId,
          run,
          cuts,
          signal,
          buffers: this.#buffers,
        });
        this.#writers.set(writer.id, writer);
        this.#keys.add(writer.key);
        return writer;
      } catch (error) {
        failure ??= toWatchpostError(error, 'STORAGE_IO');
      }
    }
    throw failure ?? toWatchpostError(new Error('no storage backend is configured'), 'STORAGE_NONE');
  }

  changed(writer: SegmentWriter, bytes: number): void {
    const { name } = writer.backend;
    if (bytes > 0) this.#retentions.get(name)?.wrote(bytes);
    this.#commits.get(name)?.add(writer);
  }

  async makeRoom(): Promise<boolean> {
    for (const retention of this.#options.retentions) if (await retention.makeRoom()) return true;
    return false;
  }

  /** Why what is recorded cannot be indexed just now. */
  get catalogFailure(): string | undefined {
    for (const { failure } of this.#commits.values()) if (failure !== undefined) return failure;
    return undefined;
  }

  /** One commit on each backend; a slow one does not hold up the others. */
  commit(): void {
    for (const commit of this.#commits.values()) {
      commit.round().catch((error: unknown) => {
        this.#options.logger.error('a commit of recordings failed', { error: String(error) });
      });
    }
  }

  /** Resolves once all that was written is promised. */
  async drain(): Promise<void> {
    await Promise.all([...this.#commits.values()].map((commit) => commit.drain()));
  }

  #forget(writer: SegmentWriter): void {
    const { failed, streamId, promisedEndMs, endMs } = writer;
    if (failed !== undefined && endMs > promisedEndMs) {
      const reason = storageGapReason(failed);
      this.#options.gaps.insert({ streamId, startMs: promisedEndMs, endMs, reason, detail: failed.message });
    }
    this.#writers.delete(writer.id);
    this.#keys.delete(writer.key);
  }
}
