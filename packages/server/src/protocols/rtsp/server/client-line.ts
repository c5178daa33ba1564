import type { Socket } from 'node:net';
import { readShared } from '../../../net/shared-reads.ts';

/** A client's connection, whose bytes go to one after the other: the doorstep, RTSP, half of a tunnel. */
export class ClientLine {
  readonly socket: Socket;
  #receive: (bytes: Uint8Array) => void = () => {};

  constructor(accepted: Socket) {
    const onRead = (bytes: number, buffer: Uint8Array) => this.#receive(buffer.subarray(0, bytes));
    this.socket = readShared(accepted, { allowHalfOpen: true, onRead });
  }

  /** Gives all bytes to `receive` from now on; they may be overwritten after each call. */
  hear(receive: (bytes: Uint8Array) => void): void {
    this.#receive = receive;
  }

  /** Nobody takes what comes from now on. */
  ignore(): void {
    this.#receive = () => {};
  }
}
