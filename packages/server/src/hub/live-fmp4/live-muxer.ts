import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { CacheBudget } from '../cache-budget.ts';
import { SharedLog } from '../shared-log.ts';
import type { Stream } from '../stream.ts';
import type { Reader, ReaderOptions, SampleReader } from '../types.ts';
import { ChunkBuilder } from './chunk-builder.ts';
import type { LiveChunk } from './live-chunk.ts';

/** Bytes of chunks kept for one stream: as much as its GOP cache. */
const cacheLimitBytes = 16 * 1024 * 1024;
const checkEveryMs = 1000;

/** What `LiveFmp4` needs. */
export interface LiveFmp4Options {
  readonly clock: Clock;
  /** The hub's: chunks count as its GOP caches do. */
  readonly budget?: CacheBudget;
}

/** The muxers of all live streams that somebody watches as fMP4; all outputs of that format share one. */
export class LiveFmp4 {
  readonly #options: LiveFmp4Options;
  readonly #muxers = new Map<Stream, LiveMuxer>();

  constructor(options: LiveFmp4Options) {
    this.#options = options;
  }

  /** Streams that are being muxed. */
  get active(): number {
    return this.#muxers.size;
  }

  /** Opens a place among the chunks of a stream; the stream's muxer exists until the last one is closed. */
  open(stream: Stream, options: ReaderOptions): Reader<LiveChunk> {
    let muxer = this.#muxers.get(stream);
    if (muxer === undefined) {
      muxer = new LiveMuxer(stream, { ...this.#options, onEnd: () => this.#muxers.delete(stream) });
      if (!muxer.hasEnded) this.#muxers.set(stream, muxer);
    }
    return muxer.open(options);
  }
}

/** Muxes one stream, each chunk once, for as long as there is a reader. */
class LiveMuxer {
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  readonly #log: SharedLog<LiveChunk>;
  readonly #builder: ChunkBuilder;
  readonly #source: SampleReader;
  #cancelCheck: (() => void) | undefined;
  #endedBy: WatchpostError | undefined;

  constructor(stream: Stream, options: LiveFmp4Options & { onEnd: () => void }) {
    this.#clock = options.clock;
    this.#onEnd = options.onEnd;
    const { clock, budget } = options;
    this.#log = new SharedLog({ clock, cacheLimitBytes, ...(budget === undefined ? {} : { budget }) });
    this.#builder = new ChunkBuilder(
      () => stream.tracks,
      (chunk) => this.#append(chunk),
    );
    this.#source = stream.openReader({
      protocol: 'live-fmp4',
      onBehalfOf: () => this.#log.readers,
      start: 'gop',
      onReady: () => this.#pump(),
      onClose: (reason) => this.#end(reason),
      maxStuckMs: Number.POSITIVE_INFINITY,
    });
    this.#pump();
    if (this.#endedBy === undefined) this.#check();
  }

  get hasEnded(): boolean {
    return this.#endedBy !== undefined;
  }

  open(options: ReaderOptions): Reader<LiveChunk> {
    const endedBy = this.#endedBy;
    if (endedBy !== undefined) queueMicrotask(() => options.onClose?.(endedBy));
    const reader = this.#log.open({
      ...options,
      onClose: (reason) => {
        options.onClose?.(reason);
        this.#endIfUnread();
      },
    });
    const close = reader.close.bind(reader);
    reader.close = () => {
      close();
      this.#endIfUnread();
    };
    return reader;
  }

  #pump(): void {
    try {
      for (;;) {
        const samples = this.#source.pull();
        if (samples.length === 0) break;
        for (const sample of samples) this.#builder.push(sample);
      }
      this.#builder.flush();
    } catch (thrown) {
      // Codec data that MP4 cannot hold end this output, not the stream that is being read.
      this.#source.close();
      this.#end(toWatchpostError(thrown, 'LIVE_FMP4_FAILED'));
    }
    this.#log.flush();
  }

  #append(chunk: LiveChunk): void {
    const atMs = this.#clock.monotonicMs();
    this.#log.append(chunk, { randomAccess: chunk.key, bytes: chunk.bytes.length, atMs });
  }

  #check(): void {
    this.#log.check(this.#clock.monotonicMs());
    if (this.#endedBy === undefined) this.#cancelCheck = this.#clock.after(checkEveryMs, () => this.#check());
  }

  #endIfUnread(): void {
    if (this.#log.readerCount > 0 || this.#endedBy !== undefined) return;
    this.#source.close();
    this.#end(new WatchpostError('Nobody watches', { kind: 'canceled', code: 'LIVE_FMP4_UNREAD' }));
  }

  #end(reason: WatchpostError): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = reason;
    this.#cancelCheck?.();
    this.#onEnd();
    this.#log.close(reason);
  }
}
