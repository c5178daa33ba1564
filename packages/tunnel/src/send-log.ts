import { maxMessageBytes } from './frame.ts';

interface Block {
  readonly bytes: Uint8Array;
  /** Position of its first byte. */
  start: number;
  used: number;
}

const smallBlockBytes = 4096;
/** Empty blocks that are kept for use again. */
const maxSpareBlocks = 4;

/**
 * Numbered frames, in order, until they are acknowledged. A position counts the bytes of numbered frames since the
 * session began. Frames are written once, into blocks; what goes to the connection is a piece of a block.
 */
export class SendLog {
  #blocks: Block[] = [];
  #spare: Uint8Array[] = [];
  #acked = 0;
  #written = 0;
  #sent = 0;

  /** All before it was acknowledged and is forgotten. */
  get acked(): number {
    return this.#acked;
  }

  /** Where the next frame begins. */
  get written(): number {
    return this.#written;
  }

  /** Bytes that are kept for sending again. */
  get keptBytes(): number {
    return this.#written - this.#acked;
  }

  /** True where something was written and not handed to the present connection. */
  get hasUnsent(): boolean {
    return this.#sent < this.#written;
  }

  /**
   * A block with room for a frame of `bytes`, which the caller writes at the offset `room`, and then `commit`s.
   * `expectedBytes` says how much is likely to follow.
   */
  reserve(bytes: number, expectedBytes: number): Uint8Array {
    const last = this.#blocks.at(-1);
    if (last && last.bytes.length - last.used >= bytes) return last.bytes;
    const small = bytes <= smallBlockBytes && expectedBytes < smallBlockBytes;
    const block = small ? new Uint8Array(smallBlockBytes) : (this.#spare.pop() ?? new Uint8Array(maxMessageBytes));
    this.#blocks.push({ bytes: block, start: this.#written, used: 0 });
    return block;
  }

  /** Offset at which the frame is written into what `reserve` gave. */
  get room(): number {
    return this.#blocks.at(-1)!.used;
  }

  /** The frame of `bytes` is written. */
  commit(bytes: number): void {
    this.#blocks.at(-1)!.used += bytes;
    this.#written += bytes;
  }

  /** The next message for the connection: whole frames, at most `maxMessageBytes`; undefined where all was handed over. */
  nextMessage(): Uint8Array | undefined {
    if (this.#sent >= this.#written) return undefined;
    // The block that is being written is nearly always the one to send from.
    let index = this.#blocks.length - 1;
    while (this.#blocks[index]!.start > this.#sent) index--;
    const block = this.#blocks[index]!;
    const message = block.bytes.subarray(this.#sent - block.start, block.used);
    this.#sent = block.start + block.used;
    return message;
  }

  /** The other end has everything before `position`. False where it cannot: then it speaks of another session. */
  acknowledge(position: number): boolean {
    if (position > this.#sent) return false;
    if (position <= this.#acked) return true;
    this.#acked = position;
    while (this.#blocks.length > 0) {
      const block = this.#blocks[0]!;
      if (block.start + block.used > position || (block.used === 0 && this.#blocks.length === 1)) break;
      this.#blocks.shift();
      if (block.bytes.length === maxMessageBytes && this.#spare.length < maxSpareBlocks) this.#spare.push(block.bytes);
    }
    return true;
  }

  /** A new connection: all that the other end has not received is sent again. False where that is no longer here. */
  rewind(received: number): boolean {
    if (received < this.#acked || received > this.#written) return false;
    this.#sent = this.#written;
    this.acknowledge(received);
    this.#sent = received;
    return true;
  }

  /** Gives memory back that an idle session does not need. */
  trim(): void {
    this.#spare = [];
    if (this.keptBytes === 0) this.#blocks = [];
  }
}
