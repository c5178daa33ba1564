import { WatchpostError } from '@watchpost/base/errors.ts';
import { type ChannelHost, SessionChannel } from './channel.ts';
import { protocolError } from './protocol-error.ts';
import type { ReceiveWindow } from './receive-window.ts';
import type { AnnouncedLimits } from './session-limits.ts';
import type { Priority, SessionLimits } from './types.ts';

const priorities: readonly Priority[] = ['control', 'live', 'bulk'];
const maxChannelId = 0xffff_ffff;

/** The open channels of a session. An agent's ids are odd, a server's even; none is used twice. */
export class ChannelTable {
  readonly #limits: SessionLimits;
  readonly #peer: AnnouncedLimits;
  readonly #channels = new Map<number, SessionChannel>();
  readonly #parity: number;
  #lastOwn: number;
  #lastPeer = 0;
  #own = 0;
  #foreign = 0;

  constructor(options: { role: 'agent' | 'server'; limits: SessionLimits; peer: AnnouncedLimits }) {
    this.#limits = options.limits;
    this.#peer = options.peer;
    this.#parity = options.role === 'agent' ? 1 : 0;
    this.#lastOwn = options.role === 'agent' ? -1 : 0;
  }

  get size(): number {
    return this.#channels.size;
  }

  values(): Iterable<SessionChannel> {
    return this.#channels.values();
  }

  /** A channel of ours. The request is what OPEN carries after the priority. */
  open(host: ChannelHost, priority: Priority, made: { request: Uint8Array; window: ReceiveWindow }): SessionChannel {
    if (this.#own >= this.#peer.maxChannels || this.#lastOwn + 2 > maxChannelId)
      throw new WatchpostError(`The tunnel already carries ${this.#own} connections`, {
        kind: 'resource_exhausted',
        code: 'TUNNEL_CHANNELS_FULL',
      });
    this.#lastOwn += 2;
    this.#own++;
    const channel = this.#add(host, this.#lastOwn, { priority, window: made.window });
    channel.pending.open = new Uint8Array(1 + made.request.length);
    channel.pending.open[0] = priorities.indexOf(priority);
    channel.pending.open.set(made.request, 1);
    return channel;
  }

  /** A channel that the other end opened. */
  accept(
    host: ChannelHost,
    id: number,
    made: { payload: Uint8Array; window: ReceiveWindow },
  ): { channel: SessionChannel; request: Uint8Array } {
    if (id % 2 === this.#parity || id <= this.#lastPeer) throw protocolError(`channel ${id} cannot be opened`);
    if (this.#foreign >= this.#limits.maxChannels) throw protocolError('too many channels were opened');
    const priority = priorities[made.payload[0] ?? -1];
    if (!priority) throw protocolError('the priority is unknown');
    this.#lastPeer = id;
    this.#foreign++;
    const channel = this.#add(host, id, { priority, window: made.window });
    return { channel, request: made.payload.subarray(1) };
  }

  /** The channel; undefined where it is closed. One that never was breaks the protocol. */
  find(id: number): SessionChannel | undefined {
    const channel = this.#channels.get(id);
    if (!channel && id > (id % 2 === this.#parity ? this.#lastOwn : this.#lastPeer))
      throw protocolError(`channel ${id} was never opened`);
    return channel;
  }

  remove(channel: SessionChannel): void {
    if (!this.#channels.delete(channel.id)) return;
    if (channel.id % 2 === this.#parity) this.#own--;
    else this.#foreign--;
  }

  #add(host: ChannelHost, id: number, made: { priority: Priority; window: ReceiveWindow }): SessionChannel {
    const channel = new SessionChannel(host, { ...made, id, sendLimit: this.#peer.initialWindowBytes });
    this.#channels.set(id, channel);
    return channel;
  }
}
