import { malformed } from '../../codec/malformed.ts';
import type { RtpPacket } from '../../types.ts';

/** What the payload descriptor of a VP8 or VP9 packet says. */
export interface VpxPayload {
  /** First byte of the frame's data in the packet's chunk. */
  readonly start: number;
  /** The first packet of a picture. */
  readonly begins: boolean;
}

/** Reads a VP8 payload descriptor (RFC 7741 §4.2). Throws `malformed`. */
export function parseVp8Payload(packet: RtpPacket): VpxPayload {
  const { chunk, payloadStart, payloadEnd } = packet;
  const first = chunk[payloadStart]!;
  let at = payloadStart + 1;
  if ((first & 0x80) !== 0) {
    const flags = chunk[at++]!;
    if ((flags & 0x80) !== 0) at += pictureIdBytes(chunk, at);
    if ((flags & 0x40) !== 0) at++;
    if ((flags & 0x30) !== 0) at++;
  }
  if (at >= payloadEnd) throw short('VP8');
  // S with partition 0: further partitions begin with S too.
  return { start: at, begins: (first & 0x17) === 0x10 };
}

/** Reads a VP9 payload descriptor (RFC 9628 §4.2). Throws `malformed`, for spatial layers too. */
export function parseVp9Payload(packet: RtpPacket): VpxPayload {
  const { chunk, payloadStart, payloadEnd } = packet;
  const first = chunk[payloadStart]!;
  const isFlexible = (first & 0x10) !== 0;
  let at = payloadStart + 1;
  if ((first & 0x80) !== 0) at += pictureIdBytes(chunk, at);
  if ((first & 0x20) !== 0) {
    if (((chunk[at]! >> 1) & 7) > 0) throw malformed('RTP_VP9_LAYERS', 'VP9 with spatial layers is not read.');
    at += isFlexible ? 1 : 2;
  }
  if (isFlexible && (first & 0x40) !== 0) {
    for (let i = 0; i < 3 && at < payloadEnd; i++) if ((chunk[at++]! & 1) === 0) break;
  }
  if ((first & 0x02) !== 0) at = skipStructure(packet, at);
  if (at >= payloadEnd) throw short('VP9');
  return { start: at, begins: (first & 0x08) !== 0 };
}

/** The scalability structure (RFC 9628 §4.2.1); returns the byte after it. */
function skipStructure({ chunk, payloadEnd }: RtpPacket, from: number): number {
  let at = from + 1;
  const head = chunk[from]!;
  if (head >> 5 > 0) throw malformed('RTP_VP9_LAYERS', 'VP9 with spatial layers is not read.');
  if ((head & 0x10) !== 0) at += 4;
  if ((head & 0x08) === 0) return at;
  let pictures = at < payloadEnd ? chunk[at]! : 0;
  at++;
  for (; pictures > 0 && at < payloadEnd; pictures--) at += 1 + ((chunk[at]! >> 2) & 3);
  return at;
}

/** One byte, or two where the first bit says so. */
function pictureIdBytes(chunk: Uint8Array, at: number): number {
  return (chunk[at] ?? 0) > 127 ? 2 : 1;
}

function short(codec: string) {
  return malformed('RTP_VPX_SHORT', `A ${codec} packet ends in its descriptor.`);
}
