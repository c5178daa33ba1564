import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex } from '@watchpost/base/bytes.ts';
import { sequenceHeaderOf, writeAv1C } from '../../codec/av1/decoder-config.ts';
import { splitObus } from '../../codec/av1/obu.ts';
import { ivfPictures } from '../../codec/av1/test-clip.ts';
import { beginsKeyPicture } from '../key-packet.ts';
import { packetizeAv1 } from '../packetize/av1.ts';
import { Bench } from './test-packets.ts';

const clip = new URL('../../codec/av1/testdata/clip.ivf', import.meta.url);
const pictures = ivfPictures(new Uint8Array(readFileSync(clip)));
/** A sequence header, a key frame that is shown, and a frame that is none: with sizes, and as they go over RTP. */
const sequence = '00000003b4fd936be401';
const units = { sequence: `0a0a${sequence}`, key: '320510aabbccdd', delta: '320430aabbcc' };
const sent = { sequence: `08${sequence}`, key: '3010aabbccdd', delta: '3030aabbcc' };
const withoutDelimiter = (picture: Uint8Array) => picture.subarray(2);
const join = (hex: readonly string[]) => fromHex(hex.join(''));

/** Payloads by RTP Payload Format For AV1 §4.4; the last has the marker. */
const cases: readonly [name: string, payloads: readonly string[]][] = [
  ['two units counted, the last without a size', [`280b${sent.sequence}${sent.key}`]],
  ['each unit with a size', [`080b${sent.sequence}06${sent.key}`]],
  ['a delimiter before them', [`380110 0b${sent.sequence}${sent.key}`]],
  ['a unit in a packet each', [`18${sent.sequence}`, `10${sent.key}`]],
  ['units that kept their sizes', [`080c${units.sequence}07${units.key}`]],
  ['a frame over three packets', [`680b${sent.sequence}3010`, 'd0aabb', '90ccdd']],
  ['a frame in parts with sizes', [`480b${sent.sequence}023010`, 'c001aa', '8003bbccdd']],
  ['a sequence header over two packets', ['5808000000', `a00703b4fd936be401${sent.key}`]],
];

for (const [name, payloads] of cases) {
  test(`a key picture: ${name}`, () => {
    const bench = new Bench('av1');
    bench.sendUnit(9, payloads);
    const [unit] = bench.units;
    assert.equal(toHex(unit!.units()[0]!), units.sequence + units.key);
    assert.deepEqual([unit!.key, unit!.rtpTimestamp, unit!.packets.length], [true, 9, payloads.length]);
    const { width, height, parameterSets } = unit!.track;
    assert.deepEqual([width, height, parameterSets], [160, 90, [writeAv1C(fromHex(sequence))]]);
    assert.equal(bench.depacketizer.dropped, 0);
  });
}

const keyPicture = [`280b${sent.sequence}${sent.key}`];

test('pictures before the first key picture are passed over; the track stays the same with its sequence header', () => {
  const bench = new Bench('av1');
  bench.sendUnit(0, [`10${sent.delta}`]);
  bench.sendUnit(1, keyPicture);
  bench.sendUnit(2, [`10${sent.delta}`]);
  bench.sendUnit(3, keyPicture);
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.key, unit.track === bench.units[0]!.track]),
    [
      [1, true, true],
      [2, false, true],
      [3, true, true],
    ],
  );
  assert.equal(toHex(bench.units[1]!.units()[0]!), units.delta);
  assert.equal(bench.depacketizer.dropped, 0);
});

test('a fragment that is lost drops its picture, and all up to the next key picture', () => {
  const lossy: readonly (readonly [payload: string, lost: number, marker: boolean][])[] = [
    [
      ['503030', 0, false],
      ['90bbcc', 1, true],
    ],
    [['90aabbcc', 1, true]],
    [
      ['503030', 0, false],
      ['10aabb', 0, true],
    ],
    [['503030aa', 0, true]],
    [['28053030aabb', 0, true]],
    [['08ff01aa', 0, true]],
  ];
  for (const packets of lossy) {
    const bench = new Bench('av1');
    bench.sendUnit(1, keyPicture);
    for (const [payload, lost, marker] of packets) {
      try {
        bench.send(2, payload, { lost, marker });
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'RTP_AV1_ELEMENT');
      }
    }
    bench.sendUnit(3, [`10${sent.delta}`]);
    bench.sendUnit(4, keyPicture);
    const timestamps = bench.units.map((unit) => unit.rtpTimestamp);
    assert.deepEqual(timestamps, [1, 4], JSON.stringify(packets));
    assert.ok(bench.depacketizer.dropped >= 1);
    assert.equal(
      bench.units[1]!.lost,
      packets.reduce((sum, [, lost]) => sum + lost, 0),
    );
  }
});

test('a picture without a marker ends with the next time stamp; a loss between pictures costs no key picture', () => {
  const bench = new Bench('av1');
  bench.send(1, keyPicture[0]!);
  bench.send(2, keyPicture[0]!, { lost: 1, marker: true });
  assert.deepEqual(
    bench.units.map((unit) => unit.rtpTimestamp),
    [2],
  );
});

test('what libaom encoded goes through packets of any size and comes out the same', () => {
  for (const maxPayloadBytes of [40, 100, 500, 1400, 60_000]) {
    const bench = new Bench('av1');
    for (const [i, picture] of pictures.entries()) {
      const payloads = packetizeAv1(picture, maxPayloadBytes, i % 6 === 0 ? {} : undefined);
      for (const payload of payloads) assert.ok(payload.length <= maxPayloadBytes, `${payload.length}`);
      assert.equal(beginsKeyPicture('av1', payloads[0]!, 0, payloads[0]!.length), i % 6 === 0);
      bench.sendUnit(i, payloads);
    }
    assert.deepEqual(
      bench.units.map((unit) => [unit.key, toHex(unit.units()[0]!)]),
      pictures.map((picture, i) => [i % 6 === 0, toHex(withoutDelimiter(picture))]),
    );
  }
});

test('many small units share packets, and none is counted that cannot be', () => {
  const small = (n: number) => `3203${'30'}aa${n.toString(16).padStart(2, '0')}`;
  const picture = join([units.sequence, units.key, ...Array.from({ length: 20 }, (_, i) => small(i))]);
  for (const maxPayloadBytes of [40, 64, 1400]) {
    const bench = new Bench('av1');
    const payloads = packetizeAv1(picture, maxPayloadBytes, {});
    bench.sendUnit(0, payloads);
    assert.equal(toHex(bench.units[0]!.units()[0]!), toHex(picture));
    if (maxPayloadBytes === 1400) assert.deepEqual([payloads.length, payloads[0]![0]], [1, 0x08]);
  }
});

test('a key picture without a sequence header gets it; delimiter and padding are left out', () => {
  const record = writeAv1C(fromHex(sequence));
  const bench = new Bench('av1');
  const picture = concatBytes([fromHex('1200'), fromHex(units.key), fromHex('7a0100')]);
  bench.sendUnit(0, packetizeAv1(picture, 1400, { sequenceHeader: sequenceHeaderOf(record) }));
  const [unit] = bench.units;
  assert.deepEqual(
    splitObus(unit!.units()[0]!).map(({ type }) => type),
    [1, 6],
  );
  assert.equal(toHex(unit!.units()[0]!), units.sequence + units.key);
});
