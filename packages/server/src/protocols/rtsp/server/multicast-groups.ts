import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Stream } from '../../../hub/stream.ts';
import { MulticastSender } from './multicast-sender.ts';
import type { PlayerCounts } from './player.ts';
import type { RtpOutputs } from './rtp-output.ts';

/** Ports of the first track; each track has two. The ones that other servers use, which firewalls may know. */
const firstPort = 8002;
const maxTries = 256;

/** Group addresses, as numbers. */
export interface GroupRange {
  readonly first: number;
  readonly count: number;
}

/** What groups are made with. */
export interface MulticastOptions {
  readonly clock: Clock;
  readonly outputs: RtpOutputs;
  readonly counts: PlayerCounts;
  readonly groups: GroupRange;
  readonly ttl: number;
}

/** One player's place in a group. */
export interface MulticastSeat {
  readonly address: string;
  readonly ttl: number;
  portsOf(trackIndex: number): readonly [rtp: number, rtcp: number];
  play(): void;
  pause(): void;
  close(): void;
}

/** What the seat's owner is told. */
export interface SeatHandler {
  /** Of the network's end that it asked from: the only one whose signs of life are its own. */
  readonly remoteAddress: string;
  /** A report came from that address. */
  readonly heard: () => void;
  readonly onEnd: (reason: WatchpostError) => void;
}

/** UDP multicast: one sender for each stream and network, shared by all of its readers, for as long as one plays. */
export class MulticastGroups {
  readonly #options: MulticastOptions;
  /** By stream and local address. */
  readonly #senders = new Map<Stream, Map<string, MulticastSender>>();
  readonly #used = new Set<number>();

  constructor(options: MulticastOptions) {
    this.#options = options;
  }

  /** Takes a place in a stream's group on the network of one of our addresses. Throws `resource_exhausted` (`RTSP_GROUPS_TAKEN`). */
  async seat(stream: Stream, localAddress: string, handler: SeatHandler): Promise<MulticastSeat> {
    const senders = this.#senders.get(stream) ?? new Map<string, MulticastSender>();
    this.#senders.set(stream, senders);
    let sender = senders.get(localAddress);
    if (sender === undefined) {
      sender = this.#open(stream, localAddress);
      senders.set(localAddress, sender);
    }
    const seat = sender.seat(handler);
    try {
      await sender.ready;
    } catch (thrown) {
      seat.close();
      throw thrown;
    }
    return seat;
  }

  #open(stream: Stream, localAddress: string): MulticastSender {
    const group = this.#choose();
    this.#used.add(group);
    return new MulticastSender(stream, {
      ...this.#options,
      address: [24, 16, 8, 0].map((shift) => (group >>> shift) & 255).join('.'),
      localAddress,
      firstPort,
      onUnused: () => {
        this.#used.delete(group);
        const senders = this.#senders.get(stream);
        senders?.delete(localAddress);
        if (senders?.size === 0) this.#senders.delete(stream);
      },
    });
  }

  #choose(): number {
    const { first, count } = this.#options.groups;
    const start = Math.floor(Math.random() * count);
    for (let tried = 0; tried < Math.min(count, maxTries); tried++) {
      const group = first + ((start + tried) % count);
      if (!this.#used.has(group)) return group;
    }
    throw new WatchpostError('all group addresses are in use — widen protocols.rtsp.multicast', {
      kind: 'resource_exhausted',
      code: 'RTSP_GROUPS_TAKEN',
    });
  }
}
