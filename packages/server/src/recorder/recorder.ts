import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { Database } from '../catalog/database.ts';
import { GapStore } from '../catalog/gap-store.ts';
import { LockStore } from '../catalog/lock-store.ts';
import { SegmentStore } from '../catalog/segment-store.ts';
import type { EventSink, RecordingQuery, StorageBackend } from '../catalog/types.ts';
import { CacheBudget } from '../hub/cache-budget.ts';
import type { LeftOutTrack } from './carried-tracks.ts';
import { describeState, statsOf } from './describe-state.ts';
import { EventGate } from './event-gate.ts';
import type { RecordingTrigger } from './event-windows.ts';
import { type Explanation, GapLedger } from './gap-ledger.ts';
import type { KeyPictureKeeper } from './key-pictures/key-picture-keeper.ts';
import { Leases } from './leases.ts';
import { OffStreams } from './off-streams.ts';
import { beginProcess, endProcess, type PreviousProcess } from './process-record.ts';
import { RecordingIndex } from './recording-index.ts';
import {
  type EventDefaults,
  eventDefaults,
  RecordingPlan,
  type ScheduleSource,
  type Wanted,
} from './recording-plan.ts';
import type { RecordingState } from './recording-state.ts';
import { Recovery } from './recovery.ts';
import { removeStream } from './remove-segments.ts';
import type { RetainedBackend } from './retention.ts';
import { Retentions } from './retentions.ts';
import { SegmentPool } from './segment-pool.ts';
import { segmentTimes, spreadOf } from './segment-times.ts';
import { reportStorage, type StorageReport } from './storage-report.ts';
import { StreamRecorder } from './stream-recorder.ts';
import { ownLimits, type StreamChange, type StreamSource } from './stream-source.ts';
import { takeOverGaps } from './take-over-gaps.ts';

const tickMs = 50;
const idleTickMs = 1000;
/** Each stream is pulled so often: with the frame that waits and the write it stays below 1.2 s (loss of kill −9). */
const pullMs = 800;
const commitMs = 1000;
const retentionMs = 10_000;
const watchMs = 2000;
const shutdownMs = 5000;
const auditDelayMs = 60_000;
/** Gaps of streams that nobody records any more are told to be so after this. */
const settleMs = 30_000;
/** Pictures held back for the pre-roll of all streams. */
const heldBytes = 512 * 1024 * 1024;

/** How to record. */
export interface RecorderConfig extends Partial<EventDefaults> {
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
  /** Where streams of mode `schedule` have theirs from. */
  readonly schedules?: ScheduleSource;
  /** Keeps key pictures of what is deleted. */
  readonly keyPictures?: KeyPictureKeeper;
}

