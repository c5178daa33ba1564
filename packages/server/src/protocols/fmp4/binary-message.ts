import { maxHeadBytes, writeMessageHead } from '../../net/web-socket-head.ts';

/** Writes one unmasked, final binary WebSocket message around `payload` (RFC 6455 §5.2), as a server sends it. */
export function binaryMessage(payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(maxHeadBytes + payload.length);
  message.set(payload, maxHeadBytes);
  return message.subarray(writeMessageHead(message, maxHeadBytes, payload.length));
}
