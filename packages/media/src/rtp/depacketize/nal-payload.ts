import { writeU32 } from '@watchpost/base/bytes.ts';
import type { RtpPacket } from '../../types.ts';

/** How one codec puts NAL units into RTP payloads: RFC 6184 §5.6–5.8 (H.264), RFC 7798 §4.4 (H.265). */
export interface NalFormat {
  /** Bytes of a NAL unit header; a fragment has one more before its data. */
  readonly headerBytes: 1 | 2;
  readonly fragmentType: number;
  readonly aggregateType: number;
  /** nal_unit_type from the first byte of a header. */
  typeOf(firstByte: number): number;
  /** nal_unit_type in the last byte of a fragment's headers. */
  readonly fragmentTypeMask: number;
  /** What is left out of samples: parameter sets, delimiters, filler. */
  isStripped(type: number): boolean;
  /** Writes the header that the fragmented NAL unit has on its own; `start`: its first fragment's payload. */
  restoreHeader(chunk: Uint8Array, start: number, target: Uint8Array, at: number): void;
}

/** What is done with each NAL unit of an access unit, in order. */
interface NalSink {
  /** A whole one: `chunk[start…end)`. */
  whole(chunk: Uint8Array, start: number, end: number): void;
  /** One in fragments: packets `first` to before `next`. */
  fragmented(packets: readonly RtpPacket[], first: number, next: number): void;
}

/** Reads the NAL units of packets that a depacketizer has accepted. */
export class NalPayload {
  readonly #format: NalFormat;

  constructor(format: NalFormat) {
    this.#format = format;
  }

  /** The NAL units: views, except for what came in fragments, which is copied once. `keepAll`: also what is stripped. */
  join(packets: readonly RtpPacket[], keepAll: boolean): Uint8Array[] {
    const sink = new JoinSink(this.#format);
    this.#walk(packets, keepAll, sink);
    return sink.units;
  }

  /** Bytes of all NAL units with a length of four bytes before each (ISO/IEC 14496-15 §5.3.3). */
  avccBytes(packets: readonly RtpPacket[]): number {
    const sink = new SizeSink(this.#format);
    this.#walk(packets, false, sink);
    return sink.bytes;
  }

  /** Writes what `avccBytes` has counted, straight from the packets; returns the place after it. */
  writeAvcc(packets: readonly RtpPacket[], target: Uint8Array, at: number): number {
    const sink = new AvccSink(this.#format, target, at);
    this.#walk(packets, false, sink);
    return sink.at;
  }

  #walk(packets: readonly RtpPacket[], keepAll: boolean, sink: NalSink): void {
    const format = this.#format;
    for (let i = 0; i < packets.length; ) {
      const { chunk, payloadStart: start, payloadEnd: end } = packets[i]!;
      const type = format.typeOf(chunk[start]!);
      if (type === format.fragmentType && end - start > format.headerBytes) {
        const next = endOfFragments(packets, i, format);
        const inner = chunk[start + format.headerBytes]! & format.fragmentTypeMask;
        if (keepAll || !format.isStripped(inner)) sink.fragmented(packets, i, next);
        i = next;
        continue;
      }
      if (type === format.aggregateType) this.#walkAggregate(packets[i]!, keepAll, sink);
      else if (keepAll || !format.isStripped(type)) sink.whole(chunk, start, end);
      i++;
    }
  }

  #walkAggregate(packet: RtpPacket, keepAll: boolean, sink: NalSink): void {
    const { chunk, payloadStart, payloadEnd } = packet;
    const format = this.#format;
    for (let at = payloadStart + format.headerBytes; at + 2 <= payloadEnd; ) {
      const size = (chunk[at]! << 8) | chunk[at + 1]!;
      if (size === 0 || at + 2 + size > payloadEnd) return;
      if (keepAll || !format.isStripped(format.typeOf(chunk[at + 2]!))) sink.whole(chunk, at + 2, at + 2 + size);
      at += 2 + size;
    }
  }
}

/** Index after the fragments of the NAL unit that begins in packet `first`. */
function endOfFragments(packets: readonly RtpPacket[], first: number, format: NalFormat): number {
  const { headerBytes, fragmentTypeMask } = format;
  const head = packets[first]!;
  const type = head.chunk[head.payloadStart + headerBytes]! & fragmentTypeMask;
  let i = first + 1;
  for (; i < packets.length; i++) {
    const { chunk, payloadStart: start, payloadEnd: end } = packets[i]!;
    // Neither another NAL unit, nor a first fragment (S), nor a fragment of another type.
    if (end - start <= headerBytes || format.typeOf(chunk[start]!) !== format.fragmentType) break;
    if ((chunk[start + headerBytes]! & (0x80 | fragmentTypeMask)) !== type) break;
  }
  return i;
}

/** Bytes of a NAL unit that came in fragments. */
function fragmentedBytes(packets: readonly RtpPacket[], first: number, next: number, headerBytes: number): number {
  let bytes = headerBytes;
  for (let i = first; i < next; i++) bytes += packets[i]!.payloadEnd - packets[i]!.payloadStart - headerBytes - 1;
  return bytes;
}

class SizeSink implements NalSink {
  bytes = 0;
  readonly #format: NalFormat;

