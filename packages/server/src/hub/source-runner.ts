import { type Clock, sleep } from '@watchpost/base/clock.ts';
import { type ErrorKind, toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { redactUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import { Backoff } from './backoff.ts';
import { SourceCandidate } from './source-candidate.ts';
import type { Stream } from './stream.ts';
import type { Protocol, Publish, Publisher } from './types.ts';

/** A pull on demand goes on for so long after its last reader. */
const lingerMs = 10_000;
/** While a lesser source is in use, the better ones are tried again so often, at the least. */
const probeEveryMs = 5000;
/** Where nothing that could be published has come after so long, nothing will: servers may let us in and wait for a publisher. */
const beginWithinMs = 30_000;
/** The same where another source may have something: UDP lets everybody in. */
const beginElseMs = 10_000;
/** A better source that has not taken over after so long is given up until the next attempt. */
const probeMs = 60_000;

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

/** One of the sources of a stream. */
interface Source {
  readonly url: SourceUrl;
  readonly backoff: Backoff;
  /** Not to be tried before, monotonic ms. */
  notBeforeMs: number;
  /** Why it is put off. */
  failure: ErrorKind | undefined;
}

/** One connection with a source. */
interface Pull {
  readonly index: number;
  readonly attempt: AbortController;
  /** Never rejects. */
  readonly ended: Promise<WatchpostError>;
  /** Since when the stream comes from it, monotonic ms. */
  sinceMs: number;
}

/**
 * Keeps one stream connected for as long as it is wanted: the best of its sources that can be had. While a lesser one is
 * in use the better ones are tried beside it, and take the stream over at a key picture.
 */
export class SourceRunner {
  readonly #stream: Stream;
  readonly #options: SourceRunnerOptions;
  readonly #stop = new AbortController();
  readonly #sources: readonly Source[];
  readonly #done: Promise<void>;
  #active: Pull | undefined;
  #lastFailure: WatchpostError | undefined;
  /** Somebody asked for the stream since the last attempt began. */
  #isAsked = false;
  /** Ends a pause as soon as may be. */
  #hasten: (() => void) | undefined;

  constructor(stream: Stream, options: SourceRunnerOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#sources = stream.definition.sources.map((url) => ({
      ...{ url, backoff: new Backoff(options.reconnectDelayMs), notBeforeMs: 0, failure: undefined },
    }));
    stream.watchAsking(() => {
      this.#isAsked = true;
      this.#hasten?.();
    });
    this.#done = this.#run();
  }

  /** Ends the session under way, with the reason; the next attempt follows. */
  interrupt(reason: WatchpostError): void {
    this.#active?.attempt.abort(reason);
  }

  /** Ends for good; resolves when the session is closed. */
  async stop(): Promise<void> {
    this.#stop.abort(new WatchpostError('The stream was stopped', { kind: 'canceled', code: 'STREAM_STOPPED' }));
    this.#stream.watchDemand(undefined);
    this.#stream.watchAsking(undefined);
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#stream.definition.onDemand) await this.#demand(signal);
        const delayMs = await this.#connectOnce(signal);
        if (delayMs > 0) await this.#rest(delayMs, signal);
      } catch (thrown) {
        if (!signal.aborted)
          this.#options.logger.error('source runner failed', { stream: this.#stream.id, error: thrown });
      }
    }
  }

  /** One session, of one source after the other where better ones take over; returns how long to wait before the next. */
  async #connectOnce(signal: AbortSignal): Promise<number> {
    const stream = this.#stream;
    this.#isAsked = false;
    stream.setState('connecting', stream.reason);
    const first = this.#begin(this.#choose(), (pull) => (...description) => {
      stream.useSource(pull().index, this.#lastFailure?.message);
      return stream.publish(...description);
    });
    const stopWatching = stream.definition.onDemand ? this.#leaveWhenUnwanted() : undefined;
    let last: Pull;
    try {
      last = await this.#hold(first);
    } finally {
      stopWatching?.();
      this.#active = undefined;
    }
    const failure = await last.ended;
    if (signal.aborted) return 0;
    if (failure.code === 'NOT_WANTED') {
      stream.forgetPictures();
      stream.setState('on_demand');
      return 0;
    }
    return this.#failed(last, failure);
  }

  /** Waits for the end of a session; a better source that takes over becomes the session. Returns the one that ended. */
  async #hold(first: Pull): Promise<Pull> {
    let pull = first;
    for (;;) {
      this.#active = pull;
      const probing = new AbortController();
      const better = pull.index > 0 ? this.#probe(pull.index, probing.signal) : undefined;
      const won = await Promise.race([pull.ended.then(() => undefined), ...(better === undefined ? [] : [better])]);
      probing.abort(new WatchpostError('No longer needed', { kind: 'canceled', code: 'PROBE_ENDED' }));
      // One that took over in the very moment in which the other one ended goes on.
      const next = won ?? (await better);
      if (next === undefined) return pull;
      pull.attempt.abort(
        new WatchpostError('A better source took over', { kind: 'canceled', code: 'SOURCE_REPLACED' }),
      );
      await pull.ended;
      pull = next;
    }
  }

  /** Tries the sources better than `index`, until one takes the stream over, or `signal` is aborted. */
  async #probe(index: number, signal: AbortSignal): Promise<Pull | undefined> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, probeEveryMs, signal).catch(() => {});
      for (let i = 0; i < index && !signal.aborted && !this.#stop.signal.aborted; i++) {
        if (this.#sources[i]!.notBeforeMs > clock.monotonicMs()) continue;
        const pull = await this.#tryOne(i, signal);
        if (pull !== undefined) return pull;
      }
    }
    return undefined;
  }

  /** Resolves with the pull once it has taken over, else with undefined once it has ended. */
  async #tryOne(index: number, signal: AbortSignal): Promise<Pull | undefined> {
    const { clock } = this.#options;
    const stream = this.#stream;
    const taken = Promise.withResolvers<void>();
    let hasTaken = false;
    const pull = this.#begin(index, () => (announced, recycler, transport) => {
      const takeOver: Publish = (...description) => {
        hasTaken = true;
        pull.sinceMs = clock.monotonicMs();
        stream.useSource(index, 'it sends again');
        taken.resolve();
        return stream.publish(...description);
      };
      const { anchor } = stream;
      const isUrgent = () => stream.state !== 'online';
      return new SourceCandidate({
        ...{ anchor, nowMs: () => clock.monotonicMs(), announced, recycler, transport, isUrgent, takeOver },
      });
    });
    const giveUp = () => !hasTaken && pull.attempt.abort(signal.reason);
    const cancel = clock.after(probeMs, () => {
      if (!hasTaken)
        pull.attempt.abort(
          new WatchpostError('It sends nothing steadily', { kind: 'timeout', code: 'SOURCE_UNSTEADY' }),
        );
    });
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    const failure = await Promise.race([taken.promise, pull.ended]);
    signal.removeEventListener('abort', giveUp);
    cancel();
    if (hasTaken) return pull;
    if (failure && failure.kind !== 'canceled') this.#putOff(index, failure, 0);
    return undefined;
  }

  /** The best source that may be tried now; else the one that may be tried first. */
  #choose(): number {
    const nowMs = this.#options.clock.monotonicMs();
    const ready = this.#sources.findIndex(({ notBeforeMs }) => notBeforeMs <= nowMs);
    if (ready >= 0) return ready;
    const soonest = Math.min(...this.#sources.map(({ notBeforeMs }) => notBeforeMs));
    return this.#sources.findIndex(({ notBeforeMs }) => notBeforeMs === soonest);
  }

  #putOff(index: number, failure: WatchpostError, onlineMs: number): number {
    const { clock, reconnectDelayMs } = this.#options;
    const source = this.#sources[index]!;
    source.backoff.reconnectDelayMs = reconnectDelayMs;
    source.failure = failure.kind;
    const delayMs = source.backoff.next(failure.kind, onlineMs);
    source.notBeforeMs = clock.monotonicMs() + delayMs;
    return delayMs;
  }

  /** What stands in for the source that was lost may be there by now, though it was not when it was tried; logins are not guessed. */
  #putForward(lost?: number): void {
    for (const [index, source] of this.#sources.entries()) {
      if (index !== lost && !isRefused(source)) source.notBeforeMs = 0;
    }
  }

  /** Returns how long to wait: not at all where another source may be tried. */
  #failed(pull: Pull, failure: WatchpostError): number {
    const { clock, logger } = this.#options;
    const stream = this.#stream;
    const nowMs = clock.monotonicMs();
    this.#lastFailure = failure;
    const wasOnline = stream.state === 'online';
    this.#putOff(pull.index, failure, wasOnline ? nowMs - pull.sinceMs : 0);
    if (wasOnline) this.#putForward(pull.index);
    const delayMs = Math.max(0, this.#sources[this.#choose()]!.notBeforeMs - nowMs);
    logger.warn('source lost', {
      stream: stream.id,
      source: redactUrl(this.#sources[pull.index]!.url.url),
      code: failure.code,
      reason: failure.message,
      retryInMs: Math.round(delayMs),
    });
    if (delayMs > 0) stream.setState('offline', failure, clock.wallMs() + delayMs);
    else stream.setState('connecting', failure);
    return delayMs;
  }

  /** Begins a connection; `publishing` is asked for what it is written into, once it is there. */
  #begin(index: number, publishing: (pull: () => Pull) => Publish): Pull {
    const attempt = new AbortController();
    const unlink = linkSignals(this.#stop.signal, attempt);
    let publisher: Publisher | undefined;
    const run = async (): Promise<WatchpostError> => {
      // Not before there is a pull to speak of.
      await undefined;
      const publish = publishing(() => pull);
      const withinMs = this.#sources.length > 1 ? beginElseMs : beginWithinMs;
      const cancel = this.#options.clock.after(withinMs, () => publisher ?? attempt.abort(nothingCame(withinMs)));
      const failure = await this.#pull(this.#sources[index]!.url, attempt, (...description) => {
        publisher = publish(...description);
        return publisher;
      });
      cancel();
      unlink();
      publisher?.close(failure);
      return failure;
    };
    const pull: Pull = { index, attempt, ended: run(), sinceMs: this.#options.clock.monotonicMs() };
    return pull;
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
    try {
      await this.#options.pull(protocol, source, { stream: this.#stream, publish, signal: attempt.signal });
    } catch (thrown) {
      if (attempt.signal.aborted) return toWatchpostError(attempt.signal.reason);
      return toWatchpostError(thrown, 'SOURCE_FAILED');
    }
    if (attempt.signal.aborted) return toWatchpostError(attempt.signal.reason);
    return new WatchpostError('The camera ended the stream', { kind: 'unavailable', code: 'SOURCE_ENDED' });
  }

  /**
   * Waits before the next attempt. Whoever asks for the stream meanwhile, or did so while the last one was made, is a reason
   * to try all sources sooner, but not sooner than after one `reconnect_delay`; logins are not guessed.
   */
  async #rest(delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock, reconnectDelayMs } = this.#options;
    if (this.#sources.every(isRefused)) return sleep(clock, delayMs, signal);
    const earliestMs = clock.monotonicMs() + reconnectDelayMs;
    const awake = new AbortController();
    let cancel: (() => void) | undefined;
    this.#hasten = () => {
      cancel ??= clock.after(Math.max(0, earliestMs - clock.monotonicMs()), () => awake.abort());
    };
    if (this.#isAsked) this.#hasten();
    try {
      await sleep(clock, delayMs, AbortSignal.any([signal, awake.signal]));
    } catch {
      signal.throwIfAborted();
      this.#putForward();
    } finally {
      cancel?.();
      this.#hasten = undefined;
    }
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

  #leaveWhenUnwanted(): () => void {
    const { clock } = this.#options;
    const stream = this.#stream;
    let cancel: (() => void) | undefined;
    const look = () => {
      cancel?.();
      cancel = undefined;
      if (stream.isRead) return;
      const reason = new WatchpostError('Nobody watches', { kind: 'canceled', code: 'NOT_WANTED' });
      cancel = clock.after(lingerMs, () => this.interrupt(reason));
    };
    stream.watchDemand(look);
    look();
    return () => {
      cancel?.();
      stream.watchDemand(undefined);
    };
  }
}

function isRefused({ failure }: Source): boolean {
  return failure === 'unauthenticated' || failure === 'forbidden';
}

function nothingCame(withinMs: number): WatchpostError {
  return new WatchpostError(
    `Neither picture nor sound has come for ${withinMs / 1000} s; connecting again — check that somebody sends there`,
    { kind: 'timeout', code: 'SOURCE_SILENT' },
  );
}

function linkSignals(outer: AbortSignal, inner: AbortController): () => void {
  const onAbort = () => inner.abort(outer.reason);
  if (outer.aborted) onAbort();
  outer.addEventListener('abort', onAbort, { once: true });
  return () => outer.removeEventListener('abort', onAbort);
}
