import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex } from '@watchpost/base/bytes.ts';
import { writeAdts } from '../../codec/aac/adts.ts';
import h265 from '../../codec/h265/testdata/parameter-sets.json' with { type: 'json' };
import { packetizeAac } from '../packetize/aac.ts';
import { packetizeG711 } from '../packetize/g711.ts';
import { packetizeH265 } from '../packetize/h265.ts';
import { Bench } from './test-packets.ts';

const sets = h265.cases.find((one) => one.name === 'main638')!.sets.map(fromHex);
const idr = '2601af11';
const cra = '2a01af22';
const rasl = '1201d033';
const trail = '0201d044';
const shown = (bench: Bench) => bench.units.map((unit) => [unit.rtpTimestamp, unit.key, ...unit.units().map(toHex)]);

test('H.265 units are put together from single packets, aggregates and fragments', () => {
  const big = new Uint8Array(20_000).fill(0x93);
  big.set([0x26, 0x01]);
  const part = (nal: Uint8Array) => concatBytes([Uint8Array.of(nal.length >> 8, nal.length), nal]);
  const aggregate = concatBytes([fromHex('6001'), ...sets.map(part)]);
  for (const payloads of [
    packetizeH265([...sets, big], 1400),
    [aggregate, ...packetizeH265([big], 99)],
    packetizeH265([...sets, fromHex('460150'), big], 60_000),
  ]) {
    const bench = new Bench('h265');
    bench.sendUnit(5, payloads);
    assert.deepEqual(bench.units[0]!.units(), [big]);
    assert.deepEqual([bench.units[0]!.track.width, bench.units[0]!.track.height], [638, 358]);
    assert.deepEqual(bench.units[0]!.track.parameterSets, sets);
  }
});

test('H.265 with start codes in its packets is split', () => {
  const code = '00000001';
  const whole = fromHex(code + [...sets.map(toHex), idr].join(code));
  for (const payloads of [[whole], packetizeH265([whole], 30), packetizeH265([whole.subarray(4)], 30)]) {
    const bench = new Bench('h265');
    bench.sendUnit(0, payloads);
    assert.deepEqual(shown(bench), [[0, true, idr]]);
    assert.deepEqual(bench.units[0]!.track.parameterSets, sets);
  }
});

test('pictures that lead a CRA are dropped where decoding starts at it, and only there', () => {
  const bench = new Bench('h265', sets);
  bench.sendUnit(0, [cra]);
  bench.sendUnit(1, [rasl]);
  bench.sendUnit(2, [trail]);
  bench.sendUnit(3, [cra]);
  bench.sendUnit(4, [rasl]);
  assert.deepEqual(shown(bench), [
    [0, true, cra],
    [2, false, trail],
    [3, true, cra],
    [4, false, rasl],
  ]);
});

test('an H.265 loss drops up to the next key picture', () => {
  const bench = new Bench('h265', sets);
  bench.sendUnit(0, [idr]);
  bench.send(1, '620181d0');
  bench.send(1, '620141aa', { marker: true, lost: 1 });
  bench.sendUnit(2, [trail]);
  bench.sendUnit(3, [idr]);
  assert.deepEqual(shown(bench), [
    [0, true, idr],
    [3, true, idr],
  ]);
  assert.equal(bench.units[1]!.lost, 1);
  assert.equal(bench.depacketizer.dropped, 2);
});

test('H.265 types that cannot be are malformed', () => {
  for (const payload of ['6401aabb', '26', '6001 0009 2601', '6201']) {
    assert.throws(() => new Bench('h265').send(0, payload), { kind: 'malformed' }, payload);
  }
});

const config = fromHex('1190');
const frames = [1, 2, 3].map((fill) => new Uint8Array(300).fill(fill));

test('AAC frames come out as they went in, each 1024 ticks later', () => {
  const bench = new Bench('aac', [config]);
  for (const payload of packetizeAac(frames, 1400)) bench.send(0xffff_fff0, payload, { marker: true });
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.packets.length, unit.key]),
    [
      [0xffff_fff0, 1, true],
      [1008, 0, true],
      [2032, 0, true],
    ],
  );
  assert.deepEqual(
    bench.units.map((unit) => unit.units()[0]),
    frames,
  );
});

test('an AAC frame in fragments is joined; with one missing it is dropped', () => {
  const large = new Uint8Array(3000).fill(9);
  const bench = new Bench('aac', [config]);
  const payloads = packetizeAac([large], 1000);
  assert.equal(payloads.length, 4);
  bench.sendUnit(0, payloads);
  bench.send(1024, payloads[0]!);
  bench.send(1024, payloads[2]!, { lost: 1 });
  bench.send(1024, payloads[3]!, { marker: true });
  bench.sendUnit(2048, payloads);
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.units()[0]!.length, unit.packets.length, unit.lost]),
    [
      [0, 3000, 4, 0],
      [2048, 3000, 4, 1],
    ],
  );
  assert.deepEqual(bench.units[0]!.units()[0], large);
  assert.ok(bench.depacketizer.dropped >= 1);
});

test('AU headers of other widths, constant sizes and auxiliary sections are read', () => {
  for (const [name, format, payload, expected] of [
    ['AAC-lbr', { mode: 'AAC-lbr' }, '0010 08 0c aabb 010203', ['aabb', '010203']],
    ['wide', { sizeLength: '16', indexLength: '8', indexDeltaLength: '8' }, '0018 000200 aabb', ['aabb']],
    ['constant', { constantsize: '2', sizelength: '0', indexlength: '0' }, 'aabbccdd', ['aabb', 'ccdd']],
    ['cts', { ctsdeltalength: '15' }, '0020 0010 ffff aabb', ['aabb']],
    ['auxiliary', { auxiliarydatasizelength: '8' }, '0010 0010 08 55 aabb', ['aabb']],
  ] as const) {
    const bench = new Bench('aac', [config], format as Record<string, string>);
    bench.send(0, payload, { marker: true });
    assert.deepEqual(
      bench.units.map((unit) => toHex(unit.units()[0]!)),
      expected,
      name,
    );
  }
});

test('ADTS headers in MPEG4-GENERIC come off, and describe a track that has no config', () => {
  const info = { objectType: 2, sampleRate: 16_000, channels: 1, frameLength: 1024 };
  const bench = new Bench('aac');
  for (const payload of packetizeAac([writeAdts(info, frames[0]!)], 1400)) bench.send(0, payload, { marker: true });
  assert.deepEqual(bench.units[0]!.units(), [frames[0]]);
  const { track } = bench.units[0]!;
  assert.deepEqual([track.sampleRate, track.channels, toHex(track.parameterSets[0]!)], [16_000, 1, '1408']);
});

test('AAC packets whose sizes do not fit are malformed', () => {
  for (const payload of ['00', '0000', '0040 0010', '0020 0010 0010 aabb']) {
    assert.throws(() => new Bench('aac', [config]).send(0, payload), { kind: 'malformed' }, payload);
  }
});

test('G.711 packets are frames', () => {
  const bench = new Bench('pcma');
  const payloads = packetizeG711(new Uint8Array(400).fill(0xd5), 160);
  assert.deepEqual(
    payloads.map((payload) => payload.length),
    [160, 160, 80],
  );
  bench.send(0, payloads[0]!);
  bench.send(160, '', { lost: 2 });
  bench.send(320, payloads[2]!, { lost: 1 });
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.byteLength, unit.lost, unit.key]),
    [
      [0, 160, 0, true],
      [320, 80, 3, true],
    ],
  );
});
