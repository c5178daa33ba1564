import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Stream } from './stream.ts';
import type { StreamHub } from './stream-hub.ts';
import type { StreamDefinition } from './types.ts';

/** A stream that a publisher made stays for so long without one: encoders lose their connection and come back. */
const lingerMs = 15_000;
const idPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** A client that sends us a stream. */
export interface Incoming {
  readonly stream: Stream;
}

interface Active {
  readonly incoming: Incoming;
  readonly protocol: string;
  readonly end: (reason: WatchpostError) => void;
}

/** Who publishes which stream, over whatever protocol. */
export class Publishers {
  readonly #hub: StreamHub;
  readonly #clock: Clock;
  /** By stream id: the client that sends it, and how to end it. */
  readonly #active = new Map<string, Active>();
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
      if (active?.incoming.stream === stream && isOver)
        active.end(new WatchpostError('The stream was stopped', { kind: 'canceled', code: 'STREAM_STOPPED' }));
      const isOthers = change.type === 'removed' || stream.definition.origin !== 'publisher';
      if (isOthers && this.#made.get(stream.id)?.stream === stream) this.#unmake(stream.id);
    });
  }

  /** Clients that send now, over one protocol. */
  countOf(protocol: string): number {
    let count = 0;
    for (const active of this.#active.values()) if (active.protocol === protocol) count++;
    return count;
  }

  /** Id of the stream whose definition names this path. */
  idAt(protocol: string, path: string): string | undefined {
    return this.#hub
      .list()
      .find(({ definition }) => definition.publishPath === path && definition.protocol === protocol)?.id;
  }

  /**
   * The stream that a client may send under an id: one that waits for publishers, or a new one. Give it back with
   * `release`. Throws `forbidden` (`STREAM_HAS_SOURCE`), `unavailable` (`STREAM_STOPPED`), `invalid_argument`.
   */
  async claim(id: string, protocol: string): Promise<Stream> {
    const known = this.#hub.get(id) ?? (await this.#make(id, protocol));
    const { definition } = known;
    const { sources, stopped } = definition;
    const made = this.#made.get(id);
    if (sources.length > 0 || (definition.protocol !== protocol && made === undefined))
      throw new WatchpostError(`"${id}" has a source of its own — publish under another name`, {
        kind: 'forbidden',
        code: 'STREAM_HAS_SOURCE',
      });
    if (stopped)
      throw new WatchpostError(`"${id}" is stopped — start it first`, { kind: 'unavailable', code: 'STREAM_STOPPED' });
    if (made === undefined) return known;
    made.holders++;
    made.cancelRemoval?.();
    // Who made it came over another protocol; it is this one's from now on.
    return definition.protocol === protocol ? known : this.#hub.define({ ...definition, protocol });
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
  begin<T extends Incoming>(
    stream: Stream,
    client: { readonly protocol: string; readonly make: () => T; readonly end: (reason: WatchpostError) => void },
  ): T {
    const { protocol, end } = client;
    this.#active
      .get(stream.id)
      ?.end(new WatchpostError('Another publisher took over', { kind: 'conflict', code: 'SOURCE_REPLACED' }));
    const incoming = client.make();
    this.#active.set(stream.id, { incoming, protocol, end });
    return incoming;
  }

  /** A client has ended. */
  ended(incoming: Incoming): void {
    const { id } = incoming.stream;
    if (this.#active.get(id)?.incoming === incoming) this.#active.delete(id);
  }

  /** Forgets the hub; nothing is removed any more. */
  close(): void {
    this.#forgetHub();
    for (const { cancelRemoval } of this.#made.values()) cancelRemoval?.();
  }

  async #make(id: string, protocol: string): Promise<Stream> {
    if (!idPattern.test(id))
      throw new WatchpostError(`"${id}" is no name for a stream — use a-z, 0-9, "_" and "-", at most 64`, {
        kind: 'invalid_argument',
        code: 'STREAM_ID_INVALID',
      });
    const definition: StreamDefinition = {
      id,
      title: id,
      protocol,
      sources: [],
      record: false,
      onDemand: false,
      stopped: false,
      origin: 'publisher',
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
