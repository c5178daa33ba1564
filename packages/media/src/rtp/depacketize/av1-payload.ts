import { readLeb128 } from '../../codec/av1/obu.ts';
import { malformed } from '../../codec/malformed.ts';
import type { RtpPacket } from '../../types.ts';

/** Units, or parts of units, as packets hold them: one entry in each list. */
export class Av1Parts {
  readonly chunks: Uint8Array[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** A unit begins here; the others go on with the one before. */
  readonly begins: boolean[] = [];

  /** True while nothing is held. */
  get isEmpty(): boolean {
    return this.starts.length === 0;
  }

  add(chunk: Uint8Array, start: number, end: number, begins: boolean): void {
    this.chunks.push(chunk);
    this.starts.push(start);
    this.ends.push(end);
    this.begins.push(begins);
  }

  /** Where the parts of the unit end that begins with `part`. */
  unitEnd(part: number): number {
    let end = part + 1;
    while (end < this.starts.length && !this.begins[end]) end++;
    return end;
  }

  /** Bytes of the parts from `part` to before `end`. */
  bytesOf(part: number, end: number): number {
    let bytes = 0;
    for (let i = part; i < end; i++) bytes += this.ends[i]! - this.starts[i]!;
    return bytes;
  }

  /** Copies those parts to `at`; returns the place after them. */
  copy(part: number, end: number, to: { readonly bytes: Uint8Array; readonly at: number }): number {
    let { at } = to;
    for (let i = part; i < end; i++) {
      to.bytes.set(this.chunks[i]!.subarray(this.starts[i]!, this.ends[i]!), at);
      at += this.ends[i]! - this.starts[i]!;
    }
    return at;
  }
}

/** What an aggregation header says (RTP Payload Format For AV1 §4.4). */
export interface Av1Aggregation {
  /** Z: the first element goes on with what the packet before ended with. */
  readonly continues: boolean;
  /** Y: the last element goes on in the next packet. */
  readonly isOpen: boolean;
}

/** Reads a payload and adds its elements. Throws `malformed`; some may have been added then. */
export function readAv1Payload({ chunk, payloadStart, payloadEnd }: RtpPacket, parts: Av1Parts): Av1Aggregation {
  const header = chunk[payloadStart]!;
  const continues = (header & 0x80) !== 0;
  const counted = (header >> 4) & 3;
  let isFirst = true;
  let elements = 0;
  for (let at = payloadStart + 1; at < payloadEnd; isFirst = false) {
    let end = payloadEnd;
    elements++;
    if (counted === 0 || elements < counted) {
      const { value, next } = readLeb128(chunk, at, payloadEnd);
      at = next;
      end = at + value;
      if (end > payloadEnd) throw malformed('RTP_AV1_ELEMENT', 'A part of an AV1 unit leaves its packet.');
    }
    if (end > at || (isFirst && continues)) parts.add(chunk, at, end, !(isFirst && continues));
    at = end;
  }
  if (counted > 0 && elements !== counted) {
    throw malformed('RTP_AV1_ELEMENT', `${elements} AV1 units in a packet that tells of ${counted}.`);
  }
  return { continues, isOpen: (header & 0x40) !== 0 };
}
