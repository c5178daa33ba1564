import { type Clock, sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { redactTarget, type SourceUrl } from '@watchpost/base/source-url.ts';
import { Backoff } from './backoff.ts';
import type { Stream } from './stream.ts';
import type { Protocol, PushProgress } from './types.ts';

const reconnectDelayMs = 5000;
/** A stream whose camera is gone for so long is not sent any more: the target would find out by itself, and call it an error. */
const sourceGoneMs = 10_000;

/** What a target of a stream is doing. `waiting`: for the stream itself. */
export type PushState = 'waiting' | 'connecting' | 'online' | 'offline';

/** A target of a stream, as statistics show it. */
export interface PushStatus {
  readonly target: SourceUrl;
  readonly state: PushState;
  /** Since when, ms since 1970 UTC. */
  readonly sinceMs: number;
  /** Why the last attempt ended; undefined once one is accepted. */
  readonly reason: WatchpostError | undefined;
  /** When the next attempt is due, ms since 1970 UTC. */
  readonly retryAtMs: number | undefined;
  /** Sent to the target, over all attempts. */
  readonly bytes: number;
  readonly attempts: number;
}

/** What a runner needs. */
export interface PushRunnerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Finds the protocol for a scheme. */
  protocolFor(scheme: string): Protocol | undefined;
  /** Runs one session; resolves or rejects when it has ended. */
  push(protocol: Protocol, run: PushRun): Promise<void>;
}

/** One session with a target. */
export interface PushRun extends PushProgress {
  readonly stream: Stream;
  readonly target: SourceUrl;
  readonly signal: AbortSignal;
}

/** Sends one stream to one target for as long as it is wanted: wait for the stream, connect, send, wait, again. */
export class PushRunner {
  readonly target: SourceUrl;
  readonly #stream: Stream;
  readonly #options: PushRunnerOptions;
  readonly #stop = new AbortController();
  readonly #backoff = new Backoff(reconnectDelayMs);
  readonly #done: Promise<void>;
  #state: PushState = 'waiting';
  #sinceMs: number;
  #reason: WatchpostError | undefined;
  #retryAtMs: number | undefined;
  #bytes = 0;
  #attempts = 0;
  #attempt: AbortController | undefined;
  #cancelGone: (() => void) | undefined;
  #wakeOnline: (() => void) | undefined;

  constructor(stream: Stream, target: SourceUrl, options: PushRunnerOptions) {
    this.target = target;
    this.#stream = stream;
    this.#options = options;
    this.#sinceMs = options.clock.wallMs();
    this.#done = this.#run();
  }

  get status(): PushStatus {
    return {
      target: this.target,
      state: this.#state,
      sinceMs: this.#sinceMs,
      reason: this.#reason,
      retryAtMs: this.#retryAtMs,
      bytes: this.#bytes,
      attempts: this.#attempts,
    };
  }

  /** The state of the stream is another. */
  streamChanged(): void {
    if (this.#stream.state === 'online') {
      this.#cancelGone?.();
      this.#cancelGone = undefined;
      this.#wakeOnline?.();
      return;
    }
    if (this.#attempt === undefined || this.#cancelGone !== undefined) return;
    this.#cancelGone = this.#options.clock.after(sourceGoneMs, () => {
      this.#cancelGone = undefined;
      this.#attempt?.abort(
        new WatchpostError('the stream itself is offline', { kind: 'canceled', code: 'PUSH_SOURCE_GONE' }),
      );
    });
  }

  /** Ends for good; resolves when the session is closed. */
  async stop(): Promise<void> {
    this.#stop.abort(new WatchpostError('The target was removed', { kind: 'canceled', code: 'PUSH_STOPPED' }));
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { clock } = this.#options;
    // A stream on demand is wanted while it has a target; this reader takes nothing.
    const demand = this.#stream.openReader({
      protocol: 'push',
      onBehalfOf: () => [],
      start: 'live',
      maxLagMs: 0,
      maxLagBytes: 0,
      maxStuckMs: Number.POSITIVE_INFINITY,
    });
    try {
      while (!signal.aborted) {
        await this.#streamOnline(signal);
        const delayMs = await this.#pushOnce(signal);
        if (delayMs > 0) await sleep(clock, delayMs, signal);
      }
    } catch (thrown) {
      if (!signal.aborted) this.#options.logger.error('push runner failed', { stream: this.#stream.id, error: thrown });
    } finally {
      this.#cancelGone?.();
      demand.close();
    }
  }

  async #streamOnline(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw signal.reason;
    if (this.#stream.state === 'online') return;
    this.#setState('waiting', this.#reason);
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#wakeOnline = () => {
        signal.removeEventListener('abort', onAbort);
        this.#wakeOnline = undefined;
        resolve();
      };
    });
  }

  /** One session; returns how long to wait before the next one. */
  async #pushOnce(signal: AbortSignal): Promise<number> {
    const { clock, logger } = this.#options;
    const attempt = new AbortController();
    const onStop = () => attempt.abort(signal.reason);
    signal.addEventListener('abort', onStop, { once: true });
    this.#attempt = attempt;
    this.#attempts++;
    this.#setState('connecting', this.#reason);
    const failure = await this.#push(attempt.signal);
    signal.removeEventListener('abort', onStop);
    this.#attempt = undefined;
    this.#cancelGone?.();
    this.#cancelGone = undefined;
    if (signal.aborted || failure.code === 'PUSH_SOURCE_GONE') return 0;
    const onlineMs = this.#state === 'online' ? clock.wallMs() - this.#sinceMs : 0;
    const delayMs = this.#backoff.next(failure.kind, onlineMs);
    logger.warn('target lost', {
      stream: this.#stream.id,
      target: redactTarget(this.target.url),
      code: failure.code,
      reason: failure.message,
      retryInMs: Math.round(delayMs),
    });
    this.#setState('offline', failure);
    this.#retryAtMs = clock.wallMs() + delayMs;
    return delayMs;
  }

  async #push(signal: AbortSignal): Promise<WatchpostError> {
    const { scheme } = this.target;
    const protocol = this.#options.protocolFor(scheme);
    if (protocol?.push === undefined)
      return new WatchpostError(`No protocol of this build pushes to "${scheme}:" addresses`, {
        kind: 'unsupported',
        code: 'SCHEME_UNSUPPORTED',
        context: { scheme },
      });
    try {
      await this.#options.push(protocol, {
        stream: this.#stream,
        target: this.target,
        signal,
        accepted: () => this.#setState('online', undefined),
        sent: (bytes) => {
          this.#bytes += bytes;
        },
      });
    } catch (thrown) {
      return toWatchpostError(signal.aborted ? signal.reason : thrown, 'PUSH_FAILED');
    }
    if (signal.aborted) return toWatchpostError(signal.reason);
    return new WatchpostError('the target ended the session', { kind: 'unavailable', code: 'PUSH_ENDED' });
  }

  #setState(state: PushState, reason: WatchpostError | undefined): void {
    this.#reason = reason;
    this.#retryAtMs = undefined;
    if (state === this.#state) return;
    this.#state = state;
    this.#sinceMs = this.#options.clock.wallMs();
  }
}
