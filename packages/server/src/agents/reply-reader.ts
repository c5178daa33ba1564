import { concatBytes } from '@watchpost/base/bytes.ts';
import type { Channel, ChannelHandler } from '@watchpost/tunnel/types.ts';

/** Longest picture or log that an agent may send with an answer. */
const maxReplyBytes = 4 * 1024 * 1024;

/** Collects what an agent sends beside the answer to a command: one attachment. */
export class ReplyReader implements ChannelHandler {
  readonly #onEnd: () => void;
  #channel: Channel | undefined;
  #name = '';
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #whole: { name: string; bytes: Uint8Array } | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Something is still coming. */
  get isUnfinished(): boolean {
    return this.#channel !== undefined;
  }

  /** What came whole. */
  get attachment(): { readonly name: string; readonly bytes: Uint8Array } | undefined {
    return this.#whole;
  }

  /** Takes the channel that brings it; a second one is refused. */
  take(channel: Channel, name: string): void {
    if (this.#channel || this.#whole) {
      channel.reset('not_allowed');
      return;
    }
    this.#channel = channel;
    this.#name = name;
    channel.accept(this);
  }

  data(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > maxReplyBytes) {
      this.#channel?.reset('quota');
      return;
    }
    this.#parts.push(bytes);
    this.#channel?.consume(bytes.length);
  }

  end(): void {
    this.#whole = { name: this.#name, bytes: concatBytes(this.#parts) };
    this.#channel?.end();
    this.#finish();
  }

  drain(): void {}

  closed(): void {
    this.#finish();
  }

  #finish(): void {
    if (!this.#channel) return;
    this.#channel = undefined;
    this.#parts = [];
    this.#onEnd();
  }
}
