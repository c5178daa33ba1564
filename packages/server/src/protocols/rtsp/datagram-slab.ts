import { copyBytes } from './chunk-pool.ts';

const minBytes = 16 * 1024;
const maxBytes = 128 * 1024;
/** A chunk lasts about this part of a second, so that one kept packet does not pin much that nobody needs. */
const chunksPerSecond = 8;

/** Copies datagrams into chunks that many share: what a GOP cache keeps is then one object for a packet, not three. */
export class DatagramSlab {
  /** The chunk that the last packet went into. */
  chunk: Uint8Array = new Uint8Array(0);
  #used = 0;
  #chunkBytes = minBytes;
  #received = 0;
  #bytesPerSecond = 0;

  /** Copies a packet to the end of `chunk`, or of a new one; returns where it begins. */
  put(packet: Uint8Array): number {
    const { length } = packet;
    if (this.#used + length > this.chunk.length) {
      this.chunk = Buffer.allocUnsafeSlow(Math.max(this.#chunkBytes, length));
      this.#used = 0;
    }
    const start = this.#used;
    copyBytes(packet, 0, length, this.chunk, start);
    this.#used = start + length;
    this.#received += length;
    return start;
  }

  /** Fits the chunks to what came in since the last call; call it once a second. */
  adapt(): void {
    this.#bytesPerSecond += (this.#received - this.#bytesPerSecond) / 8;
    this.#received = 0;
    this.#chunkBytes = minBytes;
    while (this.#chunkBytes < maxBytes && this.#chunkBytes * chunksPerSecond < this.#bytesPerSecond)
      this.#chunkBytes *= 2;
  }
}
