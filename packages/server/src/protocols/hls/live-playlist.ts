import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { carriageOf } from '../../hub/live-fmp4/carriage.ts';
import type { LiveChunk } from '../../hub/live-fmp4/live-chunk.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { Reader } from '../../hub/types.ts';
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
/** Bytes of one stream's segments. */
const maxBytes = 96 * 1024 * 1024;

/** What a live playlist needs. */
export interface LivePlaylistOptions {
  readonly stream: Stream;
  readonly live: LiveFmp4;
  readonly clock: Clock;
  readonly settings: HlsSettings;
  readonly firstNumber: number;
  /** `lastNumber`: of the last segment that was promised to anybody. */
  readonly onEnd: (lastNumber: number) => void;
}

/** The segments of one stream, made for as long as somebody asks for them. */
export class LivePlaylist {
  readonly #options: LivePlaylistOptions;
  readonly #segmenter: Segmenter;
  readonly #reader: Reader<LiveChunk>;
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
    this.#reader = options.live.open(stream, {
      protocol: 'hls',
      start: 'gop',
      maxStuckMs: Number.POSITIVE_INFINITY,
      onReady: () => this.#pump(),
      onClose: (reason) => this.#end(reason),
    });
    this.#pump();
    this.touch();
  }

  /** Bytes of segments kept. */
  get bytes(): number {
    return this.#bytes;
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
    const { playlistLength } = this.#options.settings;
    return writeLivePlaylist(this.#segments.slice(-playlistLength), {
      targetSeconds: this.#segmenter.targetSeconds,
      tokenQuery,
    });
  }

  /** A segment by its number, also for a while after it left the playlist. */
  segment(number: number): LiveSegment | undefined {
    this.touch();
    return this.#segments.find((segment) => segment.number === number);
  }

  /** Init segment by its version. */
  init(version: number): Uint8Array | undefined {
    this.touch();
    return this.#segments.find((segment) => segment.initVersion === version)?.init.bytes;
  }

  /** Ends muxing; the segments are forgotten. */
  close(reason: WatchpostError): void {
    this.#reader.close();
    this.#end(reason);
  }

  #pump(): void {
    for (;;) {
      const chunks = this.#reader.pull();
      if (chunks.length === 0) return;
      for (const chunk of chunks) this.#segmenter.push(chunk);
    }
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
    const { clock, stream } = this.#options;
    const untilMs = clock.monotonicMs() + firstKeyMs;
    const cutAtMs = clock.monotonicMs() + patienceMs;
    while (this.#segments.length === 0) {
      if (this.#closedBy !== undefined) throw this.#closedBy;
      if (stream.tracks.length > 0 && stream.tracks.every((track) => carriageOf(track) === 'none'))
        throw notPlayable(stream);
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

function notPlayable(stream: Stream): WatchpostError {
  const codecs = stream.tracks.map((track) => track.codec).join(', ');
  return new WatchpostError(`HLS carries none of this stream's codecs (${codecs}) — set the camera to H.264 and AAC`, {
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
