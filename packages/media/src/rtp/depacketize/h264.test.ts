import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex } from '@watchpost/base/bytes.ts';
import h264 from '../../codec/h264/testdata/parameter-sets.json' with { type: 'json' };
import type { AccessUnit } from '../../types.ts';
import { packetizeH264 } from '../packetize/h264.ts';
import { ParameterSets } from './parameter-sets.ts';
import { Bench } from './test-packets.ts';

const setsOf = (name: string) =>
  h264.cases.find((one) => one.name === name)!.sets.map(fromHex) as [Uint8Array, Uint8Array];
const [sps, pps] = setsOf('base640');
const idr = '6588aabbcc';
const slice = '419a0102';
const view = (unit: AccessUnit) => ({
  at: unit.rtpTimestamp,
  key: unit.key,
  lost: unit.lost,
  units: unit.units().map(toHex),
});
const idrAt = (at: number) => ({ at, key: true, lost: 0, units: [idr] });
const sliceAt = (at: number) => ({ at, key: false, lost: 0, units: [slice] });

test('parameter sets before a key picture make a new track with its size and rate', () => {
  const bench = new Bench('h264');
  bench.sendUnit(0, [sps, pps, idr]);
  bench.sendUnit(3600, ['09f0', '0605', slice, '0cffff']);
  assert.deepEqual(bench.units.map(view), [idrAt(0), { ...sliceAt(3600), units: ['0605', slice] }]);
  const { track } = bench.units[0]!;
  assert.deepEqual([track.width, track.height, track.fps], [640, 480, 25]);
  assert.deepEqual(track.parameterSets, [sps, pps]);
  assert.equal(bench.units[1]!.track, track);
  assert.equal(bench.units[0]!.packets.length, 3);
});

test('parameter sets outlive the memory that they came in, which is used again', () => {
  const sets = new ParameterSets({ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, parameterSets: [] });
  const memory = Buffer.concat([sps, pps]);
  sets.add(memory, 0, sps.length);
  sets.add(memory, sps.length, memory.length);
  sets.commit();
  memory.fill(0xff);
  assert.deepEqual(sets.track.parameterSets.map(toHex), [toHex(sps), toHex(pps)]);
});

test('units before the first key picture are not emitted, and not counted as damage', () => {
  const bench = new Bench('h264', [sps, pps]);
  bench.sendUnit(0, [slice]);
  bench.sendUnit(3600, [idr]);
  assert.deepEqual(bench.units.map(view), [idrAt(3600)]);
  assert.equal(bench.depacketizer.dropped, 0);
  assert.equal(bench.units[0]!.track.width, 640);
});

test('key pictures without any parameter sets are dropped and counted until these come', () => {
  const bench = new Bench('h264');
  bench.sendUnit(0, [idr]);
  bench.sendUnit(3600, [slice]);
  bench.sendUnit(7200, [sps, pps, idr]);
  assert.deepEqual(bench.units.map(view), [idrAt(7200)]);
  assert.equal(bench.depacketizer.dropped, 1);
});

test('a key picture without sets has those of the description, and its packets stay as they are (go2rtc rtp.go:58)', () => {
  const bench = new Bench('h264', [sps, pps]);
  bench.sendUnit(0, [idr]);
  bench.sendUnit(3600, ['09f0', sps, pps, idr]);
  assert.deepEqual(bench.units.map(view), [idrAt(0), idrAt(3600)]);
  assert.deepEqual(bench.units[1]!.track.parameterSets, [sps, pps]);
  assert.equal(bench.units[1]!.track, bench.units[0]!.track);
});

test('changed parameter sets make another track; the same ones do not', () => {
  const bench = new Bench('h264');
  const [otherSps, otherPps] = setsOf('main1080');
  bench.sendUnit(0, [sps, pps, idr]);
  bench.sendUnit(1, [sps, pps, idr]);
  bench.sendUnit(2, [otherSps, otherPps, idr]);
  const [a, b, c] = bench.units.map((unit) => unit.track);
  assert.equal(a, b);
  assert.deepEqual([c!.id, c!.width, c!.height, c!.parameterSets], [1, 1920, 1080, [otherSps, otherPps]]);
});

