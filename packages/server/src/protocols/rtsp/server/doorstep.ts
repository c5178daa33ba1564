import type { Socket } from 'node:net';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import {
  parseTunnelHead,
  sniffTunnel,
  type TunnelHead,
  writeTunnelRefusal,
} from '@watchpost/media/rtsp/http-tunnel.ts';
import type { Guest } from './guest.ts';

/** Whoever has not said for so long what it wants is not a client of ours. */
const patienceMs = 10_000;

/** What a connection turns out to be. */
export interface DoorstepHandler {
  /** RTSP itself, with the first bytes of it. */
  onRtsp(socket: Socket, first: Buffer): void;
  /** Half of a tunnel; `rest` came after its head. */
  onTunnel(socket: Socket, head: TunnelHead & { readonly cookie: string }, rest: Buffer): void;
}

/** A connection that has yet to say what it is: RTSP, or half of RTSP over HTTP. */
export class Doorstep implements Guest {
  readonly isStranger = true;
  readonly #socket: Socket;
  readonly #handler: DoorstepHandler;
  readonly #openedMs: number;
  readonly #onData = (chunk: Buffer) => this.#receive(chunk);
  readonly #onGone = () => this.#socket.destroy();
  #bytes: Buffer | undefined;

  constructor(socket: Socket, handler: DoorstepHandler, nowMs: number) {
    this.#socket = socket;
    this.#handler = handler;
    this.#openedMs = nowMs;
    socket.on('data', this.#onData);
    socket.on('error', this.#onGone);
    socket.on('end', this.#onGone);
  }

  tick(nowMs: number): void {
    if (nowMs - this.#openedMs >= patienceMs) this.#socket.destroy();
  }

  end(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): undefined {
    const bytes = this.#bytes === undefined ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#bytes = bytes;
    const kind = sniffTunnel(bytes);
    if (kind === undefined) return;
    if (kind === 'rtsp') {
      this.#leave();
      this.#handler.onRtsp(this.#socket, bytes);
      return;
    }
    try {
      const head = parseTunnelHead(bytes);
      if (head === undefined) return;
      const { cookie } = head;
      if (cookie === undefined) return this.#refuse('This port speaks RTSP. The web console has another one.\n');
      this.#leave();
      this.#handler.onTunnel(this.#socket, { ...head, cookie }, bytes.subarray(head.end));
    } catch (thrown) {
      this.#refuse(`${toWatchpostError(thrown).message}\n`);
    }
  }

  #refuse(why: string): undefined {
    this.#socket.off('data', this.#onData);
    this.#socket.resume();
    this.#socket.end(writeTunnelRefusal(400, why));
  }

  /** The socket goes to somebody else. */
  #leave(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('error', this.#onGone);
    this.#socket.off('end', this.#onGone);
  }
}
