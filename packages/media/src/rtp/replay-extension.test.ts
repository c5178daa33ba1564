import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { parseRtpPacket } from './packet.ts';
import { replayTimeOf } from './replay-extension.ts';

const header = '80e0000100000002deadbeef';
/** Written by hand from the figure of the ONVIF Streaming Specification §6.3: 2026-11-20T11:49:00.500Z, C and D, CSeq 7. */
const words = 'eeaab22c80000000a0070000';
const packetOf = (hex: string) => {
  const bytes = fromHex(hex);
  return parseRtpPacket(bytes, 0, bytes.length);
};

test('the time and flags of a recorded picture are read, its payload is what follows', () => {
  const packet = packetOf(`90${header.slice(2)}abac0003${words}65aa`);
  assert.deepEqual(replayTimeOf(packet), {
    recordedMs: Date.UTC(2026, 10, 20, 11, 49, 0, 500),
    isSyncPoint: true,
    isEndOfSection: false,
    isDiscontinuity: true,
    isLast: false,
    cseq: 7,
  });
  assert.equal(packet.payloadEnd - packet.payloadStart, 2);
});

test('packets with CSRCs, and with the extension of JPEG behind, are read as well', () => {
  const expected = Date.UTC(2026, 10, 20, 11, 49, 0, 500);
  const withCsrc = packetOf(`91${header.slice(2)}00000009abac0003${words}65`);
  assert.equal(replayTimeOf(withCsrc)?.recordedMs, expected);
  const withJpeg = packetOf(`90${header.slice(2)}abac0005${words}ffd8000000000000aa`);
  assert.equal(replayTimeOf(withJpeg)?.recordedMs, expected);
});

test('packets without it have no time', () => {
  for (const hex of [
    `${header}65`,
    `90${header.slice(2)}bede0003${words}65`,
    `90${header.slice(2)}abac00020000000000000000`,
  ])
    assert.equal(replayTimeOf(packetOf(hex)), undefined, hex);
  assert.equal(replayTimeOf(packetOf(`90${header.slice(2)}abac0003${'00'.repeat(12)}65`)), undefined, 'time unknown');
});
