import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { StorageBackend } from '../catalog/types.ts';
import { FragmentBuffers } from './fragment-buffers.ts';
import type { Cut } from './fragment-cutter.ts';
import type { GapLedger } from './gap-ledger.ts';
import { storageGapReason } from './gap-reason.ts';
import { GroupCommit } from './group-commit.ts';
import type { SegmentSink } from './recording-state.ts';
import type { Retentions } from './retentions.ts';
import { type Run, SegmentWriter } from './segment-writer.ts';

/** What the pool needs. */
export interface SegmentPoolOptions {
  readonly retentions: Retentions;
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
  readonly #commits = new Map<StorageBackend, GroupCommit>();
  /** Files that are being made, grow, or are not yet closed in the database. */
  readonly #uses = new Map<StorageBackend, number>();
  readonly #leaving = new Map<StorageBackend, () => void>();
  readonly #writers = new Map<string, SegmentWriter>();
  readonly #keys = new Set<string>();
  readonly #buffers = new FragmentBuffers();

  constructor(options: SegmentPoolOptions) {
    this.#options = options;
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
    const { retentions, signal, clock } = this.#options;
    for (const { backend } of retentions.places) {
      const retention = retentions.of(backend);
      if (retention === undefined) continue;
      if (!(await retention.hasRoom())) {
        failure ??= noRoom(backend.name);
        continue;
      }
      this.#uses.set(backend, (this.#uses.get(backend) ?? 0) + 1);
      try {
        const writer = await SegmentWriter.begin({ backend, streamId, run, cuts, signal, buffers: this.#buffers });
        if (this.#leaving.has(backend)) writer.leftMs = clock.wallMs();
        this.#writers.set(writer.id, writer);
        this.#keys.add(writer.key);
        return writer;
      } catch (error) {
        failure ??= toWatchpostError(error, 'STORAGE_IO');
        this.#release(backend);
      }
    }
    throw failure ?? toWatchpostError(new Error('no storage backend is configured'), 'STORAGE_NONE');
  }

  changed(writer: SegmentWriter, bytes: number): void {
    const { backend } = writer;
    if (bytes > 0) this.#options.retentions.of(backend)?.wrote(bytes);
    this.#commitOf(backend).add(writer);
  }

  async makeRoom(): Promise<boolean> {
    for (const retention of this.#options.retentions.all) if (await retention.makeRoom()) return true;
    return false;
  }

  /** Why what is recorded cannot be indexed just now. */
  get catalogFailure(): string | undefined {
    for (const { failure } of this.#commits.values()) if (failure !== undefined) return failure;
    return undefined;
  }

  /** One commit on each backend; a slow one does not hold up the others. */
  commit(): void {
    for (const { backend } of this.#options.retentions.places) this.#commitOf(backend);
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

  /** For a backend that is in no list any more: its files end at their next key picture. Resolves once all are closed. */
  leave(backend: StorageBackend): Promise<void> {
    const left = Promise.withResolvers<void>();
    const leftMs = this.#options.clock.wallMs();
    this.#leaving.set(backend, left.resolve);
    for (const writer of this.#writers.values()) if (writer.backend === backend) writer.leftMs = leftMs;
    this.#endLeaving(backend);
    return left.promise;
  }

  #commitOf(backend: StorageBackend): GroupCommit {
    const known = this.#commits.get(backend);
    if (known !== undefined) return known;
    const { store, clock, logger, processId } = this.#options;
    const commit = new GroupCommit({ store, clock, logger, processId, onClosed: (writer) => this.#forget(writer) });
    this.#commits.set(backend, commit);
    return commit;
  }

  #release(backend: StorageBackend): void {
    this.#uses.set(backend, (this.#uses.get(backend) ?? 1) - 1);
    this.#endLeaving(backend);
  }

  #endLeaving(backend: StorageBackend): void {
    const left = this.#leaving.get(backend);
    if (left === undefined || (this.#uses.get(backend) ?? 0) > 0) return;
    this.#leaving.delete(backend);
    this.#uses.delete(backend);
    this.#commits.delete(backend);
    left();
  }

  #forget(writer: SegmentWriter): void {
    const { failed, streamId, promisedEndMs, endMs } = writer;
    if (failed !== undefined && endMs > promisedEndMs) {
      const reason = storageGapReason(failed);
      this.#options.gaps.insert({ streamId, startMs: promisedEndMs, endMs, reason, detail: failed.message });
    }
    this.#writers.delete(writer.id);
    this.#keys.delete(writer.key);
    this.#release(writer.backend);
  }
}

function noRoom(backend: string): WatchpostError {
  return new WatchpostError(`storage "${backend}": the disk is full`, {
    kind: 'resource_exhausted',
    code: 'STORAGE_FULL',
    context: { backend },
  });
}
