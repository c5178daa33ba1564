import type { Writable } from 'node:stream';

/** Whose socket it is. */
export interface Writer {
  /** The socket took no more: nothing is to be written before it has drained. */
  onBlocked(): void;
}

/**
 * Writes of all readers that are told of something in one round, done when the last one was told. Telling hundreds of
 * readers is a tight loop as long as no system call stands between one and the next, after which the processor's caches
 * hold the kernel's network stack and everything of ours is fetched anew.
 */
export class WriteRound {
  readonly #sockets: Writable[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #writers: Writer[] = [];
  #isOpen = false;

  /** From here on writes wait for `end`. */
  begin(): void {
    this.#isOpen = true;
  }

  /** Writes, in a round at its end. */
  write(socket: Writable, bytes: Uint8Array, writer: Writer): void {
    if (!this.#isOpen) {
      if (!socket.write(bytes)) writer.onBlocked();
      return;
    }
    this.#sockets.push(socket);
    this.#bytes.push(bytes);
    this.#writers.push(writer);
  }

  /** Does what waits. */
  end(): void {
    this.#isOpen = false;
    const sockets = this.#sockets;
    for (let i = 0; i < sockets.length; i++) {
      if (!sockets[i]!.write(this.#bytes[i]!)) this.#writers[i]!.onBlocked();
    }
    sockets.length = this.#bytes.length = this.#writers.length = 0;
  }
}
