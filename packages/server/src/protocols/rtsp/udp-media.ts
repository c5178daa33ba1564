import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { writeRtcp } from '@watchpost/media/rtp/rtcp.ts';
import type { TransportSpec } from '@watchpost/media/rtsp/transport.ts';
import { DatagramSlab } from './datagram-slab.ts';
import type { UdpPair, UdpPorts } from './server/udp-ports.ts';
import { plainAddress } from './server/udp-track.ts';

const receiveBufferBytes = 2 * 1024 * 1024;
/** An RTP header and no payload: opens the way through NAT for the camera's packets, and any receiver drops it. */
const rtpPunch = Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
const rtcpPunch = writeRtcp([{ type: 'rr', ssrc: 0, reports: [] }]);

/** What `UdpMedia` is made of. */
export interface UdpMediaOptions {
  readonly ports: UdpPorts;
  /** Address of our end of the RTSP connection: packets come to the same interface. */
  readonly localAddress: string;
  /** Address of the camera. */
  readonly remoteAddress: string;
}

/** What `UdpMedia` calls. */
export interface UdpMediaHandler {
  /** A packet, `chunk[start…end)`, which may be kept. */
  onDatagram(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void;
  /** All packets are handed over that one turn of the event loop brought. */
  onBatchEnd(): void;
}

interface Lane {
  readonly rtp: Socket;
  readonly rtcp: Socket;
  readonly close: () => void;
  /** Ports of the other end, 0 while unknown. */
  readonly peerPorts: [rtp: number, rtcp: number];
  /** Where our reports go. */
  target: string;
}

/** The datagrams of one session with a camera: a pair of ports, or a group, for each track. */
export class UdpMedia {
  /** Packets from elsewhere, which were dropped. */
  foreign = 0;
  readonly #options: UdpMediaOptions;
  readonly #handler: UdpMediaHandler;
  readonly #slab = new DatagramSlab();
  readonly #lanes: (Lane | undefined)[] = [];
  /** Addresses that packets may come from. */
  readonly #sources: string[];
  #batchEnd: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(options: UdpMediaOptions, handler: UdpMediaHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#sources = [plainAddress(options.remoteAddress)];
  }

