import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** Accepts a WebSocket upgrade (RFC 6455 §4.2.2); what the client sends is ignored. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex): void {
  const key = String(request.headers['sec-websocket-key']);
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on('data', () => {});
  socket.on('error', () => socket.destroy());
}

/** One unmasked message from server to client (RFC 6455 §5.2). */
export function webSocketMessage(payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload as Uint8Array);
  const opcode = typeof payload === 'string' ? 0x81 : 0x82;
  if (bytes.length < 126) return Buffer.concat([Buffer.from([opcode, bytes.length]), bytes]);
  if (bytes.length < 65_536) {
    return Buffer.concat([Buffer.from([opcode, 126, bytes.length >> 8, bytes.length & 255]), bytes]);
  }
  const head = Buffer.alloc(10);
  head[0] = opcode;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(bytes.length), 2);
  return Buffer.concat([head, bytes]);
}
