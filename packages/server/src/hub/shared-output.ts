import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { CacheBudget } from './cache-budget.ts';
import { SharedLog } from './shared-log.ts';
import type { Stream } from './stream.ts';
import type { Reader, ReaderOptions, SampleReader } from './types.ts';

/** Bytes kept for one stream: as much as its GOP cache. */
const cacheLimitBytes = 16 * 1024 * 1024;
const checkEveryMs = 1000;

/** What an output is made with. */
export interface SharedOutputOptions {
  readonly clock: Clock;
  /** The hub's: what an output keeps counts as its GOP caches do. */
  readonly budget?: CacheBudget;
  /** Name of its own reader of samples; its readers are counted instead of it. */
  readonly protocol: string;
  /** Called with samples in order, and told to go on with `append` and `flush`. What it throws ends the output. */
  readonly onSamples: (samples: readonly Sample[]) => void;
  /** See `ReaderOptions`. */
  readonly holds?: () => readonly Sample[];
  /** Called once: nobody reads any more, the stream was removed, or the output failed. */
  readonly onEnd: () => void;
}

/** One stream in one wire format: made once for all of its readers, and only while there are any. */
export class SharedOutput<T> {
  readonly #options: SharedOutputOptions;
  readonly #log: SharedLog<T>;
  readonly #stream: Stream;
  readonly #source: SampleReader;
  #cancelCheck: (() => void) | undefined;
  #endedBy: WatchpostError | undefined;

  /** Opens its reader of samples; nothing is pulled before `start`. */
  constructor(stream: Stream, options: SharedOutputOptions) {
    const { clock, budget } = options;
    this.#options = options;
    this.#stream = stream;
    this.#log = new SharedLog({
      clock,
      cacheLimitBytes,
      readersChanged: () => this.#endIfUnread(),
      ...(budget && { budget }),
    });
    this.#source = stream.openReader({
      protocol: options.protocol,
      onBehalfOf: () => this.#log.readers,
      start: 'gop',
      onReady: () => this.#pump(),
      onClose: (reason) => this.end(reason),
      ...(options.holds && { holds: options.holds }),
      maxStuckMs: Number.POSITIVE_INFINITY,
    });
  }

  /** True once it can be read no more. */
  get hasEnded(): boolean {
    return this.#endedBy !== undefined;
  }

  /** Takes what is cached, then what comes. */
  start(): void {
    this.#pump();
    if (this.#endedBy === undefined) this.#check();
  }

  /** Opens a place in the output, which ends with the last one. On an output that has ended it is closed at once. */
  open(options: ReaderOptions): Reader<T> {
    const endedBy = this.#endedBy;
    if (endedBy !== undefined) queueMicrotask(() => options.onClose?.(endedBy));
    this.#stream.ask();
    return this.#log.open(options);
  }

  /** Adds an item for all readers; they hear of it at the next `flush`. */
  append(item: T, entry: { readonly randomAccess: boolean; readonly bytes: number }): void {
    this.#log.append(item, { ...entry, atMs: this.#options.clock.monotonicMs() });
  }

  /** Wakes the readers that wait. */
  flush(): void {
    this.#log.flush();
  }

  /** Ends the output and its readers; the stream goes on. */
  end(reason: WatchpostError): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = reason;
    this.#source.close();
    this.#cancelCheck?.();
    this.#options.onEnd();
    this.#log.close(reason);
  }

  #pump(): void {
    try {
      while (this.#endedBy === undefined) {
        const samples = this.#source.pull();
        if (samples.length === 0) return;
        this.#options.onSamples(samples);
      }
    } catch (thrown) {
      // Codec data that the format cannot hold end this output, not the stream.
      this.end(toWatchpostError(thrown, 'OUTPUT_FAILED'));
    }
  }

  #check(): void {
    this.#log.check(this.#options.clock.monotonicMs());
    if (this.#endedBy === undefined) this.#cancelCheck = this.#options.clock.after(checkEveryMs, () => this.#check());
  }

  #endIfUnread(): void {
    if (this.#log.readerCount > 0) return;
    this.end(new WatchpostError('Nobody watches', { kind: 'canceled', code: 'OUTPUT_UNREAD' }));
  }
}
