import assert from 'node:assert/strict';
import test from 'node:test';
import { concatBytes, fromHex, readU32, toHex } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample, Track } from '../../types.ts';
import { readBoxes } from './boxes.ts';
import { codecString } from './codec-string.ts';
import { readSamples, scanFragments } from './demuxer.ts';
import { writeFragment } from './fragment.ts';
import { fuzz } from './fuzz.ts';
import { type FileIdentity, parseIdentityBox, writeIdentityBox } from './identity-box.ts';
import { writeInitSegment } from './init-segment.ts';

const sps = fromHex('6742c01ed901e089f970110000030001000003003c0f162e48');
const video: Track = {
  id: 0,
  kind: 'video',
  codec: 'h264',
  clockRate: 90_000,
  width: 640,
  height: 480,
  parameterSets: [sps, fromHex('68cb83cb20')],
};
const sound = { kind: 'audio', channels: 1, sampleRate: 16_000, clockRate: 16_000 } as const;
const aac: Track = { ...sound, id: 1, codec: 'aac', parameterSets: [fromHex('1408')] };
const alaw: Track = { ...sound, id: 2, codec: 'pcma', sampleRate: 8000, clockRate: 8000, parameterSets: [] };
const identity: FileIdentity = {
  volumeId: 'disk-1',
  streamId: 'gate',
  runId: '01JA',
  sequence: 7,
  wallMs: 1_760_000_000_123,
  firstDts: [0, 17],
};

function frame(track: Track, dts: number, more: Partial<Sample> = {}): Sample {
  const units = more.units ?? [Uint8Array.of(0x41, dts & 255), Uint8Array.of(9, 8, 7)];
  const byteLength = units.reduce((sum, unit) => sum + unit.length, 0);
  return { track, dts, pts: dts, key: true, wallMs: 0, lost: 0, ...more, units, byteLength };
}

const pictures = [0, 3600, 7300, 10_800].map((dts, i) =>
  frame(video, dts, { key: i === 0, pts: dts + (i % 2) * 7200 }),
);
const frames = [0, 1024, 2048].map((dts) => frame(aac, dts, { units: [new Uint8Array(40 + dts / 1024)] }));
const logs = [0, 160].map((dts) => frame(alaw, dts, { units: [new Uint8Array(160).fill(0xd5)] }));
const runs = [
  { track: video, samples: pictures, nextDts: 14_400 },
  { track: aac, samples: frames, nextDts: 3072 },
  { track: alaw, samples: logs, nextDts: 320 },
];
const init = writeInitSegment([video, aac, alaw], { identity: writeIdentityBox(identity) });
const file = concatBytes([
  init,
  writeFragment(1, runs),
  writeFragment(2, [{ ...runs[0]!, samples: pictures.slice(1) }]),
]);
const scan = (bytes: Uint8Array) => scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
const plain = (sample: Sample) => ({
  ...sample,
  wallMs: 0,
  byteLength: 0,
  track: sample.track.id,
  units: sample.units.map(toHex),
});

test('what is written is read back: tracks, identity, fragments', async () => {
  const found = await scan(file);
  assert.deepEqual(
    found.tracks.map(({ track }) => track),
    [video, aac, alaw],
  );
  assert.deepEqual(found.identity, identity);
  assert.equal(found.initBytes, init.length);
  assert.equal(found.completeBytes, file.length);
  assert.deepEqual(
    found.fragments.map(({ startTicks, durationTicks, key, frames }) => ({ startTicks, durationTicks, key, frames })),
    [
      { startTicks: [0, 0, 0], durationTicks: [14_400, 3072, 320], key: true, frames: 9 },
      { startTicks: [3600, undefined, undefined], durationTicks: [10_800, 0, 0], key: false, frames: 3 },
    ],
  );
});

test('samples are read back as they were written', async () => {
  const { fragments, tracks } = await scan(file);
  const { offset, bytes } = fragments[0]!;
  const samples = readSamples(file.subarray(offset, offset + bytes), tracks);
  assert.deepEqual(samples.map(plain), [...pictures, ...frames, ...logs].map(plain));
});

test('a file cut at any byte says where its last complete fragment ends', async () => {
  const { fragments } = await scan(file);
  const ends = [...fragments.map(({ offset }) => offset), file.length];
  for (let size = init.length; size < file.length; size++) {
    const found = await scan(file.subarray(0, size));
    assert.equal(found.completeBytes, Math.max(...ends.filter((end) => end <= size)));
  }
});

test('what all samples share is written once', () => {
  const regular = Array.from({ length: 25 }, (_, i) => frame(alaw, i * 160, { units: [new Uint8Array(160)] }));
  const bytes = writeFragment(1, [{ track: alaw, samples: regular, nextDts: 4000 }]);
  assert.equal(bytes.length - 25 * 160, 8 + 16 + 8 + 28 + 20 + 20 + 8);
});