/** Records the streams of the hub whose definition says so, and those that somebody starts. docs/design/recording.md */
export class Recorder implements AsyncDisposable {
  /** For playback and API; growing segments included. */
  readonly query: RecordingQuery;
  /** Stretches that retention leaves alone. */
  readonly locks: LockStore;
  readonly #options: RecorderOptions;
  readonly #store: SegmentStore;
  readonly #gapStore: GapStore;
  readonly #gaps: GapLedger;
  readonly #leases: Leases;
  readonly #pool: SegmentPool;
  readonly #retentions: Retentions;
  readonly #streams = new Map<string, { recorder: StreamRecorder; gate: EventGate; dueMs: number }>();
  readonly #plan: RecordingPlan;
  readonly #recovery: Recovery;
  /** Streams of which something else may be wanted at any time: those with schedules and events. */
  readonly #timed = new Set<string>();
  readonly #held = new CacheBudget(heldBytes);
  readonly #ending = new Map<string, Promise<void>>();
  readonly #off: OffStreams;
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
    this.locks = new LockStore(database, clock);
    this.#gapStore = new GapStore(database);
    this.#gaps = new GapLedger({ store: this.#gapStore, events, logger });
    this.#off = new OffStreams({ clock, gaps: this.#gaps });
    this.#leases = new Leases(clock);
    this.#retentions = new Retentions(options.backends, {
      ...{ store: this.#store, locks: this.locks, gaps: this.#gapStore, events, clock, logger },
      ownLimits: () => ownLimits(options.hub),
      isLeased: (id) => this.#leases.has(id),
      onBack: (place) => void this.#recovery.recover(place),
      beforeRemoval: async (segments) => options.keyPictures?.beforeRemoval(segments),
    });
    this.#plan = new RecordingPlan(clock, options.schedules ?? new Map());
    this.#recovery = new Recovery({
      ...{ store: this.#store, gaps: this.#gapStore, clock, logger, events },
      previous: process.previous,
      signal: this.#abort.signal,
      streamIds: () => options.hub.list().map((stream) => stream.id),
      isGrowing: (key) => this.#pool.isGrowing(key),
    });
    this.#pool = new SegmentPool({
      ...{ retentions: this.#retentions, store: this.#store, gaps: this.#gaps, clock, logger },
      processId: process.id,
      signal: this.#abort.signal,
    });
    this.query = new RecordingIndex({
      store: this.#store,
      gaps: this.#gapStore,
      pool: this.#pool,
      leases: this.#leases,
      missed: (id) => this.#recovery.lookFor(id, this.#retentions.places),
    });
  }

  /** Ends what the process before left half done, and begins to record. */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const process = await beginProcess(options.database, options.clock.wallMs());
    const recorder = new Recorder(options, process);
    for (const place of options.backends) await recorder.#recovery.recover(place);
    recorder.#lastEnds = await recorder.#store.lastEnds();
    const { previous } = process;
    await takeOverGaps(recorder.#gaps, recorder.#lastEnds, { previous, nowMs: options.clock.wallMs() });
    recorder.#begin();
    return recorder;
  }

  /** Records the stream from now on, whatever its definition says. */
  start(streamId: string): void {
    this.#plan.ask(streamId, true);
    this.#follow(streamId);
  }

  /** Records the stream as its definition says, whatever was asked for before. */
  auto(streamId: string): void {
    this.#plan.ask(streamId, undefined);
    this.#follow(streamId);
  }

  /** Something happens in front of the camera: recorded where its rules say so. False where they do not. */
  trigger(streamId: string, trigger: RecordingTrigger): boolean {
    const stream = this.#options.hub.get(streamId);
    if (stream !== undefined) this.#plan.trigger(stream, trigger, eventDefaults(this.#config));
    this.#follow(streamId);
    this.#hurry(streamId);
    return this.isEventWanted(streamId);
  }

  /** True while an event is to be recorded: not of a stream that somebody stopped. */
  isEventWanted(streamId: string): boolean {
    if (this.#options.hub.get(streamId)?.state === 'stopped') return false;
    return this.#plan.eventKind(streamId) !== undefined && this.#wanted(streamId)?.cause === 'event';
  }

  /** Looks again at what is wanted of each stream: a schedule was changed. */
  review(): void {
    for (const stream of this.#options.hub.list()) this.#follow(stream.id);
  }

  /** Records the stream no more, whatever its definition says. Resolves once its last segment is whole. */
  async stop(streamId: string): Promise<void> {
    this.#plan.ask(streamId, false);
    this.#follow(streamId);
    await this.#ending.get(streamId);
  }

  /** Records as `config` says from now on, and to `places`: files that grow end as they were begun. */
  async configure(config: RecorderConfig, places: readonly RetainedBackend[]): Promise<void> {
    this.#config = config;
    const added = places.filter(({ backend }) => this.#retentions.of(backend) === undefined);
    // Before anything is written there: what recovery finds without a row must not be a file that was just made.
    for (const place of added) await this.#recovery.recover(place);
    this.#retentions.configure(places);
    if (added.length > 0) this.#auditLater(added);
    this.review();
  }

  /** Ends the files on a backend that is configured no more, at their next key pictures. Resolves once all are closed. */
  leave(backend: StorageBackend): Promise<void> {
    return this.#pool.leave(backend);
  }

  /** What the stream's recording is doing. */
  state(streamId: string): RecordingState {
    const entry = this.#streams.get(streamId);
    const wanted = this.#wanted(streamId);
    if (entry === undefined) return this.#off.state(streamId, wanted, this.#process.previous?.startedMs ?? 0);
    return describeState(entry.recorder.state, { wanted, event: this.#plan.eventKind(streamId) });
  }

  /** Tracks of the stream that its recordings leave out, with reasons. */
  leftOut(streamId: string): readonly LeftOutTrack[] {
    return this.#streams.get(streamId)?.recorder.leftOut ?? [];
  }

  /** Numbers for metrics. */
  stats(): Readonly<Record<string, number>> {
    return statsOf([...this.#streams.values()], this.#pool.commitMs);
  }

  /** How full the disks are, and how long they will do. */
  storageReport(): Promise<StorageReport> {
    const { locks, query } = this;
    return reportStorage({ retentions: this.#retentions.all, store: this.#store, locks, pool: this.#pool, query });
  }

  /** What is left of a stream that was removed goes; rejects as `removeStream` does. */
  async deleteRecordings(streamId: string): Promise<void> {
    const { clock, hub, keyPictures } = this.#options;
    const { places } = this.#retentions;
    // Its last file is still being ended, and goes with the others.
    await this.#ending.get(streamId);
    await this.#pool.drain();
    if (hub.get(streamId) === undefined) await this.#gaps.close(streamId, clock.wallMs());
    const isLeased = (id: string) => this.#leases.has(id);
    const parts = { store: this.#store, gaps: this.#gapStore, places, isLeased };
    await removeStream(streamId, { ...parts, ...(keyPictures && { keyPictures }) });
  }

  /** Deletes what must go now; otherwise done every 10 s. */
  async enforceRetention(): Promise<void> {
    for (const retention of this.#retentions.all) await retention.enforce();
    await this.#options.keyPictures?.enforce();
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
    this.#off.explainShutdown();
    await this.#gaps.flush();
    await endProcess(this.#options.database, this.#process.id, this.#options.clock.wallMs());
  }

  #begin(): void {
    if (!this.#config.enabled) this.#options.logger.info('recording is switched off');
    this.#cancel.push(this.#options.hub.onChange((change) => this.#onChange(change)));
    this.review();
    this.#after(0, () => this.#tick());
    this.#after(settleMs, () => this.#off.explainForgotten((id) => this.#streams.has(id)));
    this.#auditLater(this.#retentions.places);
    this.#recovery.watch(() => this.#retentions.answering);
    this.#commitDueMs = this.#options.clock.monotonicMs() + commitMs;
  }

  #auditLater(places: readonly RetainedBackend[]): void {
    const kept = () => places.filter(({ backend }) => this.#retentions.of(backend) !== undefined);
    this.#after(auditDelayMs, () => void this.#recovery.audit(kept()));
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
    this.#after(this.#streams.size > 0 ? tickMs : idleTickMs, () => this.#tick());
    for (const entry of this.#streams.values()) {
      if (entry.dueMs > nowMs) continue;
      entry.dueMs = entry.dueMs + pullMs > nowMs ? entry.dueMs + pullMs : nowMs + pullMs;
      entry.recorder.service(nowMs);
    }
    if (nowMs >= this.#commitDueMs) {
      this.#commitDueMs = nowMs + commitMs;
      for (const id of this.#timed) this.#follow(id);
      this.#held.enforce(nowMs);
      this.#pool.commit();
    }
    if (nowMs >= this.#retentionDueMs) {
      this.#retentionDueMs = nowMs + retentionMs;
      this.#watchDueMs = nowMs + watchMs;
      void this.enforceRetention();
    } else if (nowMs >= this.#watchDueMs) {
      this.#watchDueMs = nowMs + watchMs;
      for (const retention of this.#retentions.all) void retention.watch();
    }
  }

  #onChange(change: StreamChange): void {
    const { stream, type } = change;
    if (stream === undefined) return;
    if (type === 'removed') this.#plan.forget(stream.id);
    if (type === 'state') this.#hurry(stream.id);
    else this.#follow(stream.id);
  }

  /** Its state changed: serve it with the next tick, so that gaps begin and end where they do. */
  #hurry(streamId: string): void {
    const entry = this.#streams.get(streamId);
    if (entry !== undefined) entry.dueMs = 0;
  }

  #wanted(streamId: string): Wanted | undefined {
    const stream = this.#options.hub.get(streamId);
    return stream && this.#plan.of(stream, this.#config.enabled, eventDefaults(this.#config));
  }

  /** Starts or stops recording a stream as its rules, schedules, events and people want. */
  #follow(streamId: string): void {
    const stream = this.#options.hub.get(streamId);
    const wanted = this.#wanted(streamId);
    if ((stream?.definition.recording?.mode ?? 'continuous') === 'continuous') this.#timed.delete(streamId);
    else this.#timed.add(streamId);
    if (wanted === undefined || wanted.what === 'off') {
      this.#release(streamId, wanted?.why ?? { reason: 'recording_stopped', detail: 'the stream was removed' });
      if (wanted === undefined) this.#off.delete(streamId);
      return;
    }
    const known = this.#streams.get(streamId);
    known?.gate.allow(wanted.untilMs, wanted.preRollMs);
    if (known || this.#ending.has(streamId) || this.#abort.signal.aborted) return;
    this.#off.delete(streamId);
    const { clock, logger, events } = this.#options;
    const spread = spreadOf(streamId);
    const gate = new EventGate(clock, this.#held);
    gate.allow(wanted.untilMs, wanted.preRollMs);
    const recorder = new StreamRecorder({
      stream: stream!,
      clock,
      logger,
      events,
      gaps: this.#gaps,
      sink: this.#pool,
      times: segmentTimes(() => this.#config.segmentDurationSeconds * 1000, spread),
      gate,
      lastEndMs: this.#lastEnds.get(streamId),
    });
    this.#streams.set(streamId, { recorder, gate, dueMs: clock.monotonicMs() + (spread % pullMs) });
  }

  #release(streamId: string, why: Explanation): void {
    const entry = this.#streams.get(streamId);
    this.#off.add(streamId, why);
    if (entry === undefined) {
      if (!this.#ending.has(streamId)) this.#off.explain(streamId, why, this.#lastEnds.get(streamId));
      return;
    }
    this.#streams.delete(streamId);
    const ended = entry.recorder.stop(why).finally(() => {
      this.#ending.delete(streamId);
      if (entry.recorder.lastEndMs !== undefined) this.#lastEnds.set(streamId, entry.recorder.lastEndMs);
      this.#follow(streamId);
    });
    this.#ending.set(streamId, ended);
  }
}
