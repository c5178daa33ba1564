import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { WallAnchor } from '@watchpost/media/time/wall-clock.ts';
import { CacheBudget } from './cache-budget.ts';
import { Publishers } from './publishers.ts';
import { SourceRunner, type SourceRunnerOptions } from './source-runner.ts';
import { Stream, type StreamHost } from './stream.ts';
import type { SilentStreams, StreamDefinition, StreamState } from './types.ts';

const checkEveryMs = 1000;
const defaultCacheBytes = 1024 * 1024 * 1024;

/** What happened to a stream. `state`: `before` it was something else. `clock_step`: the machine's clock was set. */
export type HubChange =
  | { readonly type: 'defined' | 'changed' | 'removed' | 'tracks' | 'source'; readonly stream: Stream }
  | { readonly type: 'state'; readonly stream: Stream; readonly before: StreamState }
  | { readonly type: 'clock_step'; readonly stepMs: number };

/** What a hub needs. */
export interface StreamHubOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reconnectDelayMs: number;
  /** Of all GOP caches together, those of outputs included. */
  readonly budget?: CacheBudget;
  /** Without it each hub learns anew which streams send no sound. */
  readonly silent?: SilentStreams;
  readonly protocolFor: SourceRunnerOptions['protocolFor'];
  readonly pull: SourceRunnerOptions['pull'];
}

/** All streams, live under their ids. Names no protocol. */
export class StreamHub implements StreamHost, AsyncDisposable {
  readonly clock: Clock;
  readonly anchor = new WallAnchor();
  readonly budget: CacheBudget;
  readonly silent: SilentStreams | undefined;
  /** Those who dial us and send. */
  readonly publishers: Publishers;
  readonly #options: StreamHubOptions & { reconnectDelayMs: number };
  readonly #streams = new Map<string, Stream>();
  readonly #runners = new Map<string, SourceRunner>();
  readonly #listeners = new Set<(change: HubChange) => void>();
  #cancelCheck: () => void;

  constructor(options: StreamHubOptions) {
    this.clock = options.clock;
    this.budget = options.budget ?? new CacheBudget(defaultCacheBytes);
    this.silent = options.silent;
    this.#options = { ...options };
    this.publishers = new Publishers(this, this.clock);
    this.anchor.observe(this.clock.monotonicMs(), this.clock.wallMs());
    this.#cancelCheck = this.clock.after(checkEveryMs, () => this.#check());
  }

  /** First delay after an ordinary failure, from the next failure on. */
  setReconnectDelay(delayMs: number): void {
    this.#options.reconnectDelayMs = delayMs;
  }

  /** The stream, online or not. */
  get(id: string): Stream | undefined {
    return this.#streams.get(id);
  }

  /** All streams in order of their ids. */
  list(): readonly Stream[] {
    return [...this.#streams.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Hears of changes until the function that comes back is called. */
  onChange(listener: (change: HubChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Adds a stream, or changes one: its source is connected anew only where sources, protocol, `onDemand` or `stopped`
   * differ; readers stay.
   */
  async define(definition: StreamDefinition): Promise<Stream> {
    const known = this.#streams.get(definition.id);
    if (known !== undefined) return this.#redefine(known, definition);
    const stream = new Stream(definition, this);
    this.#streams.set(definition.id, stream);
    this.#tell({ type: 'defined', stream });
    this.#startRunner(stream);
    return stream;
  }

  /** Ends the stream and its readers. */
  async remove(id: string): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    // Somebody who changed it may have connected it anew meanwhile.
    const isHere = () => this.#streams.get(id) === stream;
    while (isHere() && this.#runners.has(id)) await this.#stopRunner(id);
    if (!isHere()) return;
    this.#streams.delete(id);
    this.silent?.note(id, false);
    this.#tell({ type: 'removed', stream });
    stream.remove(new WatchpostError('The stream was removed', { kind: 'not_found', code: 'STREAM_REMOVED' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelCheck();
    this.publishers.close();
    while (this.#runners.size > 0) await Promise.all([...this.#runners.keys()].map((id) => this.#stopRunner(id)));
    for (const stream of this.#streams.values()) {
      stream.remove(new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' }));
    }
  }

  stateChanged(stream: Stream, before: StreamState): void {
    this.#tell({ type: 'state', stream, before });
  }

  tracksChanged(stream: Stream): void {
    this.#tell({ type: 'tracks', stream });
  }

  sourceChanged(stream: Stream): void {
    this.#tell({ type: 'source', stream });
  }

  async #redefine(stream: Stream, definition: StreamDefinition): Promise<Stream> {
    const before = stream.definition;
    stream.definition = definition;
    const sameSource =
      JSON.stringify([before.protocol, before.sources, before.onDemand, before.stopped]) ===
      JSON.stringify([definition.protocol, definition.sources, definition.onDemand, definition.stopped]);
    this.#tell({ type: 'changed', stream });
    if (sameSource) return stream;
    await this.#stopRunner(stream.id);
    if (this.#streams.get(stream.id) !== stream) return this.define(definition);
    // Others who changed it waited for the same end; the first of them began with the newest definition.
    if (this.#runners.has(stream.id)) return stream;
    stream.reason = undefined;
    stream.source = undefined;
    this.#startRunner(stream);
    return stream;
  }

  #startRunner(stream: Stream): void {
    const { definition } = stream;
    const idle = definition.stopped ? 'stopped' : definition.sources.length === 0 ? 'offline' : undefined;
    stream.setState(idle ?? (definition.onDemand ? 'on_demand' : 'connecting'));
    if (idle !== undefined) return;
    this.#runners.set(stream.id, new SourceRunner(stream, this.#options));
  }

  /** Whoever asks while it ends waits, too. */
  async #stopRunner(id: string): Promise<void> {
    const runner = this.#runners.get(id);
    await runner?.stop();
    if (this.#runners.get(id) === runner) this.#runners.delete(id);
  }

  #check(): void {
    const nowMs = this.clock.monotonicMs();
    this.#cancelCheck = this.clock.after(checkEveryMs, () => this.#check());
    const stepMs = this.anchor.observe(nowMs, this.clock.wallMs());
    if (stepMs !== 0) this.#tell({ type: 'clock_step', stepMs });
    for (const stream of this.#streams.values()) {
      const hung = stream.check(nowMs);
      if (hung !== undefined) this.#runners.get(stream.id)?.interrupt(hung);
    }
    this.budget.enforce(nowMs);
  }

  #tell(change: HubChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (thrown) {
        this.#options.logger.error('a listener of the hub failed', { change: change.type, error: thrown });
      }
    }
  }
}
