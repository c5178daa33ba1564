import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { h264CodecString, parseAvcC, writeAvcC } from './h264/decoder-config.ts';
import { hasRecoveryPoint, isH264Key } from './h264/is-key.ts';
import { parseH264Sps } from './h264/sps.ts';
import h264 from './h264/testdata/parameter-sets.json' with { type: 'json' };
import { h265CodecString, parseHvcC, writeHvcC } from './h265/decoder-config.ts';
import { isH265Key } from './h265/is-key.ts';
import { parseH265Sps } from './h265/sps.ts';
import h265 from './h265/testdata/parameter-sets.json' with { type: 'json' };
import { reorderDepthOf } from './reorder-depth.ts';

for (const { name, ffprobe, sets } of h264.cases) {
  test(`an H.264 SPS says what ffprobe says: ${name}`, () => {
    const sps = parseH264Sps(fromHex(sets[0]!));
    assert.deepEqual(
      { width: sps.width, height: sps.height, level: sps.level, fps: sps.fps, reorder: sps.reorderFrames },
      {
        width: ffprobe.width,
        height: ffprobe.height,
        level: ffprobe.level,
        fps: ffprobe.fps,
        reorder: ffprobe.hasBFrames,
      },
    );
    assert.equal(sps.progressive, !name.startsWith('inter'));
    assert.equal(sps.bitDepthLuma, ffprobe.pixFmt.endsWith('10le') ? 10 : 8);
  });

  test(`avcC holds the H.264 sets of ${name}`, () => {
    const [sps, pps] = [fromHex(sets[0]!), fromHex(sets[1]!)];
    assert.deepEqual(parseAvcC(writeAvcC(sps, pps)), { lengthBytes: 4, sps: [sps], pps: [pps] });
  });
}

for (const { name, ffprobe, sets } of h265.cases) {
  test(`an H.265 SPS says what ffprobe says: ${name}`, () => {
    const sps = parseH265Sps(fromHex(sets[1]!));
    assert.deepEqual(
      { width: sps.width, height: sps.height, level: sps.level, fps: sps.fps, reorder: sps.reorderFrames },
      {
        width: ffprobe.width,
        height: ffprobe.height,
        level: ffprobe.level,
        fps: ffprobe.fps,
        reorder: ffprobe.hasBFrames,
      },
    );
    assert.equal(sps.chromaFormat, ffprobe.pixFmt.startsWith('yuv422') ? 2 : 1);
  });

  test(`hvcC holds the H.265 sets of ${name}`, () => {
    const [vps, sps, pps] = [fromHex(sets[0]!), fromHex(sets[1]!), fromHex(sets[2]!)];
    assert.deepEqual(parseHvcC(writeHvcC(vps, sps, pps)), { lengthBytes: 4, vps: [vps], sps: [sps], pps: [pps] });
  });
}

test('codec strings are those that browsers know', () => {
  const main264 = h264.cases.find((one) => one.name === 'main1080')!;
  assert.equal(h264CodecString(fromHex(main264.sets[0]!)), 'avc1.4D4028');
  const main265 = h265.cases.find((one) => one.name === 'main1080')!;
  assert.equal(h265CodecString(parseH265Sps(fromHex(main265.sets[1]!))), 'hvc1.1.6.L120.90');
});

test('an SPS whose VUI is cut off still gives the picture size', () => {
  const main = h264.cases.find((one) => one.name === 'main1080')!;
  const whole = fromHex(main.sets[0]!);
  const sps = parseH264Sps(whole.subarray(0, 14));
  assert.deepEqual([sps.width, sps.height, sps.fps], [1920, 1080, undefined]);
});

test('an SPS that ends before the picture size is malformed', () => {
  const isMalformed = (error: unknown) => error instanceof WatchpostError && error.kind === 'malformed';
  const avc = fromHex(h264.cases[0]!.sets[0]!);
  const hevc = fromHex(h265.cases[0]!.sets[1]!);
  assert.throws(() => parseH264Sps(avc.subarray(0, 5)), isMalformed);
  assert.throws(() => parseH265Sps(hevc.subarray(0, 12)), isMalformed);
  assert.throws(() => parseH264Sps(fromHex(h264.cases[0]!.sets[1]!)), isMalformed);
  assert.throws(() => parseH265Sps(new Uint8Array(0)), isMalformed);
});

test('IDR, BLA and CRA are key pictures; other slices are not', () => {
  assert.equal(isH264Key([fromHex('0605'), fromHex('6588')]), true);
  assert.equal(isH264Key([fromHex('4188')]), false);
  for (let type = 0; type < 32; type++) {
    assert.equal(isH265Key([Uint8Array.of(type << 1, 1)]), type >= 16 && type <= 21, `type ${type}`);
  }
});

test('a recovery point is found behind other SEI messages', () => {
  for (const [hex, expected] of [
    ['06 06 01 c4 80', true],
    ['06 05 02 aabb 06 01 c4 80', true],
    ['06 05 02 aabb 80', false],
    ['06 05 ff', false],
    ['06', false],
  ] as const) {
    const bytes = fromHex(hex);
    assert.equal(hasRecoveryPoint(bytes, 0, bytes.length), expected, hex);
  }
});

test('golden sets are lower-case hexadecimal', () => {
  for (const { sets } of [...h264.cases, ...h265.cases]) for (const set of sets) assert.equal(toHex(fromHex(set)), set);
});

test('a track reorders as deep as its SPS says, and nobody knows where it says nothing', () => {
  const base = { id: 0, kind: 'video', clockRate: 90_000 } as const;
  for (const { ffprobe, sets } of h264.cases) {
    const parameterSets = sets.map((set) => fromHex(set));
    assert.equal(reorderDepthOf({ ...base, codec: 'h264', parameterSets }), ffprobe.hasBFrames);
  }
  for (const { ffprobe, sets } of h265.cases) {
    const parameterSets = sets.map((set) => fromHex(set));
    assert.equal(reorderDepthOf({ ...base, codec: 'h265', parameterSets }), ffprobe.hasBFrames);
  }
  assert.equal(reorderDepthOf({ ...base, codec: 'h264', parameterSets: [] }), undefined);
  assert.equal(reorderDepthOf({ ...base, codec: 'h264', parameterSets: [Uint8Array.of(0x67, 1)] }), undefined);
});
