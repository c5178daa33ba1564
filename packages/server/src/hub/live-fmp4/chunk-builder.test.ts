import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { ChunkBuilder } from './chunk-builder.ts';
import type { LiveChunk } from './live-chunk.ts';

/** SPS and PPS of x264, 320×180, baseline 1.3. */
const sps = fromHex('6742c00dda05067e7c044000000300400000 0c83c50aa8');
const pps = fromHex('68ce0fc8');
const video: Track = {
  id: 0,
  kind: 'video',
  codec: 'h264',
  clockRate: 90_000,
  width: 320,
  height: 180,
  parameterSets: [sps, pps],
};
const sound: Track = {
  id: 1,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};

function sample(track: Track, ms: number, key = track.kind === 'audio', bytes = 160): Sample {
  const dts = (ms * track.clockRate) / 1000;
  return {
    track,
    dts,
    pts: dts,
    key,
    units: [new Uint8Array(bytes)],
    byteLength: bytes,
    wallMs: 1_000_000 + ms,
    lost: 0,
  };
}

function build(tracks: readonly Track[]) {
  const chunks: LiveChunk[] = [];
  const present = { tracks };
  const builder = new ChunkBuilder(
    () => present.tracks,
    (chunk) => chunks.push(chunk),
  );
  return { chunks, present, builder };
}

async function samplesOf(chunk: LiveChunk): Promise<string[]> {
  const file = Buffer.concat([chunk.init.bytes, chunk.bytes]);
  const scan = await scanFragments((at, length) => file.subarray(at, at + length), file.length);
  return readSamples(chunk.bytes, scan.tracks).map(
    (one) => `${one.track.codec} ${(one.dts * 1000) / one.track.clockRate}`,
  );
}

/** Bytes of each NAL unit of the only sample in a chunk. */
async function unitsOf(chunk: LiveChunk): Promise<number[]> {
  const file = Buffer.concat([chunk.init.bytes, chunk.bytes]);
  const scan = await scanFragments((at, length) => file.subarray(at, at + length), file.length);
  return readSamples(chunk.bytes, scan.tracks)[0]!.units.map((unit) => unit.length);
}

test('a flush makes one chunk of a picture and the sound around it', async () => {
  const { chunks, builder } = build([video, sound]);
  builder.push(sample(video, 0, true));
  builder.flush();
  builder.push(sample(sound, 5));
  builder.flush();
  assert.equal(chunks.length, 1, 'a little sound waits for its picture');
  builder.push(sample(sound, 25));
  builder.push(sample(video, 40));
  builder.flush();
  assert.equal(chunks.length, 2);
  assert.deepEqual(await samplesOf(chunks[1]!), ['h264 40', 'flac 5', 'flac 25']);
  assert.deepEqual([chunks[0]!.key, chunks[1]!.key], [true, false]);
  assert.equal(chunks[0]!.init, chunks[1]!.init);
  assert.deepEqual([chunks[1]!.samplesBefore, chunks[1]!.samples, chunks[1]!.wallMs], [1, 3, 1_000_040]);
});

test('sound goes without a picture when none comes', () => {
  const { chunks, builder } = build([video, sound]);
  builder.push(sample(video, 0, true));
  builder.flush();
  for (let ms = 0; ms < 200; ms += 20) {
    builder.push(sample(sound, ms));
    builder.flush();
  }
  assert.equal(chunks.length, 3);
  assert.equal(chunks[1]!.key, false);
});

test('a batch is cut into pictures with their sound, sound alone after a second', async () => {
  const { chunks, builder } = build([video, sound]);
  for (let i = 0; i < 4; i++) {
    builder.push(sample(video, i * 40, i === 0 || i === 2));
    builder.push(sample(sound, i * 40));
    builder.push(sample(sound, i * 40 + 20));
  }
  for (let ms = 160; ms < 1320; ms += 20) builder.push(sample(sound, ms));
  builder.flush();
  assert.deepEqual(
    chunks.map((chunk) => [chunk.startMs, chunk.samples, chunk.key]),
    [
      [0, 3, true],
      [40, 3, false],
      [80, 3, true],
      [120, 51, false],
      [1120, 10, false],
    ],
  );
  assert.deepEqual(await samplesOf(chunks[1]!), ['h264 40', 'flac 40', 'flac 60']);
});

