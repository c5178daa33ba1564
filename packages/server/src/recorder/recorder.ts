import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { Database } from '../catalog/database.ts';
import { GapStore } from '../catalog/gap-store.ts';
import { SegmentStore } from '../catalog/segment-store.ts';
import type { EventSink, RecordingQuery } from '../catalog/types.ts';
import type { LeftOutTrack } from './carried-tracks.ts';
import { GapLedger } from './gap-ledger.ts';
import { Leases } from './leases.ts';
import { beginProcess, endProcess, type PreviousProcess } from './process-record.ts';
import { emptySummary, finishInterrupted, type ReconcileOptions, reconcile } from './reconcile.ts';
import { RecordingIndex } from './recording-index.ts';
import type { RecordingState } from './recording-state.ts';
import { removeSegments } from './remove-segments.ts';
import { type RetainedBackend, Retention, type RetentionLimits } from './retention.ts';
import { hourFolder } from './segment-key.ts';
import { SegmentPool } from './segment-pool.ts';
import { segmentTimes, spreadOf } from './segment-times.ts';
import { reportStorage, type StorageReport } from './storage-report.ts';
import { StreamRecorder } from './stream-recorder.ts';
import type { StreamChange, StreamSource } from './stream-source.ts';
import { takeOverGaps } from './take-over-gaps.ts';

const tickMs = 50;
/** Each stream is pulled so often: with the frame that waits and the write it stays below 1.2 s (loss of kill −9). */
const pullMs = 800;
const commitMs = 1000;
const retentionMs = 10_000;
const watchMs = 2000;
const shutdownMs = 5000;
const auditDelayMs = 60_000;
/** Gaps of streams that nobody records any more are told to be so after this. */
const settleMs = 30_000;
/** A crash leaves files without rows only so near to the last sign of life. */
const crashWindowMs = 300_000;

/** How to record. */
export interface RecorderConfig {
  readonly enabled: boolean;
  /** Length of one file; 1…3600. */
  readonly segmentDurationSeconds: number;
}

/** What a recorder is made with. */
export interface RecorderOptions {
  readonly hub: StreamSource;
  readonly database: Database;
  /** In order of preference: a segment goes to the first that takes it. */
  readonly backends: readonly RetainedBackend[];
  readonly events: EventSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: RecorderConfig;
  /** Compare all rows with all files a minute after the start. Default true. */
  readonly audit?: boolean;
}

/** Records the streams of the hub whose definition says so, and those that somebody starts. docs/design/recording.md */
export class Recorder implements AsyncDisposable {
  /** For playback and API; growing segments included. */
  readonly query: RecordingQuery;
  readonly #options: RecorderOptions;
  readonly #store: SegmentStore;
  readonly #gapStore: GapStore;
  readonly #gaps: GapLedger;
  readonly #leases: Leases;
  readonly #pool: SegmentPool;
  readonly #retentions: readonly Retention[];
  readonly #streams = new Map<string, { recorder: StreamRecorder; dueMs: number }>();
  readonly #ending = new Map<string, Promise<void>>();
  /** What people asked for, against the definition. */
  readonly #asked = new Map<string, boolean>();
  readonly #offSince = new Map<string, number>();
  readonly #abort = new AbortController();
  #config: RecorderConfig;
  readonly #process: { readonly id: number; readonly previous: PreviousProcess | undefined };
  #lastEnds = new Map<string, number>();
  #cancel: (() => void)[] = [];
  #commitDueMs = 0;
  #retentionDueMs = 0;
  #watchDueMs = 0;

