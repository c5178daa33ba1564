import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import { bringsOtherTracks } from '@watchpost/media/container/track-change.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { SampleReader } from '../hub/types.ts';
import { beginRun } from './begin-run.ts';
import { carriedTracks, type LeftOutTrack } from './carried-tracks.ts';
import { type Cut, FragmentCutter } from './fragment-cutter.ts';
import type { Explanation } from './gap-ledger.ts';
import { noEvent, offlineReason, storageGapReason } from './gap-reason.ts';
import { LossMarks } from './loss-marks.ts';
import { RecordedUntil } from './recorded-until.ts';
import type { RecordingState, StreamRecorderOptions } from './recording-state.ts';
import { RecordingStatus } from './recording-status.ts';
import { endsOf, endTimes } from './segment-times.ts';
import type { Run, SegmentWriter } from './segment-writer.ts';

/** What recorders are called among a stream's readers. */
export const recorderProtocol = 'recorder';
/** An online stream that sends nothing for so long is not being recorded. */
const silentMs = 3000;
const retryMs = 2000;
/** How soon, and for how long, a disk that was full and has room again is tried before there is a gap. */
const roomRetryMs = 250;
const roomPatienceMs = 7000;
/** A write that takes longer is told as trouble. */
const stalledMs = 5000;
const maxLagBytes = 16 * 1024 * 1024;
const maxLagMs = 10_000;

/** Records one stream. `service` is called each 800 ms or so; one call's work is done before the next begins. */
export class StreamRecorder {
  /** Fragments that could not be stored, or had no key picture before them. */
  lostFragments = 0;
  readonly #options: StreamRecorderOptions;
  #reader: SampleReader | undefined;
  #readerDropped = 0;
  #cutter: FragmentCutter | undefined;
  #known: readonly Track[] = [];
  #leftOut: readonly LeftOutTrack[] = [];
  #run: Run | undefined;
  #writer: SegmentWriter | undefined;
  #endAtMs = { rotate: 0, hard: 0 };
  #unstored: Cut[] = [];
  #work: Promise<void> | undefined;
  #workSinceMs = 0;
  #retryAtMs = 0;
  #lastInputMs: number;
  #wantedSinceMs: number;
  /** Why the reader was not pulled for a while. */
  #lagCause: Explanation | undefined;
  #wasOnline = false;
  /** The last failure was a full disk, and old recordings were deleted since. */
  #roomMade = false;
  #fullSinceMs: number | undefined;
  readonly #status: RecordingStatus;
  readonly #until: RecordedUntil;
  readonly #losses: LossMarks;