test('nothing comes before the first key picture', () => {
  const { chunks, builder } = build([video, sound]);
  builder.push(sample(sound, 0));
  builder.push(sample(video, 10));
  builder.flush();
  assert.equal(chunks.length, 0);
  assert.equal(builder.skipped, 2);
  builder.push(sample(video, 50, true));
  builder.flush();
  assert.equal(chunks.length, 1);
});

test('a new session with equal parameters keeps the init segment; other parameters bring a new one', () => {
  const { chunks, present, builder } = build([video]);
  builder.push(sample(video, 0, true));
  const again = { ...video };
  present.tracks = [again];
  builder.push(sample(again, 5000));
  builder.push(sample(again, 5040, true));
  const larger = { ...video, width: 640, height: 360 };
  present.tracks = [larger];
  builder.push(sample(larger, 6000, true));
  builder.flush();
  assert.deepEqual(
    chunks.map((chunk) => chunk.startMs),
    [0, 5040, 6000],
  );
  assert.equal(chunks[0]!.init, chunks[1]!.init);
  assert.notEqual(chunks[1]!.init, chunks[2]!.init);
  assert.equal(new Set(chunks.map((chunk) => chunk.session)).size, 3);
});

test('key pictures have their parameter sets in band once these have changed', async () => {
  const { chunks, present, builder } = build([video]);
  builder.push(sample(video, 0, true));
  const larger = { ...video, width: 640, height: 360 };
  present.tracks = [larger];
  builder.push(sample(larger, 1000, true));
  builder.push(sample(larger, 1040));
  builder.push(sample(larger, 2000, true));
  builder.flush();
  const pictures = await Promise.all(chunks.map(unitsOf));
  const sets = [sps.length, pps.length];
  assert.deepEqual(pictures, [[160], [...sets, 160], [160], [...sets, 160]]);
});

test('a picture whose parameter sets are not known yet waits; tracks that MP4 cannot carry are left out', () => {
  const bare: Track = { ...video, parameterSets: [] };
  const g726: Track = { ...sound, codec: 'g726' };
  const { chunks, present, builder } = build([bare, g726]);
  builder.push(sample(bare, 0, true));
  builder.push(sample(g726, 0));
  present.tracks = [video, g726];
  builder.push(sample(video, 40, true));
  builder.push(sample(g726, 40));
  builder.flush();
  assert.equal(chunks.length, 1);
  assert.equal(chunks[0]!.init.mime, 'video/mp4; codecs="avc1.42C00D"');
  assert.equal(chunks[0]!.samples, 1);
});

test('sound that never came goes at a key picture and comes back at one; no picture is lost by it', async () => {
  const { chunks, present, builder } = build([video, sound]);
  const push = (track: Track, ms: number, key?: boolean) => {
    builder.push(sample(track, ms, key));
    builder.flush();
  };
  push(video, 0, true);
  present.tracks = [video];
  push(video, 40);
  push(video, 80, true);
  present.tracks = [video, sound];
  push(sound, 100);
  push(video, 120);
  push(video, 160, true);
  push(sound, 180);
  push(video, 200);
  const carried = chunks.map(({ init, key }) => `${init.tracks.map(({ codec }) => codec)} ${key}`);
  assert.deepEqual(carried, [
    'h264,flac true',
    'h264,flac false',
    ...['h264 true', 'h264 false'],
    ...['h264,flac true', 'h264,flac false'],
  ]);
  assert.equal((await Promise.all(chunks.map(samplesOf))).flat().filter((one) => one.startsWith('h264')).length, 6);
});

test('sound alone plays, too', () => {
  const { chunks, builder } = build([sound]);
  builder.push(sample(sound, 0));
  builder.flush();
  assert.deepEqual([chunks[0]!.key, chunks[0]!.init.mime], [true, 'audio/mp4; codecs="fLaC"']);
});
