import type { Socket } from 'node:net';
import type { Transport } from '@watchpost/tunnel/types.ts';
import type { WebSocket } from 'ws';

/** How long the goodbye of a WebSocket may take. */
const goodbyeMs = 1000;

/** A WebSocket as what a session sends through. */
export class WebSocketTransport implements Transport {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  send(message: Uint8Array): void {
    if (this.#webSocket.readyState === 1) this.#webSocket.send(message, onSent);
  }

  close(): void {
    this.#webSocket.close();
    setTimeout(() => this.#webSocket.terminate(), goodbyeMs).unref();
  }
}

/** An error of the socket comes as its own event. */
function onSent(): void {}
