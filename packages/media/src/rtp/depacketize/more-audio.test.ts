import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex } from '@watchpost/base/bytes.ts';
import { parseMpegAudioHeader } from '../../codec/mpeg-audio/frame-header.ts';
import { packetizeMpegAudio } from '../packetize/mpeg-audio.ts';
import { Bench } from './test-packets.ts';

test('headers of MPEG audio tell rate, channels and length', () => {
  const cases: [string, number[]][] = [
    // Layer, rate, channels, bytes, samples: MPEG-1 layers III, II and I, MPEG-2 and MPEG-2.5 layer III.
    ['fffb9064', [3, 44_100, 2, 417, 1152]],
    ['fffb92c4', [3, 44_100, 1, 418, 1152]],
    ['fffd84c4', [2, 48_000, 1, 384, 1152]],
    ['ffff1804', [1, 32_000, 2, 48, 384]],
    ['fff344c4', [3, 24_000, 1, 96, 576]],
    ['ffe338c4', [3, 8000, 1, 216, 576]],
  ];
  for (const [bytes, expected] of cases) {
    const { layer, sampleRate, channels, frameBytes, frameSamples } = parseMpegAudioHeader(fromHex(bytes), 0);
    assert.deepEqual([layer, sampleRate, channels, frameBytes, frameSamples], expected, bytes);
  }
  for (const bytes of ['fffb', 'fefb9064', 'fffb0064', 'fffbf064', 'fffb9c64', 'fff99064', 'ffeb9064'])
    assert.throws(() => parseMpegAudioHeader(fromHex(bytes), 0), { kind: 'malformed' }, bytes);
});

/** A frame of MPEG-1 layer III, 44.1 kHz, 128 kbit/s. */
function mp3(fill: number): Uint8Array {
  const frame = new Uint8Array(417).fill(fill);
  frame.set(fromHex('fffb9064'));
  return frame;
}

test('several frames in one packet are 26 ms apart, though no tick of 90 kHz fits', () => {
  const bench = new Bench('mp3');
  bench.send(1000, concatBytes([fromHex('00000000'), mp3(1), mp3(2), mp3(3)]), { marker: true });
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.packets.length, unit.units()[0]![9]]),
    [
      [1000, 1, 1],
      [3351, 0, 2],
      [5702, 0, 3],
    ],
  );
  assert.deepEqual([bench.units[0]!.track.sampleRate, bench.units[0]!.track.channels], [44_100, 2]);
  assert.equal(bench.units[0]!.track, bench.units[2]!.track);
});

test('a frame in fragments is joined; with one missing it is dropped', () => {
  const bench = new Bench('mp3');
  const cut = packetizeMpegAudio(mp3(9), 154);
  assert.equal(cut.length, 3);
  bench.sendUnit(0, cut);
  bench.send(1, cut[0]!);
  bench.send(1, cut[2]!, { lost: 1 });
  bench.send(2, cut[1]!);
  bench.sendUnit(3, cut);
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.packets.length, unit.lost]),
    [
      [0, 3, 0],
      [3, 3, 1],
    ],
  );
  assert.deepEqual(bench.units[1]!.units()[0], mp3(9));
  assert.equal(bench.depacketizer.dropped, 1);
  assert.throws(() => bench.send(4, '00000000'), { code: 'RTP_MPA_SHORT' });
  assert.throws(() => bench.send(4, '00000000 41424344'), { code: 'MPEG_AUDIO_SYNC' });
});

/** StreamMuxConfig of AAC-LC at 48 kHz in stereo, one frame to an element (made by ffmpeg -rtpflags latm). */
const latm = { cpresent: '0', config: '400023203fc0' };
const frame = (bytes: number, fill: number) => new Uint8Array(bytes).fill(fill);
const element = (...frames: readonly Uint8Array[]) =>
  concatBytes(
    frames.flatMap((one) => {
      const length = new Uint8Array(Math.floor(one.length / 255) + 1).fill(255);
      length[length.length - 1] = one.length % 255;
      return [length, one];
    }),
  );

test('AudioMuxElements, several in a packet or one in several packets, are frames 1024 ticks apart', () => {
  const bench = new Bench('aac', [], latm);
  bench.send(0xffff_ff00, element(frame(300, 1), frame(255, 2), frame(3, 3)), { marker: true });
  const large = element(frame(3000, 4));
  bench.sendUnit(5000, [large.subarray(0, 1000), large.subarray(1000, 2000), large.subarray(2000)]);
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.units()[0]!.length, unit.units()[0]!.at(-1)]),
    [
      [0xffff_ff00, 300, 1],
      [768, 255, 2],
      [1792, 3, 3],
      [5000, 3000, 4],
    ],
  );
  const { sampleRate, channels, parameterSets } = bench.units[0]!.track;
  assert.deepEqual([sampleRate, channels, toHex(parameterSets[0]!)], [48_000, 2, '1190']);
});

test('an element of several frames, or of frames of one length, is read as its configuration says', () => {
  // numSubFrames 2; then frameLengthType 1 with 2 + 20 bytes.
  const several = new Bench('aac', [], { cpresent: '0', config: '420023203fc0' });
  several.send(0, element(frame(7, 1), frame(8, 2), frame(9, 3)), { marker: true });
  assert.deepEqual(
    several.units.map((unit) => unit.units()[0]!.length),
    [7, 8, 9],
  );
  const constant = new Bench('aac', [], { cpresent: '0', config: '400023204040' });
  constant.send(0, frame(44, 5), { marker: true });
  assert.deepEqual(
    constant.units.map((unit) => unit.units()[0]!.length),
    [22, 22],
  );
});

test('the rest of an element that a loss cut is not taken for one', () => {
  const bench = new Bench('aac', [], latm);
  const large = element(frame(2000, 4));
  bench.send(0, large.subarray(0, 700));
  bench.send(0, large.subarray(1400), { lost: 1, marker: true });
  bench.send(1024, element(frame(20, 5)), { marker: true });
  assert.deepEqual(
    bench.units.map((unit) => [unit.rtpTimestamp, unit.lost]),
    [[1024, 1]],
  );
  assert.throws(() => bench.send(2048, fromHex('2001'), { marker: true }), { code: 'RTP_LATM_LENGTH' });
  assert.equal(bench.depacketizer.dropped, 2);
});

test('several programs or layers, and what is no AAC, are refused with a reason', () => {
  const inBand = (hex: string) => () => new Bench('aac', [], { cpresent: '1' }).send(0, hex, { marker: true });
  assert.throws(inBand('2010 0000'), { code: 'LATM_LAYERS' });
  assert.throws(inBand('6000 0000'), { code: 'LATM_VERSION' });
  assert.throws(inBand('2000 49f0 0000'), { code: 'LATM_CONFIG' });
});

test('samples of Hikvision PCM are turned into L16, and their packets do not go out as they came', () => {
  const bench = new Bench('l16', [], { 'low-byte-first': '' });
  bench.send(0, '0102 0304 05');
  assert.equal(toHex(bench.units[0]!.units()[0]!), '02010403');
  assert.equal(bench.units[0]!.packets.length, 0);
});
