import { Duplex } from 'node:stream';
import { type ResetReason, resetError } from '@watchpost/tunnel/reset-reason.ts';
import type { Channel, ChannelHandler } from '@watchpost/tunnel/types.ts';

/** What a channel socket calls. */
export interface ChannelSocketEvents {
  /** The agent reached the target. */
  readonly opened: () => void;
  /** As of `DialTarget`: bytes skip the stream machinery and go straight from the frame to the protocol. */
  readonly onRead?: ((bytes: number, buffer: Uint8Array) => void) | undefined;
}

/** A channel as a socket, for protocols that dial. */
export class ChannelSocket extends Duplex {
  readonly #events: ChannelSocketEvents;
  #channel: Channel | undefined;
  #unreadBytes = 0;
  #afterDrain: ((error?: Error | null) => void) | undefined;
  /** As those of a socket; a tunnel hides both. */
  readonly localAddress = undefined;
  readonly remoteAddress = undefined;
  /** What the channel calls. */
  readonly handler: ChannelHandler = {
    opened: () => this.#events.opened(),
    data: (bytes) => this.#receive(bytes),
    end: () => {
      this.push(null);
      if (this.#events.onRead) this.resume();
    },
    drain: () => this.#goOn(),
    closed: (reason) => this.#onClosed(reason),
  };

  constructor(events: ChannelSocketEvents) {
    super({ allowHalfOpen: true });
    this.#events = events;
  }

  /** Gives it its channel, right after that was opened. */
  use(channel: Channel): void {
    this.#channel = channel;
  }

  /** Ends it once what was written is out. */
  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }

  /** As that of a socket; frames are sent at once anyway. */
  setNoDelay(): this {
    return this;
  }

  /** As that of a socket; the tunnel asks by itself whether the other end is there. */
  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    const bytes = this.#unreadBytes;
    this.#unreadBytes = 0;
    this.#channel?.consume(bytes);
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.#channel || this.#channel.isClosed) done();
    else if (this.#channel.write(chunk)) done();
    else this.#afterDrain = done;
  }

  override _final(done: () => void): void {
    this.#channel?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#channel?.reset('canceled');
    this.#goOn();
    done(error);
  }

  #receive(bytes: Uint8Array): void {
    const { onRead } = this.#events;
    if (onRead) {
      onRead(bytes.length, bytes);
      this.#channel?.consume(bytes.length);
    } else if (this.push(bytes)) this.#channel?.consume(bytes.length);
    else this.#unreadBytes += bytes.length;
  }

  #goOn(): void {
    const done = this.#afterDrain;
    this.#afterDrain = undefined;
    done?.();
  }

  #onClosed(reason: ResetReason | 'clean'): void {
    if (reason === 'clean') this.#goOn();
    else this.destroy(reason === 'canceled' ? undefined : resetError(reason));
  }
}