test('what the packetizer cuts is put together again, whatever the payload size', () => {
  const big = new Uint8Array(50_000).map((_, i) => (i * 7) & 0xff);
  big.set([0x65, 0x88]);
  for (const max of [20, 100, 1400, 60_000]) {
    const bench = new Bench('h264');
    const units = [sps, pps, big, fromHex(slice)];
    bench.sendUnit(90, packetizeH264(units, max, { aggregateParameterSets: true }));
    assert.equal(bench.units.length, 1, `max ${max}`);
    assert.deepEqual(bench.units[0]!.units(), [big, fromHex(slice)]);
    assert.equal(bench.units[0]!.units(), bench.units[0]!.units());
  }
});

test('without markers a unit ends at another timestamp (FLIR M400)', () => {
  const bench = new Bench('h264', [sps, pps]);
  for (const at of [0, 3600, 7200]) bench.send(at, at === 0 ? idr : slice);
  assert.deepEqual(bench.units.map(view), [idrAt(0), sliceAt(3600)]);
  bench.depacketizer.flush();
  assert.equal(bench.units.length, 3);
});

test('a picture whose marker has not come when the camera goes away is not whole, and left out', () => {
  const bench = new Bench('h264', [sps, pps]);
  bench.sendUnit(0, [idr]);
  bench.send(3600, slice);
  bench.depacketizer.flush();
  assert.deepEqual(bench.units.map(view), [idrAt(0)]);
});

test('markers on parameter sets end nothing (Tapo TC70; Reolink Duo 2 marks the SPS only)', () => {
  for (const markPps of [true, false]) {
    const bench = new Bench('h264');
    bench.send(0, sps, { marker: true });
    bench.send(0, pps, { marker: markPps });
    bench.send(0, idr, { marker: true });
    assert.deepEqual(bench.units.map(view), [idrAt(0)]);
    assert.equal(bench.units[0]!.packets.length, 3);
  }
});

test('fragments with start and end bit together (CostarHD), without start or end bit, or with too many end bits (Uniview)', () => {
  for (const [name, payloads] of Object.entries({
    'S and E': ['7cc588aabbcc'],
    'no E': ['7c8588aa', '7c05bb', '7c05cc'],
    'E everywhere': ['7cc588aa', '7c45bb', '7c45cc'],
    'empty fragment': ['7c8588aa', '7c05', '7c45bbcc'],
  })) {
    const bench = new Bench('h264', [sps, pps]);
    bench.sendUnit(0, payloads);
    assert.deepEqual(bench.units.map(view), [idrAt(0)], name);
  }
  const bench = new Bench('h264', [sps, pps]);
  bench.sendUnit(0, [idr]);
  bench.sendUnit(1, ['5c019a01', '5c4102']);
  assert.deepEqual(bench.units.map(view), [idrAt(0), sliceAt(1)], 'no S');
});

test('Annex B in packets is split, and stays so (one packet of SPS, PPS, IDR with start codes)', () => {
  const code = '00000001';
  const whole = [toHex(sps), toHex(pps), idr].join(code);
  for (const [name, first, second] of [
    ['start code first', [code + whole], [code + slice]],
    ['SPS first', [whole], [code + slice]],
    ['delimiter first', [`09f0${code}${whole}`], [`09f0${code}${slice}`]],
    ['in fragments', packetizeH264([fromHex(code + whole)], 20), packetizeH264([fromHex(code + slice)], 5)],
    ['in fragments from the SPS on', packetizeH264([fromHex(whole)], 20), [slice]],
    ['marker on the parameter sets', [code + toHex(sps), code + toHex(pps), code + idr], [slice]],
  ] as const) {
    const bench = new Bench('h264');
    bench.sendUnit(0, first);
    bench.sendUnit(1, second);
    assert.deepEqual(bench.units.map(view), [idrAt(0), sliceAt(1)], name);
    assert.deepEqual(bench.units[0]!.track.parameterSets, [sps, pps], name);
  }
});

test('an STAP-A may be padded with zeros; one that goes beyond its packet is malformed', () => {
  const bench = new Bench('h264');
  const part = (nal: Uint8Array) => concatBytes([Uint8Array.of(nal.length >> 8, nal.length), nal]);
  const stap = concatBytes([fromHex('78'), part(sps), part(pps), new Uint8Array(9)]);
  bench.sendUnit(0, [stap, idr]);
  assert.deepEqual(bench.units.map(view), [idrAt(0)]);
  assert.throws(() => bench.send(1, '78 0010 4188'), { kind: 'malformed', code: 'RTP_H264_STAP' });
  bench.sendUnit(2, [slice]);
  bench.sendUnit(3, [idr]);
  assert.deepEqual(bench.units.map(view), [idrAt(0), idrAt(3)]);
  assert.equal(bench.depacketizer.dropped, 2);
});

