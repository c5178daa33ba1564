import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex } from '@watchpost/base/bytes.ts';
import type { RtpPacket } from '../types.ts';
import { fuzz } from './fuzz.ts';
import { parseRtpPacket, writeRtpHeader } from './packet.ts';
import { ReceiverStats } from './receiver-stats.ts';
import { ReorderBuffer } from './reorder.ts';
import type { RtcpPacket } from './rtcp.ts';
import { parseRtcp, senderTimeOf, writeRtcp } from './rtcp.ts';
import { SequenceTracker } from './sequence.ts';

function packetOf(sequence: number, timestamp = 0): RtpPacket {
  const bytes = new Uint8Array(13);
  writeRtpHeader(bytes, 0, { payloadType: 96, marker: false, sequence, timestamp, ssrc: 1 });
  return parseRtpPacket(bytes, 0, bytes.length);
}

test('an RTP header that was written is read as it was', () => {
  const header = { payloadType: 127, marker: true, sequence: 65_535, timestamp: 0xffff_fffe, ssrc: 0x8000_0001 };
  const bytes = new Uint8Array(20);
  assert.equal(writeRtpHeader(bytes, 3, header), 15);
  const packet = parseRtpPacket(bytes, 3, 18);
  const { payloadType, marker, sequence, timestamp, ssrc } = packet;
  assert.deepEqual({ payloadType, marker, sequence, timestamp, ssrc }, header);
  assert.deepEqual([packet.start, packet.payloadStart, packet.payloadEnd], [3, 15, 18]);
  assert.equal(packet.chunk, bytes);
});

test('CSRC list, extension and padding are not payload', () => {
  for (const [hex, payload] of [
    ['82e0 0001 00000002 00000003 0000000a0000000b aabb', 'aabb'],
    ['9060 0001 00000002 00000003 bede0001 11223344 aa', 'aa'],
    ['a060 0001 00000002 00000003 aabb000003', 'aabb'],
    ['a060 0001 00000002 00000003 000004 04', ''],
  ] as const) {
    const bytes = fromHex(hex);
    const packet = parseRtpPacket(bytes, 0, bytes.length);
    assert.deepEqual(bytes.subarray(packet.payloadStart, packet.payloadEnd), fromHex(payload), hex);
  }
});

test('bytes that cannot be RTP are malformed', () => {
  for (const [hex, code] of [
    ['8060 0001 00000002 000000', 'RTP_TRUNCATED'],
    ['4060 0001 00000002 00000003', 'RTP_VERSION'],
    ['8160 0001 00000002 00000003', 'RTP_TRUNCATED'],
    ['9060 0001 00000002 00000003 bede0002 11223344', 'RTP_TRUNCATED'],
    ['a060 0001 00000002 00000003 aa03', 'RTP_PADDING'],
    ['a060 0001 00000002 00000003 aa00', 'RTP_PADDING'],
  ] as const) {
    const bytes = fromHex(hex);
    assert.throws(() => parseRtpPacket(bytes, 0, bytes.length), { kind: 'malformed', code }, hex);
  }
});

test('sequence numbers are unwrapped; gaps, duplicates and restarts are told apart', () => {
  const tracker = new SequenceTracker();
  const results = [65_534, 65_535, 0, 3, 2, 3, 4, 30_000, 5, 40_000, 40_001, 40_002].map((n) => tracker.next(n));
  assert.deepEqual(results, [0, 0, 0, 2, -1, -1, 0, -1, 0, -1, 1, 0]);
  assert.deepEqual([tracker.lost, tracker.duplicates, tracker.restarts], [3, 2, 1]);
  assert.equal(tracker.extended & 0xffff, 40_002);
});

function reordered(arrivals: readonly (readonly [sequence: number, ms: number])[], flush = true): [number, number][] {
  const out: [number, number][] = [];
  const buffer = new ReorderBuffer((packet, lost) => out.push([packet.sequence, lost]), 100);
  for (const [sequence, ms] of arrivals) buffer.push(packetOf(sequence), ms);
  if (flush) buffer.flush();
  return out;
}

test('packets out of order are put in order, across the wrap too', () => {
  const arrivals = [65_534, 0, 65_535, 2, 3, 1, 4, 4, 2].map((n) => [n, 0] as const);
  assert.deepEqual(
    reordered(arrivals, false).map(([n]) => n),
    [65_534, 65_535, 0, 1, 2, 3, 4],
  );
});

