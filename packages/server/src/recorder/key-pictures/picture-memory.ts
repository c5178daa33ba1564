/** Room for what is read and written at once; pages that are never used are never taken. */
const roomBytes = 4 * 1024 * 1024;

/**
 * Memory of pictures on their way from one file into another, used again for the next ones: to allocate as much anew for
 * each picture makes V8 look through the whole heap of the server each few seconds, which costs more than the copying.
 */
export class PictureMemory {
  readonly #room = Buffer.allocUnsafeSlow(roomBytes);
  #usedBytes = 0;

  /** So many bytes until `reuse`; what they hold does not matter. Memory of its own where the room is too small. */
  readonly allocate = (bytes: number): Uint8Array => {
    if (this.#usedBytes + bytes > roomBytes) return Buffer.allocUnsafeSlow(bytes);
    const start = this.#usedBytes;
    this.#usedBytes += bytes;
    return this.#room.subarray(start, this.#usedBytes);
  };

  /** Nothing of what was allocated is needed any more, nor being filled. */
  reuse(): void {
    this.#usedBytes = 0;
  }
}
