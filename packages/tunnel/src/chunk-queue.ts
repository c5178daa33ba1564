/** What a queued chunk costs besides its bytes; keeps a sender of single bytes within the bound. */
const chunkOverheadBytes = 128;

/** Bytes that wait to be sent, as the chunks they came in; nothing is copied before it is framed. */
export class ChunkQueue {
  #chunks: (Uint8Array | undefined)[] = [];
  /** Index of the first chunk, and what of it was taken. */
  #head = 0;
  #headOffset = 0;
  #bytes = 0;

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What the queue costs: bytes, and something for each chunk. */
  get costBytes(): number {
    return this.#bytes + (this.#chunks.length - this.#head) * chunkOverheadBytes;
  }

  /** What `push` of the chunk adds to the cost. */
  static costOf(chunk: Uint8Array): number {
    return chunk.length + chunkOverheadBytes;
  }

  /** Adds a chunk; it is kept by reference and must not change any more. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Moves up to `maxBytes` to `target` at `at`; returns how many. */
  take(target: Uint8Array, at: number, maxBytes: number): number {
    let taken = 0;
    while (taken < maxBytes && this.#head < this.#chunks.length) {
      const chunk = this.#chunks[this.#head]!;
      const size = Math.min(chunk.length - this.#headOffset, maxBytes - taken);
      const whole = this.#headOffset === 0 && size === chunk.length;
      target.set(whole ? chunk : chunk.subarray(this.#headOffset, this.#headOffset + size), at + taken);
      taken += size;
      this.#headOffset += size;
      if (this.#headOffset === chunk.length) this.#dropHead();
    }
    this.#bytes -= taken;
    return taken;
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#headOffset = 0;
    this.#bytes = 0;
  }

  #dropHead(): void {
    this.#chunks[this.#head++] = undefined;
    this.#headOffset = 0;
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 > this.#chunks.length) {
      this.#chunks.copyWithin(0, this.#head);
      this.#chunks.length -= this.#head;
      this.#head = 0;
    }
  }
}