  /** Binds two ports for a track. Throws `resource_exhausted` (`RTP_PORTS_TAKEN`). */
  async open(trackIndex: number): Promise<readonly [rtp: number, rtcp: number]> {
    const { ports, localAddress, remoteAddress } = this.#options;
    const pair: UdpPair = await ports.open(plainAddress(localAddress));
    this.#add(trackIndex, {
      rtp: pair.rtp,
      rtcp: pair.rtcp,
      close: () => pair.close(),
      peerPorts: [0, 0],
      target: plainAddress(remoteAddress),
    });
    return pair.ports;
  }

  /** The camera has said where it sends from. Ports that it does not name (0, 1: none) show with its first packet. */
  agree(trackIndex: number, spec: TransportSpec | undefined): void {
    const lane = this.#lanes[trackIndex];
    if (lane === undefined || spec === undefined) return;
    // A name in `source` is not looked up: it is the camera's own, as a rule.
    if (spec.source !== undefined && isIP(spec.source) !== 0) this.#sources.push(plainAddress(spec.source));
    for (const which of [0, 1] as const) {
      const port = spec.serverPort?.[which] ?? 0;
      if (port > 1) lane.peerPorts[which] = port;
    }
  }

  /** Sends a packet to each of the camera's ports, so that NAT and firewalls let its own in. */
  punch(): void {
    for (const [trackIndex] of this.#lanes.entries()) {
      this.send(trackIndex, false, rtpPunch);
      this.send(trackIndex, true, rtcpPunch);
    }
  }

  /** Joins the group that the camera named. Throws `unsupported` (`RTSP_GROUP_MISSING`) or `unavailable` (`RTSP_GROUP_UNREACHABLE`). */
  async join(trackIndex: number, spec: TransportSpec, fallback: { address?: string; port?: number }): Promise<void> {
    const group = spec.destination ?? fallback.address ?? '';
    const ports = spec.port ?? (fallback.port ? ([fallback.port, fallback.port + 1] as const) : undefined);
    if (!isGroup(group) || ports === undefined)
      throw new WatchpostError(
        'the camera names no multicast group — set one in its network settings, or choose tcp or udp for this source',
        { kind: 'unsupported', code: 'RTSP_GROUP_MISSING', context: { group } },
      );
    if (spec.source !== undefined && isIP(spec.source) !== 0) this.#sources.push(plainAddress(spec.source));
    const interfaceAddress = plainAddress(this.#options.localAddress);
    const opened: Socket[] = [];
    try {
      for (const port of ports) opened.push(await joinGroup({ group, port, interfaceAddress, ttl: spec.ttl ?? 1 }));
    } catch (thrown) {
      for (const socket of opened) socket.close();
      throw new WatchpostError(
        `the multicast group ${group} cannot be joined: ${(thrown as Error).message} — check this machine's routes, or choose tcp or udp`,
        { kind: 'unavailable', code: 'RTSP_GROUP_UNREACHABLE', cause: thrown },
      );
    }
    const [rtp, rtcp] = opened as [Socket, Socket];
    const close = () => {
      rtp.close();
      rtcp.close();
    };
    this.#add(trackIndex, { rtp, rtcp, close, peerPorts: [0, ports[1]], target: group });
  }

  /** Sends a packet of ours, where it is known to which port. */
  send(trackIndex: number, isRtcp: boolean, packet: Uint8Array): void {
    const lane = this.#lanes[trackIndex];
    const port = lane?.peerPorts[isRtcp ? 1 : 0] ?? 0;
    if (lane === undefined || port === 0 || this.#closed) return;
    (isRtcp ? lane.rtcp : lane.rtp).send(packet, 0, packet.length, port, lane.target, ignore);
  }

  /** Once a second. */
  tick(): void {
    this.#slab.adapt();
  }

  close(): void {
    this.#closed = true;
    if (this.#batchEnd !== undefined) clearImmediate(this.#batchEnd);
    for (const lane of this.#lanes) lane?.close();
  }

  #add(trackIndex: number, lane: Lane): void {
    if (this.#closed) {
      lane.close();
      return;
    }
    this.#lanes[trackIndex] = lane;
    lane.rtp.on('message', (packet, from) => this.#receive(lane, trackIndex * 2, packet, from));
    lane.rtcp.on('message', (packet, from) => this.#receive(lane, trackIndex * 2 + 1, packet, from));
  }

  // `place`: track index × 2, plus 1 for RTCP. Four plain parameters: this runs once for each packet.
  #receive(lane: Lane, place: number, packet: Uint8Array, from: RemoteInfo): void {
    if (this.#closed) return;
    if (!this.#sources.includes(from.address) && !this.#sources.includes(plainAddress(from.address))) {
      this.foreign++;
      return;
    }
    const which = (place & 1) as 0 | 1;
    if (lane.peerPorts[which] === 0) lane.peerPorts[which] = from.port;
    const start = this.#slab.put(packet);
    this.#batchEnd ??= setImmediate(this.#endBatch);
    this.#handler.onDatagram(place >> 1, which === 1, this.#slab.chunk, start, start + packet.length);
  }

  /** Once for all packets that one turn of the event loop brought, of all sockets. */
  readonly #endBatch = (): void => {
    this.#batchEnd = undefined;
    this.#handler.onBatchEnd();
  };
}

interface GroupSocket {
  readonly group: string;
  readonly port: number;
  readonly interfaceAddress: string;
  readonly ttl: number;
}

function joinGroup({ group, port, interfaceAddress, ttl }: GroupSocket): Promise<Socket> {
  const v6 = isIPv6(group);
  // Several streams, and other programs, may listen to one group.
  const socket = createSocket({ type: v6 ? 'udp6' : 'udp4', reuseAddr: true, recvBufferSize: receiveBufferBytes });
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    // Bound to the group itself, where the system can, so that nothing else on the port comes in.
    socket.bind({ port, address: process.platform === 'win32' ? (v6 ? '::' : '0.0.0.0') : group }, () => {
      socket.removeAllListeners('error');
      socket.on('error', ignore);
      try {
        socket.addMembership(group, interfaceAddress);
        if (!v6) socket.setMulticastInterface(interfaceAddress);
        socket.setMulticastTTL(ttl);
        resolve(socket);
      } catch (thrown) {
        fail(thrown as Error);
      }
    });
  });
}

function isGroup(address: string): boolean {
  if (isIPv6(address)) return /^ff/i.test(address);
  const first = Number(address.split('.')[0]);
  return isIP(address) === 4 && first >= 224 && first < 240;
}

function ignore(): void {}
