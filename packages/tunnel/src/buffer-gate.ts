import type { SessionChannel } from './channel.ts';
import type { Sender } from './sender.ts';

/** Room that writers which were asked to wait may still use. */
const reserveBytes = 256 * 1024;

/**
 * Keeps what waits and what is unacknowledged within the buffer. While the connection stands, writers are asked to wait;
 * while it is gone they are not, for a camera would throw away what nobody takes: the largest queue is given up instead
 * once the buffer is full.
 */
export class BufferGate {
  readonly #sender: Sender;
  readonly #bufferBytes: number;
  readonly #waiting = new Set<SessionChannel>();

  constructor(sender: Sender, bufferBytes: number) {
    this.#sender = sender;
    this.#bufferBytes = bufferBytes;
  }

  /** Counts `costBytes` that `channel` wants to queue. False: its writer waits. */
  admit(channel: SessionChannel, costBytes: number, around: { isUp: boolean; all: Iterable<SessionChannel> }): boolean {
    while (this.#sender.usedBytes + costBytes > this.#bufferBytes) {
      const victim = around.isUp ? channel : largest(around.all, channel);
      victim.reset('buffer_full');
      if (channel.isClosed) return false;
    }
    this.#sender.queuedBytes += costBytes;
    if (!around.isUp || this.#sender.usedBytes <= this.#bufferBytes - reserveBytes) return true;
    this.#waiting.add(channel);
    return false;
  }

  /** The channel is closed. */
  forget(channel: SessionChannel): void {
    this.#waiting.delete(channel);
  }

  /** Writers that wait go on once a good part of the buffer is free. */
  wake(): void {
    if (this.#waiting.size === 0 || this.#sender.usedBytes > (this.#bufferBytes - reserveBytes) / 2) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const channel of waiting) channel.resume();
  }
}

function largest(all: Iterable<SessionChannel>, otherwise: SessionChannel): SessionChannel {
  let found = otherwise;
  for (const channel of all) if (channel.queue.costBytes > found.queue.costBytes) found = channel;
  return found;
}
