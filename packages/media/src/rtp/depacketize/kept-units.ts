import type { AccessUnit, RtpPacket, Track } from '../../types.ts';
import { rtpPacketAt } from '../packet.ts';
import { NalAccessUnit, type NalUnitFields } from './nal-access-unit.ts';
import type { NalPayload } from './nal-payload.ts';

/** Numbers that stand before the places of the packets: timestamp, kind and key, bytes, lost, packets, chunks begun. */
const numbersOfUnit = 6;
/** About a GOP of 25 pictures at 1 Mbit/s. */
const firstCapacity = 512;
/** Tracks that change in mid-stream are told apart; those of units that are gone are forgotten past so many. */
const maxOldKinds = 8;

/** What units have in common. */
interface UnitKind {
  readonly track: Track;
  readonly payload: NalPayload;
}

/**
 * Access units of H.26x as numbers in one array, in the order in which they came: a server keeps a hundred thousand
 * packets that nobody looks at yet, and as objects each of them would be moved and marked by the collector.
 */
export class KeptUnits {
  #numbers = new Int32Array(firstCapacity);
  /** Where the oldest unit begins, and where the next one will. */
  #from = 0;
  #used = 0;
  /** Chunks of the packets, in the order of the packets: the first byte of a packet is `~start` where the next one begins. */
  #chunks: Uint8Array[] = [];
  /** Chunks that had begun before the oldest unit: the last of them is the one it may go on in. */
  #chunksBefore = 0;
  #kinds: UnitKind[] = [];
  /** One for all units, which copy it. */
  readonly #packets: RtpPacket[] = [];

  /** Keeps a unit; false if it is none of H.26x whose packets are all there is to know. */
  add(unit: AccessUnit): boolean {
    if (!(unit instanceof NalAccessUnit) || unit.avcc === undefined) return false;
    const { packets } = unit;
    const needed = numbersOfUnit + 2 * packets.length;
    if (this.#used + needed > this.#numbers.length) this.#makeRoom(needed);
    const kind = this.#kindOf(unit);
    const numbers = this.#numbers;
    const unitAt = this.#used;
    const chunksBefore = this.#chunks.length;
    let at = unitAt + numbersOfUnit;
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
    numbers[unitAt] = unit.rtpTimestamp;
    numbers[unitAt + 1] = 2 * kind + (unit.key ? 1 : 0);
    numbers[unitAt + 2] = unit.byteLength;
    numbers[unitAt + 3] = unit.lost;
    numbers[unitAt + 4] = packets.length;
    numbers[unitAt + 5] = this.#chunks.length - chunksBefore;
    this.#used = at;
    return true;
  }

  /** `count` units behind the oldest `skip` as objects, made anew; fewer where there are no more. */
  read(skip: number, count = Number.POSITIVE_INFINITY): AccessUnit[] {
    const numbers = this.#numbers;
    const units: AccessUnit[] = [];
    let chunk = this.#chunksBefore - 1;
    let at = this.#from;
    for (let i = 0; i < skip && at < this.#used; i++) {
      chunk += numbers[at + 5]!;
      at += unitLength(numbers, at);
    }
    while (at < this.#used && units.length < count) {
      units.push(this.#unitAt(at, chunk));
      chunk += numbers[at + 5]!;
      at += unitLength(numbers, at);
    }
    return units;
  }

  /** Forgets the oldest ones. */
  drop(count: number): void {
    const numbers = this.#numbers;
    for (let i = 0; i < count && this.#from < this.#used; i++) {
      this.#chunksBefore += numbers[this.#from + 5]!;
      this.#from += unitLength(numbers, this.#from);
    }
    if (this.#from === this.#used) this.clear();
    else if (this.#from > this.#used >> 1) this.#compact();
  }

  /** Forgets them all. */
  clear(): void {
    this.#from = this.#used = this.#chunksBefore = 0;
    this.#chunks.length = 0;
    this.#packets.length = 0;
    // The track of the last one is likely that of the next one, too.
    this.#kinds.splice(0, this.#kinds.length - 1);
  }

  /** `chunk`: index of the one under way before it. */
  #unitAt(at: number, chunk: number): AccessUnit {
    const numbers = this.#numbers;
    const kind = this.#kinds[numbers[at + 1]! >> 1]!;
    const packetCount = numbers[at + 4]!;
    for (let i = 0, packetAt = at + numbersOfUnit; i < packetCount; i++, packetAt += 2) {
      const place = numbers[packetAt]!;
      if (place < 0) chunk++;
      const start = place < 0 ? ~place : place;
      this.#packets[i] = rtpPacketAt(this.#chunks[chunk]!, start, numbers[packetAt + 1]!);
    }
    const fields: NalUnitFields = {
      rtpTimestamp: numbers[at]! >>> 0,
      key: (numbers[at + 1]! & 1) !== 0,
      byteLength: numbers[at + 2]!,
      lost: numbers[at + 3]!,
      track: kind.track,
      packets: this.#packets,
      packetCount,
    };
    return new NalAccessUnit(fields, kind.payload);
  }

  #kindOf(unit: NalAccessUnit): number {
    const kinds = this.#kinds;
    for (let i = kinds.length - 1; i >= 0; i--) {
      if (kinds[i]!.track === unit.track && kinds[i]!.payload === unit.payload) return i;
    }
    return kinds.push({ track: unit.track, payload: unit.payload }) - 1;
  }

  #makeRoom(needed: number): void {
    if (this.#from > 0) this.#compact();
    const bytes = this.#used + needed;
    if (bytes <= this.#numbers.length) return;
    const numbers = new Int32Array(Math.max(bytes, this.#numbers.length * 2));
    numbers.set(this.#numbers.subarray(0, this.#used));
    this.#numbers = numbers;
  }

  #compact(): void {
    this.#numbers.copyWithin(0, this.#from, this.#used);
    this.#used -= this.#from;
    this.#from = 0;
    const gone = Math.max(0, this.#chunksBefore - 1);
    this.#chunks.splice(0, gone);
    this.#chunksBefore -= gone;
    this.#packets.length = 0;
    if (this.#kinds.length > maxOldKinds) this.#forgetKinds();
  }

  /** Units that follow each other have kinds that do: those before that of the oldest unit are of none. */
  #forgetKinds(): void {
    const numbers = this.#numbers;
    let first = this.#kinds.length - 1;
    for (let at = 0; at < this.#used; at += unitLength(numbers, at)) first = Math.min(first, numbers[at + 1]! >> 1);
    for (let at = 0; at < this.#used; at += unitLength(numbers, at)) numbers[at + 1]! -= 2 * first;
    this.#kinds.splice(0, first);
  }
}

function unitLength(numbers: Int32Array, at: number): number {
  return numbersOfUnit + 2 * numbers[at + 4]!;
}
