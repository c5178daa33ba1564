import type { Socket } from 'node:net';
import type { ResetReason } from '@watchpost/tunnel/reset-reason.ts';
import type { Channel, ChannelHandler } from '@watchpost/tunnel/types.ts';

/** Somebody's TCP connection to a local port, joined to a channel. */
export class PortConnection implements ChannelHandler {
  readonly #socket: Socket;
  readonly #onEnd: () => void;
  #channel: Channel | undefined;
  #receivedBytes = 0;
  #consumedBytes = 0;
  #isCorked = false;
  #isOver = false;

  constructor(socket: Socket, onEnd: () => void) {
    this.#socket = socket;
    this.#onEnd = onEnd;
  }

  /** Bytes that the client sent. */
  get bytesIn(): number {
    return this.#channel?.bytesOut ?? 0;
  }

  /** Bytes that the client was sent. */
  get bytesOut(): number {
    return this.#channel?.bytesIn ?? 0;
  }

  /** Begins to carry bytes. */
  join(channel: Channel): void {
    this.#channel = channel;
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      if (!channel.write(chunk)) socket.pause();
    });
    let isEnded = false;
    socket.on('end', () => {
      isEnded = true;
      channel.end();
    });
    socket.on('error', () => channel.reset('canceled'));
    // After its end, what it sent is still on its way through the tunnel.
    socket.on('close', (failed: boolean) => {
      if (failed || !isEnded) channel.reset('canceled');
    });
  }

  /** Ends it. */
  destroy(): void {
    this.#socket.destroy();
  }

  data(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (socket.destroyed) {
      this.#channel?.consume(bytes.length);
      return;
    }
    if (!this.#isCorked) socket.cork();
    this.#isCorked = true;
    this.#receivedBytes += bytes.length;
    socket.write(bytes, this.#onWritten);
  }

  flush(): void {
    if (this.#isCorked) this.#socket.uncork();
    this.#isCorked = false;
  }

  end(): void {
    this.#socket.end();
  }

  drain(): void {
    this.#socket.resume();
  }

  closed(reason: ResetReason | 'clean'): void {
    if (reason === 'clean') this.#socket.end();
    else this.#socket.resetAndDestroy();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd();
  }

  /** One function for all writes: what is not waiting any more has been taken. */
  readonly #onWritten = (): void => {
    const takenBytes = this.#receivedBytes - this.#socket.writableLength - this.#consumedBytes;
    if (takenBytes <= 0) return;
    this.#consumedBytes += takenBytes;
    this.#channel?.consume(takenBytes);
  };
}