test('a missing packet is given up after the delay, or 64 packets later', () => {
  assert.deepEqual(
    reordered(
      [
        [1, 0],
        [3, 10],
        [4, 120],
      ],
      false,
    ),
    [
      [1, 0],
      [3, 1],
      [4, 0],
    ],
  );
  const many = Array.from({ length: 70 }, (_, i) => [i < 1 ? 1 : i + 2, 0] as const);
  const out = reordered(many, false);
  assert.deepEqual(out.slice(0, 3), [
    [1, 0],
    [3, 1],
    [4, 0],
  ]);
  assert.equal(out.length, 70);
});

test('a sender that begins anew is followed', () => {
  const out = reordered([100, 101, 40_000, 40_001].map((n) => [n, 0] as const));
  assert.deepEqual(out, [
    [100, 0],
    [101, 0],
    [40_000, 1],
    [40_001, 0],
  ]);
  const backwards = Array.from({ length: 80 }, (_, i) => [i < 2 ? 1000 + i : i, 0] as const);
  assert.deepEqual(reordered(backwards).at(-1), [79, 0]);
});

test('receiver statistics follow RFC 3550 A.3 and A.8', () => {
  const stats = new ReceiverStats(90_000);
  for (const [sequence, timestamp, ms] of [
    [65_534, 0, 0],
    [65_535, 3600, 40],
    [1, 7200, 96],
    [2, 7200, 97],
  ] as const) {
    stats.onPacket({ sequence, timestamp, ssrc: 9 }, ms);
  }
  stats.onSenderReport(0x1234_5678, 0x9abc_def0, 100);
  assert.deepEqual(stats.report(600), {
    ssrc: 9,
    fractionLost: 51,
    lost: 1,
    highestSequence: 65_538,
    jitterTicks: 90,
    lastSr: 0x5678_9abc,
    delaySinceLastSr: 32_768,
  });
  assert.equal(stats.report(600).fractionLost, 0);
});

const block = { ssrc: 5, fractionLost: 255, lost: -3, highestSequence: 0xffff_ffff, jitterTicks: 7 };
const compound: RtcpPacket[] = [
  {
    type: 'sr',
    ssrc: 0xdead_beef,
    ntpSeconds: 0xe000_0000,
    ntpFraction: 0x8000_0000,
    rtpTimestamp: 1,
    packetCount: 2,
    octetCount: 3,
    reports: [],
  },
  { type: 'rr', ssrc: 1, reports: [{ ...block, lastSr: 0xffff_0000, delaySinceLastSr: 65_536 }] },
  { type: 'sdes', ssrc: 1, cname: 'watchpost' },
  { type: 'bye', ssrcs: [1, 2] },
];

test('RTCP that was written is read as it was', () => {
  assert.deepEqual(parseRtcp(writeRtcp(compound)), compound);
});

test('the time of a sender is that of the report which comes first', () => {
  const [report] = compound;
  assert.equal(report?.type, 'sr');
  const bytes = concatBytes([Uint8Array.of(1, 2), writeRtcp(compound)]);
  const { ntpSeconds, ntpFraction, rtpTimestamp } = report;
  assert.deepEqual(senderTimeOf(bytes, 2, bytes.length), { ntpSeconds, ntpFraction, rtpTimestamp });
  const others = [bytes.subarray(0, 29), writeRtcp(compound.slice(1)), fromHex('80c80000')];
  for (const other of others) assert.equal(senderTimeOf(other, other.length === 29 ? 2 : 0, other.length), undefined);
});

test('unknown RTCP types and a tail are passed over; a wrong header is malformed', () => {
  const unknown = fromHex('80cc0001 00000001');
  const tail = fromHex('0000');
  assert.deepEqual(parseRtcp(concatBytes([unknown, writeRtcp(compound), tail])), compound);
  for (const hex of ['80c8', '00c80000', '80c80006 00000001', '80c80001 00000001']) {
    assert.throws(() => parseRtcp(fromHex(hex)), { kind: 'malformed' }, hex);
  }
});

test('mutated streams never throw anything but malformed', () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return (seed >>> 8) % below;
  };
  const firsts = [0x67, 0x68, 0x65, 0x41, 0x7c, 0x78, 0x62, 0x60, 0x26, 0x42, 0x00, 0x06];
  for (let round = 0; round < 1500; round++) {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < 12; i++) {
      const packet = new Uint8Array(1 + 12 + 1 + random(40)).map(() => (random(3) === 0 ? random(256) : random(3)));
      packet[0] = packet.length - 1;
      writeRtpHeader(packet, 1, { payloadType: 96, marker: random(3) === 0, sequence: i, timestamp: i >> 1, ssrc: 1 });
      packet[13] = firsts[random(firsts.length)]!;
      parts.push(packet);
    }
    fuzz(concatBytes(parts));
  }
  fuzz(writeRtcp(compound));
});
