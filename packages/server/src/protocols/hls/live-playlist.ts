import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import { ChunkSource } from './chunk-source.ts';
import { type Container, segmentLeftOut } from './container.ts';
import type { HlsSettings } from './section.ts';
import { type LiveSegment, Segmenter } from './segmenter.ts';
import { writeLivePlaylist } from './write-playlist.ts';

/** Muxing ends so long after the last request. */
const idleMs = 45_000;
/** A first request waits so long for a whole segment, then takes what there is … */
const patienceMs = 1000;
const leastFirstMs = 400;
/** … and so long for the first key picture. */
const firstKeyMs = 8000;
/** Chunks of MPEG-TS: each begins with tables of 376 bytes. */
const tsChunkMs = 500;
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
  /** `lastNumber`: of the last segment that was promised to anybody. */
  readonly onEnd: (lastNumber: number) => void;
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
    const { stream } = options;
    this.#segmenter = new Segmenter({
      firstNumber: options.firstNumber,
      segmentDurationMs: options.settings.segmentDurationMs,
      gopMs: () => gopMsOf(stream),
      onSegment: (segment) => this.#add(segment),
    });
    this.#source = new ChunkSource({
      ...{ stream, container: options.container, live: options.live, chunkMs: tsChunkMs },
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

  /** True once it can be read no more. */
  get hasEnded(): boolean {
    return this.#closedBy !== undefined;
  }

  /** Number of the segment that comes next. */
  get nextNumber(): number {
    return this.#segmenter.nextNumber;
  }

  /** Somebody asked: muxing goes on for a while. */
  touch(): void {
    this.#cancelIdle();
    if (this.#closedBy !== undefined) return;
    const reason = new WatchpostError('Nobody asks for this playlist', { kind: 'canceled', code: 'HLS_IDLE' });
    this.#cancelIdle = this.#options.clock.after(idleMs, () => this.close(reason));
  }

  /** Text of `index.m3u8`; waits for the first segment. `tokenQuery` is put behind each address: `?token=…` or empty. */
  async text(tokenQuery: string): Promise<string> {
    this.touch();
    if (this.#segments.length === 0) await this.#firstSegment();
    const { container, settings, stream } = this.#options;
    return writeLivePlaylist(this.#segments.slice(-settings.playlistLength), {
      container,
      targetSeconds: this.#segmenter.targetSeconds,
      tokenQuery,
      notes: notesOn(stream, container),
    });
  }

  /** A segment by its number, also for a while after it left the playlist. */
  segment(number: number): LiveSegment | undefined {
    this.touch();
    return this.#segments.find((segment) => segment.number === number);
  }

  /** Init segment by its version; the newest without one. */
  init(version?: number): Uint8Array | undefined {
    this.touch();
    if (version === undefined) return this.#segments.at(-1)?.init?.bytes;
    return this.#segments.find((segment) => segment.initVersion === version)?.init?.bytes;
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
    const keep = this.#options.settings.playlistLength * 2 + 1;
    while (this.#segments.length > keep || (this.#bytes > maxBytes && this.#segments.length > 1)) {
      this.#bytes -= this.#segments.shift()!.bytes.length;
    }
    this.#wake();
  }

  #wake(): void {
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }

  async #firstSegment(): Promise<void> {
    const { clock, stream, container } = this.#options;
    const untilMs = clock.monotonicMs() + firstKeyMs;
    const cutAtMs = clock.monotonicMs() + patienceMs;
    while (this.#segments.length === 0) {
      if (this.#closedBy !== undefined) throw this.#closedBy;
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
    this.#options.onEnd(this.#segmenter.nextNumber - 1);
    this.#wake();
  }
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
