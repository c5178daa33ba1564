const slabBytes = 64 * 1024;

/** Memory for the messages of one connection: small ones share slabs, which go with the last picture in them. */
export class BodyMemory {
  #slab = new ArrayBuffer(0);
  #used = 0;

  /** `bytes` of memory; what it holds is not defined. */
  allocate(bytes: number): Uint8Array {
    if (bytes > slabBytes / 4) return Buffer.allocUnsafeSlow(bytes);
    if (this.#used + bytes > this.#slab.byteLength) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes).buffer as ArrayBuffer;
      this.#used = 0;
    }
    const body = new Uint8Array(this.#slab, this.#used, bytes);
    this.#used += bytes;
    return body;
  }
}
