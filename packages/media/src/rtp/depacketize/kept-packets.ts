import type { RtpPacket } from '../../types.ts';
import { rtpPacketAt } from '../packet.ts';

/** Room for more is not kept: in time each unit would have had a key picture's packets. */
const maxPlacesForReuse = 64;

/**
 * The packets of one access unit as numbers: where each begins and ends in its chunk. Caches hold a hundred thousand
 * packets of cameras that nobody watches. It is filled anew for one unit after another.
 */
export class KeptPackets {
  #count = 0;
  #chunk: Uint8Array | undefined;
  #laterChunks: Uint8Array[] | undefined;
  /** First byte and byte after the payload of each packet; the first is `~start` where the next chunk begins. */
  #places: number[] = [];

  /** Takes the first `count` of `packets`. */
  fill(packets: readonly (RtpPacket | undefined)[], count: number): void {
    // Of just the right length: an array that grows is made for 17 numbers at the least.
    if (this.#places.length < 2 * count) this.#places = new Array<number>(2 * count);
    let chunk = packets[0]?.chunk;
    this.#chunk = chunk;
    for (let i = 0; i < count; i++) {
      const packet = packets[i]!;
      const begins = packet.chunk !== chunk;
      this.#places[2 * i] = begins ? ~packet.start : packet.start;
      this.#places[2 * i + 1] = packet.payloadEnd;
      if (!begins) continue;
      chunk = packet.chunk;
      if (this.#laterChunks === undefined) this.#laterChunks = [chunk];
      else this.#laterChunks.push(chunk);
    }
    this.#count = count;
  }

  /** Forgets them, so that their chunks are free. */
  clear(): void {
    this.#chunk = undefined;
    this.#laterChunks = undefined;
    this.#count = 0;
    if (this.#places.length > maxPlacesForReuse) this.#places = [];
  }

  /** The packets as objects, made anew. */
  unpack(): RtpPacket[] {
    const packets: RtpPacket[] = [];
    let chunk = this.#chunk;
    let nextChunk = 0;
    for (let i = 0; i < this.#count; i++) {
      let start = this.#places[2 * i]!;
      if (start < 0) {
        start = ~start;
        chunk = this.#laterChunks![nextChunk++];
      }
      packets.push(rtpPacketAt(chunk!, start, this.#places[2 * i + 1]!));
    }
    return packets;
  }
}
