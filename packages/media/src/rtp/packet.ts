import { readU32, writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import { malformed } from '../codec/malformed.ts';
import type { RtpPacket } from '../types.ts';

/** Bytes of an RTP header without CSRC list and extension (RFC 3550 §5.1). */
export const rtpHeaderBytes = 12;

/**
 * One class, its fields always set in one order, so that all code that reads packets stays monomorphic. What the chunk
 * says is read from it when it is asked for: caches hold a hundred thousand packets, and each field would be kept.
 */
class ParsedRtpPacket implements RtpPacket {
  readonly chunk: Uint8Array;
  readonly start: number;
  readonly payloadStart: number;
  readonly payloadEnd: number;

  // Four plain parameters instead of an options object: this runs once for each packet.
  constructor(chunk: Uint8Array, start: number, payloadStart: number, payloadEnd: number) {
    this.chunk = chunk;
    this.start = start;
    this.payloadStart = payloadStart;
    this.payloadEnd = payloadEnd;
  }

  get payloadType(): number {
    return this.chunk[this.start + 1]! & 127;
  }

  get marker(): boolean {
    return this.chunk[this.start + 1]! > 127;
  }

  get sequence(): number {
    return (this.chunk[this.start + 2]! << 8) | this.chunk[this.start + 3]!;
  }

  get timestamp(): number {
    return readU32(this.chunk, this.start + 4);
  }

  get ssrc(): number {
    return readU32(this.chunk, this.start + 8);
  }
}

/** Parses the RTP packet in `chunk` from `start` to `end` without copying (RFC 3550 §5.1). Throws `malformed`. */
export function parseRtpPacket(chunk: Uint8Array, start: number, end: number): RtpPacket {
  if (end - start < rtpHeaderBytes || end > chunk.length || start < 0) throw truncated(start, end);
  const first = chunk[start]!;
  if (first >> 6 !== 2) {
    throw malformed('RTP_VERSION', `RTP version ${first >> 6} instead of 2: these bytes are not RTP.`, { at: start });
  }
  if ((first & 0x10) !== 0 && start + rtpHeaderBytes + (first & 15) * 4 + 4 > end) throw truncated(start, end);
  const payloadStart = payloadStartOf(chunk, start);
  let payloadEnd = end;
  if (payloadStart > end) throw truncated(start, end);
  if ((first & 0x20) !== 0) {
    const padding = payloadStart < end ? chunk[end - 1]! : 0;
    payloadEnd = end - padding;
    if (padding === 0 || payloadEnd < payloadStart) {
      throw malformed('RTP_PADDING', `RTP padding of ${padding} bytes does not fit the packet.`, { at: start });
    }
  }
  return new ParsedRtpPacket(chunk, start, payloadStart, payloadEnd);
}

/** A packet that was parsed before, from where it begins and where its payload ends. */
export function rtpPacketAt(chunk: Uint8Array, start: number, payloadEnd: number): RtpPacket {
  return new ParsedRtpPacket(chunk, start, payloadStartOf(chunk, start), payloadEnd);
}

/** Where the payload of the RTP packet `chunk[start…end)` begins, whatever it is; -1 where no header fits. */
export function rtpPayloadStart(chunk: Uint8Array, start: number, end: number): number {
  if (end - start < rtpHeaderBytes || chunk[start]! >> 6 !== 2) return -1;
  const payloadStart = payloadStartOf(chunk, start);
  return payloadStart <= end ? payloadStart : -1;
}

/** After CSRC list and header extension (RFC 3550 §5.1, §5.3.1). */
function payloadStartOf(chunk: Uint8Array, start: number): number {
  const first = chunk[start]!;
  const fixedEnd = start + rtpHeaderBytes + (first & 15) * 4;
  return (first & 0x10) === 0 ? fixedEnd : fixedEnd + 4 + ((chunk[fixedEnd + 2]! << 8) | chunk[fixedEnd + 3]!) * 4;
}

function truncated(start: number, end: number) {
  return malformed('RTP_TRUNCATED', `An RTP header does not fit into ${end - start} bytes.`, { at: start });
}

/** The fields of an RTP header that a sender chooses. */
export interface RtpHeaderFields {
  /** 0…127 */
  readonly payloadType: number;
  readonly marker: boolean;
  /** Taken modulo 2^16. */
  readonly sequence: number;
  /** Taken modulo 2^32. */
  readonly timestamp: number;
  readonly ssrc: number;
}

/** Writes a header of 12 bytes, without CSRC list, extension and padding, at `at`; returns the byte after it. */
export function writeRtpHeader(bytes: Uint8Array, at: number, header: RtpHeaderFields): number {
  bytes[at] = 0x80;
  bytes[at + 1] = (header.marker ? 0x80 : 0) | (header.payloadType & 127);
  writeU16(bytes, at + 2, header.sequence);
  writeU32(bytes, at + 4, header.timestamp);
  writeU32(bytes, at + 8, header.ssrc);
  return at + rtpHeaderBytes;
}
