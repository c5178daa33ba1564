/** Writes one unmasked, final binary WebSocket message around `payload` (RFC 6455 §5.2), as a server sends it. */
export function binaryMessage(payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const headBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const message = new Uint8Array(headBytes + length);
  const view = new DataView(message.buffer);
  message[0] = 0x82;
  if (headBytes === 2) message[1] = length;
  else if (headBytes === 4) {
    message[1] = 126;
    view.setUint16(2, length);
  } else {
    message[1] = 127;
    view.setBigUint64(2, BigInt(length));
  }
  message.set(payload, headBytes);
  return message;
}
