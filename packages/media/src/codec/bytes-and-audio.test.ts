import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex } from '@watchpost/base/bytes.ts';
import { parseAdts, stripAdts, writeAdts } from './aac/adts.ts';
import { aacCodecString, parseAudioSpecificConfig } from './aac/config.ts';
import { writeAudioSpecificConfig } from './aac/write-config.ts';
import { flacCrc8, flacCrc16 } from './flac/crc.ts';
import { writeFlacFrame } from './flac/flac-frame.ts';
import { fuzz } from './fuzz.ts';
import { decodeG711 } from './g711/decode.ts';
import { joinAnnexB, splitAnnexB, stripStartCode } from './h264/annex-b.ts';
import { joinAvcc, splitAvcc } from './h264/avcc.ts';
import h264 from './h264/testdata/parameter-sets.json' with { type: 'json' };
import h265 from './h265/testdata/parameter-sets.json' with { type: 'json' };

test('Annex B is split at start codes of three and four bytes, without zeros at the end', () => {
  for (const [hex, units] of [
    ['00000001 6742 000001 68ce 00000001 6588', ['6742', '68ce', '6588']],
    ['6742 00000001 68ce', ['6742', '68ce']],
    ['000001 6500000000', ['65']],
    ['000001', []],
    ['', []],
    ['000001 650000030001', ['650000030001']],
  ] as const) {
    assert.deepEqual(splitAnnexB(fromHex(hex))!.map(toHex), units, hex);
  }
  assert.equal(splitAnnexB(fromHex('000001aa000001bb'), 1), undefined);
});

test('joined units are split again, with start codes and with lengths', () => {
  const units = [fromHex('6742'), fromHex('68ce00000301'), new Uint8Array(70_000).fill(0x41)];
  assert.deepEqual(splitAnnexB(joinAnnexB(units)), units);
  assert.deepEqual(splitAvcc(joinAvcc(units)), units);
  assert.throws(() => splitAvcc(fromHex('0000000565')), { code: 'AVCC_LENGTH' });
  assert.equal(toHex(stripStartCode(fromHex('00000001 67'))), '67');
  assert.equal(toHex(stripStartCode(fromHex('67000001'))), '67000001');
});

test('AudioSpecificConfigs of known streams are read', () => {
  for (const [hex, config] of [
    ['1190', { objectType: 2, sampleRate: 48_000, channels: 2, frameLength: 1024 }],
    ['1408', { objectType: 2, sampleRate: 16_000, channels: 1, frameLength: 1024 }],
    ['2b920800', { objectType: 5, sampleRate: 44_100, channels: 2, frameLength: 2048 }],
    ['139056e5a0', { objectType: 5, sampleRate: 44_100, channels: 2, frameLength: 2048 }],
  ] as const) {
    assert.deepEqual(parseAudioSpecificConfig(fromHex(hex)), config, hex);
  }
  assert.equal(aacCodecString(parseAudioSpecificConfig(fromHex('1190'))), 'mp4a.40.2');
});

test('an AudioSpecificConfig that was written is read as it was', () => {
  for (const objectType of [2, 5]) {
    for (const sampleRate of [16_000, 48_000, 44_100]) {
      for (const channels of [1, 2, 8]) {
        const config = { objectType, sampleRate, channels, frameLength: objectType === 5 ? 2048 : 1024 };
        assert.deepEqual(parseAudioSpecificConfig(writeAudioSpecificConfig(config)), config);
      }
    }
  }
  const odd = { objectType: 2, sampleRate: 12_345, channels: 1, frameLength: 960 };
  assert.deepEqual(parseAudioSpecificConfig(writeAudioSpecificConfig(odd)), odd);
});

test('ADTS headers go around frames and come off again', () => {
  const config = { objectType: 2, sampleRate: 16_000, channels: 1, frameLength: 1024 };
  const frames = [fromHex('0102030405'), new Uint8Array(500).fill(7)];
  const stream = concatBytes(frames.map((frame) => writeAdts(config, frame)));
  assert.deepEqual(stripAdts(stream), frames);
  assert.deepEqual(parseAdts(stream, 0, stream.length), { ...config, headerBytes: 7, frameBytes: 12 });
  assert.throws(() => stripAdts(stream.subarray(0, 100)), { code: 'AAC_ADTS' });
});

test('G.711 decodes the values of ITU-T G.711', () => {
  assert.deepEqual([...decodeG711('pcma', fromHex('d5 55 aa 2a 80'))], [8, -8, 32_256, -32_256, 5504]);
  assert.deepEqual([...decodeG711('pcmu', fromHex('ff 7f 80 00'))], [0, 0, 32_124, -32_124]);
});

test('FLAC checksums match the polynomials, and a frame carries them', () => {
  const check = new TextEncoder().encode('123456789');
  assert.equal(flacCrc8(check), 0xf4);
  assert.equal(flacCrc16(check), 0xfee8);
  const frame = writeFlacFrame({ sampleRate: 8000, channels: 1, blockSamples: 160 }, 70_000, new Int16Array(160));
  assert.equal(flacCrc16(frame), 0);
  assert.equal(toHex(frame.subarray(0, 8)), 'fff87d08f0918 5b0'.replace(' ', ''));
});

test('a FLAC frame of half a stereo sample or of nothing is refused', () => {
  const format = { sampleRate: 8000, channels: 2, blockSamples: 160 };
  assert.throws(() => writeFlacFrame(format, 0, new Int16Array(3)), { code: 'FLAC_CHANNELS' });
  assert.throws(() => writeFlacFrame(format, 0, new Int16Array(0)), { code: 'FLAC_BLOCK' });
});

test('mutated parameter sets never throw anything but malformed', () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return (seed >>> 8) % below;
  };
  const seeds = [...h264.cases, ...h265.cases].flatMap(({ sets }) => sets.map(fromHex));
  seeds.push(fromHex('139056e5a0'), fromHex('fff16040017ffc'));
  for (let round = 0; round < 4000; round++) {
    const bytes = seeds[round % seeds.length]!.slice();
    for (let i = random(6); i >= 0; i--) bytes[random(bytes.length)] = random(256);
    fuzz(bytes.subarray(0, 1 + random(bytes.length)));
  }
});
