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
