import type { Socket } from 'node:net';
import {
  Base64Stream,
  type TunnelHead,
  writeTunnelAnswer,
  writeTunnelRefusal,
} from '@watchpost/media/rtsp/http-tunnel.ts';
import type { ClientLine } from './client-line.ts';
import type { Connection } from './connection.ts';
import type { Guest } from './guest.ts';

/** One half waits for so long for the other one. */
const otherHalfWithinMs = 10_000;

interface Tunnel {
  readonly connection: Connection;
  /** The POST that requests come by; clients may send a new one. */
  post: Socket | undefined;
}

/** What tunnels are made with. */
export interface HttpTunnelsOptions {
  readonly serverName: string;
  readonly nowMs: () => number;
  /** Makes the connection that answers on the GET half. */
  readonly connect: (socket: Socket) => Connection;
  /** Says who ticks a socket from now on. */
  readonly hand: (socket: Socket, guest: Guest) => void;
}

/**
 * RTSP over HTTP, as QuickTime made it and cameras and recorders kept it: a GET that is never whole brings answers and
 * packets, a POST that is never whole brings requests in Base64; a cookie says that they belong together.
 */
export class HttpTunnels {
  readonly #options: HttpTunnelsOptions;
  readonly #tunnels = new Map<string, Tunnel>();
  /** POST halves that came before their GET. */
  readonly #early = new Map<string, { readonly line: ClientLine; readonly rest: Uint8Array }>();

  constructor(options: HttpTunnelsOptions) {
    this.#options = options;
  }

  /** Takes one half. */
  accept(line: ClientLine, head: TunnelHead & { readonly cookie: string }, rest: Uint8Array): void {
    // Nothing more comes by a GET.
    if (head.method === 'GET') this.#openGet(line.socket, head.cookie);
    else this.#openPost(line, head.cookie, rest);
  }

  #openGet(socket: Socket, cookie: string): void {
    if (this.#tunnels.has(cookie)) {
      socket.on('error', () => socket.destroy());
      socket.end(writeTunnelRefusal(400, 'this x-sessioncookie has a GET already\n'));
      return;
    }
    socket.write(writeTunnelAnswer(this.#options.serverName));
    const tunnel: Tunnel = { connection: this.#options.connect(socket), post: undefined };
    this.#tunnels.set(cookie, tunnel);
    socket.on('close', () => {
      this.#tunnels.delete(cookie);
      tunnel.post?.destroy();
    });
    const early = this.#early.get(cookie);
    if (early === undefined) return;
    this.#early.delete(cookie);
    this.#join(tunnel, early.line, early.rest);
    early.line.socket.resume();
  }

  #openPost(line: ClientLine, cookie: string, rest: Uint8Array): void {
    const { socket } = line;
    const openedMs = this.#options.nowMs();
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    const hasTunnel = () => this.#early.get(cookie)?.line !== line;
    this.#options.hand(socket, {
      tick: (nowMs) => {
        if (!hasTunnel() && nowMs - openedMs >= otherHalfWithinMs) socket.destroy();
      },
      end: () => socket.destroy(),
    });
    const tunnel = this.#tunnels.get(cookie);
    if (tunnel !== undefined) {
      this.#join(tunnel, line, rest);
      return;
    }
    this.#early.get(cookie)?.line.socket.destroy();
    socket.pause();
    this.#early.set(cookie, { line, rest });
    socket.on('close', () => {
      if (!hasTunnel()) this.#early.delete(cookie);
    });
  }

  #join(tunnel: Tunnel, line: ClientLine, rest: Uint8Array): void {
    tunnel.post?.destroy();
    tunnel.post = line.socket;
    const decoder = new Base64Stream();
    const receive = (chunk: Uint8Array) => {
      try {
        tunnel.connection.receive(decoder.decode(chunk));
      } catch {
        // No Base64: nothing after it can be understood.
        tunnel.connection.drop();
      }
    };
    line.hear(receive);
    if (rest.length > 0) receive(rest);
  }
}
