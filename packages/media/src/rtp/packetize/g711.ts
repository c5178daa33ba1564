/**
 * RTP payloads of G.711 (RFC 3551 §4.5.14): the bytes cut into pieces of at most `maxPayloadBytes`. Each byte is one
 * tick for each channel, so a piece's timestamp is the frame's plus the bytes before it divided by the channels.
 */
export function packetizeG711(frame: Uint8Array, maxPayloadBytes: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < frame.length; at += maxPayloadBytes) payloads.push(frame.subarray(at, at + maxPayloadBytes));
  return payloads;
}
