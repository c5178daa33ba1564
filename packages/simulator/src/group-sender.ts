import { createSocket, type Socket } from 'node:dgram';
import type { ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { CameraStream, StreamSession } from './camera-stream.ts';

/** Within an organization (RFC 2365 §6.2). */
const groupPrefix = '239.255.42.';
const ttl = 1;

/** One path of a virtual camera, sent to a group of its own while somebody plays it. */
export class GroupSender {
  /** Of the group. */
  readonly address: string;
  readonly ttl: number = ttl;
  readonly #stream: CameraStream;
  readonly #socket: Socket;
  readonly #firstPort: number;
  readonly #session: StreamSession;
  #players = 0;
  #closed = false;

  private constructor(stream: CameraStream, socket: Socket, group: { address: string; firstPort: number }) {
    this.address = group.address;
    this.#stream = stream;
    this.#socket = socket;
    this.#firstPort = group.firstPort;
    const tracks: ServedTrack[] = Array.from({ length: stream.trackCount }, (_, trackIndex) => ({
      ...{ trackIndex, rtpChannel: 2 * trackIndex, rtcpChannel: 2 * trackIndex + 1, lower: 'multicast' },
    }));
    this.#session = { tracks, waitsForKey: true, pendingBytes: () => 0, write: (bytes) => this.#write(bytes) };
  }

  /** Binds; `number` tells the groups of a camera apart, `host` is the address whose network the group is in. */
  static async open(stream: CameraStream, host: string, place: { number: number; firstPort: number }) {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, host, () => {
        socket.removeAllListeners('error');
        socket.on('error', () => {});
        resolve();
      });
    });
    socket.setMulticastInterface(host);
    socket.setMulticastTTL(ttl);
    const address = `${groupPrefix}${1 + (place.number % 250)}`;
    return new GroupSender(stream, socket, { address, firstPort: place.firstPort });
  }

  /** Ports of a track. */
  portsOf(trackIndex: number): readonly [rtp: number, rtcp: number] {
    return [this.#firstPort + 2 * trackIndex, this.#firstPort + 2 * trackIndex + 1];
  }

  /** Somebody plays it; the first one makes it send. */
  enter(): void {
    if (this.#players++ > 0) return;
    this.#session.waitsForKey = true;
    this.#stream.add(this.#session);
  }

  leave(): void {
    if (--this.#players === 0) this.#stream.remove(this.#session);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.remove(this.#session);
    this.#socket.close();
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at + 4 <= bytes.length && bytes[at] === 0x24 && !this.#closed; ) {
      const end = at + 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
      this.#socket.send(bytes, at + 4, end - at - 4, this.#firstPort + bytes[at + 1]!, this.address, () => {});
      at = end;
    }
  }
}
