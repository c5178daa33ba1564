import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { MulticastSeat, SeatHandler } from './multicast-groups.ts';
import { maxUdpPacketBytes } from './play-session.ts';
import type { PlayerCounts } from './player.ts';
import type { RtpOutputs } from './rtp-output.ts';
import { playedTracks } from './served-tracks.ts';
import { UdpPlayer } from './udp-player.ts';
import { plainAddress } from './udp-track.ts';

/** What a sender is made of. */
export interface MulticastSenderOptions {
  readonly clock: Clock;
  readonly outputs: RtpOutputs;
  readonly counts: PlayerCounts;
  readonly address: string;
  readonly localAddress: string;
  readonly firstPort: number;
  readonly ttl: number;
  /** Nobody has a seat any more. */
  readonly onUnused: () => void;
}

interface Seat extends MulticastSeat {
  readonly handler: SeatHandler;
}

/** Sends one stream to one group, all tracks, while at least one reader plays; listens to the readers' reports. */
export class MulticastSender {
  /** Rejects where the system does not let us: `unavailable` (`RTSP_MULTICAST_FAILED`). */
  readonly ready: Promise<void>;
  readonly #options: MulticastSenderOptions;
  readonly #stream: Stream;
  readonly #socket: Socket;
  readonly #reports: Socket[] = [];
  readonly #seats = new Set<Seat>();
  readonly #playing = new Set<Seat>();
  #player: UdpPlayer | undefined;
  #closed = false;

  constructor(stream: Stream, options: MulticastSenderOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#socket = createSocket('udp4');
    this.ready = this.#bind();
    // Whoever has a seat awaits it; between two of them nobody may.
    this.ready.catch(() => {});
  }

  /** Takes a place; the sender ends with the last one. */
  seat(handler: SeatHandler): MulticastSeat {
    const { address, ttl, firstPort } = this.#options;
    const seat: Seat = {
      handler,
      address,
      ttl,
      portsOf: (trackIndex) => [firstPort + 2 * trackIndex, firstPort + 2 * trackIndex + 1],
      play: () => {
        this.#playing.add(seat);
        this.#play();
      },
      pause: () => {
        this.#playing.delete(seat);
        if (this.#playing.size === 0) this.#pause();
      },
      close: () => {
        seat.pause();
        if (this.#seats.delete(seat) && this.#seats.size === 0) this.#close();
      },
    };
    this.#seats.add(seat);
    return seat;
  }

  #play(): void {
    if (this.#player !== undefined) {
      // Whoever comes later hears at once what time it is.
      this.#player.report();
      return;
    }
    const tracks = playedTracks(this.#stream.tracks).map((_, trackIndex) => ({
      ...{ trackIndex, rtpChannel: -1, rtcpChannel: -1 },
      lower: 'multicast' as const,
    }));
    const { firstPort, address } = this.#options;
    const sinks = new Map(
      tracks.map(({ trackIndex }) => [
        trackIndex,
        {
          send: (isRtcp: boolean, bytes: Uint8Array, start: number, end: number) => {
            if (this.#closed) return;
            const port = firstPort + 2 * trackIndex + (isRtcp ? 1 : 0);
            this.#socket.send(bytes, start, end - start, port, address, ignore);
          },
        },
      ]),
    );
    const { clock, counts, outputs } = this.#options;
    this.#player = new UdpPlayer(clock, sinks, { counts, onEnd: (reason) => this.#end(reason), isGroup: true });
    this.#player.open(outputs.get(this.#stream, maxUdpPacketBytes), tracks);
    this.#player.start();
  }

  #pause(): void {
    this.#player?.stop();
    this.#player = undefined;
  }

  /** The stream is gone or has other codecs: so has everybody's session. */
  #end(reason: WatchpostError): void {
    this.#player?.bye();
    for (const seat of [...this.#seats]) seat.handler.onEnd(reason);
  }

  async #bind(): Promise<void> {
    const { localAddress, ttl } = this.#options;
    try {
      await bind(this.#socket, { port: 0, address: localAddress });
      this.#socket.setMulticastInterface(localAddress);
      this.#socket.setMulticastTTL(ttl);
      // Players on this machine hear it as well.
      this.#socket.setMulticastLoopback(true);
    } catch (thrown) {
      throw new WatchpostError(
        `multicast cannot be sent from ${localAddress} — ${(thrown as Error).message}; use UDP unicast or TCP`,
        { kind: 'unavailable', code: 'RTSP_MULTICAST_FAILED', cause: thrown },
      );
    }
    for (const [trackIndex] of playedTracks(this.#stream.tracks).entries()) await this.#listen(trackIndex);
  }

  /** Reports come to the group; without them, requests alone keep sessions alive. */
  async #listen(trackIndex: number): Promise<void> {
    const { address, localAddress, firstPort } = this.#options;
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    try {
      await bind(socket, { port: firstPort + 2 * trackIndex + 1, address });
      socket.addMembership(address, localAddress);
      socket.on('message', (_packet, from) => this.#heard(from.address));
      if (this.#closed) socket.close();
      else this.#reports.push(socket);
    } catch {
      socket.close();
    }
  }

  #heard(address: string): void {
    for (const { handler } of this.#seats) if (plainAddress(address) === handler.remoteAddress) handler.heard();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pause();
    this.#options.onUnused();
    void this.ready
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        this.#socket.close();
        for (const socket of this.#reports) socket.close();
      });
  }
}

function bind(socket: Socket, at: { port: number; address: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(at, () => {
      socket.off('error', reject);
      socket.on('error', ignore);
      resolve();
    });
  });
}

function ignore(): void {}
