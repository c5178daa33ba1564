import type { Socket } from 'node:net';
import { type Clock, sleep } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { PacketSink } from './packet-sink.ts';

const stuckAfterMs = 30_000;
/** A large picture at once would overflow the client's receive buffer. */
const burstPackets = 32;
const pauseMs = 3;

/** Where the interleaved frames of a replay go. */
export interface ReplaySink {
  /** Resolves once more may be written; rejects with the signal's reason, or `READER_STUCK`. */
  write(frames: Buffer, signal: AbortSignal): Promise<void> | undefined;
}

/** Over the connection; waits while the client takes nothing. */
export class TcpReplaySink implements ReplaySink {
  readonly #socket: Socket;
  readonly #clock: Clock;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  write(frames: Buffer, signal: AbortSignal): Promise<void> | undefined {
    if (!this.#socket.writable || this.#socket.write(frames)) return undefined;
    return new Promise((resolve, reject) => {
      const settle = () => {
        cancel();
        this.#socket.off('drain', onDrain);
        this.#socket.off('close', onDrain);
        signal.removeEventListener('abort', onAbort);
      };
      const onDrain = () => {
        settle();
        resolve();
      };
      const onAbort = () => {
        settle();
        reject(signal.reason);
      };
      const cancel = this.#clock.after(stuckAfterMs, () => {
        settle();
        reject(
          new WatchpostError('the player took nothing for 30 s', { kind: 'resource_exhausted', code: 'READER_STUCK' }),
        );
      });
      this.#socket.on('drain', onDrain);
      this.#socket.on('close', onDrain);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** As datagrams. */
export class UdpReplaySink implements ReplaySink {
  readonly #tracks: ReadonlyMap<number, PacketSink>;
  readonly #clock: Clock;

  constructor(tracks: ReadonlyMap<number, PacketSink>, clock: Clock) {
    this.#tracks = tracks;
    this.#clock = clock;
  }

  write(frames: Buffer, signal: AbortSignal): Promise<void> | undefined {
    const end = this.#send(frames, 0);
    return end < frames.length ? this.#sendRest(frames, end, signal) : undefined;
  }

  async #sendRest(frames: Buffer, from: number, signal: AbortSignal): Promise<void> {
    for (let at = from; at < frames.length; at = this.#send(frames, at)) await sleep(this.#clock, pauseMs, signal);
  }

  /** Sends a burst; returns where the next one begins. */
  #send(frames: Buffer, from: number): number {
    let at = from;
    for (let sent = 0; at + 4 <= frames.length && sent < burstPackets; sent++) {
      const channel = frames[at + 1]!;
      const end = at + 4 + frames.readUInt16BE(at + 2);
      this.#tracks.get(channel >> 1)?.send((channel & 1) === 1, frames, at + 4, end);
      at = end;
    }
    return at;
  }
}
