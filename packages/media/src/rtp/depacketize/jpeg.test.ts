import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex, readU16, toHex } from '@watchpost/base/bytes.ts';
import { readJpegHead } from '../../codec/jpeg/read-header.ts';
import { quantizersOf } from '../../codec/jpeg/tables.ts';
import type { AccessUnit } from '../../types.ts';
import { parseRtpPacket } from '../packet.ts';
import { packetizeJpeg } from '../packetize/jpeg.ts';
import { createDepacketizer } from './index-by-codec.ts';
import { Bench } from './test-packets.ts';

const scan = (bytes: number, fill = 0x55) => new Uint8Array(bytes).fill(fill);
/** Main header (RFC 2435 §3.1): 320 × 240 unless said otherwise. */
const head = (offset: number, more: { type?: number; q?: number; width?: number; height?: number } = {}) =>
  Uint8Array.of(
    ...[0, offset >> 16, offset >> 8, offset, more.type ?? 1, more.q ?? 50, more.width ?? 40, more.height ?? 30],
  );
const tables = (length: number, fill = 7) =>
  concatBytes([Uint8Array.of(0, 0, length >> 8, length), scan(length, fill)]);
const packet = (...parts: readonly Uint8Array[]) => concatBytes(parts);
const headOf = (unit: AccessUnit | undefined) => readJpegHead(unit!.units()[0]!);

test('the tables of a quality are those of RFC 2435 appendix A', () => {
  const at50 = quantizersOf(50);
  assert.deepEqual([at50.length, at50[0], at50[1], at50[63], at50[64], at50[127]], [128, 16, 11, 99, 17, 99]);
  assert.deepEqual([...quantizersOf(1).subarray(0, 2)], [255, 255]);
  assert.deepEqual([...quantizersOf(90).subarray(0, 3)], [3, 2, 2]);
  assert.ok(quantizersOf(99).every((value) => value >= 1 && value <= 2));
});

test('a picture in fragments gets its header back, and an end where the sender took it off', () => {
  const bench = new Bench('mjpeg');
  bench.sendUnit(9000, [packet(head(0), scan(1000)), packet(head(1000), scan(500, 0x66))]);
  const [unit] = bench.units;
  const found = headOf(unit);
  assert.deepEqual(
    [found.width, found.height, found.sampling, found.hasTypicalTables, found.restartInterval],
    [320, 240, 1, true, 0],
  );
  assert.deepEqual(concatBytes(found.quantizers), quantizersOf(50));
  const picture = unit!.units()[0]!;
  assert.deepEqual(picture.subarray(found.scanStart, found.scanEnd), concatBytes([scan(1000), scan(500, 0x66)]));
  assert.equal(toHex(picture.subarray(-2)), 'ffd9');
  assert.deepEqual([unit!.key, unit!.packets.length, unit!.track.width, unit!.track.height], [true, 2, 320, 240]);
  bench.sendUnit(12_600, [packet(head(0), scan(10), fromHex('ffd9'))]);
  assert.equal(toHex(bench.units[1]!.units()[0]!.subarray(-4)), '5555ffd9');
  assert.equal(bench.units[1]!.track, unit!.track);
});

test('restart intervals and 4:2:2 are in the header', () => {
  const bench = new Bench('mjpeg');
  bench.sendUnit(0, [packet(head(0, { type: 64 }), fromHex('0014 ffff'), scan(50))]);
  assert.deepEqual([headOf(bench.units[0]).restartInterval, headOf(bench.units[0]).sampling], [20, 0]);
});

test('tables that were sent are kept for their Q, from 128 to 254', () => {
  const bench = new Bench('mjpeg');
  assert.throws(() => bench.send(0, packet(head(0, { q: 130 }), tables(0), scan(9))), { code: 'RTP_JPEG_NO_TABLES' });
  bench.sendUnit(1, [packet(head(0, { q: 130 }), tables(128), scan(9))]);
  bench.sendUnit(2, [packet(head(0, { q: 130 }), tables(0), scan(9))]);
  bench.sendUnit(3, [packet(head(0, { q: 131 }), tables(64, 5), scan(9))]);
  bench.sendUnit(4, [packet(head(0, { q: 130 }), tables(0), scan(9))]);
  assert.deepEqual(
    bench.units.map((unit) => headOf(unit).quantizers.map((table) => table[0])),
    [
      [7, 7],
      [7, 7],
      [5, 5],
      [7, 7],
    ],
  );
  bench.sendUnit(5, [packet(head(0, { q: 255 }), tables(128), scan(9))]);
  assert.throws(() => bench.send(6, packet(head(0, { q: 255 }), tables(0), scan(9))), { code: 'RTP_JPEG_NO_TABLES' });
});

test('tables of 16-bit values make an extended sequential picture', () => {
  const bench = new Bench('mjpeg');
  bench.sendUnit(0, [packet(head(0, { q: 200 }), fromHex('0003 0100'), scan(256, 1), scan(9))]);
  const picture = bench.units[0]!.units()[0]!;
  assert.ok(toHex(picture).includes('ffc10011'));
  assert.deepEqual(
    headOf(bench.units[0]).quantizers.map((table) => table.length),
    [128, 128],
  );
});

