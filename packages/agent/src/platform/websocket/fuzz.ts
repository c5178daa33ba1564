import { opcode } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { readAnswerHead, wrongInUpgrade } from './upgrade.ts';

const maxMessageBytes = 4096;
const url = new URL('ws://127.0.0.1/tunnel');
const key = 'dGhlIHNhbXBsZSBub25jZQ==';

/** A frame as a server sends it. */
export function serverFrame(code: number, payload: Uint8Array, isFinal = true): Uint8Array {
  const { length } = payload;
  const first = (isFinal ? 128 : 0) | code;
  if (length < 126) return Uint8Array.of(first, length, ...payload);
  return Uint8Array.of(first, 126, length >> 8, length, ...payload);
}

/** Well-formed frames, and the head of an answer. */
export const seeds: readonly Uint8Array[] = [
  serverFrame(opcode.binary, Uint8Array.of(1, 2, 3)),
  Uint8Array.of(
    ...serverFrame(opcode.binary, new Uint8Array(300), false),
    ...serverFrame(opcode.ping, Uint8Array.of(9)),
    ...serverFrame(opcode.continuation, new Uint8Array(200), false),
    ...serverFrame(opcode.continuation, new Uint8Array(0)),
  ),
  serverFrame(opcode.close, Uint8Array.of(0x03, 0xe8, 0x62, 0x79, 0x65)),
  new TextEncoder().encode(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: t',
  ),
];

/** Whole or in pieces, the same messages come out, none too long, and nothing after the end. */
export function fuzz(bytes: Uint8Array): void {
  const answer = readAnswerHead(new TextDecoder().decode(bytes));
  wrongInUpgrade(answer, { url, key, protocols: ['t'] });
  const whole = read(bytes, bytes.length);
  for (const step of [1, 7]) {
    const inPieces = read(bytes, step);
    if (inPieces.found !== whole.found)
      throw new Error(`in pieces of ${step}: ${inPieces.found}; whole: ${whole.found}`);
  }
  if (whole.error) throw whole.error;
}

function read(bytes: Uint8Array, step: number): { found: string; error: unknown } {
  let found = '';
  let isOver = false;
  const note = (what: string, payload: Uint8Array) => {
    if (isOver) throw new TypeError('something came after the end');
    let sum = 0;
    for (const byte of payload) sum = (sum * 31 + byte) >>> 0;
    found += `${what} ${payload.length} ${sum}, `;
  };
  const reader = new FrameReader(
    {
      onMessage: (message) => {
        note('message', message);
        if (message.length > maxMessageBytes) throw new TypeError(`a message of ${message.length} bytes`);
      },
      onPing: (payload) => note('ping', payload),
      onClose: (code) => {
        note(`close ${code}`, new Uint8Array(0));
        isOver = true;
      },
    },
    maxMessageBytes,
  );
  try {
    for (let at = 0; at < bytes.length; at += step) reader.receive(bytes.subarray(at, at + step));
    return { found, error: undefined };
  } catch (error) {
    return { found: `${found}${error}`, error };
  }
}
