import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { FlvH265 } from '@watchpost/media/container/flv/sequence-header.ts';
import type { CacheBudget } from '../../hub/cache-budget.ts';
import { SharedLog } from '../../hub/shared-log.ts';
import type { Stream } from '../../hub/stream.ts';
import type { Reader, ReaderOptions, SampleReader } from '../../hub/types.ts';
import { BatchBuilder, type FlvBatch } from './batch-builder.ts';

/** Bytes of batches kept for one stream: as much as its GOP cache. */
const cacheLimitBytes = 16 * 1024 * 1024;
const checkEveryMs = 1000;

/** What `LiveFlv` needs. */
export interface LiveFlvOptions {
  readonly clock: Clock;
  /** Frames are collected for so long and then sent at once; 0 sends each at once. */
  readonly mergeMs: number;
  /** The hub's: batches count as its GOP caches do. */
  readonly budget: CacheBudget;
}

/** The muxers of all streams that somebody watches as FLV, one for each stream and form of H.265. */
export class LiveFlv {
  readonly #options: LiveFlvOptions;
  readonly #muxers: Readonly<Record<FlvH265, Map<Stream, LiveMuxer>>> = { fourcc: new Map(), id12: new Map() };

  constructor(options: LiveFlvOptions) {
    this.#options = options;
  }

  /** Muxers at work. */
  get active(): number {
    return this.#muxers.fourcc.size + this.#muxers.id12.size;
  }

  /** Opens a place among the batches of a stream; the muxer exists until the last one is closed. */
  open(stream: Stream, h265: FlvH265, options: ReaderOptions): Reader<FlvBatch> {
    const muxers = this.#muxers[h265];
    let muxer = muxers.get(stream);
    if (muxer === undefined) {
      muxer = new LiveMuxer(stream, { ...this.#options, h265, onEnd: () => muxers.delete(stream) });
      if (!muxer.hasEnded) muxers.set(stream, muxer);
    }
    return muxer.open(options);
  }
}

/** Muxes one stream, each batch once, for as long as there is a reader. */
class LiveMuxer {
  readonly #clock: Clock;
  readonly #mergeMs: number;
  readonly #onEnd: () => void;
  readonly #log: SharedLog<FlvBatch>;
  readonly #builder: BatchBuilder;
  readonly #source: SampleReader;
  #cancelCheck: (() => void) | undefined;
  #cancelMerge: (() => void) | undefined;
  #endedBy: WatchpostError | undefined;

  constructor(stream: Stream, options: LiveFlvOptions & { readonly h265: FlvH265; readonly onEnd: () => void }) {
    const { clock, budget, h265 } = options;
    this.#clock = clock;
    this.#mergeMs = options.mergeMs;
    this.#onEnd = options.onEnd;
    this.#log = new SharedLog({ clock, cacheLimitBytes, budget });
    this.#builder = new BatchBuilder({
      h265,
      currentTracks: () => stream.tracks,
      emit: (batch) => this.#append(batch),
    });
    this.#source = stream.openReader({
      protocol: 'flv',
      onBehalfOf: () => this.#log.readers,
      start: 'gop',
      onReady: () => this.#pump(),
      onClose: (reason) => this.#end(reason),
      maxStuckMs: Number.POSITIVE_INFINITY,
    });
    this.#pump();
    this.#send();
    if (this.#endedBy === undefined) this.#check();
  }

  get hasEnded(): boolean {
    return this.#endedBy !== undefined;
  }

  open(options: ReaderOptions): Reader<FlvBatch> {
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
        for (let i = 0; i < samples.length; i++) this.#builder.push(samples[i]!);
      }
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    if (!this.#builder.isDue) return;
    if (this.#mergeMs === 0) this.#send();
    else this.#cancelMerge ??= this.#clock.after(this.#mergeMs, () => this.#send());
  }

  #send(): void {
    this.#cancelMerge?.();
    this.#cancelMerge = undefined;
    try {
      this.#builder.cut();
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    this.#log.flush();
  }

  /** Codec data or frames that FLV cannot hold end this output, not the stream that is being read. */
  #fail(thrown: unknown): void {
    this.#source.close();
    this.#end(toWatchpostError(thrown, 'FLV_FAILED'));
  }

  #append(batch: FlvBatch): void {
    const atMs = this.#clock.monotonicMs();
    this.#log.append(batch, { randomAccess: batch.key, bytes: batch.message.length, atMs });
  }

  #check(): void {
    this.#log.check(this.#clock.monotonicMs());
    if (this.#endedBy === undefined) this.#cancelCheck = this.#clock.after(checkEveryMs, () => this.#check());
  }

  #endIfUnread(): void {
    if (this.#log.readers.length > 0 || this.#endedBy !== undefined) return;
    this.#source.close();
    this.#end(new WatchpostError('Nobody watches', { kind: 'canceled', code: 'FLV_UNREAD' }));
  }

  #end(reason: WatchpostError): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = reason;
    this.#cancelCheck?.();
    this.#cancelMerge?.();
    this.#onEnd();
    this.#log.close(reason);
  }
}
