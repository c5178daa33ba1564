import { systemClock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { Stream } from '../../hub/stream.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import type { ProtocolContext, SampleReader } from '../../hub/types.ts';
import { dialTcp } from '../../net/dial.ts';
import { createRtsp } from './index.ts';

/** One source pulled into a stream of a real hub, by whoever tests that; time is the machine's. */
export class PullBench implements AsyncDisposable {
  /** All that came since the last `again`. */
  samples: Sample[] = [];
  /** The same, with the time at which each one was read, ms since 1970 UTC. */
  arrivals: { readonly sample: Sample; readonly wallMs: number }[] = [];
  /** Why the session under way ended; undefined where it was asked to. */
  ended: Promise<WatchpostError | undefined> = Promise.resolve(undefined);
  /** What the configuration says when a session begins. */
  section: Readonly<Record<string, unknown>>;
  readonly stream: Promise<Stream>;
  readonly #hub: StreamHub;
  readonly #url: string;
  readonly #protocol = createRtsp({ userAgent: 'Watchpost/test' });
  #reader: SampleReader | undefined;
  #abort = new AbortController();

  constructor(url: string, section: Readonly<Record<string, unknown>>) {
    this.#url = url;
    this.section = section;
    this.#hub = new StreamHub({
      ...{ clock: systemClock, logger: silentLogger, reconnectDelayMs: 1000 },
      protocolFor: () => undefined,
      pull: async () => {},
    });
    this.stream = this.#hub.define({
      ...{ id: 'a', title: 'a', protocol: 'rtsp', sources: [], record: false, onDemand: false, stopped: false },
      origin: 'api',
    });
    this.ended = this.#begin();
  }

  /** Ends the session, and begins another one. */
  again(): void {
    const before = this.stop();
    this.samples = [];
    this.arrivals = [];
    this.#abort = new AbortController();
    this.ended = before.then(() => this.#begin());
  }

  async stop(): Promise<void> {
    this.#abort.abort(new WatchpostError('enough', { kind: 'canceled', code: 'TEST_DONE' }));
    await this.ended;
  }

  /** Samples of a kind. */
  count(kind: 'video' | 'audio'): number {
    return this.samples.filter(({ track }) => track.kind === kind).length;
  }

  /** Resolves once it is as wanted; rejects where the session ends or ten seconds pass. */
  async until(done: () => boolean): Promise<void> {
    const endMs = performance.now() + 10_000;
    let failure: WatchpostError | undefined;
    void this.ended.then((error) => {
      failure = error;
    });
    while (!done()) {
      if (failure !== undefined) throw failure;
      if (performance.now() > endMs) throw new Error(`not in time: ${this.samples.length} samples`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#reader?.close();
    await this.#hub[Symbol.asyncDispose]();
  }

  async #begin(): Promise<WatchpostError | undefined> {
    const stream = await this.stream;
    this.#reader ??= stream.openReader({ protocol: 'test', start: 'live', onReady: () => this.#read() });
    this.#read();
    const { signal } = this.#abort;
    const context: ProtocolContext = {
      ...{ clock: systemClock, logger: silentLogger, dial: dialTcp, signal },
      section: this.section,
    };
    try {
      await this.#protocol.pull!(
        parseSourceUrl(this.#url),
        (...description) => stream.publish(...description),
        context,
      );
      return undefined;
    } catch (thrown) {
      return signal.aborted ? undefined : toWatchpostError(thrown);
    }
  }

  #read(): void {
    for (;;) {
      const samples = this.#reader?.pull() ?? [];
      if (samples.length === 0) return;
      for (const sample of samples) this.arrivals.push({ sample, wallMs: Date.now() });
      this.samples.push(...samples);
    }
  }
}