test('packets of more than 10 000 bytes are taken (Tapo over UDP, Hikvision over TCP)', () => {
  const bench = new Bench('h264', [sps, pps]);
  const big = new Uint8Array(60_000).fill(0x99);
  big[0] = 0x65;
  bench.sendUnit(0, [big]);
  assert.equal(bench.units[0]!.byteLength, 60_000);
});

test('after a loss nothing is emitted up to the next key picture, and the loss is told', () => {
  const lossAt: Record<string, (bench: Bench) => void> = {
    'within a picture': (bench) => {
      bench.send(1, '5c819a01');
      bench.send(1, '5c4102', { marker: true, lost: 2 });
    },
    'of the end of a picture': (bench) => {
      bench.send(1, '5c819a01');
      bench.send(2, slice, { marker: true, lost: 2 });
    },
    'of whole pictures': (bench) => bench.send(3, slice, { marker: true, lost: 2 }),
    'of the first packet of a key picture': (bench) => bench.send(3, '7c45bbcc', { marker: true, lost: 2 }),
    'of the first slice of a key picture': (bench) => bench.send(3, '6541aa', { marker: true, lost: 2 }),
  };
  for (const [name, lose] of Object.entries(lossAt)) {
    const bench = new Bench('h264', [sps, pps]);
    bench.sendUnit(0, [idr]);
    lose(bench);
    bench.sendUnit(4, [slice]);
    bench.sendUnit(5, [idr]);
    bench.sendUnit(6, [slice]);
    assert.deepEqual(bench.units.map(view), [idrAt(0), { ...idrAt(5), lost: 2 }, sliceAt(6)], name);
    assert.ok(bench.depacketizer.dropped >= 2, name);
  }
});

test('a key picture that is whole right after a loss is used', () => {
  const bench = new Bench('h264', [sps, pps]);
  bench.sendUnit(0, [idr]);
  bench.send(1, idr, { marker: true, lost: 1 });
  assert.deepEqual(bench.units.map(view), [idrAt(0), { ...idrAt(1), lost: 1 }]);
});

test('recovery points are key pictures only where no IDR came for 3 s', () => {
  const recovery = '060601c480';
  const bench = new Bench('h264', [sps, pps]);
  for (let second = 0; second < 5; second++) bench.sendUnit(second * 90_000, [recovery, slice]);
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp / 90_000, unit.key]),
    [
      [3, true],
      [4, true],
    ],
  );
  const regular = new Bench('h264', [sps, pps]);
  regular.sendUnit(0, [idr]);
  regular.sendUnit(90_000, [recovery, slice]);
  assert.deepEqual(
    regular.units.map((unit) => unit.key),
    [true, false],
  );
});

test('an access unit beyond 8 MiB or 512 NAL units is malformed, and the stream goes on', () => {
  for (const flood of [
    (bench: Bench) => {
      for (let i = 0; i < 140; i++) bench.send(1, concatBytes([fromHex('419a'), new Uint8Array(60_000)]));
    },
    (bench: Bench) => {
      for (let i = 0; i < 513; i++) bench.send(1, slice);
    },
  ]) {
    const bench = new Bench('h264', [sps, pps]);
    bench.sendUnit(0, [idr]);
    assert.throws(() => flood(bench), { kind: 'malformed', code: 'RTP_UNIT_TOO_LARGE' });
    bench.sendUnit(2, [idr]);
    assert.deepEqual(bench.units.map(view), [idrAt(0), idrAt(2)]);
  }
});

test('interleaved mode has no depacketizer, and its packets are malformed', () => {
  assert.equal(new Bench('h264', [], { 'packetization-mode': '2' }).depacketizer, undefined);
  for (const payload of ['19000041', '1a00', '1d81', '1f', '00aa']) {
    assert.throws(() => new Bench('h264').send(0, payload), { kind: 'malformed', code: 'RTP_H264_TYPE' }, payload);
  }
});
