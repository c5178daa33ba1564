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

/** Where multicast is sent. */
export interface MulticastSettings {
  readonly groups: GroupRange;
  readonly ttl: number;
}

/** What groups are made with. */
export interface MulticastOptions {
  readonly clock: Clock;
  readonly outputs: RtpOutputs;
  readonly counts: PlayerCounts;
  /** Asked for at each new seat; undefined where multicast is off. */
  readonly settings: () => MulticastSettings | undefined;
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
  /** By stream, and local address with what was set when the sender began: its readers keep that. */
  readonly #senders = new Map<Stream, Map<string, MulticastSender>>();
  readonly #used = new Set<number>();

  constructor(options: MulticastOptions) {
    this.#options = options;
  }

  /** Whether there are seats. */
  get areOffered(): boolean {
    return this.#options.settings() !== undefined;
  }

  /**
   * Takes a place in a stream's group on the network of one of our addresses. Throws `resource_exhausted`
   * (`RTSP_GROUPS_TAKEN`), `unsupported` (`RTSP_MULTICAST_OFF`).
   */
  async seat(stream: Stream, localAddress: string, handler: SeatHandler): Promise<MulticastSeat> {
    const sender = this.#senderOf(stream, localAddress);
    const seat = sender.seat(handler);
    try {
      await sender.ready;
    } catch (thrown) {
      seat.close();
      throw thrown;
    }
    return seat;
  }

  #senderOf(stream: Stream, localAddress: string): MulticastSender {
    const settings = this.#options.settings();
    if (settings === undefined)
      throw new WatchpostError('multicast is off — set protocols.rtsp.multicast, or use UDP unicast or TCP', {
        kind: 'unsupported',
        code: 'RTSP_MULTICAST_OFF',
      });
    const { groups, ttl } = settings;
    const key = [localAddress, groups.first, groups.count, ttl].join(' ');
    const senders = this.#senders.get(stream) ?? new Map<string, MulticastSender>();
    let sender = senders.get(key);
    if (sender === undefined) {
      sender = this.#open(stream, { localAddress, settings, key });
      this.#senders.set(stream, senders.set(key, sender));
    }
    return sender;
  }

  #open(
    stream: Stream,
    { localAddress, settings, key }: { localAddress: string; settings: MulticastSettings; key: string },
  ): MulticastSender {
    const group = this.#choose(settings.groups);
    const { clock, outputs, counts } = this.#options;
    this.#used.add(group);
    return new MulticastSender(stream, {
      ...{ clock, outputs, counts, ttl: settings.ttl },
      address: [24, 16, 8, 0].map((shift) => (group >>> shift) & 255).join('.'),
      localAddress,
      firstPort,
      onUnused: () => {
        this.#used.delete(group);
        const senders = this.#senders.get(stream);
        senders?.delete(key);
        if (senders?.size === 0) this.#senders.delete(stream);
      },
    });
  }

  #choose({ first, count }: GroupRange): number {
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
