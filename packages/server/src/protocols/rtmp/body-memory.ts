import type { ChunkRecycler } from '../../hub/types.ts';

const slabBytes = 64 * 1024;
/** Larger pictures than this have memory that is not used again. */
const maxSlabBytes = 1024 * 1024;
const maxPooledBytes = 64 * 1024 * 1024;
/** Past so many, of which it is not known which are in use, all are left to the collector. */
const maxUnknownSlabs = 64;

/** Slabs out of use, by size, for all connections. */
export class SlabPool {
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** A slab of so many bytes. */
  take(bytes: number): ArrayBuffer {
    const slab = this.#free.get(bytes)?.pop();
    if (slab === undefined) return newSlab(bytes);
    this.#bytes -= bytes;
    return slab;
  }

  /** Takes a slab that nobody refers to any more. */
  give(slab: ArrayBuffer): void {
    const bytes = slab.byteLength;
    if (bytes > maxSlabBytes || this.#bytes + bytes > maxPooledBytes) return;
    const free = this.#free.get(bytes);
    if (free === undefined) this.#free.set(bytes, [slab]);
    else free.push(slab);
    this.#bytes += bytes;
  }
}

function newSlab(bytes: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer;
}

/**
 * Memory for the messages of one connection: small ones share slabs, which go with the last picture in them, or are used
 * again where nobody but the GOP cache ever saw them.
 */
export class BodyMemory implements ChunkRecycler {
  readonly #pool: SlabPool;
  /** In order of allocation, none of them seen by readers; the newest one is being written to. */
  #live: ArrayBuffer[] = [];
  /** Slabs before this one were out of use at the key picture before: messages under way may lie in later ones. */
  #outOfUse: ArrayBuffer | undefined;
  // What came before the stream began holds what others may have kept.
  #exposed = true;
  #slab: ArrayBuffer = new ArrayBuffer(0);
  #used = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** `bytes` of memory; what it holds is not defined. */
  allocate(bytes: number): Uint8Array {
    if (bytes > slabBytes / 2) return new Uint8Array(this.#take(sizeFor(bytes)), 0, bytes);
    if (this.#used + bytes > this.#slab.byteLength) this.#nextSlab();
    const body = new Uint8Array(this.#slab, this.#used, bytes);
    this.#used += bytes;
    return body;
  }

  expose(): void {
    this.#exposed = true;
    this.forget();
  }

  conceal(): void {
    if (!this.#exposed) return;
    this.#exposed = false;
    this.forget();
  }

  forget(): void {
    this.#live = [];
    this.#outOfUse = undefined;
    // The slab under way was seen.
    this.#used = slabBytes;
  }

  release(inUse: readonly Uint8Array[]): void {
    const end = this.#outOfUse === undefined ? 0 : this.#live.indexOf(this.#outOfUse);
    let first = this.#live.length;
    for (const { buffer } of inUse) first = Math.min(first, this.#live.indexOf(buffer as ArrayBuffer));
    if (first >= 0) this.#outOfUse = this.#live[first];
    else if (this.#live.length > maxUnknownSlabs) this.forget();
    for (const slab of this.#live.splice(0, Math.max(0, end))) this.#pool.give(slab);
  }

  #nextSlab(): void {
    this.#used = 0;
    this.#slab = this.#take(slabBytes);
  }

  #take(bytes: number): ArrayBuffer {
    if (this.#exposed) return newSlab(bytes);
    const slab = this.#pool.take(bytes);
    this.#live.push(slab);
    return slab;
  }
}

/** A few sizes, so that slabs fit again. */
function sizeFor(bytes: number): number {
  if (bytes > maxSlabBytes) return bytes;
  let size = slabBytes;
  while (size < bytes) size *= 2;
  return size;
}
