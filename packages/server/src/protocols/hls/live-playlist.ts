import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { refuseOffline } from '../../hub/admit-viewer.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import { ChunkSource } from './chunk-source.ts';
import { type Container, segmentLeftOut } from './container.ts';
import { type LivePart, partLength } from './part-cutter.ts';
import { type Reload, wrong } from './reload.ts';
import type { HlsSettings } from './section.ts';
import { type LiveSegment, Segmenter } from './segmenter.ts';
import { type LowLatency, type RenditionReport, writeLivePlaylist } from './write-playlist.ts';

/** Muxing ends so long after the last request. */
const idleMs = 45_000;
/** A first request waits so long for a whole segment, then takes what there is … */
const patienceMs = 1000;
const leastFirstMs = 400;
/** … and so long for the first key picture. */
const firstKeyMs = 8000;
/** Chunks of MPEG-TS: each begins with tables of 376 bytes. With low latency each picture is one, and few have tables. */
const tsChunkMs = 500;
/** Of a camera that says nothing of its pictures. */
const usualFrameMs = 40;
/** Parts are far more often than half seconds: their numbers grow over restarts, too. */
const partsPerNumber = 4;
/** A player further ahead than this asks for what no playlist promised (draft-pantos-hls-rfc8216bis §6.2.5.2). */
const maxSegmentsAhead = 2;
/** Requests wait so many target durations at most. */
const maxWaitTargets = 3;
/** A playlist is so many target durations long at least. */
const leastTargets = 3;
/** Bytes of one stream's segments. */
const maxBytes = 96 * 1024 * 1024;

/** What a live playlist needs. */
export interface LivePlaylistOptions {
  readonly stream: Stream;
  readonly container: Container;
  readonly live: LiveFmp4;
  readonly clock: Clock;
  readonly settings: HlsSettings;
  readonly firstNumber: number;
  /** See `SegmenterOptions`. */
  readonly firstDiscontinuity: number;
  /** Numbers of the last segment that was promised to anybody, and of the last discontinuity. */
  readonly onEnd: (last: { readonly number: number; readonly discontinuity: number }) => void;
}

/** What a player asks a playlist for. */
export interface PlaylistRequest extends Reload {
  /** Put behind each address: `?token=…` or empty. */
  readonly tokenQuery: string;
  /** See `PlaylistOptions`. */
  readonly initInSegments: boolean;
  /** The other qualities of the stream, as they are when the answer is written. */
  readonly renditions: () => readonly RenditionReport[];
}

/** The segments of one stream in one container, made once for all readers, for as long as somebody asks for them. */
export class LivePlaylist {
  readonly #options: LivePlaylistOptions;
  readonly #segmenter: Segmenter;
  readonly #source: ChunkSource;
  #segments: LiveSegment[] = [];
  #bytes = 0;
  #waiting = new Set<() => void>();
  #closedBy: WatchpostError | undefined;
  #cancelIdle: () => void = () => {};

