import { toWatchpostError } from '@watchpost/base/errors.ts';
import {
  parseTunnelHead,
  sniffTunnel,
  type TunnelHead,
  writeTunnelRefusal,
} from '@watchpost/media/rtsp/http-tunnel.ts';
import type { ClientLine } from './client-line.ts';
import type { Guest } from './guest.ts';

/** Whoever has not said for so long what it wants is not a client of ours. */
const patienceMs = 10_000;

/** What a connection turns out to be. */
export interface DoorstepHandler {
  /** RTSP itself, with the first bytes of it; they may be overwritten after the call. */
  onRtsp(line: ClientLine, first: Uint8Array): void;
  /** Half of a tunnel; `rest` came after its head. */
  onTunnel(line: ClientLine, head: TunnelHead & { readonly cookie: string }, rest: Uint8Array): void;
}

/** A connection that has yet to say what it is: RTSP, or half of RTSP over HTTP. */
export class Doorstep implements Guest {
  readonly isStranger = true;
  readonly #line: ClientLine;
  readonly #handler: DoorstepHandler;
  readonly #openedMs: number;
  readonly #onGone = () => this.#line.socket.destroy();
  #bytes: Buffer | undefined;

  constructor(line: ClientLine, handler: DoorstepHandler, nowMs: number) {
    this.#line = line;
    this.#handler = handler;
    this.#openedMs = nowMs;
    line.hear((chunk) => this.#receive(chunk));
    line.socket.on('error', this.#onGone);
    line.socket.on('end', this.#onGone);
  }

  tick(nowMs: number): void {
    if (nowMs - this.#openedMs >= patienceMs) this.#line.socket.destroy();
  }

  end(): void {
    this.#line.socket.destroy();
  }

  #receive(chunk: Uint8Array): undefined {
    const bytes = this.#bytes === undefined ? chunk : Buffer.concat([this.#bytes, chunk]);
    const kind = sniffTunnel(bytes);
    if (kind === 'rtsp') {
      this.#leave();
      this.#handler.onRtsp(this.#line, bytes);
      return;
    }
    this.#bytes = Buffer.from(bytes);
    if (kind === undefined) return;
    try {
      const head = parseTunnelHead(bytes);
      if (head === undefined) return;
      const { cookie } = head;
      if (cookie === undefined) return this.#refuse('This port speaks RTSP. The web console has another one.\n');
      this.#leave();
      this.#handler.onTunnel(this.#line, { ...head, cookie }, this.#bytes.subarray(head.end));
    } catch (thrown) {
      this.#refuse(`${toWatchpostError(thrown).message}\n`);
    }
  }

  #refuse(why: string): undefined {
    this.#line.ignore();
    this.#line.socket.end(writeTunnelRefusal(400, why));
  }

  /** The line goes to somebody else. */
  #leave(): void {
    this.#line.ignore();
    this.#line.socket.off('error', this.#onGone);
    this.#line.socket.off('end', this.#onGone);
  }
}
