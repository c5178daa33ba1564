import { equalBytes } from '@watchpost/base/bytes.ts';
import { malformed } from '../../codec/malformed.ts';
import { readTimestamp } from './pes-header.ts';

/** Largest PES packet that is read. */
export const maxPesBytes = 8 * 1024 * 1024;
const firstCapacity = 4096;

/** A PES packet (ISO/IEC 13818-1 §2.4.3.6). */
export interface PesPacket {
  /** 0…2^33-1, as sent; undefined where it has none. */
  readonly pts: number | undefined;
  readonly dts: number | undefined;
  /** Marked as a point where decoding can start. */
  readonly randomAccess: boolean;
  /** In memory of its own. */
  readonly payload: Uint8Array;
}

/** Part of a PES packet: the payload of a transport packet. */
export interface PesPart {
  readonly from: number;
  readonly end: number;
  readonly isStart: boolean;
  readonly randomAccess: boolean;
}

/** Puts the PES packets of one PID together; one that has a hole or grows beyond 8 MiB is dropped. */
export class PesAssembler {
  readonly #emit: (packet: PesPacket) => void;
  #bytes = new Uint8Array(firstCapacity);
  #filled = 0;
  /** End of the last bytes that were pushed, also once they were emitted. */
  #end = 0;
  #active = false;
  #randomAccess = false;

  constructor(emit: (packet: PesPacket) => void) {
    this.#emit = emit;
  }

  /** Throws `malformed` for a packet that ended here and cannot be; the one that begins is kept all the same. */
  push(bytes: Uint8Array, part: PesPart): void {
    try {
      if (part.isStart) this.flush();
    } finally {
      if (part.isStart) {
        this.#active = true;
        this.#randomAccess = part.randomAccess;
      }
      if (this.#active) this.#append(bytes, part);
    }
    // A packet that says its length ends with its last byte, without waiting for the next one.
    const length = this.#filled < 6 ? 0 : (this.#bytes[4]! << 8) | this.#bytes[5]!;
    if (this.#active && length > 0 && this.#filled >= 6 + length) {
      this.#filled = 6 + length;
      this.flush();
    }
  }

  /** True if these bytes were the last ones that were pushed. */
  endsWith(bytes: Uint8Array, from: number, end: number): boolean {
    const start = this.#end - (end - from);
    return start >= 0 && equalBytes(this.#bytes.subarray(start, this.#end), bytes.subarray(from, end));
  }

  /** Gives up the packet under way. */
  drop(): void {
    this.#active = false;
    this.#filled = 0;
  }

  /** Ends the packet under way. Throws `malformed`. */
  flush(): void {
    const filled = this.#filled;
    const isWhole = this.#active && filled > 0;
    this.drop();
    if (isWhole) this.#emit(parsePes(this.#bytes.slice(0, filled), this.#randomAccess));
  }

  #append(bytes: Uint8Array, { from, end }: PesPart): void {
    const needed = this.#filled + end - from;
    if (needed > maxPesBytes) {
      this.drop();
      return;
    }
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#filled));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(from, end), this.#filled);
    this.#filled = this.#end = needed;
  }
}

function parsePes(bytes: Uint8Array, randomAccess: boolean): PesPacket {
  if (bytes.length < 9 || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 1 || (bytes[6]! & 0xc0) !== 0x80) {
    throw malformed('TS_PES', 'A PES packet does not begin as one.');
  }
  const from = 9 + bytes[8]!;
  const flags = bytes[7]! >> 6;
  if (from > bytes.length || (flags === 2 && from < 14) || (flags === 3 && from < 19)) {
    throw malformed('TS_PES', 'A PES header is cut off.');
  }
  const pts = flags >= 2 ? readTimestamp(bytes, 9) : undefined;
  const dts = flags === 3 ? readTimestamp(bytes, 14) : pts;
  return { pts, dts, randomAccess, payload: bytes.subarray(from) };
}