  private constructor(options: RecorderOptions, process: { id: number; previous: PreviousProcess | undefined }) {
    const { clock, logger, events, database } = options;
    this.#options = options;
    this.#config = options.config;
    this.#process = process;
    this.#store = new SegmentStore(database);
    this.#gapStore = new GapStore(database);
    this.#gaps = new GapLedger({ store: this.#gapStore, events, logger });
    this.#leases = new Leases(clock);
    this.#retentions = options.backends.map(
      (place) =>
        new Retention({
          place,
          store: this.#store,
          gaps: this.#gapStore,
          events,
          clock,
          logger,
          isLeased: (id) => this.#leases.has(id),
          onBack: () => void this.#recover(place),
        }),
    );
    this.#pool = new SegmentPool({
      retentions: this.#retentions,
      store: this.#store,
      gaps: this.#gaps,
      clock,
      logger,
      processId: process.id,
      signal: this.#abort.signal,
    });
    this.query = new RecordingIndex({
      store: this.#store,
      gaps: this.#gapStore,
      pool: this.#pool,
      leases: this.#leases,
    });
  }

  /** Ends what the process before left half done, and begins to record. */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const process = await beginProcess(options.database, options.clock.wallMs());
    const recorder = new Recorder(options, process);
    for (const place of options.backends) await recorder.#recover(place);
    recorder.#lastEnds = await recorder.#store.lastEnds();
    await takeOverGaps(recorder.#gaps, recorder.#lastEnds, {
      previous: process.previous,
      nowMs: options.clock.wallMs(),
    });
    recorder.#begin();
    return recorder;
  }

  /** Records the stream from now on, whatever its definition says. */
  start(streamId: string): void {
    this.#asked.set(streamId, true);
    this.#follow(streamId);
  }

  /** Records the stream no more, whatever its definition says. Resolves once its last segment is whole. */
  async stop(streamId: string): Promise<void> {
    this.#asked.set(streamId, false);
    this.#follow(streamId);
    await this.#ending.get(streamId);
  }

  /** Records as `config` says from now on: files that grow end as they were begun. `limits` are by names of backends. */
  configure(config: RecorderConfig, limits: ReadonlyMap<string, RetentionLimits>): void {
    this.#config = config;
    for (const retention of this.#retentions) {
      const changed = limits.get(retention.place.backend.name);
      if (changed !== undefined) retention.setLimits(changed);
    }
    for (const stream of this.#options.hub.list()) this.#follow(stream.id);
  }

  /** What the stream's recording is doing. */
  state(streamId: string): RecordingState {
    const entry = this.#streams.get(streamId);
    if (entry !== undefined) return entry.recorder.state;
    return { state: 'off', sinceMs: this.#offSince.get(streamId) ?? this.#process.previous?.startedMs ?? 0 };
  }

  /** Tracks of the stream that its recordings leave out, with reasons. */
  leftOut(streamId: string): readonly LeftOutTrack[] {
    return this.#streams.get(streamId)?.recorder.leftOut ?? [];
  }

  /** Numbers for metrics. */
  stats(): Readonly<Record<string, number>> {
    let lostFragments = 0;
    let recording = 0;
    for (const { recorder } of this.#streams.values()) {
      lostFragments += recorder.lostFragments;
      if (recorder.state.state === 'recording') recording++;
    }
    return { streams: this.#streams.size, recording, lostFragments, commitMs: this.#pool.commitMs };
  }

  /** How full the disks are, and how long they will do. */
  storageReport(): Promise<StorageReport> {
    return reportStorage({ retentions: this.#retentions, store: this.#store, pool: this.#pool, query: this.query });
  }

  /** Protects a segment from retention, or no longer. False where there is no such segment. */
  setLocked(segmentId: string, locked: boolean): Promise<boolean> {
    return this.#store.setLocked(segmentId, locked);
  }

  /** Deletes all recordings of a stream that are closed and not locked, and its gaps. For a stream that was removed. */
  async deleteRecordings(streamId: string): Promise<void> {
    for (const { backend } of this.#options.backends) {
      const all = await this.#store.deletable(backend.name, streamId);
      await removeSegments(
        this.#store,
        backend,
        all.filter((one) => !this.#leases.has(one.id)),
      );
    }
    await this.#gapStore.dropEnded(streamId);
  }

  /** Deletes what must go now; otherwise done every 10 s. */
  async enforceRetention(): Promise<void> {
    for (const retention of this.#retentions) await retention.enforce();
  }

  /** Ends all segments in order; at most 5 s, where a disk hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const cancel of this.#cancel) cancel();
    const { clock, logger } = this.#options;
    const drained = this.#shutDown().then(() => true);
    const timeout = new Promise<boolean>((resolve) => {
      this.#cancel.push(clock.after(shutdownMs, () => resolve(false)));
    });
    const inOrder = await Promise.race([drained, timeout]);
    for (const cancel of this.#cancel) cancel();
    this.#abort.abort();
    if (!inOrder)
      logger.warn('recordings could not be ended in order; the next start repairs them', { waitedMs: shutdownMs });
  }

  async #shutDown(): Promise<void> {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    await Promise.all(streams.map(({ recorder }) => recorder.stop({ reason: 'shutdown' })));
    await Promise.all(this.#ending.values());
    await this.#pool.drain();
    await this.#gaps.flush();
    await endProcess(this.#options.database, this.#process.id, this.#options.clock.wallMs());
  }

  #begin(): void {
    const { hub, clock, logger } = this.#options;
    if (!this.#config.enabled) logger.info('recording is switched off');
    this.#cancel.push(hub.onChange((change) => this.#onChange(change)));
    for (const stream of hub.list()) this.#follow(stream.id);
    this.#after(0, () => this.#tick());
    this.#after(settleMs, () => this.#explainForgotten());
    if (this.#options.audit !== false) this.#after(auditDelayMs, () => void this.#audit());
    this.#commitDueMs = clock.monotonicMs() + commitMs;
  }

  #after(delayMs: number, task: () => void): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#cancel = this.#cancel.filter((other) => other !== cancel);
      if (!this.#abort.signal.aborted) task();
    });
    this.#cancel.push(cancel);
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#after(tickMs, () => this.#tick());
    for (const entry of this.#streams.values()) {
      if (entry.dueMs > nowMs) continue;
      entry.dueMs = entry.dueMs + pullMs > nowMs ? entry.dueMs + pullMs : nowMs + pullMs;
      entry.recorder.service(nowMs);
    }
    if (nowMs >= this.#commitDueMs) {
      this.#commitDueMs = nowMs + commitMs;
      this.#pool.commit();
    }
    if (nowMs >= this.#retentionDueMs) {
      this.#retentionDueMs = nowMs + retentionMs;
      this.#watchDueMs = nowMs + watchMs;
      void this.enforceRetention();
    } else if (nowMs >= this.#watchDueMs) {
      this.#watchDueMs = nowMs + watchMs;
      for (const retention of this.#retentions) void retention.watch();
    }
  }

  #onChange(change: StreamChange): void {
    if (change.type === 'clock_step') {
      for (const { recorder } of this.#streams.values()) recorder.breakRun('clock_step');
      return;
    }
    const { stream } = change;
    if (stream === undefined) return;
    if (change.type === 'removed') this.#release(stream.id, 'the stream was removed');
    else if (change.type === 'state') this.#hurry(stream.id);
    else this.#follow(stream.id);
  }

  /** Its state changed: serve it with the next tick, so that gaps begin and end where they do. */
  #hurry(streamId: string): void {
    const entry = this.#streams.get(streamId);
    if (entry !== undefined) entry.dueMs = 0;
  }

  /** Starts or stops recording a stream as its definition and people want. */
  #follow(streamId: string): void {
    const stream = this.#options.hub.get(streamId);
    const wanted =
      stream !== undefined && (this.#asked.get(streamId) ?? (this.#config.enabled && stream.definition.record));
    if (!wanted) {
      this.#release(streamId, 'recording was stopped');
      return;
    }
    if (this.#streams.has(streamId) || this.#ending.has(streamId) || this.#abort.signal.aborted) return;
    this.#offSince.delete(streamId);
    const { clock, logger, events } = this.#options;
    const spread = spreadOf(streamId);
    const recorder = new StreamRecorder({
      stream,
      clock,
      logger,
      events,
      gaps: this.#gaps,
      sink: this.#pool,
      times: segmentTimes(() => this.#config.segmentDurationSeconds * 1000, spread),
      lastEndMs: this.#lastEnds.get(streamId),
    });
    this.#streams.set(streamId, { recorder, dueMs: clock.monotonicMs() + (spread % pullMs) });
  }

  #release(streamId: string, detail: string): void {
    const entry = this.#streams.get(streamId);
    if (entry === undefined) return;
    this.#streams.delete(streamId);
    this.#offSince.set(streamId, this.#options.clock.wallMs());
    const ended = entry.recorder.stop({ reason: 'recording_stopped', detail }).finally(() => {
      this.#ending.delete(streamId);
      if (entry.recorder.lastEndMs !== undefined) this.#lastEnds.set(streamId, entry.recorder.lastEndMs);
      this.#follow(streamId);
    });
    this.#ending.set(streamId, ended);
  }

  /** Start-up recovery of one backend; again when its volume has come back. */
  async #recover(place: RetainedBackend): Promise<void> {
    const { logger, hub } = this.#options;
    const options = this.#reconcileOptions(place);
    const summary = emptySummary();
    try {
      await finishInterrupted(options, summary);
      const { previous } = this.#process;
      if (previous !== undefined && !previous.ended) {
        const ids = new Set([...hub.list().map((stream) => stream.id), ...(await this.#store.lastEnds()).keys()]);
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

  async #audit(): Promise<void> {
    const { logger, backends } = this.#options;
    for (const place of backends) {
      const summary = emptySummary();
      try {
        await reconcile({ ...this.#reconcileOptions(place), signal: this.#abort.signal }, '', summary);
        logger.info('recordings were compared with their index', { backend: place.backend.name, ...summary });
      } catch (error) {
        if (!this.#abort.signal.aborted)
          logger.warn('recordings could not be compared with their index', { error: String(error) });
      }
    }
  }

  #reconcileOptions(place: RetainedBackend): ReconcileOptions {
    const { logger, events } = this.#options;
    return {
      store: this.#store,
      backend: place.backend,
      logger,
      events,
      isGrowing: (key) => this.#pool.isGrowing(key),
    };
  }

  /** Gaps that the process before left open, of streams that are not recorded any more. */
  #explainForgotten(): void {
    const nowMs = Math.round(this.#options.clock.wallMs());
    for (const streamId of this.#gaps.streams()) {
      if (this.#streams.has(streamId)) continue;
      this.#gaps.explain(streamId, { reason: 'recording_stopped' }, { startMs: nowMs, nowMs });
    }
  }
}

/** Folders in which a process that was alive last at `atMs` may have begun files. */
function hoursAround(streamId: string, atMs: number): string[] {
  return [...new Set([hourFolder(streamId, atMs - crashWindowMs), hourFolder(streamId, atMs + crashWindowMs)])];
}
