import type { RtpPacket } from '../../types.ts';
import { rtpPacketAt } from '../packet.ts';

/**
 * The packets of one access unit as numbers: where each begins and ends in its chunk. Caches hold a hundred thousand
 * packets of cameras that nobody watches.
 */
export class KeptPackets {
  readonly #chunk: Uint8Array | undefined;
  readonly #laterChunks: Uint8Array[] | undefined;
  /** First byte and byte after the payload of each packet; the first is `~start` where the next chunk begins. */
  readonly #places: readonly number[];

  /** Of the first `count` of `packets`. */
  constructor(packets: readonly (RtpPacket | undefined)[], count: number) {
    // Of just the right length: an array that grows is made for 17 numbers at the least.
    const places = new Array<number>(2 * count);
    let chunk = packets[0]?.chunk;
    let later: Uint8Array[] | undefined;
    this.#chunk = chunk;
    for (let i = 0; i < count; i++) {
      const packet = packets[i]!;
      const begins = packet.chunk !== chunk;
      places[2 * i] = begins ? ~packet.start : packet.start;
      places[2 * i + 1] = packet.payloadEnd;
      if (!begins) continue;
      chunk = packet.chunk;
      if (later === undefined) later = [chunk];
      else later.push(chunk);
    }
    this.#laterChunks = later;
    this.#places = places;
  }

  /** The packets as objects, made anew. */
  unpack(): RtpPacket[] {
    const packets: RtpPacket[] = [];
    let chunk = this.#chunk;
    let nextChunk = 0;
    for (let i = 0; i < this.#places.length; i += 2) {
      let start = this.#places[i]!;
      if (start < 0) {
        start = ~start;
        chunk = this.#laterChunks![nextChunk++];
      }
      packets.push(rtpPacketAt(chunk!, start, this.#places[i + 1]!));
    }
    return packets;
  }
}
