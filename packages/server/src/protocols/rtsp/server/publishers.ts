import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { StreamDefinition } from '../../../hub/types.ts';
import type { Ingest } from './ingest.ts';

/** A stream that a publisher made stays for so long without one: encoders lose their connection and come back. */
const lingerMs = 15_000;
const idPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Who publishes which stream. */
export class Publishers {
  readonly #hub: StreamHub;
  readonly #clock: Clock;
  /** By stream id: the client that sends it, and how to end it. */
  readonly #active = new Map<string, { readonly ingest: Ingest; readonly end: (reason: WatchpostError) => void }>();
  /** Streams that a publisher made; how many hold them, and what removes them. */
  readonly #made = new Map<string, { stream: Stream; holders: number; cancelRemoval?: () => void }>();
  readonly #forgetHub: () => void;

  constructor(hub: StreamHub, clock: Clock) {
    this.#hub = hub;
    this.#clock = clock;
    this.#forgetHub = hub.onChange((change) => {
      if (change.type === 'clock_step') return;
      const { stream } = change;
      const active = this.#active.get(stream.id);
      const isOver = change.type === 'removed' || stream.definition.stopped || stream.definition.sources.length > 0;
      if (active?.ingest.stream === stream && isOver)
        active.end(new WatchpostError('The stream was stopped', { kind: 'canceled', code: 'STREAM_STOPPED' }));
      if (change.type === 'removed' && this.#made.get(stream.id)?.stream === stream) this.#unmake(stream.id);
    });
  }

  /** Clients that send now. */
  get count(): number {
    return this.#active.size;
  }

  /**
   * The stream that a client may send under an id: one that waits for publishers, or a new one. Give it back with
   * `release`. Throws `forbidden` (`STREAM_HAS_SOURCE`), `unavailable` (`STREAM_STOPPED`), `invalid_argument`.
   */
  async claim(id: string): Promise<Stream> {
    const known = this.#hub.get(id) ?? (await this.#make(id));
    const { protocol, sources, stopped } = known.definition;
    if (protocol !== 'rtsp' || sources.length > 0)
      throw new WatchpostError(`"${id}" has a source of its own — publish under another name`, {
        kind: 'forbidden',
        code: 'STREAM_HAS_SOURCE',
      });
    if (stopped)
      throw new WatchpostError(`"${id}" is stopped — start it first`, { kind: 'unavailable', code: 'STREAM_STOPPED' });
    const made = this.#made.get(id);
    if (made) {
      made.holders++;
      made.cancelRemoval?.();
    }
    return known;
  }

  /** The client is through with the stream; one that was made for it goes, after a while. */
  release(stream: Stream): void {
    const { id } = stream;
    const made = this.#made.get(id);
    if (made?.stream !== stream || --made.holders > 0) return;
    made.cancelRemoval = this.#clock.after(lingerMs, () => {
      this.#made.delete(id);
      if (this.#hub.get(id) === stream) void this.#hub.remove(id);
    });
  }

  /** A client begins to send; who sent the same stream before is ended: the newest source wins. */
  begin(id: string, make: () => Ingest, end: (reason: WatchpostError) => void): Ingest {
    this.#active
      .get(id)
      ?.end(new WatchpostError('Another publisher took over', { kind: 'conflict', code: 'SOURCE_REPLACED' }));
    const ingest = make();
    this.#active.set(id, { ingest, end });
    return ingest;
  }

  /** A client has ended. */
  ended(ingest: Ingest): void {
    if (this.#active.get(ingest.stream.id)?.ingest === ingest) this.#active.delete(ingest.stream.id);
  }

  /** Forgets the hub; nothing is removed any more. */
  close(): void {
    this.#forgetHub();
    for (const { cancelRemoval } of this.#made.values()) cancelRemoval?.();
  }

  async #make(id: string): Promise<Stream> {
    if (!idPattern.test(id))
      throw new WatchpostError(`"${id}" is no name for a stream — use a-z, 0-9, "_" and "-", at most 64`, {
        kind: 'invalid_argument',
        code: 'STREAM_ID_INVALID',
      });
    const definition: StreamDefinition = {
      id,
      title: id,
      protocol: 'rtsp',
      sources: [],
      record: false,
      onDemand: false,
      stopped: false,
      origin: 'api',
    };
    const stream = await this.#hub.define(definition);
    if (!this.#made.has(id)) this.#made.set(id, { stream, holders: 0 });
    return stream;
  }

  #unmake(id: string): void {
    this.#made.get(id)?.cancelRemoval?.();
    this.#made.delete(id);
  }
}