  constructor(options: LivePlaylistOptions) {
    this.#options = options;
    const { stream, firstNumber, firstDiscontinuity, settings } = options;
    const length = () => partLength(frameMsOf(stream));
    this.#segmenter = new Segmenter({
      ...{ firstNumber, firstDiscontinuity, segmentDurationMs: settings.segmentDurationMs },
      gopMs: () => gopMsOf(stream),
      onSegment: (segment) => this.#add(segment),
      ...(settings.lowLatency && {
        parts: { firstNumber: firstNumber * partsPerNumber, length, onPart: () => this.#wake() },
      }),
    });
    this.#source = new ChunkSource({
      ...{ stream, container: options.container, live: options.live, chunkMs: settings.lowLatency ? 0 : tsChunkMs },
      onChunk: (chunk) => this.#segmenter.push(chunk),
      onKeyAhead: (startMs) => this.#segmenter.keyFollows(startMs),
      onEnd: (reason) => this.#end(reason),
    });
    this.#source.start();
    this.touch();
  }

  /** Bytes of segments kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What it was begun with. */
  get settings(): HlsSettings {
    return this.#options.settings;
  }

  /** True once it can be read no more. */
  get hasEnded(): boolean {
    return this.#closedBy !== undefined;
  }

  /** Number of the segment that comes next. */
  get nextNumber(): number {
    return this.#segmenter.nextNumber;
  }

  /** Number of the last discontinuity. */
  get discontinuities(): number {
    return this.#segmenter.discontinuities;
  }

  /** Somebody asked: muxing goes on for a while. */
  touch(): void {
    this.#cancelIdle();
    if (this.#closedBy !== undefined) return;
    this.#cancelIdle = this.#options.clock.after(idleMs, () => {
      this.close(new WatchpostError('Nobody asks for this playlist', { kind: 'canceled', code: 'HLS_IDLE' }));
    });
  }

  /** Text of `index.m3u8`; waits for the first segment, and for what the player wants to be in it. */
  async text(request: PlaylistRequest): Promise<string> {
    this.touch();
    if (this.#segments.length === 0) await this.#firstSegment();
    const { container, settings, stream } = this.#options;
    if (settings.lowLatency && request.until !== undefined) await this.#until(request.until);
    return writeLivePlaylist(this.#segments.slice(-this.#listed), {
      container,
      targetSeconds: this.#segmenter.targetSeconds,
      tokenQuery: request.tokenQuery,
      initInSegments: request.initInSegments,
      notes: notesOn(stream, container),
      lowLatency: settings.lowLatency ? this.#lowLatency(request) : undefined,
    });
  }

  /** The newest segment and part (its index in the segment) that a playlist would list now; undefined before the first. */
  get newest(): { readonly segment: number; readonly part: number | undefined } | undefined {
    const last = this.#segments.at(-1);
    if (last === undefined) return undefined;
    const { open } = this.#segmenter;
    const [segment, parts] =
      open !== undefined && open.parts.length > 0 ? [open.number, open.parts] : [last.number, last.parts];
    return { segment, part: parts.length > 0 ? parts.length - 1 : undefined };
  }

  /** Highest bit rate of a segment that is kept, bits a second; 0 before the first. */
  get peakBitrate(): number {
    let peak = 0;
    for (const { bytes, durationMs } of this.#segments) {
      if (durationMs >= leastFirstMs) peak = Math.max(peak, (bytes.length * 8000) / durationMs);
    }
    return peak;
  }

  /** A part by its number; waits for the one that comes next, as players ask for it before it is there. */
  async part(number: number): Promise<Uint8Array | undefined> {
    this.touch();
    if (number === this.#segmenter.nextPart) await this.#waitFor(() => this.#segmenter.nextPart > number);
    const has = (part: LivePart) => part.number === number;
    const open = this.#segmenter.open?.parts.find(has);
    return open?.bytes ?? this.#segments.flatMap(({ parts }) => parts).find(has)?.bytes;
  }

  /** A segment by its number, also for a while after it left the playlist. */
  segment(number: number): LiveSegment | undefined {
    this.touch();
    return this.#segments.find((segment) => segment.number === number);
  }

  /** Init segment by its version; the newest without one. */
  init(version?: number): Uint8Array | undefined {
    this.touch();
    const { open } = this.#segmenter;
    const heads = open === undefined ? this.#segments : [...this.#segments, open];
    const head = version === undefined ? heads.at(-1) : heads.find(({ initVersion }) => initVersion === version);
    return head?.init?.bytes;
  }

  /** Ends muxing; the segments are forgotten. */
  close(reason: WatchpostError): void {
    this.#source.close();
    this.#end(reason);
  }

  #add(segment: LiveSegment): void {
    this.#segments.push(segment);
    this.#bytes += segment.bytes.length;
    // A segment stays for as long again as it was listed (RFC 8216 §6.2.2).
    const keep = this.#listed * 2 + 1;
    while (this.#segments.length > keep || (this.#bytes > maxBytes && this.#segments.length > 1)) {
      this.#bytes -= this.#segments.shift()!.bytes.length;
    }
    this.#wake();
  }

  /** How many segments are listed: as many as are set, and three target durations at least (RFC 8216 §6.2.2). */
  get #listed(): number {
    const leastMs = leastTargets * this.#segmenter.targetSeconds * 1000;
    let count = 0;
    for (let sumMs = 0; count < this.#segments.length; count++) {
      if (count >= this.#options.settings.playlistLength && sumMs >= leastMs) break;
      sumMs += this.#segments.at(-1 - count)!.durationMs;
    }
    return count;
  }

  #wake(): void {
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }

  #lowLatency({ maySkip, renditions }: PlaylistRequest): LowLatency {
    const { partTargetMs, open, nextPart } = this.#segmenter;
    return { partTargetMs, open, nextPart, maySkip, renditions: renditions() };
  }

  async #until(wanted: NonNullable<Reload['until']>): Promise<void> {
    if (wanted.segment >= this.#segmenter.nextNumber + maxSegmentsAhead) {
      throw wrong(`_HLS_msn=${wanted.segment} is too far ahead`);
    }
    await this.#waitFor(() => this.#has(wanted));
  }

  #has({ segment, part }: NonNullable<Reload['until']>): boolean {
    const { nextNumber, open } = this.#segmenter;
    const partsUnderWay = open?.parts.length ?? 0;
    if (segment === nextNumber) return part !== undefined && partsUnderWay > part;
    if (segment !== nextNumber - 1 || part === undefined) return segment < nextNumber;
    // A part that its segment never had is the first one of the next.
    const count = this.#segments.at(-1)?.parts.length ?? 0;
    return count === 0 || part < count || partsUnderWay > 0;
  }

  async #waitFor(isThere: () => boolean): Promise<void> {
    const { clock, stream } = this.#options;
    const untilMs = clock.monotonicMs() + maxWaitTargets * this.#segmenter.targetSeconds * 1000;
    while (!isThere()) {
      if (this.#closedBy !== undefined) throw this.#closedBy;
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) throw notYet(stream);
      await this.#pause(leftMs);
    }
  }

  async #firstSegment(): Promise<void> {
    const { clock, stream, container } = this.#options;
    const untilMs = clock.monotonicMs() + firstKeyMs;
    const cutAtMs = clock.monotonicMs() + patienceMs;
    while (this.#segments.length === 0) {
      if (this.#closedBy !== undefined) throw this.#closedBy;
      refuseOffline(stream);
      if (stream.tracks.length > 0 && stream.tracks.every((track) => segmentLeftOut(container, track) !== undefined))
        throw notPlayable(stream, container);
      const nowMs = clock.monotonicMs();
      if (nowMs >= cutAtMs && this.#segmenter.draftMs >= leastFirstMs) this.#segmenter.cut();
      else if (nowMs >= untilMs) throw notYet(stream);
      else await this.#pause(Math.min(100, untilMs - nowMs));
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, () => {
        this.#waiting.delete(wake);
        resolve();
      });
      const wake = () => {
        cancel();
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  #end(reason: WatchpostError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = reason;
    this.#cancelIdle();
    this.#segments = [];
    this.#bytes = 0;
    this.#options.onEnd({ number: this.#segmenter.nextNumber - 1, discontinuity: this.discontinuities });
    this.#wake();
  }
}

function frameMsOf({ meter, tracks }: Stream): number {
  const fps = meter.fps > 0 ? meter.fps : (tracks.find(({ kind }) => kind === 'video')?.fps ?? 0);
  return fps > 0 ? 1000 / fps : usualFrameMs;
}

function gopMsOf(stream: Stream): number | undefined {
  const { gopSeconds, longestGopSeconds } = stream.meter;
  const seconds = Math.max(gopSeconds ?? 0, longestGopSeconds);
  return seconds > 0 ? seconds * 1000 : undefined;
}

/** What is missing from these segments, for whoever reads the playlist. */
function notesOn(stream: Stream, container: Container): string[] {
  return stream.tracks.flatMap((track) => {
    const reason = segmentLeftOut(container, track);
    return reason === undefined || track.kind === 'data' ? [] : [`${track.codec} is left out: ${reason}`];
  });
}

function notPlayable(stream: Stream, container: Container): WatchpostError {
  const reasons = notesOn(stream, container);
  const why = reasons.length === 0 ? 'it has neither picture nor sound' : reasons.join('; ');
  return new WatchpostError(`HLS (${container}) carries nothing of this stream — ${why}`, {
    kind: 'unsupported',
    code: 'HLS_NO_TRACK',
  });
}

function notYet(stream: Stream): WatchpostError {
  const why = stream.reason?.message ?? 'no key picture came yet';
  return new WatchpostError(`The stream is ${stream.state}: ${why}`, {
    kind: 'unavailable',
    code: 'HLS_NOT_READY',
    context: { retryAfterSeconds: 2 },
  });
}
