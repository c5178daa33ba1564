import type { CopyBytes } from '@watchpost/media/rtsp/framing.ts';
import type { ChunkRecycler } from '../../hub/types.ts';

/** Copies without making a view: there are as many reads as pictures, from all cameras. */
export const copyBytes: CopyBytes = (from, start, end, target, at) => {
  Buffer.prototype.copy.call(from, target, at, start, end);
};

const maxPooledBytes = 64 * 1024 * 1024;
/** Past so many, of which it is not known which are in use, all are left to the collector: 4 s of a stream. */
const maxUnknownChunks = 32;

/** Chunks out of use, by size, for all sessions. Each is memory of its own: a part of a block would keep the whole block. */
export class ChunkPool {
  readonly #free = new Map<number, Uint8Array[]>();
  #bytes = 0;

  /** A chunk of just this size; what it holds is not defined. */
  take(bytes: number): Uint8Array {
    const chunk = this.#free.get(bytes)?.pop();
    if (chunk === undefined) return Buffer.allocUnsafeSlow(bytes);
    this.#bytes -= bytes;
    return chunk;
  }

  /** Takes a chunk that nobody refers to any more. */
  give(chunk: Uint8Array): void {
    if (this.#bytes + chunk.length > maxPooledBytes) return;
    const free = this.#free.get(chunk.length);
    if (free === undefined) this.#free.set(chunk.length, [chunk]);
    else free.push(chunk);
    this.#bytes += chunk.length;
  }
}

/** The chunks of one session that nobody holds but those who tell, in order of allocation; the newest one is being written to. */
export class SessionChunks implements ChunkRecycler {
  readonly #pool: ChunkPool;
  #live: Uint8Array[] = [];
  // What came before the stream began holds messages that others may have kept parts of.
  #exposed = true;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /** A chunk to write packets into. */
  allocate(bytes: number): Uint8Array {
    // What readers may hold is left to the collector, one by one.
    if (this.#exposed) return Buffer.allocUnsafeSlow(bytes);
    const chunk = this.#pool.take(bytes);
    this.#live.push(chunk);
    return chunk;
  }

  expose(): void {
    this.#exposed = true;
    this.forget();
  }

  conceal(): void {
    this.#exposed = false;
  }

  forget(): void {
    this.#live = [];
  }

  release(inUse: readonly Uint8Array[]): void {
    let end = this.#live.length;
    for (const { buffer } of inUse) {
      const at = this.#live.findIndex((chunk) => chunk.buffer === buffer);
      if (at < end) end = at;
    }
    if (end >= 0) for (const chunk of this.#live.splice(0, end)) this.#pool.give(chunk);
    else if (this.#live.length > maxUnknownChunks) this.forget();
  }
}
