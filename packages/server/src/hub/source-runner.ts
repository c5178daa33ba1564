import { type Clock, sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { redactUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import { Backoff } from './backoff.ts';
import type { Stream } from './stream.ts';
import type { Protocol, Publish, Publisher } from './types.ts';

/** A pull on demand goes on for so long after its last reader. */
const lingerMs = 10_000;

/** What a runner needs. */
export interface SourceRunnerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Read at each failure. */
  readonly reconnectDelayMs: number;
  /** Finds the protocol for a scheme. */
  protocolFor(scheme: string): Protocol | undefined;
  /** Runs one session; resolves or rejects when it has ended. */
  pull(
    protocol: Protocol,
    source: SourceUrl,
    run: { stream: Stream; publish: Publish; signal: AbortSignal },
  ): Promise<void>;
}

/** Keeps one stream's source connected for as long as it is wanted: connect, pull, wait, again. */
export class SourceRunner {
  readonly #stream: Stream;
  readonly #options: SourceRunnerOptions;
  readonly #stop = new AbortController();
  readonly #backoff: Backoff;
  readonly #done: Promise<void>;
  #attempt: AbortController | undefined;
  #sourceIndex = 0;

  constructor(stream: Stream, options: SourceRunnerOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#backoff = new Backoff(options.reconnectDelayMs);
    this.#done = this.#run();
  }

  /** Ends the session under way, with the reason; the next attempt follows. */
  interrupt(reason: WatchpostError): void {
    this.#attempt?.abort(reason);
  }

  /** Ends for good; resolves when the session is closed. */
  async stop(): Promise<void> {
    this.#stop.abort(new WatchpostError('The stream was stopped', { kind: 'canceled', code: 'STREAM_STOPPED' }));
    this.#stream.watchDemand(undefined);
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#stream.definition.onDemand) await this.#demand(signal);
        const delayMs = await this.#connectOnce(signal);
        if (delayMs > 0) await sleep(this.#options.clock, delayMs, signal);
      } catch (thrown) {
        if (!signal.aborted)
          this.#options.logger.error('source runner failed', { stream: this.#stream.id, error: thrown });
      }
    }
  }

  /** One session; returns how long to wait before the next one. */
  async #connectOnce(signal: AbortSignal): Promise<number> {
    const { clock } = this.#options;
    const stream = this.#stream;
    const source = stream.definition.sources[this.#sourceIndex % stream.definition.sources.length];
    if (source === undefined)
      throw new WatchpostError('The stream has no source', { kind: 'internal', code: 'STREAM_NO_SOURCE' });
    const attempt = new AbortController();
    this.#attempt = attempt;
    const unlink = linkSignals(signal, attempt);
    let publisher: Publisher | undefined;
    let failure: WatchpostError;
    stream.setState('connecting', stream.reason);
    try {
      failure = await this.#pull(source, attempt, (tracks, recycler) => {
        publisher = stream.publish(tracks, recycler);
        return publisher;
      });
    } finally {
      unlink();
      this.#attempt = undefined;
    }
    const onlineMs = stream.state === 'online' ? clock.wallMs() - stream.sinceMs : 0;
    publisher?.close(failure);
    if (signal.aborted) return 0;
    if (failure.code === 'NOT_WANTED') {
      stream.setState('on_demand');
      return 0;
    }
    this.#sourceIndex++;
    this.#backoff.reconnectDelayMs = this.#options.reconnectDelayMs;
    const delayMs = this.#backoff.next(failure.kind, onlineMs);
    this.#options.logger.warn('source lost', {
      stream: stream.id,
      source: redactUrl(source.url),
      code: failure.code,
      reason: failure.message,
      retryInMs: delayMs,
    });
    stream.setState('offline', failure, clock.wallMs() + delayMs);
    return delayMs;
  }

  async #pull(source: SourceUrl, attempt: AbortController, publish: Publish): Promise<WatchpostError> {
    const { scheme } = source;
    const protocol = this.#options.protocolFor(scheme);
    if (protocol?.pull === undefined) {
      return new WatchpostError(`No protocol of this build pulls "${scheme}:" addresses`, {
        kind: 'unsupported',
        code: 'SCHEME_UNSUPPORTED',
        context: { scheme },
      });
    }
    const stopWatching = this.#stream.definition.onDemand ? this.#leaveWhenUnwanted(attempt) : undefined;
    try {
      await this.#options.pull(protocol, source, { stream: this.#stream, publish, signal: attempt.signal });
    } catch (thrown) {
      if (attempt.signal.aborted) return toWatchpostError(attempt.signal.reason);
      return toWatchpostError(thrown, 'SOURCE_FAILED');
    } finally {
      stopWatching?.();
    }
    if (attempt.signal.aborted) return toWatchpostError(attempt.signal.reason);
    return new WatchpostError('The camera ended the stream', { kind: 'unavailable', code: 'SOURCE_ENDED' });
  }

  /** Waits until somebody reads. */
  async #demand(signal: AbortSignal): Promise<void> {
    const stream = this.#stream;
    if (stream.isRead) return;
    stream.setState('on_demand');
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      stream.watchDemand(() => {
        if (!stream.isRead) return;
        signal.removeEventListener('abort', onAbort);
        stream.watchDemand(undefined);
        resolve();
      });
    });
  }

  #leaveWhenUnwanted(attempt: AbortController): () => void {
    const { clock } = this.#options;
    const stream = this.#stream;
    let cancel: (() => void) | undefined;
    const look = () => {
      cancel?.();
      cancel = undefined;
      if (stream.isRead) return;
      const reason = new WatchpostError('Nobody watches', { kind: 'canceled', code: 'NOT_WANTED' });
      cancel = clock.after(lingerMs, () => attempt.abort(reason));
    };
    stream.watchDemand(look);
    look();
    return () => {
      cancel?.();
      stream.watchDemand(undefined);
    };
  }
}

function linkSignals(outer: AbortSignal, inner: AbortController): () => void {
  const onAbort = () => inner.abort(outer.reason);
  if (outer.aborted) onAbort();
  outer.addEventListener('abort', onAbort, { once: true });
  return () => outer.removeEventListener('abort', onAbort);
}
