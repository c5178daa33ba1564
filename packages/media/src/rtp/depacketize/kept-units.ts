import type { AccessUnit, RtpPacket, Track } from '../../types.ts';
import { rtpPacketAt } from '../packet.ts';
import { NalAccessUnit, type NalUnitFields } from './nal-access-unit.ts';
import type { NalPayload } from './nal-payload.ts';

/** Numbers that stand before the places of the packets: timestamp, kind and key, bytes, lost, packets. */
const numbersOfUnit = 5;
/** About a GOP of 25 pictures at 1 Mbit/s. */
const firstCapacity = 512;

/** What units have in common. */
interface UnitKind {
  readonly track: Track;
  readonly payload: NalPayload;
}

/**
 * Access units of H.26x as numbers in one array, in the order in which they came: a server caches a hundred thousand
 * packets of cameras that nobody watches, and as objects each of them would be moved and marked by the collector.
 */
export class KeptUnits {
  #numbers = new Int32Array(firstCapacity);
  #used = 0;
  /** Chunks of the packets, in the order of the packets: the first byte of a packet is `~start` where the next one begins. */
  #chunks: Uint8Array[] = [];
  readonly #kinds: UnitKind[] = [];
  /** One for all units, which copy it. */
  readonly #packets: RtpPacket[] = [];

  /** Keeps a unit; false if it is none of H.26x whose packets are all there is to know. */
  add(unit: AccessUnit): boolean {
    if (!(unit instanceof NalAccessUnit) || unit.avcc === undefined) return false;
    const { packets } = unit;
    const needed = this.#used + numbersOfUnit + 2 * packets.length;
    if (needed > this.#numbers.length) this.#grow(needed);
    const numbers = this.#numbers;
    let at = this.#used;
    numbers[at] = unit.rtpTimestamp;
    numbers[at + 1] = 2 * this.#kindOf(unit) + (unit.key ? 1 : 0);
    numbers[at + 2] = unit.byteLength;
    numbers[at + 3] = unit.lost;
    numbers[at + 4] = packets.length;
    at += numbersOfUnit;
    let chunk = this.#chunks.at(-1);
    for (let i = 0; i < packets.length; i++) {
      const packet = packets[i]!;
      let { start } = packet;
      if (packet.chunk !== chunk) {
        chunk = packet.chunk;
        this.#chunks.push(chunk);
        start = ~start;
      }
      numbers[at] = start;
      numbers[at + 1] = packet.payloadEnd;
      at += 2;
    }
    this.#used = at;
    return true;
  }

  /** The units as objects, made anew, oldest first. */
  *units(): Generator<AccessUnit> {
    const numbers = this.#numbers;
    let nextChunk = 0;
    for (let at = 0; at < this.#used; ) {
      const kind = this.#kinds[numbers[at + 1]! >> 1]!;
      const packetCount = numbers[at + 4]!;
      const fields: NalUnitFields = {
        rtpTimestamp: numbers[at]! >>> 0,
        key: (numbers[at + 1]! & 1) !== 0,
        byteLength: numbers[at + 2]!,
        lost: numbers[at + 3]!,
        track: kind.track,
        packets: this.#packets,
        packetCount,
      };
      at += numbersOfUnit;
      for (let i = 0; i < packetCount; i++, at += 2) {
        const place = numbers[at]!;
        if (place < 0) nextChunk++;
        const start = place < 0 ? ~place : place;
        this.#packets[i] = rtpPacketAt(this.#chunks[nextChunk - 1]!, start, numbers[at + 1]!);
      }
      yield new NalAccessUnit(fields, kind.payload);
    }
  }

  /** Forgets them all. */
  clear(): void {
    this.#used = 0;
    this.#chunks.length = 0;
    this.#packets.length = 0;
    // The track of the last one is likely that of the next one, too.
    this.#kinds.splice(0, this.#kinds.length - 1);
  }

  #kindOf(unit: NalAccessUnit): number {
    const kinds = this.#kinds;
    for (let i = kinds.length - 1; i >= 0; i--) {
      if (kinds[i]!.track === unit.track && kinds[i]!.payload === unit.payload) return i;
    }
    return kinds.push({ track: unit.track, payload: unit.payload }) - 1;
  }

  #grow(needed: number): void {
    const numbers = new Int32Array(Math.max(needed, this.#numbers.length * 2));
    numbers.set(this.#numbers.subarray(0, this.#used));
    this.#numbers = numbers;
  }
}
