import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { GapStore } from '../catalog/gap-store.ts';
import type { LockStore } from '../catalog/lock-store.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { EventSink, Segment, StorageBackend } from '../catalog/types.ts';
import type { DiskShare } from '../config/types.ts';
import { removeSegments } from './remove-segments.ts';

const dayMs = 86_400_000;
/** Free space is kept for so much writing, at the least. */
const reserveMs = 600_000;
/** Segments deleted in one go. */
const batchSize = 64;
/** Room that is made at once when the disk is full: so much writing. */
const roomMs = 30_000;
/** Rates are averaged over so long. */
const rateWindowMs = 300_000;
/** Files that grow when the disk becomes full end at about that time, give or take what was held back. */
const endedByFullMs = 10_000;

/** A backend with what may be kept on it. */
export interface RetainedBackend {
  readonly backend: StorageBackend;
  readonly retentionDays: number;
  readonly minFree: DiskShare;
  readonly maxBytes?: DiskShare;
}

/** What may be kept on a backend. */
export type RetentionLimits = Pick<RetainedBackend, 'retentionDays' | 'minFree' | 'maxBytes'>;

/** What may be kept of one stream. */
export interface OwnLimits {
  readonly retentionDays?: number;
  /** On all backends together. */
  readonly maxBytes?: number;
}

/** How a backend is doing. */
export interface BackendState {
  readonly state: 'ok' | 'low' | 'full' | 'missing' | 'error';
  readonly message?: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** What retention needs. */
export interface RetentionOptions {
  readonly place: RetainedBackend;
  readonly store: SegmentStore;
  readonly locks: LockStore;
  /** Streams that keep their recordings for another time, or have a limit of their own. */
  readonly ownLimits: () => ReadonlyMap<string, OwnLimits>;
  readonly gaps: GapStore;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** True for segments that somebody reads. */
  readonly isLeased: (segmentId: string) => boolean;
  /** Called when the volume has come back. */
  readonly onBack: () => void;
  /** Called before segments are deleted, to keep of them what outlives them. */
  readonly beforeRemoval?: (segments: readonly Segment[]) => Promise<void>;
}

/** Keeps one backend within age, bytes and free space by deleting the oldest segments of any stream (D1, D2). */
export class Retention {
  readonly #options: RetentionOptions;
  #place: RetainedBackend;
  #state: BackendState = { state: 'ok', freeBytes: 0, totalBytes: 0 };
  #lacksInodes = false;
  #writtenBytes = 0;
  #windowMs: number;
  #rate = 0;
  #work: Promise<unknown> = Promise.resolve();
  #isLeft = false;
  /** Since when there has been no room for recordings, ms since 1970 UTC. */
  #fullSinceMs: number | undefined;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#place = options.place;
    this.#windowMs = options.clock.monotonicMs();
  }

  get state(): BackendState {
    return this.#state;
  }

  get place(): RetainedBackend {
    return this.#place;
  }

  /** Changes what may be kept, from the next pass on. */
  setLimits({ retentionDays, minFree, maxBytes }: RetentionLimits): void {
    const { backend } = this.#place;
    this.#place = { backend, retentionDays, minFree, ...(maxBytes !== undefined && { maxBytes }) };
  }

  /** The backend is another's from now on: nothing more is deleted there, and its state is told no more. */
  leave(): void {
    this.#isLeft = true;
  }