test('a picture with a fragment missing is dropped, the next one is not', () => {
  const bench = new Bench('mjpeg');
  bench.send(0, packet(head(0), scan(100)));
  bench.send(0, packet(head(200), scan(100)), { marker: true, lost: 1 });
  bench.sendUnit(1, [packet(head(0), scan(100))]);
  bench.send(2, packet(head(0), scan(100)));
  bench.send(2, packet(head(90), scan(100)), { marker: true });
  bench.sendUnit(3, [packet(head(0), scan(100))]);
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.lost]),
    [
      [1, 1],
      [3, 0],
    ],
  );
  assert.equal(bench.depacketizer.dropped, 2);
});

test('without markers a picture ends at another timestamp', () => {
  const bench = new Bench('mjpeg');
  for (const timestamp of [0, 1, 2]) bench.send(timestamp, packet(head(0), scan(20)));
  assert.deepEqual(
    bench.units.map((unit) => unit.rtpTimestamp),
    [0, 1],
  );
});

function announced(width: number, height: number) {
  const units: AccessUnit[] = [];
  const track = { id: 0, kind: 'video', codec: 'mjpeg', clockRate: 90_000, width, height, parameterSets: [] } as const;
  return { units, depacketizer: createDepacketizer(track, {}, (unit) => units.push(unit))! };
}

test('more than 2040 pixels come from the description, and so does a size that is no multiple of eight', () => {
  const cases: [announced: [number, number], blocks: [number, number], expected: [number, number]][] = [
    [
      [2592, 1944],
      [0, 243],
      [2592, 1944],
    ],
    [
      [322, 182],
      [41, 23],
      [322, 182],
    ],
    // The camera changed its size since it described it.
    [
      [2592, 1944],
      [80, 60],
      [640, 480],
    ],
  ];
  for (const [[width, height], [w, h], expected] of cases) {
    const { units, depacketizer } = announced(width, height);
    const bytes = packet(fromHex('809a0001 00000000 00000007'), head(0, { width: w, height: h }), scan(20));
    depacketizer.push(parseRtpPacket(bytes, 0, bytes.length), 0);
    assert.deepEqual([units[0]!.track.width, units[0]!.track.height], expected);
  }
  assert.throws(() => new Bench('mjpeg').send(0, packet(head(0, { width: 0 }), scan(20))), { code: 'RTP_JPEG_SIZE' });
});

test('an ONVIF camera tells its size in a header extension of JPEG segments', () => {
  const { units, depacketizer } = announced(0, 0);
  // SOI, then SOF0 of 3840 × 2160, filled up with FF to whole words.
  const segments = fromHex('ffc0 0011 08 0870 0f00 03 012200 021101 031101 ff');
  const extension = packet(fromHex(`ffd8 ${(segments.length / 4).toString(16).padStart(4, '0')}`), segments);
  const bytes = packet(fromHex('909a0001 00000000 00000007'), extension, head(0, { width: 0, height: 0 }), scan(20));
  depacketizer.push(parseRtpPacket(bytes, 0, bytes.length), 0);
  assert.deepEqual([units[0]!.track.width, units[0]!.track.height], [3840, 2160]);
});

test('headers that cannot be are malformed', () => {
  const cases: [string, Uint8Array][] = [
    ['RTP_JPEG_SHORT', fromHex('00000000')],
    ['RTP_JPEG_SHORT', head(0)],
    ['RTP_JPEG_TYPE', packet(head(0, { type: 2 }), scan(9))],
    ['RTP_JPEG_QUALITY', packet(head(0, { q: 100 }), scan(9))],
    ['RTP_JPEG_QUALITY', packet(head(0, { q: 0 }), scan(9))],
    ['RTP_JPEG_SHORT', packet(head(0, { q: 255 }), fromHex('00000080'), scan(100))],
    ['RTP_JPEG_TABLES', packet(head(0, { q: 255 }), tables(10), scan(9))],
  ];
  for (const [code, payload] of cases) assert.throws(() => new Bench('mjpeg').send(0, payload), { code });
});

test('what the packetizer cuts comes out as it was, whatever the payload size', () => {
  const bench = new Bench('mjpeg');
  bench.sendUnit(0, [packet(head(0, { type: 65, q: 30 }), fromHex('0005 ffff'), scan(5000))]);
  const picture = bench.units[0]!.units()[0]!;
  for (const maxPayloadBytes of [300, 1400, 60_000]) {
    const again = new Bench('mjpeg');
    const payloads = packetizeJpeg(picture, maxPayloadBytes);
    assert.ok(payloads.every((payload) => payload.length <= maxPayloadBytes));
    assert.equal(readU16(payloads[0]!, 8), 5);
    again.sendUnit(0, payloads);
    assert.deepEqual(again.units[0]!.units()[0], picture);
  }
});

test('pictures that RTP cannot carry make no packets', () => {
  const bench = new Bench('mjpeg');
  bench.sendUnit(0, [packet(head(0), scan(50))]);
  const picture = bench.units[0]!.units()[0]!;
  const text = toHex(picture);
  for (const [what, from, to] of [
    ['progressive', 'ffc00011', 'ffc20011'],
    ['4:4:4', '03012200', '03011100'],
    ['Huffman tables of its own', 'ffc4001f000001', 'ffc4001f000002'],
  ] as const) {
    assert.ok(text.includes(from), what);
    assert.deepEqual(packetizeJpeg(fromHex(text.replace(from, to)), 1400), [], what);
  }
  assert.throws(() => packetizeJpeg(picture.subarray(0, 100), 1400), { kind: 'malformed' });
});
