import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** Pictures come in bursts; the system's default of about 200 KB drops parts of large ones. */
const receiveBufferBytes = 2 * 1024 * 1024;
const maxTries = 100;

/** Ports for RTP, inclusive. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Two sockets, for RTP on an even port and for RTCP on the one after it (RFC 3550 §11). */
export interface UdpPair {
  readonly rtp: Socket;
  readonly rtcp: Socket;
  readonly ports: readonly [rtp: number, rtcp: number];
  close(): void;
}

/** Hands out pairs of UDP ports of a range, in no order that somebody could guess. */
export class UdpPorts {
  readonly #range: () => PortRange;
  readonly #used = new Set<number>();

  /** `range` is asked for whenever a pair is opened. */
  constructor(range: () => PortRange) {
    this.#range = range;
  }

  /** Binds a pair on one address of this machine. Throws `resource_exhausted` (`RTP_PORTS_TAKEN`). */
  async open(address: string): Promise<UdpPair> {
    const range = this.#range();
    const first = range.first + (range.first % 2);
    const pairs = Math.floor((range.last - first + 1) / 2);
    const start = Math.floor(Math.random() * pairs);
    for (let tried = 0; tried < Math.min(pairs, maxTries); tried++) {
      const port = first + 2 * ((start + tried) % pairs);
      if (this.#used.has(port)) continue;
      this.#used.add(port);
      const pair = await this.#bindPair(port, address);
      if (pair !== undefined) return pair;
      this.#used.delete(port);
    }
    throw new WatchpostError(
      `no two UDP ports are free in ${range.first}-${range.last} — widen protocols.rtsp.rtp_port_range`,
      { kind: 'resource_exhausted', code: 'RTP_PORTS_TAKEN' },
    );
  }

  async #bindPair(port: number, address: string): Promise<UdpPair | undefined> {
    const rtp = await bind(port, address);
    if (rtp === undefined) return undefined;
    const rtcp = await bind(port + 1, address);
    if (rtcp === undefined) {
      rtp.close();
      return undefined;
    }
    let open = true;
    return {
      rtp,
      rtcp,
      ports: [port, port + 1],
      close: () => {
        if (!open) return;
        open = false;
        this.#used.delete(port);
        rtp.close();
        rtcp.close();
      },
    };
  }
}

function bind(port: number, address: string): Promise<Socket | undefined> {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: receiveBufferBytes });
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // Refusals by ICMP: whether the client is gone is told by its silence.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
