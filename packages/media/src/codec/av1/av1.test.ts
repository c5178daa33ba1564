import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromHex, toHex } from '@watchpost/base/bytes.ts';
import { av1CodecString, parseAv1C, sequenceHeaderOf, writeAv1C } from './decoder-config.ts';
import { leb128Bytes, readLeb128, splitObus, writeLeb128 } from './obu.ts';
import { parseAv1Sequence } from './sequence-header.ts';
import { ivfPictures } from './test-clip.ts';

const pictures = ivfPictures(new Uint8Array(readFileSync(new URL('testdata/clip.ivf', import.meta.url))));

test('numbers in groups of seven bits are read as they were written', () => {
  for (const value of [0, 1, 127, 128, 300, 16_383, 16_384, 2_097_152, 0xffff_ffff]) {
    const bytes = new Uint8Array(8);
    const end = writeLeb128(bytes, 0, value);
    assert.equal(end, leb128Bytes(value));
    assert.deepEqual(readLeb128(bytes, 0, end), { value, next: end });
    assert.throws(() => readLeb128(bytes, 0, end - 1), { code: 'AV1_SIZE' });
  }
  // More bytes than needed are allowed (§4.10.5), more than 32 bits are not.
  assert.deepEqual(readLeb128(fromHex('8180808000'), 0, 5), { value: 1, next: 5 });
  assert.throws(() => readLeb128(fromHex('ffffffffff01'), 0, 6), { code: 'AV1_SIZE' });
});

test('a temporal unit of libaom is taken apart', () => {
  assert.equal(pictures.length, 12);
  const types = pictures.map((picture) =>
    splitObus(picture)
      .map(({ type }) => type)
      .join(),
  );
  assert.deepEqual([types[0], types[1], types[6]], ['2,1,6', '2,6', '2,1,6']);
});

test('the last unit may have no size; units that leave their picture, or are none, are malformed', () => {
  assert.deepEqual(
    splitObus(fromHex('1200 0a01ff 340805aabb')).map(({ type, headerBytes, body, end }) => [
      type,
      headerBytes,
      body,
      end,
    ]),
    [
      [2, 1, 2, 2],
      [1, 1, 4, 5],
      [6, 2, 7, 10],
    ],
  );
  for (const hex of ['3205aabb', '80', '34', '32ff'])
    assert.throws(() => splitObus(fromHex(hex)), { kind: 'malformed' });
});

test('the record of a sequence header is the one that FFmpeg writes, and is read back', () => {
  const picture = pictures[0]!;
  const [, sequence] = splitObus(picture);
  const body = picture.subarray(sequence!.body, sequence!.end);
  const record = writeAv1C(body);
  // `av1C` of the same clip in an MP4 file of FFmpeg 5.1.
  assert.equal(toHex(record), '8100 0c00 0a0a 00000003b4fd936be401'.replaceAll(' ', ''));
  assert.deepEqual(sequenceHeaderOf(record), body);
  assert.equal(av1CodecString(record), 'av01.0.00M.08');
  const { width, height, profile, level, bitDepth, monochrome } = parseAv1C(record);
  assert.deepEqual([width, height, profile, level, bitDepth, monochrome], [160, 90, 0, 0, 8, false]);
});

/** Bits of a sequence header by hand (§5.5.1). */
const bits = (...fields: readonly (readonly [value: number, count: number])[]) => {
  const text = fields.map(([value, count]) => value.toString(2).padStart(count, '0')).join('');
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8 + 8, '0');
  return Uint8Array.from(padded.match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2));
};
const size = [
  [10, 4],
  [10, 4],
  [1919, 11],
  [1079, 11],
] as const;

test('timing, decoder model, tiers, forced tools and twelve bits are passed over or told', () => {
  const professional = bits(
    ...([
      [2, 3],
      [0, 2],
      [1, 1],
      [1, 32],
      [50, 32],
      [1, 1],
      [1, 1],
      [1, 1],
      [9, 5],
      [1, 32],
      [0, 10],
      [1, 1],
      [0, 5],
    ] as const),
    ...([
      [0, 12],
      [13, 5],
      [1, 1],
      [1, 1],
      [0, 21],
      [1, 1],
      [9, 4],
    ] as const),
    ...size,
    ...([
      [1, 1],
      [0, 7],
      [0, 3],
      [0, 4],
      [1, 1],
      [0, 2],
      [0, 1],
      [1, 1],
      [0, 1],
      [1, 1],
      [6, 3],
      [0, 3],
    ] as const),
    ...([
      [1, 1],
      [1, 1],
      [0, 1],
      [0, 1],
      [0, 1],
      [1, 1],
      [1, 1],
      [2, 2],
    ] as const),
  );
  assert.deepEqual(parseAv1Sequence(professional), {
    ...{ profile: 2, level: 13, tier: 1, width: 1920, height: 1080, isReducedStill: false, bitDepth: 12 },
    ...{ monochrome: false, subsamplingX: 1, subsamplingY: 1, chromaSamplePosition: 2 },
  });
  assert.equal(av1CodecString(writeAv1C(professional)), 'av01.2.13H.12');
});

test('still pictures and grey ones', () => {
  const still = bits([0, 3], [1, 1], [1, 1], [4, 5], ...size, [0, 3], [0, 3], [1, 1], [1, 1], [0, 1], [0, 1]);
  const { level, isReducedStill, monochrome, bitDepth } = parseAv1Sequence(still);
  assert.deepEqual([level, isReducedStill, monochrome, bitDepth], [4, true, true, 10]);
  assert.throws(() => parseAv1Sequence(fromHex('e0')), { code: 'AV1_PROFILE' });
  assert.throws(() => parseAv1Sequence(fromHex('0000')), { code: 'CODEC_BITS_TRUNCATED' });
});
