import type { Socket } from 'node:dgram';
import type { PacketSink } from './packet-sink.ts';
import type { UdpPair } from './udp-ports.ts';

/** Where a client wants its packets, or sends them from. */
export interface UdpPeer {
  /** That of its RTSP connection, never another: nobody can have us send to somebody else. */
  readonly address: string;
  readonly ports: readonly [rtp: number, rtcp: number];
}

/** One track over UDP: a pair of our ports and a pair of the client's. */
export class UdpTrack implements PacketSink {
  readonly #pair: UdpPair;
  readonly #address: string;
  readonly #peerPorts: [number, number];
  readonly #onPacket: (isRtcp: boolean, packet: Buffer) => void;
  #open = true;

  constructor(pair: UdpPair, peer: UdpPeer, onPacket: (isRtcp: boolean, packet: Buffer) => void) {
    this.#pair = pair;
    this.#address = peer.address;
    this.#peerPorts = [...peer.ports];
    this.#onPacket = onPacket;
    this.#listen(pair.rtp, 0);
    this.#listen(pair.rtcp, 1);
  }

  /** Our ports. */
  get ports(): readonly [rtp: number, rtcp: number] {
    return this.#pair.ports;
  }

  /** Sends one packet, `bytes[start…end)`. */
  send(isRtcp: boolean, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#open) return;
    const socket = isRtcp ? this.#pair.rtcp : this.#pair.rtp;
    socket.send(bytes, start, end - start, this.#peerPorts[isRtcp ? 1 : 0], this.#address, ignore);
  }

  close(): void {
    this.#open = false;
    // What was sent just now has not left yet: dgram looks up its address first.
    setImmediate(() => this.#pair.close());
  }

  #listen(socket: Socket, which: 0 | 1): void {
    socket.on('message', (packet, from) => {
      if (!this.#open || plainAddress(from.address) !== plainAddress(this.#address)) return;
      // Behind NAT the port is another than the client thinks; it shows with the first packet that opens the way.
      this.#peerPorts[which] = from.port;
      this.#onPacket(which === 1, packet);
    });
  }
}

/** An IPv4 address without the IPv6 in front that sockets for both show (RFC 4291 §2.5.5.2), any address without its zone. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function ignore(): void {}