  constructor(format: NalFormat) {
    this.#format = format;
  }

  whole(_chunk: Uint8Array, start: number, end: number): void {
    this.bytes += 4 + end - start;
  }

  fragmented(packets: readonly RtpPacket[], first: number, next: number): void {
    this.bytes += 4 + fragmentedBytes(packets, first, next, this.#format.headerBytes);
  }
}

class AvccSink implements NalSink {
  at: number;
  readonly #format: NalFormat;
  readonly #target: Uint8Array;

  constructor(format: NalFormat, target: Uint8Array, at: number) {
    this.#format = format;
    this.#target = target;
    this.at = at;
  }

  whole(chunk: Uint8Array, start: number, end: number): void {
    writeU32(this.#target, this.at, end - start);
    this.#target.set(chunk.subarray(start, end), this.at + 4);
    this.at += 4 + end - start;
  }

  fragmented(packets: readonly RtpPacket[], first: number, next: number): void {
    const bytes = fragmentedBytes(packets, first, next, this.#format.headerBytes);
    writeU32(this.#target, this.at, bytes);
    writeFragments(this.#format, packets, { first, next, target: this.#target, at: this.at + 4 });
    this.at += 4 + bytes;
  }
}

class JoinSink implements NalSink {
  readonly units: Uint8Array[] = [];
  readonly #format: NalFormat;

  constructor(format: NalFormat) {
    this.#format = format;
  }

  whole(chunk: Uint8Array, start: number, end: number): void {
    this.units.push(chunk.subarray(start, end));
  }

  fragmented(packets: readonly RtpPacket[], first: number, next: number): void {
    const target = new Uint8Array(fragmentedBytes(packets, first, next, this.#format.headerBytes));
    writeFragments(this.#format, packets, { first, next, target, at: 0 });
    this.units.push(target);
  }
}

interface FragmentTarget {
  readonly first: number;
  readonly next: number;
  readonly target: Uint8Array;
  readonly at: number;
}

function writeFragments(format: NalFormat, packets: readonly RtpPacket[], to: FragmentTarget): void {
  const { first, next, target } = to;
  const head = packets[first]!;
  format.restoreHeader(head.chunk, head.payloadStart, target, to.at);
  let at = to.at + format.headerBytes;
  for (let i = first; i < next; i++) {
    const { chunk, payloadStart, payloadEnd } = packets[i]!;
    const from = payloadStart + format.headerBytes + 1;
    target.set(chunk.subarray(from, payloadEnd), at);
    at += payloadEnd - from;
  }
}