  constructor(options: StreamRecorderOptions) {
    this.#options = options;
    const nowMs = options.clock.wallMs();
    this.#wantedSinceMs = nowMs;
    this.#lastInputMs = options.clock.monotonicMs();
    this.#losses = new LossMarks(options.stream.id, options.gaps);
    const { gaps, events, lastEndMs } = options;
    const streamId = options.stream.id;
    this.#status = new RecordingStatus({ streamId, events, nowMs });
    this.#until = new RecordedUntil({ streamId, gaps, status: this.#status, endMs: lastEndMs });
    this.#reader = options.stream.openReader({
      protocol: recorderProtocol,
      // The cached picture may be one that was recorded already.
      start: lastEndMs === undefined ? 'gop' : 'key',
      maxLagMs,
      maxLagBytes,
      maxStuckMs: Number.POSITIVE_INFINITY,
      holds: () => this.#held(),
    });
  }

  get state(): RecordingState {
    return this.#status.state;
  }

  /** Tracks that are not in the recording, with reasons. */
  get leftOut(): readonly LeftOutTrack[] {
    return this.#leftOut;
  }

  /** End of what is recorded, ms since 1970 UTC. */
  get lastEndMs(): number | undefined {
    return this.#until.endMs;
  }

  /** Begins one round of work unless one is under way. */
  service(nowMs: number): void {
    if (this.#work !== undefined) {
      if (nowMs - this.#workSinceMs > stalledMs) this.#stalled();
      return;
    }
    if (nowMs < this.#retryAtMs || this.#reader === undefined) return;
    this.#workSinceMs = nowMs;
    this.#work = this.#serve(nowMs)
      .catch((error: unknown) => this.#failed(toWatchpostError(error)))
      .finally(() => {
        this.#work = undefined;
      });
  }

  /** Writes what is there and ends the segment; nothing is recorded from now on, for the reason. */
  async stop(why: Explanation): Promise<void> {
    await this.#work;
    this.#work = this.#end(why);
    await this.#work;
  }

  async #end(why: Explanation): Promise<void> {
    try {
      await this.#take();
      await this.#finishRun();
    } catch (error) {
      this.#failed(toWatchpostError(error));
    }
    this.#reader?.close();
    this.#reader = undefined;
    this.#options.gate?.close();
    this.#explain(why);
    this.#status.not('off', why, this.#nowMs());
  }

  /** Of what it pulled; not told while it writes, while something is unwritten, and while pictures wait for an event. */
  #held(): readonly Sample[] | undefined {
    const isTold = this.#work === undefined && this.#unstored.length === 0 && !this.#options.gate?.hasCache;
    return isTold ? (this.#cutter?.held ?? []) : undefined;
  }

  async #serve(nowMs: number): Promise<void> {
    this.#until.settle();
    if (this.#writer?.failed !== undefined) throw this.#writer.failed;
    if (this.#unstored.length > 0) await this.#store([]);
    const { state } = this.#options.stream;
    const count = await this.#take();
    if (count > 0 || (state === 'online' && !this.#wasOnline)) this.#lastInputMs = nowMs;
    this.#wasOnline = state === 'online';
    if (state !== 'online') {
      await this.#finishRun();
      this.#options.gate?.dropCache();
      this.#onOffline();
      return;
    }
    const quietMs = nowMs - this.#lastInputMs;
    if (quietMs <= Math.max(silentMs, 3 * (this.#cutter?.intervalMs ?? 0))) return this.#waitForEvent();
    await this.#finishRun();
    const detail = `the camera is connected, but sent nothing for ${Math.round(quietMs / 1000)} s`;
    this.#wait({ reason: 'camera_hung', detail });
  }

  /** Pulls what there is and stores what is ready; returns the number of samples. */
  async #take(): Promise<number> {
    const reader = this.#reader;
    if (reader === undefined) return 0;
    const pulled = reader.pull();
    if (reader.dropped !== this.#readerDropped) {
      this.#readerDropped = reader.dropped;
      await this.#finishRun();
      this.#until.trouble ??= this.#lagCause ?? { reason: 'overload', detail: 'this machine or its disk was too slow' };
    }
    this.#lagCause = undefined;
    const samples = this.#passed(pulled);
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i]!;
      if (bringsOtherTracks(sample, this.#known, this.#options.stream.sendingTracks)) {
        await this.#finishRun();
        this.#newTracks(sample);
      }
      this.#losses.observe(sample, this.#run?.line);
      this.#cutter?.push(sample);
    }
    if (this.#cutter !== undefined) await this.#store(this.#cutter.take(false));
    if (this.#options.gate?.armed === true && this.#run !== undefined) await this.#finishRun();
    return pulled.length;
  }

  /** What of it is to be recorded. */
  #passed(samples: readonly Sample[]): readonly Sample[] {
    const { gate, stream } = this.#options;
    return gate === undefined ? samples : gate.pass(samples, stream.tracks);
  }

  #waitForEvent(): void {
    const { gate } = this.#options;
    if (gate?.armed) this.#wait(noEvent, gate.heldSinceMs);
  }

  /** Another session, new parameter sets, or sound that comes or goes. */
  #newTracks(sample: Sample): void {
    const { sendingTracks: now } = this.#options.stream;
    const { track } = sample;
    this.#known = now.includes(track)
      ? now
      : [...this.#known.filter((other) => other.id !== track.id && other.kind !== track.kind), track];
    const carried = carriedTracks(this.#known);
    this.#leftOut = carried.leftOut;
    this.#cutter = carried.lead === undefined ? undefined : new FragmentCutter(carried.tracks);
    if (this.#cutter === undefined)
      this.#wait({ reason: 'unknown', detail: 'the camera sends nothing that an MP4 recording can hold' });
    this.#until.trouble ??= { reason: 'camera_offline', detail: 'the camera, or another source, was connected anew' };
    const { logger, stream } = this.#options;
    for (const { track: left, reason } of carried.leftOut)
      logger.info('a track is not recorded', { streamId: stream.id, track: left.id, reason });
  }

  /** Stores all that waits and ends segment and run. */
  async #finishRun(): Promise<void> {
    if (this.#cutter?.waiting) await this.#store(this.#cutter.take(true));
    this.#losses.settle(Number.POSITIVE_INFINITY, false);
    this.#endSegment();
    // A gap of another reason may follow: nobody will look at this again.
    this.#until.settle(true);
    this.#run = undefined;
  }

  #endSegment(): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    this.#writer = undefined;
    writer.ended = true;
    this.#options.sink.changed(writer, 0);
  }

  async #store(cuts: readonly Cut[]): Promise<void> {
    const all = this.#unstored.length === 0 ? cuts : [...this.#unstored, ...cuts];
    this.#unstored = [];
    /** First of those that are not written yet. */
    let from = 0;
    for (let i = 0; i < all.length; i++) {
      const cut = all[i]!;
      const ends = this.#endsBefore(cut);
      let afterGap = false;
      if (ends !== undefined) {
        await this.#write(all, from, i);
        afterGap = ends === 'run' || this.#followsLoss(cut);
        from = i;
        this.#endSegment();
        if (ends === 'run') this.#endRun(whyTimeSteps(this.#known));
        else if (afterGap)
          this.#endRun({ reason: 'packet_loss', detail: 'pictures were lost on the way from the camera' });
      }
      this.#losses.settle(cut.startMs, afterGap);
      if (this.#run === undefined && !cut.key) {
        this.lostFragments++;
        from = i + 1;
        continue;
      }
      this.#run ??= this.#newRun(cut);
      if (this.#writer === undefined && from === i)
        this.#endAtMs = endTimes(this.#options.times, this.#run.line.at(cut.startMs));
    }
    await this.#write(all, from, all.length);
  }

  /** What must end before this fragment is written. */
  #endsBefore(cut: Cut): 'segment' | 'run' | undefined {
    const run = this.#run;
    // No file begins with sound where there are pictures.
    if (run === undefined || cut.isRest) return undefined;
    // What comes before the next key picture would be lost: until then the run's own time is as good.
    if (run.line.observe(cut.startMs, cut.wallMs) && cut.key) return 'run';
    const startMs = run.line.at(cut.startMs);
    const { rotate, hard } = endsOf(this.#endAtMs, this.#writer?.leftMs);
    return (cut.key && startMs >= rotate) || startMs >= hard ? 'segment' : undefined;
  }

  /** After what was written last: the reason belongs to what comes next. */
  #endRun(why: Explanation): void {
    this.#run = undefined;
    this.#until.trouble ??= why;
  }

  /** A hole between two files is in neither: where packets were lost no picture lasts until the next. */
  #followsLoss(cut: Cut): boolean {
    const startMs = this.#run?.line.at(cut.startMs);
    return cut.lost > 0 && startMs !== undefined && this.#until.isHoleBefore(startMs);
  }

  #newRun(cut: Cut): Run {
    this.#until.beginRun();
    return beginRun(cut, this.#cutter!.tracks, this.#until.endMs);
  }

  async #write(all: readonly Cut[], from: number, to: number): Promise<void> {
    const run = this.#run;
    if (run === undefined || from >= to) return;
    const cuts = from === 0 && to === all.length ? all : all.slice(from, to);
    try {
      await this.#writeOnce(run, cuts);
    } catch (error) {
      this.#unstored = all.slice(from);
      throw error;
    }
    this.#fullSinceMs = undefined;
    this.#until.wrote(this.#writer!, run.line.at(cuts[0]!.startMs));
  }

  async #writeOnce(run: Run, cuts: readonly Cut[]): Promise<void> {
    const { sink, stream } = this.#options;
    const before = this.#writer?.bytes ?? 0;
    for (let attempt = 0; ; attempt++) {
      try {
        if (this.#writer === undefined) this.#writer = await sink.begin(stream.id, run, cuts);
        else await this.#writer.append(cuts);
        break;
      } catch (error) {
        this.#roomMade = toWatchpostError(error).code === 'STORAGE_FULL' && (await sink.makeRoom());
        if (!this.#roomMade || attempt > 1) throw error;
      }
    }
    sink.changed(this.#writer, this.#writer.bytes - before);
  }

  #onOffline(): void {
    const { gaps, stream } = this.#options;
    const why = offlineReason(stream, gaps.current(stream.id) === undefined && this.#until.endMs !== undefined);
    if (why !== undefined) this.#wait(why);
  }

  /** `fromMs`: since when, where it is not now. */
  #wait(why: Explanation, fromMs?: number): void {
    this.#explain(why, fromMs);
    this.#status.not('waiting', why, this.#nowMs());
  }

  #explain(why: Explanation, fromMs = this.#nowMs()): void {
    const { gaps, stream } = this.#options;
    const nowMs = Math.min(fromMs, this.#nowMs());
    gaps.explain(stream.id, why, { startMs: Math.min(this.#until.endMs ?? this.#wantedSinceMs, nowMs), nowMs });
  }

  /** The disk did not take it: tries again in a while; what waits stays in the reader (W1, W2). */
  #failed(error: WatchpostError): void {
    const { clock, logger, stream } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#writer?.failed !== undefined) this.#until.lost(this.#writer);
    else if (error.code === 'STORAGE_FULL' && this.#roomMade) {
      // ext4 gives freed blocks out again only after its journal's next commit; meanwhile the reader keeps what comes.
      this.#fullSinceMs ??= nowMs;
      this.#retryAtMs = nowMs + roomRetryMs;
      if (nowMs - this.#fullSinceMs < roomPatienceMs) return;
    }
    this.#endSegment();
    this.#run = undefined;
    // Anything but a disk would fail again with the same samples.
    if (!error.code.startsWith('STORAGE_')) this.#unstored = [];
    this.#retryAtMs = nowMs + retryMs;
    const why = { reason: storageGapReason(error), detail: error.message };
    this.#until.trouble = this.#lagCause = why;
    this.#explain(why);
    if (!this.#status.not('error', why, this.#nowMs())) return;
    logger.error('a stream cannot be recorded', { streamId: stream.id, code: error.code, error: error.message });
  }

  #stalled(): void {
    this.#lagCause = { reason: 'disk_error', detail: 'the disk does not answer' };
    if (this.#status.state.state !== 'error') this.#status.not('error', this.#lagCause, this.#nowMs());
  }

  #nowMs(): number {
    return Math.round(this.#options.clock.wallMs());
  }
}

function whyTimeSteps(tracks: readonly Track[]): Explanation {
  if (tracks.some(({ isPast }) => isPast))
    return { reason: 'unknown', detail: 'the recording that is pulled has a hole here' };
  return { reason: 'clock_step', detail: 'the clock of the camera or of this machine was set' };
}