test('a fragment of 1 s at 1 Mbit/s with AAC spends at most 1 % on its container', () => {
  const unit = new Uint8Array(4600);
  const slices = Array.from({ length: 25 }, (_, i) =>
    frame(video, i * 3600, {
      key: i === 0,
      pts: i * 3600 + 3600,
      units: [i === 0 ? new Uint8Array(14_600) : unit.subarray(i)],
    }),
  );
  const talk = Array.from({ length: 16 }, (_, i) => frame(aac, i * 1024, { units: [new Uint8Array(250 + i)] }));
  const bytes = writeFragment(1, [
    { track: video, samples: slices, nextDts: 90_000 },
    { track: aac, samples: talk, nextDts: 16_384 },
  ]);
  const media = [...slices, ...talk].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok((bytes.length - media) / media < 0.01, `${bytes.length - media} of ${media}`);
});

test('times that cannot be written are refused, backward ones last no time', () => {
  assert.throws(() => writeFragment(1, [{ track: aac, samples: [frame(aac, -1)], nextDts: 5 }]), {
    code: 'FMP4_NEGATIVE_TIME',
  });
  const bytes = writeFragment(1, [{ track: alaw, samples: [logs[1]!, logs[0]!], nextDts: 160 }]);
  assert.equal(readBoxes(bytes, 0, bytes.length).length, 2);
});

test('decode times beyond 2^32 are kept', async () => {
  const late = frame(video, 2 ** 40 + 3);
  const bytes = concatBytes([init, writeFragment(9, [{ track: video, samples: [late], nextDts: 2 ** 40 + 3603 }])]);
  assert.equal((await scan(bytes)).fragments[0]!.startTicks[0], 2 ** 40 + 3);
});

test('codec strings are those of RFC 6381', () => {
  assert.equal(codecString([video, aac]), 'avc1.42C01E,mp4a.40.2');
  assert.equal(
    codecString([
      { ...aac, codec: 'opus' },
      { ...aac, codec: 'flac' },
      { ...aac, codec: 'g726' },
    ]),
    'Opus,fLaC',
  );
});

test('MJPEG, MP3 and Opus are read back as what they were', async () => {
  const tracks: Track[] = [
    { id: 0, kind: 'video', codec: 'mjpeg', clockRate: 90_000, width: 320, height: 180, parameterSets: [] },
    { ...sound, id: 1, codec: 'mp3', clockRate: 90_000, sampleRate: 44_100, channels: 2, parameterSets: [] },
    { ...sound, id: 2, codec: 'mp3', clockRate: 90_000, sampleRate: 22_050, parameterSets: [] },
    { ...sound, id: 3, codec: 'opus', clockRate: 48_000, sampleRate: 48_000, channels: 2, parameterSets: [] },
  ];
  const found = await scan(writeInitSegment(tracks));
  assert.deepEqual(
    found.tracks.map(({ track }) => track),
    tracks,
  );
  assert.equal(codecString(tracks), 'mp4v.6C,mp4a.6B,mp4a.69,Opus');
  const { sampleRate, ...unknown } = tracks[1]!;
  for (const early of [{ ...tracks[0]!, width: undefined, height: undefined }, unknown])
    assert.throws(() => writeInitSegment([early as Track]), { kind: 'unavailable' });
});

test('tracks without parameter sets or sample entry are refused with a reason', () => {
  assert.throws(() => writeInitSegment([{ ...video, parameterSets: [] }]), { kind: 'unavailable' });
  assert.throws(() => writeInitSegment([{ ...aac, codec: 'g726' }]), { kind: 'unsupported' });
});

test('a foreign or damaged identity box is told apart', () => {
  const box = writeIdentityBox(identity).subarray(8);
  assert.deepEqual(parseIdentityBox(box), identity);
  assert.equal(parseIdentityBox(new Uint8Array(40)), undefined);
  assert.throws(() => parseIdentityBox(box.subarray(0, box.length - 1), 24), { code: 'FMP4_BOX' });
});

test('what is no MP4 is malformed', async () => {
  await assert.rejects(scan(new TextEncoder().encode('RIFF....AVI LIST')), WatchpostError);
  await assert.rejects(scan(file.subarray(init.length)), { code: 'FMP4_BOX' });
});

test('damaged files are read or refused, never more', async () => {
  let seed = 11;
  const next = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed;
  };
  for (let i = 0; i < 4000; i++) {
    const bytes = file.slice(0, i % 5 === 0 ? next() % file.length : file.length);
    for (let k = 0; k < 1 + (i % 4); k++) bytes[next() % Math.max(1, bytes.length)] = i % 3 ? next() >>> 24 : 0xff;
    await fuzz(bytes);
  }
  assert.ok(readU32(file, 0) > 0);
});
