import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '@watchpost/base/bytes.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { closeCode, opcode } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { serverFrame } from './fuzz.ts';

const maxMessageBytes = 70_000;

/** What a reader finds, with the close code of what it refuses. */
function read(bytes: Uint8Array, step = bytes.length, limit = maxMessageBytes): (string | number)[] {
  const found: (string | number)[] = [];
  const short = (payload: Uint8Array) => (payload.length > 40 ? payload.length : toHex(payload));
  const reader = new FrameReader(
    {
      onMessage: (message) => found.push(`message ${short(message)}`),
      onPing: (payload) => found.push(`ping ${short(payload)}`),
      onClose: (code) => found.push(`close ${code}`),
    },
    limit,
  );
  try {
    for (let at = 0; at < bytes.length; at += step) reader.receive(bytes.subarray(at, at + step));
  } catch (error) {
    assert.equal((error as WatchpostError).code, 'WEBSOCKET_FRAME');
    found.push((error as WatchpostError).context['closeCode'] as number);
  }
  return found;
}

const join = (...frames: Uint8Array[]) => Uint8Array.from(frames.flatMap((frame) => [...frame]));
const data = (length: number) => new Uint8Array(length).map((_, i) => i);
const { binary, continuation, ping, pong } = opcode;

test('messages come out whole, however the bytes are cut', () => {
  const cases: [name: string, bytes: Uint8Array, found: string[]][] = [
    ['empty', fromHex('82 00'), ['message ']],
    // RFC 6455 §5.7: 256 and 65536 bytes; the shorter ones there are text.
    ['of 256 bytes', join(fromHex('82 7e 0100'), data(256)), ['message 256']],
    ['of 65536 bytes', join(fromHex('82 7f 0000000000010000'), data(65_536)), ['message 65536']],
    ['two', join(serverFrame(binary, data(2)), serverFrame(binary, data(1))), ['message 0001', 'message 00']],
    [
      'in fragments, with a ping between them (§5.4)',
      join(
        serverFrame(binary, data(3), false),
        serverFrame(ping, data(2)),
        serverFrame(continuation, data(0), false),
        serverFrame(continuation, data(2)),
        serverFrame(binary, data(1)),
      ),
      ['ping 0001', 'message 0001020001', 'message 00'],
    ],
    ['that begins empty', join(fromHex('02 00 00 00 80 01 07')), ['message 07']],
    ['after a pong that nobody asked for', join(serverFrame(pong, data(3)), fromHex('82 00')), ['message ']],
    ['not after a close', join(fromHex('88 02 0fa1'), fromHex('82 00')), ['close 4001']],
    ['close without a code', fromHex('88 00'), ['close 1005']],
    ['close with a reason', fromHex('88 05 03e8 627965'), ['close 1000']],
    ['half', fromHex('82 05 0102'), []],
  ];
  for (const [name, bytes, found] of cases)
    for (const step of [bytes.length, 1, 3, 1000]) assert.deepEqual(read(bytes, step), found, `${name}, by ${step}`);
});

test('what a server must not send is refused with the code that says why', () => {
  const cases: [name: string, bytes: Uint8Array, code: number][] = [
    ['a reserved bit', fromHex('c2 00'), closeCode.protocolError],
    ['a reserved opcode', fromHex('83 00'), closeCode.protocolError],
    ['a reserved control opcode', fromHex('8b 00'), closeCode.protocolError],
    ['a mask', fromHex('82 81 00000000 00'), closeCode.protocolError],
    ['a fragment of control', fromHex('09 00'), closeCode.protocolError],
    ['a control frame of 126 bytes', fromHex('89 7e 007e'), closeCode.protocolError],
    ['a fragment of nothing', fromHex('80 00'), closeCode.protocolError],
    ['a message amid another', fromHex('02 01 00 82 00'), closeCode.protocolError],
    ['a length of 16 bits that fits 7', fromHex('82 7e 007d'), closeCode.protocolError],
    ['a length of 64 bits that fits 16', fromHex('82 7f 000000000000ffff'), closeCode.protocolError],
    ['a length with the highest bit', fromHex('82 7f 8000000000000000'), closeCode.protocolError],
    ['a close of one byte', fromHex('88 01 03'), closeCode.protocolError],
    ['a close code that is never sent', fromHex('88 02 03ee'), closeCode.protocolError],
    ['a close code that means nothing', fromHex('88 02 07d0'), closeCode.protocolError],
    ['a reason that is no text', fromHex('88 03 03e8 ff'), closeCode.invalidText],
    ['text', fromHex('81 05 48656c6c6f'), closeCode.unsupportedData],
    ['a message beyond the limit', fromHex('82 7f 0000000000011171'), closeCode.tooLarge],
  ];
  for (const [name, bytes, code] of cases)
    for (const step of [bytes.length, 1]) assert.deepEqual(read(join(bytes, fromHex('82 00')), step), [code], name);
});

test('a length is refused before anything of it came, in fragments too', () => {
  assert.deepEqual(read(fromHex('82 7f 7fffffffffffffff')), [closeCode.tooLarge]);
  const parts = join(serverFrame(binary, data(60), false), serverFrame(continuation, data(40), false));
  assert.deepEqual(read(join(parts, fromHex('80 00')), 1, 100), ['message 100']);
  assert.deepEqual(read(join(parts, fromHex('80 01')), 1, 100), [closeCode.tooLarge]);
});

test('what came in one piece is not copied, and fragments hold no read that they came in', () => {
  const bytes = join(serverFrame(binary, data(3)), serverFrame(binary, data(2), false), fromHex('80 01 05'));
  const buffers: ArrayBufferLike[] = [];
  const onMessage = (message: Uint8Array) => buffers.push(message.buffer);
  new FrameReader({ onMessage, onPing: () => {}, onClose: () => {} }, 100).receive(bytes);
  assert.equal(buffers[0], bytes.buffer);
  assert.notEqual(buffers[1], bytes.buffer);
});
