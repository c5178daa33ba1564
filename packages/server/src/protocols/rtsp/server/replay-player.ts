import { type Clock, sleep } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { RecordedPiece, RecordedSource } from '../../../catalog/recorded-source.ts';
import { ReplayClock } from './replay-clock.ts';
import type { ReplaySink } from './replay-sinks.ts';
import { type ReplayMark, ReplayWriter } from './replay-writer.ts';
import type { PlayedTrack } from './served-tracks.ts';

/** So much is sent ahead of its time, so that a slow disk is not seen. */
const aheadMs = 500;
/**
 * It is won by sending so much faster at first. GStreamer's jitter buffer takes what comes early for a clock that runs fast,
 * and shows pictures that came all at once all at once.
 */
const aheadShare = 0.05;
const reportEveryMs = 5000;
/** Faster than that, pictures between key pictures are left out: players could not decode so many. */
const maxFullScale = 4;

/** One PLAY of recordings. */
export interface ReplayOrder {
  readonly streamId: string;
  readonly startMs: number;
  /** Exclusive; before `startMs` in reverse. */
  readonly endMs: number;
  /** Recorded seconds for each second; below 0 for reverse. */
  readonly scale: number;
  readonly clientPaced: boolean;
  /** The client asked for key pictures only. */
  readonly keysOnly: boolean;
  /** Those are at least so far apart, ms. */
  readonly keyIntervalMs?: number;
  /** Low byte of the request's number, where the client asked for the replay extension. */
  readonly cseq?: number;
}

/** Where a PLAY begins, for its answer. */
export interface ReplayStart {
  /** Of the first picture, ms since 1970 UTC. */
  readonly wallMs: number;
  /** By track that has a writer: the first packet's number, and its time stamp. */
  readonly positions: readonly { readonly trackIndex: number; readonly sequence: number; readonly rtpTime: number }[];
}

/** What a player is made of. */
export interface ReplayPlayerOptions {
  readonly clock: Clock;
  readonly source: RecordedSource;
  readonly tracks: readonly PlayedTrack[];
  readonly maxPacketBytes: number;
  readonly onBytes: (bytes: number) => void;
  /** It cannot go on. */
  readonly onFailure: (reason: WatchpostError) => void;
}

interface Run {
  readonly order: ReplayOrder;
  readonly abort: AbortController;
  readonly pieces: AsyncIterator<RecordedPiece>;
  first: RecordedPiece | undefined;
  /** Where it goes, once it is started. */
  sink: ReplaySink | undefined;
  /** What was sent last; undefined once it was told that nothing follows. */
  last: Sample | undefined;
}

/** Plays recordings to one client: PLAY after PLAY on one RTP timeline, in order of decoding, each sample in its time. */
export class ReplayPlayer {
  readonly #options: ReplayPlayerOptions;
  readonly #writers = new Map<number, ReplayWriter>();
  readonly #media = new ReplayClock();
  #run: Run | undefined;
  /** Wall clock at RTP time 0, for reports. */
  #lineMs: number | undefined;
  /** Where PLAY without a range goes on. */
  #positionMs: number | undefined;

  constructor(options: ReplayPlayerOptions) {
    this.#options = options;
  }

  /** Recorded time that was sent last. */
  get positionMs(): number | undefined {
    return this.#positionMs;
  }

