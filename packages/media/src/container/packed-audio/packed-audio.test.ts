import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex } from '@watchpost/base/bytes.ts';
import { writeAdts } from '../../codec/aac/adts.ts';
import type { Track } from '../../types.ts';
import { isPackedAudio, PackedAudioReader, type PackedUnit } from './reader.ts';
import { tagWithTimestamp } from './test-tag.ts';

const config = { objectType: 2, sampleRate: 48_000, channels: 2, frameLength: 1024 };
const frames = [1, 2, 3].map((n) => writeAdts(config, new Uint8Array(20).fill(n)));

function open() {
  const found: { track: Track; unit: PackedUnit }[] = [];
  const tracks: Track[] = [];
  const reader = new PackedAudioReader({
    track: (track) => tracks.push(track),
    unit: (track, unit) => found.push({ track, unit }),
  });
  return { reader, found, tracks };
}

test('frames of AAC begin at the time of the tag, and go on by their length', () => {
  const { reader, found, tracks } = open();
  reader.read(concatBytes([tagWithTimestamp(0x1_0000_0000 + 90_000), ...frames]));
  const first = Math.round(((0x1_0000_0000 + 90_000) * 48_000) / 90_000);
  assert.deepEqual(
    found.map(({ unit }) => [unit.dts, unit.pts, unit.units[0]![0], unit.units[0]!.length]),
    [0, 1, 2].map((i) => [first + i * 1024, first + i * 1024, i + 1, 20]),
  );
  assert.equal(tracks.length, 1);
  const { codec, sampleRate, channels, parameterSets } = tracks[0]!;
  assert.deepEqual([codec, sampleRate, channels, parameterSets], ['aac', 48_000, 2, [fromHex('1190')]]);
});

test('a segment without a time stamp goes on where the one before ended; tags amid frames are passed over', () => {
  const { reader, found, tracks } = open();
  reader.read(concatBytes([tagWithTimestamp(0), frames[0]!, tagWithTimestamp(900_000), frames[1]!]));
  reader.read(concatBytes(frames));
  assert.deepEqual(
    found.map(({ unit }) => unit.dts / 1024),
    [0, 1, 2, 3, 4],
  );
  assert.equal(tracks.length, 1);
});

test('a frame that is cut off is left out; other bytes are told', () => {
  const { reader, found } = open();
  reader.read(concatBytes([...frames, frames[0]!.subarray(0, 12)]));
  assert.equal(found.length, 3);
  assert.throws(() => reader.read(concatBytes([frames[0]!, fromHex('00112233445566778899')])), {
    code: 'PACKED_AUDIO',
  });
});

test('MPEG audio is told by its layer', () => {
  // 128 kbit/s, 44.1 kHz: frames of 417 bytes (ISO/IEC 11172-3 §2.4.2.3).
  const frame = concatBytes([fromHex('fffb9000'), new Uint8Array(413)]);
  const { reader, found } = open();
  reader.read(concatBytes([tagWithTimestamp(45_000), frame, frame]));
  assert.deepEqual(
    found.map(({ track, unit }) => [track.codec, unit.dts, unit.units[0]!.length]),
    [
      ['mp3', 22_050, 417],
      ['mp3', 22_050 + 1152, 417],
    ],
  );
});

test('packed audio is known by its first bytes', () => {
  assert.ok(isPackedAudio(tagWithTimestamp(0)));
  assert.ok(isPackedAudio(frames[0]!));
  assert.ok(!isPackedAudio(fromHex('4740000000')));
  assert.ok(!isPackedAudio(new Uint8Array(0)));
});
