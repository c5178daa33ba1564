import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '@watchpost/base/bytes.ts';
import { opcode } from './frame.ts';
import { frameHead, frameRoomBytes, maskedFrame } from './frame-writer.ts';

/** Takes a masked frame apart as RFC 6455 §5.2 and §5.3 say. */
function open(frame: Uint8Array): { first: number; payload: Uint8Array } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  assert.ok(frame[1]! >= 128, 'it is masked');
  const short = frame[1]! & 127;
  const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  assert.equal(frame.length, head + 4 + length);
  const payload = frame.slice(head + 4).map((byte, i) => byte ^ frame[head + (i & 3)]!);
  return { first: frame[0]!, payload };
}

test('frames of every length hold what was put in, wherever it stood in memory', () => {
  const mask = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
  const memory = new Uint8Array(70_000).map((_, i) => i * 7);
  for (const length of [0, 1, 2, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 66_001])
    for (const offset of [0, 1, 2, 3, 4]) {
      const payload = memory.subarray(offset, offset + length);
      const before = toHex(payload.subarray(0, 8));
      const room = new Uint8Array(length + frameRoomBytes).fill(0xee);
      const { first, payload: sent } = open(maskedFrame({ opcode: opcode.binary, payload, mask }, room));
      assert.equal(first, 0x82);
      assert.deepEqual(sent, payload, `${length} bytes at ${offset}`);
      assert.equal(toHex(payload.subarray(0, 8)), before, 'what was given is as it was');
    }
});

test('the masked frame of RFC 6455 §5.7 comes out byte for byte', () => {
  const frame = { opcode: opcode.text, payload: new TextEncoder().encode('Hello'), mask: fromHex('37fa213d') };
  assert.equal(toHex(maskedFrame(frame, new Uint8Array(32))), '818537fa213d7f9f4d5158');
});

test('a header alone has a mask of zero', () => {
  const head = (length: number) =>
    toHex(frameHead({ opcode: opcode.binary, payload: new Uint8Array(length), mask: new Uint8Array(4) }));
  assert.deepEqual(
    [head(5), head(256), head(65_536)],
    ['828500000000', '82fe010000000000', '82ff000000000001000000000000'],
  );
});
