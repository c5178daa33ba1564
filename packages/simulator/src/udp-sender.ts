import { createSocket, type Socket } from 'node:dgram';

const maxTries = 50;

/** Where a viewer wants the datagrams of one track. */
export interface UdpViewer {
  /** Our address that they come from. */
  readonly localAddress: string;
  readonly address: string;
  readonly ports: readonly [rtp: number, rtcp: number];
  /** Sends nothing before the viewer has sent something, and to where that came from: as through NAT. */
  readonly waitsForPunch: boolean;
}

/** Two sockets that send one track to one viewer: RTP from an even port, RTCP from the one after it. */
export class UdpSender {
  readonly ports: readonly [rtp: number, rtcp: number];
  /** Packets of the viewer that came to each of the two. */
  readonly heard: [rtp: number, rtcp: number] = [0, 0];
  readonly #sockets: readonly [Socket, Socket];
  readonly #viewer: UdpViewer;
  readonly #peerPorts: [number, number];
  #open = true;

  private constructor(sockets: readonly [Socket, Socket], viewer: UdpViewer) {
    this.#sockets = sockets;
    this.#viewer = viewer;
    this.#peerPorts = viewer.waitsForPunch ? [0, 0] : [...viewer.ports];
    this.ports = [sockets[0].address().port, sockets[1].address().port];
    for (const which of [0, 1] as const)
      sockets[which].on('message', (_packet, from) => {
        this.heard[which]++;
        if (from.address === viewer.address) this.#peerPorts[which] = from.port;
      });
  }

  /** Binds a pair of free ports. Rejects where none can be had. */
  static async open(viewer: UdpViewer): Promise<UdpSender> {
    for (let tried = 0; tried < maxTries; tried++) {
      const rtp = await bind(0, viewer.localAddress);
      const { port } = rtp.address();
      const rtcp = port % 2 === 0 ? await bind(port + 1, viewer.localAddress).catch(() => undefined) : undefined;
      if (rtcp) return new UdpSender([rtp, rtcp], viewer);
      rtp.close();
    }
    throw new Error('no pair of UDP ports is free');
  }

  /** Sends one packet, `bytes[start…end)`. */
  send(isRtcp: boolean, bytes: Uint8Array, start: number, end: number): void {
    const which = isRtcp ? 1 : 0;
    const port = this.#peerPorts[which];
    if (!this.#open || port === 0) return;
    this.#sockets[which].send(bytes, start, end - start, port, this.#viewer.address, () => {});
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const socket of this.#sockets) socket.close();
  }
}

function bind(port: number, address: string): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, address }, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
