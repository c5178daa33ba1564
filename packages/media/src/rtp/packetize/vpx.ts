import type { RtpPacket } from '../../types.ts';
import { parseVp8Payload, parseVp9Payload } from '../depacketize/vpx-payload.ts';

/**
 * RTP payloads of one VP8 picture (RFC 7741 §4.2), each with the shortest descriptor; the last one's packet carries the
 * marker. `maxPayloadBytes` is at least 2.
 */
export function packetizeVp8(picture: Uint8Array, maxPayloadBytes: number): Uint8Array[] {
  return cut(picture, maxPayloadBytes, (isFirst) => (isFirst ? 0x10 : 0));
}

/**
 * RTP payloads of one VP9 picture without layers (RFC 9628 §4.2), each with the shortest descriptor; the last one's packet
 * carries the marker. `key`: it refers to no other. `maxPayloadBytes` is at least 2.
 */
export function packetizeVp9(picture: Uint8Array, maxPayloadBytes: number, key: boolean): Uint8Array[] {
  return cut(picture, maxPayloadBytes, (isFirst, isLast) => (key ? 0 : 0x40) | (isFirst ? 8 : 0) | (isLast ? 4 : 0));
}

/**
 * Packets of one VP8 picture as smaller payloads, with the descriptor that each came with: its picture id goes on where it
 * is counted by players (RFC 7741 §4.2). `maxPayloadBytes` is more than a descriptor. Throws `malformed`.
 */
export function recutVp8(packets: readonly RtpPacket[], maxPayloadBytes: number): Uint8Array[] {
  return recut(packets, maxPayloadBytes, {
    parse: parseVp8Payload,
    flags: (first, { isStart }) => (isStart ? first : first & ~0x10),
  });
}

/** The same for VP9 (RFC 9628 §4.2). */
export function recutVp9(packets: readonly RtpPacket[], maxPayloadBytes: number): Uint8Array[] {
  return recut(packets, maxPayloadBytes, {
    parse: parseVp9Payload,
    flags: (first, { isStart, isEnd }) => first & (isStart ? 0xff : ~8) & (isEnd ? 0xff : ~4),
  });
}

/** How the descriptor of a packet is read, and its first byte written for a piece of it. */
interface Recutting {
  readonly parse: (packet: RtpPacket) => { readonly start: number };
  readonly flags: (first: number, piece: { readonly isStart: boolean; readonly isEnd: boolean }) => number;
}

function recut(packets: readonly RtpPacket[], maxPayloadBytes: number, { parse, flags }: Recutting): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (const packet of packets) {
    const { chunk, payloadStart, payloadEnd } = packet;
    const { start } = parse(packet);
    const descriptor = chunk.subarray(payloadStart, start);
    const step = Math.max(1, maxPayloadBytes - descriptor.length);
    for (let at = start; at < payloadEnd; at += step) {
      const part = chunk.subarray(at, Math.min(at + step, payloadEnd));
      const payload = new Uint8Array(descriptor.length + part.length);
      payload.set(descriptor);
      payload[0] = flags(descriptor[0]!, { isStart: at === start, isEnd: at + step >= payloadEnd });
      payload.set(part, descriptor.length);
      payloads.push(payload);
    }
  }
  return payloads;
}

function cut(
  picture: Uint8Array,
  maxPayloadBytes: number,
  descriptor: (isFirst: boolean, isLast: boolean) => number,
): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  const step = Math.max(1, maxPayloadBytes - 1);
  for (let at = 0; at < picture.length; at += step) {
    const part = picture.subarray(at, at + step);
    const payload = new Uint8Array(1 + part.length);
    payload[0] = descriptor(at === 0, at + step >= picture.length);
    payload.set(part, 1);
    payloads.push(payload);
  }
  return payloads;
}