  /** Bytes a second that recordings take on this backend. */
  get bytesPerSecond(): number {
    const elapsedMs = this.#options.clock.monotonicMs() - this.#windowMs;
    if (this.#rate === 0) return elapsedMs < 1000 ? 0 : (this.#writtenBytes * 1000) / elapsedMs;
    const part = Math.min(1, elapsedMs / rateWindowMs);
    return (
      this.#rate * (1 - part) +
      (elapsedMs < 1000 ? this.#rate * part : ((this.#writtenBytes * 1000) / elapsedMs) * part)
    );
  }

  /** The oldest recordings go where there are more; undefined where only the disk limits them. */
  get maxBytes(): number | undefined {
    const { maxBytes } = this.#place;
    // Some file systems do not tell their size: a share of nothing would be no room for anything.
    return maxBytes && (this.#bytesOf(maxBytes) || undefined);
  }

  #bytesOf(share: DiskShare): number {
    return 'bytes' in share ? share.bytes : (this.#state.totalBytes * share.percent) / 100;
  }

  /** Bytes that stay free, or are made free. */
  get reserveBytes(): number {
    const { totalBytes } = this.#state;
    const wanted = this.#bytesOf(this.#place.minFree);
    // Ten minutes of writing, but never so much of a small disk that nothing could be kept.
    return Math.max(wanted, Math.min((this.bytesPerSecond * reserveMs) / 1000, totalBytes / 5));
  }

  /** Counts what was written, for the rate. */
  wrote(bytes: number): void {
    this.#writtenBytes += bytes;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#windowMs < rateWindowMs) return;
    this.#rate = (this.#writtenBytes * 1000) / (nowMs - this.#windowMs);
    this.#writtenBytes = 0;
    this.#windowMs = nowMs;
  }

  /** Looks at the disk and deletes what must go. One pass at a time. */
  enforce(): Promise<void> {
    const pass = this.#work.then(() => this.#enforce());
    this.#work = pass.catch(() => {});
    return pass;
  }

  /** Only looks whether the disk is there. */
  watch(): Promise<void> {
    const look = this.#work.then(async () => {
      await this.#look();
    });
    this.#work = look;
    return look;
  }

  /**
   * True where recording may go on. Once a disk full of other things left nothing to delete, it may when some of it is free
   * again: the files that just ended for want of room would go for others as short, again and again.
   */
  async hasRoom(): Promise<boolean> {
    return this.#state.state !== 'full' || this.makeRoom();
  }

  /** The disk is full: deletes the oldest at once. False if there is nothing to delete. */
  makeRoom(): Promise<boolean> {
    const pass = this.#work.then(() => this.#makeRoom());
    this.#work = pass.catch(() => {});
    return pass;
  }

  async #makeRoom(): Promise<boolean> {
    try {
      if (!(await this.#look())) return false;
      const { totalBytes } = this.#state;
      const enough = totalBytes / 100;
      const wanted = Math.min(Math.max(enough, (this.bytesPerSecond * roomMs) / 1000), totalBytes / 10);
      // Whoever asked before may have had room made for all.
      if (!this.#lacksInodes && this.#state.freeBytes >= Math.max(enough, wanted / 2)) return true;
      // One file that goes makes room for another.
      const deleted = await this.#deleteForRoom(this.#lacksInodes ? 1 : wanted - this.#state.freeBytes);
      if (deleted > 0) return true;
      const what = this.#lacksInodes ? 'the disk takes no more files (its inodes are used up)' : 'the disk is full';
      this.#setState('full', `${what}, and no recording may be deleted — ${await this.#cure()}`);
      return false;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  async #enforce(): Promise<void> {
    if (!(await this.#look())) return;
    try {
      const place = this.#place;
      const { freeBytes: freeBefore } = this.#state;
      const { gaps, clock } = this.#options;
      const expiredMs = Math.round(clock.wallMs() - place.retentionDays * dayMs);
      let deleted = await this.#deleteExpired(clock.wallMs());
      const own = await this.#deleteExcess();
      deleted += own.deleted;
      const excess = await this.#excessBytes();
      const thinned = excess > 0 ? await this.#deleteOldest({ bytes: excess }) : 0;
      deleted += thinned;
      if (deleted > 0) await this.#look();
      // File systems hand out later what was deleted now (ext4: after its journal's next commit).
      const lacking = this.reserveBytes - Math.max(this.#state.freeBytes, freeBefore + deleted);
      const freed = lacking > 0 ? await this.#deleteForRoom(lacking) : 0;
      if (freed > 0) await this.#look();
      if (deleted + freed > 0) await gaps.expire(expiredMs);
      await this.#judge({ excess: excess - thinned, lacking: lacking - freed, stuck: own.stuck });
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#options.logger.warn('old recordings could not be deleted', { error: String(error) });
    if (this.#state.freeBytes < this.#state.totalBytes / 100)
      this.#setState('full', `the disk is full, and old recordings could not be deleted (${error}) — free some`);
  }

  /** All that is older than its days: those of its stream, where it has its own. */
  async #deleteExpired(nowMs: number): Promise<number> {
    const { store, ownLimits } = this.#options;
    const { retentionDays, backend } = this.#place;
    const own = ownLimits();
    const before = (days: number) => Math.round(nowMs - days * dayMs);
    if (![...own.values()].some((limits) => limits.retentionDays !== undefined))
      return this.#deleteOldest({ beforeMs: before(retentionDays) });
    let deleted = 0;
    for (const streamId of await store.streamsOn(backend.name)) {
      const days = own.get(streamId)?.retentionDays ?? retentionDays;
      deleted += await this.#deleteOldest({ beforeMs: before(days), streamId });
    }
    return deleted;
  }

  /** What single streams have too much of. `stuck`: of which one nothing new can be kept beside what is locked, in words. */
  async #deleteExcess(): Promise<{ readonly deleted: number; readonly stuck?: string }> {
    const { store, locks, ownLimits } = this.#options;
    let deleted = 0;
    let stuck: string | undefined;
    for (const [streamId, { maxBytes }] of ownLimits()) {
      if (maxBytes === undefined) continue;
      const excess = (await store.streamBytes(streamId)) - maxBytes;
      if (excess <= 0) continue;
      const gone = await this.#deleteOldest({ bytes: excess, streamId });
      deleted += gone;
      const locked = gone < excess ? await locks.lockedBytes(this.#place.backend.name, streamId) : 0;
      if (locked < maxBytes) continue;
      const room = `"${streamId}" may take ${megabytes(maxBytes)}, and ${megabytes(locked)} are locked`;
      stuck ??= `${room}: nothing else of it can be kept — unlock some, or raise its max_bytes`;
    }
    return { deleted, ...(stuck !== undefined && { stuck }) };
  }

  /** What the backend has too much of; files that grow count, too, as the disk has them. */
  async #excessBytes(): Promise<number> {
    const { maxBytes } = this;
    const { backend } = this.#place;
    const { store } = this.#options;
    if (maxBytes === undefined) return 0;
    return (await store.bytes(backend.name)) + (await store.growingBytes(backend.name)) - maxBytes;
  }

  /** `excess`, `lacking`: bytes that had to go, and to be freed, and could not; files have grown meanwhile, and wait for the next pass. */
  async #judge({ excess, lacking, stuck }: { excess: number; lacking: number; stuck?: string | undefined }) {
    const { freeBytes, totalBytes, state } = this.#state;
    const isShort = lacking > this.reserveBytes * 0.1;
    if (this.#lacksInodes && state === 'full') return;
    if (!isShort && excess <= 0) {
      if (stuck === undefined) this.#setState('ok');
      else this.#setState('low', stuck);
      return;
    }
    const locked = await this.#options.locks.lockedBytes(this.#place.backend.name);
    // What is read just now goes with a later pass.
    if (!isShort && locked === 0) return;
    const what = isShort ? `only ${megabytes(freeBytes)} are free` : `recordings take ${megabytes(excess)} too much`;
    const isFull = state === 'full' && freeBytes < totalBytes / 100;
    this.#setState(isFull ? 'full' : 'low', `${what}, and no recording may be deleted — ${await this.#cure()}`);
  }

  async #cure(): Promise<string> {
    const locked = await this.#options.locks.lockedBytes(this.#place.backend.name);
    return locked > 0 ? `${megabytes(locked)} are locked: unlock some` : 'free the disk, or shorten the retention';
  }

  /** Asks the backend for its space. False while it is not there, or cannot be written to. */
  async #look(): Promise<boolean> {
    const { backend } = this.#place;
    try {
      const { lacksInodes, ...space } = await backend.space();
      const wasGone = this.#state.state === 'missing' || this.#state.state === 'error';
      this.#lacksInodes = lacksInodes;
      this.#state = { ...this.#state, ...space };
      await backend.checkWritable?.();
      if (wasGone) {
        this.#setState('ok');
        this.#options.onBack();
      }
      return true;
    } catch (thrown) {
      const error = toWatchpostError(thrown);
      this.#setState(error.code === 'STORAGE_VOLUME_MISSING' ? 'missing' : 'error', error.message);
      return false;
    }
  }

  /** While the disk is full of other things only what is older than that. */
  #deleteForRoom(bytes: number): Promise<number> {
    const sinceMs = this.#fullSinceMs;
    return this.#deleteOldest({ bytes, ...(sinceMs !== undefined && { beforeMs: sinceMs - endedByFullMs }) });
  }

  /** Deletes the oldest: all that began before `beforeMs`, or until `bytes` are free. Returns the bytes. */
  async #deleteOldest(goal: {
    readonly beforeMs?: number;
    readonly bytes?: number;
    readonly streamId?: string;
  }): Promise<number> {
    const { store, isLeased } = this.#options;
    const { backend } = this.#place;
    let freed = 0;
    let skipped = 0;
    while (!this.#isLeft && (goal.bytes === undefined || freed < goal.bytes)) {
      const candidates = await store.oldest(backend.name, batchSize + skipped, goal);
      const batch: Segment[] = [];
      let batchBytes = 0;
      for (const segment of candidates) {
        if (isLeased(segment.id)) continue;
        if (goal.beforeMs !== undefined && segment.endMs > goal.beforeMs) continue;
        if (goal.bytes !== undefined && freed + batchBytes >= goal.bytes) break;
        batch.push(segment);
        batchBytes += segment.bytes;
      }
      if (batch.length === 0) {
        // Leased ones may hide others behind them.
        if (candidates.length < batchSize + skipped || skipped >= 4096) return freed;
        skipped += candidates.length;
        continue;
      }
      await this.#options.beforeRemoval?.(batch);
      if (this.#isLeft) return freed;
      // Somebody may have begun to read meanwhile.
      const free = batch.filter((segment) => !isLeased(segment.id));
      const gone = await removeSegments(store, backend, free);
      const goneBytes = gone.reduce((sum, segment) => sum + segment.bytes, 0);
      freed += goneBytes;
      this.#state = { ...this.#state, freeBytes: this.#state.freeBytes + goneBytes };
    }
    return freed;
  }

  #setState(state: BackendState['state'], message?: string): void {
    if (this.#isLeft) return;
    const before = this.#state.state;
    const { freeBytes, totalBytes } = this.#state;
    this.#state = { state, freeBytes, totalBytes, ...(message === undefined ? {} : { message }) };
    this.#fullSinceMs = state === 'full' ? (this.#fullSinceMs ?? this.#options.clock.wallMs()) : undefined;
    if (before === state) return;
    const { events, logger } = this.#options;
    const { name } = this.#place.backend;
    // Volumes that come and go are logged by whoever looks after them.
    if (state === 'ok') logger.info('a storage is well again', { backend: name, was: before });
    else if (state !== 'missing')
      logger[state === 'low' ? 'warn' : 'error']('a storage is in trouble', { backend: name, state, message });
    const data = { backend: name, free_bytes: freeBytes, total_bytes: totalBytes };
    if (state === 'ok') {
      events.emit({
        type: 'disk.back',
        level: 'info',
        message: `storage "${name}" is well again`,
        reason: before,
        data,
      });
      return;
    }
    const level = state === 'low' ? 'warning' : 'error';
    events.emit({
      type: `disk.${state}`,
      level,
      message: message ?? `storage "${name}": ${state}`,
      reason: state,
      data,
    });
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1e6)} MB`;
}
