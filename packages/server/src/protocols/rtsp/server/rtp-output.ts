import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { CacheBudget } from '../../../hub/cache-budget.ts';
import type { Voice } from '../../../hub/company.ts';
import { SharedOutput } from '../../../hub/shared-output.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { Reader, ReaderOptions } from '../../../hub/types.ts';
import type { PlayerCounts } from './player.ts';
import { type PlayedTrack, playedTracks, signatureOf } from './served-tracks.ts';
import { newRtpSource, type RtpChunk, type RtpSource, TrackWriter } from './track-writer.ts';

/** An error of the wall clock that small is smoothed, a larger one is a step. */
const maxSlewMs = 1000;
/** The wall clock is found in so long. */
const settleMs = 1000;
/** From then on it follows so little: FFmpeg moves pictures and sound by what two reports differ by, there and back. */
const maxSlew = 0.002;

const reportEveryMs = 5000;

const maxKnownTracks = 16;
const nothing = new Uint8Array(0);

/** Which packets an output makes. */
export interface RtpOutputOptions {
  readonly clock: Clock;
  readonly budget?: CacheBudget;
  /** Longest packet, header included. */
  readonly maxPacketBytes: number;
  /** Sources of the tracks by their place; those that are missing are added. */
  readonly sources?: RtpSource[];
  readonly onEnd: () => void;
}

/** One stream as RTP, made once for all of its readers, and only while there are any. */
export class RtpOutput {
  readonly tracks: readonly PlayedTrack[];
  /** See `signatureOf`. */
  readonly signature: string;
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #writers: readonly TrackWriter[];
  readonly #hasVideo: boolean;
  readonly #output: SharedOutput<RtpChunk>;
  readonly #indexes = new Map<Track, number>();
  /** For players over TCP, by the tracks that they play. */
  readonly #voices = new Map<number, Voice<RtpChunk>>();
  #wallOffsetMs: number | undefined;
  /** The line that players were told last. */
  #toldOffsetMs = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #wallSinceMs = 0;
  #wallMovedMs = 0;

  constructor(stream: Stream, options: RtpOutputOptions) {
    const { clock, budget, maxPacketBytes, sources = [] } = options;
    this.#stream = stream;
    this.#clock = clock;
    this.tracks = playedTracks(stream.tracks);
    this.signature = signatureOf(this.tracks);
    this.#hasVideo = this.tracks.some(({ track }) => track.kind === 'video');
    while (sources.length < this.tracks.length) sources.push(newRtpSource());
    this.#writers = this.tracks.map(
      (played, trackIndex) => new TrackWriter({ trackIndex, played, source: sources[trackIndex]!, maxPacketBytes }),
    );
    this.#output = new SharedOutput(stream, {
      clock,
      ...(budget && { budget }),
      protocol: 'rtsp',
      onSamples: (samples) => this.#onSamples(samples),
      onEnd: options.onEnd,
    });
    this.#output.start();
  }

  get hasEnded(): boolean {
    return this.#output.hasEnded;
  }

  /** Opens a place among the packets; the output ends with the last one. */
  open(options: ReaderOptions): Reader<RtpChunk> {
    return this.#output.open(options);
  }

  /** What players over TCP of the tracks in `mask` get. */
  voice(mask: number, counts: PlayerCounts): Voice<RtpChunk> {
    let voice = this.#voices.get(mask);
    if (voice === undefined) {
      voice = {
        bytesOf: ({ trackIndex, bytes }) => ((mask & (1 << trackIndex)) === 0 ? nothing : bytes),
        sent: (bytes) => {
          counts.bytesSent += bytes;
        },
      };
      this.#voices.set(mask, voice);
    }
    return voice;
  }

  /** What `RTP-Info` says of a track: the next packet, and the time stamp that `ptsMs` has there. Undefined before its first packet. */
  position(trackIndex: number, ptsMs: number): { readonly sequence: number; readonly rtpTime: number } | undefined {
    const writer = this.#writers[trackIndex];
    return writer?.hasSent ? { sequence: writer.nextSequence, rtpTime: writer.rtpTime(ptsMs) } : undefined;
  }

  /** A sender report of a track as an interleaved frame, for a reader that begins or, `isLast`, ends; undefined before its first packet. */
  report(trackIndex: number, isLast = false): Uint8Array | undefined {
    const writer = this.#writers[trackIndex];
    return writer?.hasSent ? writer.report(this.#toldOffsetMs, isLast) : undefined;
  }

  #onSamples(samples: readonly Sample[]): void {
    const nowMs = this.#clock.monotonicMs();
    this.#beginWallLine(samples, nowMs);
    for (let i = 0; i < samples.length && !this.hasEnded; i++) this.#append(samples[i]!, nowMs);
    this.#output.flush();
  }

  #append(sample: Sample, nowMs: number): void {
    const { track } = sample;
    const index = this.#indexes.get(track) ?? this.#findTrack(track);
    if (index < 0) return;
    const writer = this.#writers[index]!;
    if (writer.isSent(sample)) return;
    const lineMs = this.#wallLine(sample, nowMs);
    const hasStepped = Math.abs(lineMs - this.#toldOffsetMs) > maxSlewMs;
    const isDue = nowMs - this.#toldMs >= (hasStepped ? settleMs : reportEveryMs);
    if (isDue) this.#tell(lineMs, sample, nowMs);
    const chunk = writer.write(sample, writer.hasSent ? undefined : this.#toldOffsetMs);
    const randomAccess = this.#hasVideo ? sample.key && track.kind === 'video' : true;
    this.#output.append(chunk, { randomAccess, bytes: chunk.bytes.length });
  }

  /**
   * Tells the line of the wall clock: reports of all tracks that have sent, before `next`. They go together: players keep
   * tracks in step by them (RFC 3550 §6.4.1), and move those apart whose reports are on different lines.
   */
  #tell(lineMs: number, next: Sample, nowMs: number): void {
    this.#toldOffsetMs = lineMs;
    this.#toldMs = nowMs;
    const ptsMs = (next.pts * 1000) / next.track.clockRate;
    for (const [trackIndex, writer] of this.#writers.entries()) {
      if (!writer.hasSent) continue;
      const bytes = writer.report(lineMs);
      const chunk = { trackIndex, bytes, sequence: writer.nextSequence, ptsMs };
      this.#output.append(chunk, { randomAccess: false, bytes: bytes.length });
    }
  }

  /**
   * Begins the line of the wall clock with what was kept: the least delayed sample knows best. A source that comes in a
   * burst at first is dated by its arrival, and each of its samples would say something else.
   */
  #beginWallLine(samples: readonly Sample[], nowMs: number): void {
    if (this.#wallOffsetMs !== undefined || samples.length === 0) return;
    this.#wallOffsetMs = Math.min(...samples.map(wallOffsetOf));
    this.#wallSinceMs = this.#wallMovedMs = nowMs;
  }

  /** Wall clock at the timeline's 0: the one line that sender reports of all tracks are on. */
  #wallLine(sample: Sample, nowMs: number): number {
    const before = this.#wallOffsetMs!;
    if (nowMs === this.#wallSinceMs) return before;
    const offsetMs = wallOffsetOf(sample);
    const elapsedMs = nowMs - this.#wallMovedMs;
    this.#wallMovedMs = nowMs;
    if (Math.abs(offsetMs - before) > maxSlewMs) {
      this.#wallSinceMs = nowMs;
      this.#wallOffsetMs = offsetMs;
      return offsetMs;
    }
    const most = nowMs - this.#wallSinceMs < settleMs ? maxSlewMs : elapsedMs * maxSlew;
    this.#wallOffsetMs = before + Math.max(-most, Math.min(most, (offsetMs - before) / 64));
    return this.#wallOffsetMs;
  }

  /** A track object that is new: the same track with other parameter sets, or a source that changed its codecs. */
  #findTrack(track: Track): number {
    const tracks = playedTracks(this.#stream.tracks);
    const isOf = (played: PlayedTrack) => played.track.id === track.id && played.track.codec === track.codec;
    const index = tracks.findIndex(isOf);
    if (index >= 0 && signatureOf(tracks) !== this.signature) {
      this.#output.end(
        new WatchpostError('the source changed its codecs — describe the stream again', {
          kind: 'unavailable',
          code: 'STREAM_CHANGED',
        }),
      );
      return -1;
    }
    // Samples of the session before may still be on their way when the tracks are those of the next one.
    const found = index >= 0 ? index : this.tracks.findIndex(isOf);
    // Each new set of parameters is a new object; those before are gone for good.
    if (this.#indexes.size > maxKnownTracks) this.#indexes.clear();
    this.#indexes.set(track, found);
    return found;
  }
}

