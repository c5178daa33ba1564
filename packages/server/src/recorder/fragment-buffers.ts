const stepBytes = 32 * 1024;
const maxPooledBytes = 16 * 1024 * 1024;

/**
 * Memory that fragments are put together in, used again once they are written: hundreds of cameras would otherwise make
 * the collector clean up after every second of all of them.
 */
export class FragmentBuffers {
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** An array of just so many bytes; what it holds is not defined. */
  take(bytes: number): Uint8Array {
    const size = Math.ceil(bytes / stepBytes) * stepBytes;
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return new Uint8Array(new ArrayBuffer(size), 0, bytes);
    this.#bytes -= size;
    return new Uint8Array(buffer, 0, bytes);
  }

  /** Takes back an array of `take` that nobody refers to any more. */
  give(array: Uint8Array): void {
    const { buffer } = array;
    const size = buffer.byteLength;
    if (!(buffer instanceof ArrayBuffer) || size % stepBytes !== 0 || this.#bytes + size > maxPooledBytes) return;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [buffer]);
    else free.push(buffer);
    this.#bytes += size;
  }
}
