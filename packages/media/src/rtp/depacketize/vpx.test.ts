import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex } from '@watchpost/base/bytes.ts';
import { packetizeVp8, packetizeVp9, recutVp8, recutVp9 } from '../packetize/vpx.ts';
import { Bench } from './test-packets.ts';

/** Key frames of 640 × 480, and frames that refer to them. */
const pictures = {
  vp8: { key: '50 0200 9d012a 8002 e001 aabbccdd', delta: '51 0200 aabbccddeeff' },
  vp9: { key: '82 498342 00 27f0 1df0 aabbccdd', delta: '86 00 aabbccddeeff' },
} as const;
const cut = (codec: 'vp8' | 'vp9', picture: Uint8Array, maxPayloadBytes: number, key: boolean) =>
  codec === 'vp8' ? packetizeVp8(picture, maxPayloadBytes) : packetizeVp9(picture, maxPayloadBytes, key);

for (const codec of ['vp8', 'vp9'] as const) {
  const key = concatBytes([fromHex(pictures[codec].key), new Uint8Array(2000).fill(7)]);
  const delta = concatBytes([fromHex(pictures[codec].delta), new Uint8Array(900).fill(8)]);

  test(`${codec}: pictures are joined, and a key picture tells its size`, () => {
    for (const maxPayloadBytes of [100, 1200, 60_000]) {
      const bench = new Bench(codec);
      bench.sendUnit(0, cut(codec, delta, maxPayloadBytes, false));
      bench.sendUnit(1, cut(codec, key, maxPayloadBytes, true));
      bench.sendUnit(2, cut(codec, delta, maxPayloadBytes, false));
      assert.deepEqual(
        bench.units.map((unit) => [unit.rtpTimestamp, unit.key, unit.units()[0]]),
        [
          [1, true, key],
          [2, false, delta],
        ],
      );
      assert.deepEqual([bench.units[1]!.track.width, bench.units[1]!.track.height], [640, 480]);
      assert.equal(bench.depacketizer.dropped, 0);
    }
  });

  test(`${codec}: a loss drops up to the next key picture`, () => {
    const bench = new Bench(codec);
    const payloads = cut(codec, delta, 400, false);
    bench.sendUnit(0, cut(codec, key, 1200, true));
    bench.send(1, payloads[0]!);
    bench.send(1, payloads[2]!, { lost: 1, marker: true });
    bench.sendUnit(2, payloads);
    bench.sendUnit(3, cut(codec, key, 1200, true));
    assert.deepEqual(
      bench.units.map((unit) => [unit.rtpTimestamp, unit.lost]),
      [
        [0, 0],
        [3, 1],
      ],
    );
    assert.equal(bench.depacketizer.dropped, 2);
  });
}

test('packets that are cut keep their descriptors, picture ids included; only the first piece begins, only the last ends', () => {
  const cases: ['vp8' | 'vp9', string, string[]][] = [
    ['vp8', '90 80 8123', ['90808123', '80808123', '80808123']],
    ['vp8', '10', ['10', '00', '00']],
    ['vp9', '8c 8123', ['888123', '808123', '848123']],
  ];
  for (const [codec, descriptor, descriptors] of cases) {
    const key = concatBytes([fromHex(pictures[codec].key), new Uint8Array(30).fill(7)]);
    const whole = new Bench(codec);
    whole.send(0, concatBytes([fromHex(descriptor), key]), { marker: true });
    const head = descriptors[0]!.length / 2;
    const payloads = (codec === 'vp8' ? recutVp8 : recutVp9)(whole.units[0]!.packets, head + 15);
    assert.deepEqual(
      payloads.map((payload) => toHex(payload.subarray(0, head))),
      descriptors,
    );
    assert.ok(payloads.every((payload) => payload.length <= head + 15));
    const bench = new Bench(codec);
    bench.sendUnit(1, payloads);
    assert.deepEqual(bench.units[0]?.units()[0], key);
  }
});

test('longer descriptors are passed over', () => {
  const { vp8, vp9 } = pictures;
  const cases: ['vp8' | 'vp9', string][] = [
    ['vp8', `10${vp8.key}`],
    ['vp8', `90 80 7f ${vp8.key}`],
    ['vp8', `90 80 8123 ${vp8.key}`],
    ['vp8', `90 f0 8123 05 40 ${vp8.key}`],
    ['vp9', `0c${vp9.key}`],
    ['vp9', `8c 8123 ${vp9.key}`],
    ['vp9', `ac 8123 00 05 ${vp9.key}`],
    // Flexible mode with two references, and a scalability structure of one layer with its size and two pictures.
    ['vp9', `5c 03 02 ${vp9.key}`],
    ['vp9', `8e 7f 18 028001e0 02 00 04 01 ${vp9.key}`],
  ];
  for (const [codec, payload] of cases) {
    const bench = new Bench(codec);
    bench.send(0, payload, { marker: true });
    assert.deepEqual(bench.units[0]?.units()[0], fromHex(pictures[codec].key), payload);
  }
});

test('layers in space, and what is no picture, are malformed', () => {
  const cases: ['vp8' | 'vp9', string, string][] = [
    ['vp8', '10', 'RTP_VPX_SHORT'],
    ['vp8', '10 50 0000 9d012b 8002 e001', 'VP8_HEADER'],
    ['vp9', '0c', 'RTP_VPX_SHORT'],
    ['vp9', '2c 02 00 82', 'RTP_VP9_LAYERS'],
    ['vp9', '0e 20 82', 'RTP_VP9_LAYERS'],
    ['vp9', '0c 42', 'VP9_HEADER'],
    ['vp9', '0c 82 498343 00', 'VP9_HEADER'],
  ];
  for (const [codec, payload, code] of cases) {
    assert.throws(() => new Bench(codec).send(0, payload, { marker: true }), { code }, payload);
  }
});
