import { writeU16 } from '@watchpost/base/bytes.ts';

/** RTP payloads of one frame of MPEG audio (RFC 2250 §3.5): alone where it fits, else in fragments. `maxPayloadBytes` is at least 5. */
export function packetizeMpegAudio(frame: Uint8Array, maxPayloadBytes: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  const step = Math.max(1, maxPayloadBytes - 4);
  // Frag_offset has 16 bits, and no frame comes near it.
  for (let at = 0; at < frame.length && at <= 0xffff; at += step) {
    const part = frame.subarray(at, at + step);
    const payload = new Uint8Array(4 + part.length);
    writeU16(payload, 2, at);
    payload.set(part, 4);
    payloads.push(payload);
  }
  return payloads;
}