  /** Looks for the first picture of a PLAY; what was played before ends. Throws `not_found` (`REPLAY_EMPTY`). */
  async prepare(order: ReplayOrder, trackIndexes: readonly number[]): Promise<ReplayStart> {
    this.stop();
    const { source, tracks, maxPacketBytes } = this.#options;
    const { scale } = order;
    const pieces = source
      .read({
        ...{ streamId: order.streamId, startMs: order.startMs, endMs: order.endMs, reverse: scale < 0 },
        keysOnly: order.keysOnly || scale > maxFullScale,
        ...(order.keyIntervalMs !== undefined && { keyIntervalMs: order.keyIntervalMs }),
      })
      [Symbol.asyncIterator]();
    const run: Run = {
      order,
      abort: new AbortController(),
      pieces,
      first: undefined,
      sink: undefined,
      last: undefined,
    };
    this.#run = run;
    run.first = await this.#next(run);
    if (run.abort.signal.aborted) throw run.abort.signal.reason;
    const lead = run.first?.samples[0];
    if (lead === undefined)
      throw new WatchpostError('nothing is recorded in this range', { kind: 'not_found', code: 'REPLAY_EMPTY' });
    for (const trackIndex of trackIndexes)
      if (!this.#writers.has(trackIndex))
        this.#writers.set(trackIndex, new ReplayWriter(trackIndex, tracks[trackIndex]!, maxPacketBytes));
    this.#media.begin(lead.wallMs, order);
    const startMs = this.#media.mediaMs(lead);
    return {
      wallMs: lead.wallMs,
      positions: [...this.#writers].map(([trackIndex, writer]) => ({
        ...{ trackIndex, sequence: writer.nextSequence },
        rtpTime: writer.rtpTime(startMs),
      })),
    };
  }

  /** Sends what was prepared. */
  start(sink: ReplaySink): void {
    const run = this.#run;
    if (run?.first === undefined) return;
    run.sink = sink;
    this.#play(run, sink).catch((thrown) => {
      if (run.abort.signal.aborted) return;
      this.#options.onFailure(
        thrown instanceof WatchpostError
          ? thrown
          : new WatchpostError('the recording cannot be read', {
              kind: 'data_loss',
              code: 'REPLAY_FAILED',
              cause: thrown,
            }),
      );
    });
  }

  /** Sends a track no more. */
  drop(trackIndex: number): void {
    this.#writers.delete(trackIndex);
  }

  /** Tells the client by BYE that nothing more comes, if anything came: over UDP the end of the connection says nothing. */
  bye(): void {
    const run = this.#run;
    if (run?.sink === undefined || run.last === undefined) return;
    for (const report of this.#reports(run.last, run, true)) void run.sink.write(report, run.abort.signal);
    run.last = undefined;
  }

  /** Ends what is played; `prepare` begins anew. */
  stop(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    run.abort.abort(new WatchpostError('another request came', { kind: 'canceled', code: 'REPLAY_STOPPED' }));
    // The file that it reads is let go.
    void run.pieces.return?.().then(undefined, () => {});
  }

  async #next({ pieces }: Run): Promise<RecordedPiece | undefined> {
    const { value, done } = await pieces.next();
    return done ? undefined : value;
  }

  async #play(run: Run, sink: ReplaySink): Promise<void> {
    const { clock } = this.#options;
    const { signal } = run.abort;
    const began = { monotonicMs: clock.monotonicMs(), mediaMs: 0 };
    let piece = run.first;
    began.mediaMs = this.#media.decodeMs(piece!.samples[0]!);
    let reportAtMs = Number.NEGATIVE_INFINITY;
    let isFirst = true;
    while (piece !== undefined) {
      const next: RecordedPiece | undefined = await this.#next(run);
      if (signal.aborted) return;
      if (piece.afterGap) this.#media.skipGap(piece.samples[0]!.wallMs);
      const samples = piece.samples.filter((sample) => this.#indexOf(sample) !== undefined);
      const markOf = marksOf(samples, { order: run.order, isAfterGap: isFirst || piece.afterGap, next });
      for (const sample of samples) {
        const decodeMs = this.#media.decodeMs(sample);
        if (!run.order.clientPaced) {
          const playedMs = decodeMs - began.mediaMs;
          const leadMs = Math.min(aheadMs, playedMs * aheadShare);
          const waitMs = began.monotonicMs + playedMs - leadMs - clock.monotonicMs();
          if (waitMs > 0) await sleep(clock, waitMs, signal);
        }
        if (clock.monotonicMs() >= reportAtMs) {
          reportAtMs = clock.monotonicMs() + reportEveryMs;
          for (const report of this.#reports(sample, run)) await sink.write(report, signal);
        }
        const mark = markOf(sample);
        await this.#send(sample, { sink, signal, ...(mark && { mark }) });
        if (signal.aborted) return;
        isFirst = false;
        run.last = sample;
        this.#positionMs = sample.wallMs;
      }
      piece = next;
    }
    const { last } = run;
    if (last === undefined) return;
    run.last = undefined;
    for (const report of this.#reports(last, run, true)) await sink.write(report, signal);
  }

  /** Place of a sample's track among those that were set up. */
  #indexOf(sample: Sample): number | undefined {
    if (sample.track.kind !== 'video' && this.#run?.order.scale !== 1) return undefined;
    const index = this.#options.tracks.findIndex(
      ({ track }) => track.kind === sample.track.kind && track.codec === sample.track.codec,
    );
    return this.#writers.has(index) ? index : undefined;
  }

  #send(sample: Sample, to: { sink: ReplaySink; signal: AbortSignal; mark?: ReplayMark }): Promise<void> | undefined {
    const writer = this.#writers.get(this.#indexOf(sample) ?? -1);
    if (writer === undefined) return undefined;
    const place = { mediaMs: this.#media.mediaMs(sample), ...(to.mark && { mark: to.mark }) };
    const frames = writer.write(sample, place);
    this.#options.onBytes(frames.length);
    return to.sink.write(frames, to.signal);
  }

  /**
   * Players put pictures where reports say, so these are on one line with the time stamps although gaps are closed and
   * the pace is another. The replay extension tells each picture's own time; whoever asked for it is told that here, too.
   */
  #reports(sample: Sample, { order }: Run, isLast = false): Buffer[] {
    const mediaMs = this.#media.mediaMs(sample);
    const isTrue = order.cseq !== undefined;
    if (!isTrue) this.#lineMs ??= sample.wallMs - mediaMs;
    const wallMs = isTrue ? sample.wallMs : this.#lineMs! + mediaMs;
    return [...this.#writers.values()].map((writer) => writer.report(wallMs, mediaMs, isLast));
  }
}

/**
 * What the samples of a piece say in the replay extension (ONVIF Streaming Specification §6.3): each track has a first one
 * after a gap and a last one before it. Backwards, no group of pictures follows the one before it in time.
 */
function marksOf(
  samples: readonly Sample[],
  piece: { readonly order: ReplayOrder; readonly isAfterGap: boolean; readonly next: RecordedPiece | undefined },
): (sample: Sample) => ReplayMark | undefined {
  const { cseq, scale } = piece.order;
  if (cseq === undefined) return () => undefined;
  const firsts = new Map(samples.toReversed().map((sample) => [sample.track.kind, sample]));
  const lasts = new Map(samples.map((sample) => [sample.track.kind, sample]));
  return (sample) => {
    const isLast = lasts.get(sample.track.kind) === sample;
    return {
      cseq,
      discontinuity: scale < 0 ? sample.key : piece.isAfterGap && firsts.get(sample.track.kind) === sample,
      endsSection: isLast && (piece.next === undefined || piece.next.afterGap),
      terminal: isLast && piece.next === undefined,
    };
  };
}