/** All outputs that run, by stream: one for interleaved frames, one for datagrams. */
export class RtpOutputs {
  readonly #clock: Clock;
  readonly #budget: CacheBudget | undefined;
  readonly #outputs = new Map<Stream, Map<number, RtpOutput>>();
  /**
   * Of outputs that ended, too: the only reader's PAUSE ends one, and players give up where another source answers its
   * PLAY (GStreamer 1.22: "not-linked").
   */
  readonly #sources = new WeakMap<Stream, Map<number, { signature: string; sources: RtpSource[] }>>();

  constructor(clock: Clock, budget: CacheBudget | undefined) {
    this.#clock = clock;
    this.#budget = budget;
  }

  /** The output of a stream with packets of at most `maxPacketBytes`; open a reader at once, it ends with its last. */
  get(stream: Stream, maxPacketBytes: number): RtpOutput {
    let outputs = this.#outputs.get(stream);
    if (outputs === undefined) {
      outputs = new Map();
      this.#outputs.set(stream, outputs);
    }
    const known = outputs.get(maxPacketBytes);
    if (known !== undefined) return known;
    const output = new RtpOutput(stream, {
      clock: this.#clock,
      ...(this.#budget && { budget: this.#budget }),
      maxPacketBytes,
      sources: this.#sourcesOf(stream, maxPacketBytes),
      onEnd: () => this.#forget(stream, maxPacketBytes),
    });
    if (!output.hasEnded) outputs.set(maxPacketBytes, output);
    return output;
  }

  #sourcesOf(stream: Stream, maxPacketBytes: number): RtpSource[] {
    let known = this.#sources.get(stream);
    if (known === undefined) {
      known = new Map();
      this.#sources.set(stream, known);
    }
    const signature = signatureOf(playedTracks(stream.tracks));
    let before = known.get(maxPacketBytes);
    // Time stamps of other codecs have other clocks.
    if (before?.signature !== signature) {
      before = { signature, sources: [] };
      known.set(maxPacketBytes, before);
    }
    return before.sources;
  }

  #forget(stream: Stream, maxPacketBytes: number): void {
    const outputs = this.#outputs.get(stream);
    outputs?.delete(maxPacketBytes);
    if (outputs?.size === 0) this.#outputs.delete(stream);
  }
}

function wallOffsetOf({ wallMs, pts, track }: Sample): number {
  return wallMs - (pts * 1000) / track.clockRate;
}
