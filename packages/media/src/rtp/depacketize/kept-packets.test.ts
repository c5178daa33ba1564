import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RtpPacket } from '../../types.ts';
import { parseRtpPacket, writeRtpHeader } from '../packet.ts';
import { KeptPackets } from './kept-packets.ts';

const header = { payloadType: 96, marker: false, timestamp: 1234, ssrc: 0xcafe };

function packetAt(chunk: Uint8Array, start: number, sequence: number): RtpPacket {
  writeRtpHeader(chunk, start, { ...header, sequence });
  return parseRtpPacket(chunk, start, start + 40);
}

test('packets come back as they were, with the chunks that they are in', () => {
  const chunks = [new Uint8Array(200), new Uint8Array(200), new Uint8Array(200)];
  const packets = [
    packetAt(chunks[0]!, 0, 1),
    packetAt(chunks[0]!, 44, 2),
    packetAt(chunks[1]!, 0, 3),
    packetAt(chunks[2]!, 7, 4),
    packetAt(chunks[2]!, 60, 5),
  ];
  const unpacked = new KeptPackets(packets, packets.length).unpack();
  assert.deepEqual(unpacked, packets);
  for (const [i, packet] of packets.entries()) assert.equal(unpacked[i]!.chunk, packet.chunk);
});

test('only the packets counted are kept', () => {
  const chunk = new Uint8Array(200);
  const packets = [packetAt(chunk, 0, 1), packetAt(chunk, 40, 2), undefined];
  assert.deepEqual(new KeptPackets(packets, 1).unpack(), [packets[0]]);
});

test('CSRC list, header extension and padding are left where they are', () => {
  const bytes = new Uint8Array(60);
  writeRtpHeader(bytes, 0, { ...header, sequence: 9 });
  bytes[0] = 0x80 | 0x20 | 0x10 | 2;
  bytes.set([0xbe, 0xde, 0, 1, 1, 2, 3, 4], 12 + 8);
  bytes[59] = 5;
  const packet = parseRtpPacket(bytes, 0, 60);
  assert.equal(packet.payloadStart, 28);
  assert.equal(packet.payloadEnd, 55);
  assert.deepEqual(new KeptPackets([packet], 1).unpack(), [packet]);
});
