import { writeU16 } from '@watchpost/base/bytes.ts';
import { packetBytes, payloadBytes, syncByte } from './codes.ts';

/** What the adaptation field of a PES packet's first transport packet says. */
export interface FirstPacket {
  readonly pid: number;
  /** Bytes of the PES packet, its header included. */
  readonly length: number;
  /** 90 kHz ticks, or -1 for none. */
  readonly pcr: number;
  /** Decoding can start here. */
  readonly randomAccess: boolean;
}

/** Bytes of the adaptation field that a first packet must have. */
function adaptationBytes(first: Pick<FirstPacket, 'pcr' | 'randomAccess'>): number {
  return first.pcr >= 0 ? 8 : first.randomAccess ? 2 : 0;
}

/** Transport packets that one PES packet takes. */
export function packetsOf(first: FirstPacket): number {
  const room = payloadBytes - adaptationBytes(first);
  return first.length <= room ? 1 : 1 + Math.ceil((first.length - room) / payloadBytes);
}

/**
 * Cuts PES packets into transport packets (ISO/IEC 13818-1 §2.4.3) in memory that was measured before: `open` one,
 * `put` exactly its length, the next. Continuity counters go on from packet to packet.
 */
export class PacketWriter {
  readonly #counters = new Map<number, number>();
  #bytes: Uint8Array = new Uint8Array(0);
  /** Where the next byte goes, and how many fit until the packet is full. */
  #at = 0;
  #room = 0;
  #pid = 0;
  /** Bytes of the PES packet that are still to come. */
  #left = 0;

  /** Writes into `bytes` from `at` on. */
  begin(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#room = 0;
    this.#left = 0;
  }

  /** Begins a PES packet. */
  open(first: FirstPacket): void {
    this.#pid = first.pid;
    this.#left = first.length;
    const needed = adaptationBytes(first);
    const stuffing = Math.max(0, payloadBytes - needed - first.length);
    const at = this.#openPacket(true, needed + stuffing);
    if (needed === 0) return;
    this.#bytes[at + 5] = (first.randomAccess ? 0x40 : 0) | (first.pcr >= 0 ? 0x10 : 0);
    if (first.pcr >= 0) writePcr(this.#bytes, at + 6, first.pcr);
  }

  /** Copies bytes behind those before, over as many packets as it takes. */
  put(bytes: Uint8Array): void {
    const { length } = bytes;
    let from = 0;
    while (from < length) {
      if (this.#room === 0) this.#openPacket(false, Math.max(0, payloadBytes - this.#left));
      const count = Math.min(this.#room, length - from);
      // Short copies are cheaper byte by byte than through a view.
      if (count < 16) for (let i = 0; i < count; i++) this.#bytes[this.#at + i] = bytes[from + i]!;
      else this.#bytes.set(count === length ? bytes : bytes.subarray(from, from + count), this.#at);
      from += count;
      this.#at += count;
      this.#room -= count;
      this.#left -= count;
    }
  }

  /** One section that fits a packet, behind a pointer field of 0 (§2.4.4.1); the rest is 0xff. */
  section(pid: number, section: Uint8Array): void {
    this.#pid = pid;
    const at = this.#openPacket(true, 0);
    this.#bytes[at + 4] = 0;
    this.#bytes.set(section, at + 5);
    this.#bytes.fill(0xff, at + 5 + section.length, at + packetBytes);
    this.#at = at + packetBytes;
    this.#room = 0;
  }

  /** `adaptation`: bytes of the adaptation field, its length included, filled with 0xff. Returns where the packet begins. */
  #openPacket(isStart: boolean, adaptation: number): number {
    const bytes = this.#bytes;
    const at = this.#at;
    const counter = this.#counters.get(this.#pid) ?? 0;
    this.#counters.set(this.#pid, (counter + 1) & 15);
    bytes[at] = syncByte;
    writeU16(bytes, at + 1, (isStart ? 0x4000 : 0) | this.#pid);
    bytes[at + 3] = (adaptation > 0 ? 0x30 : 0x10) | counter;
    if (adaptation > 0) {
      bytes[at + 4] = adaptation - 1;
      if (adaptation > 1) bytes[at + 5] = 0;
      if (adaptation > 2) bytes.fill(0xff, at + 6, at + 4 + adaptation);
    }
    this.#at = at + 4 + adaptation;
    this.#room = payloadBytes - adaptation;
    return at;
  }
}

/** Base of 33 bits at 90 kHz, extension 0 (§2.4.3.5). */
function writePcr(bytes: Uint8Array, at: number, pcr: number): void {
  const high = Math.floor(pcr / 2) % 0x1_0000_0000;
  bytes[at] = high >>> 24;
  bytes[at + 1] = high >>> 16;
  bytes[at + 2] = high >>> 8;
  bytes[at + 3] = high;
  bytes[at + 4] = ((pcr % 2) << 7) | 0x7e;
  bytes[at + 5] = 0;
}
