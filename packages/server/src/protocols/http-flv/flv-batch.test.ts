import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { BatchBuilder } from '@watchpost/media/container/flv/batch-builder.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { maxHeadBytes, writeMessageHead } from '../../net/web-socket-head.ts';
import { type FlvBatch, serializeTags } from './flv-batch.ts';

const video: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000 },
  parameterSets: [fromHex('6742c01ed900a03db011000003000100000300320f162e48'), fromHex('68cb83cb20')],
};
const sound: Track = {
  ...{ id: 1, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, channels: 1 },
  parameterSets: [],
};

function sampleOf(track: Track, ms: number, key = true, bytes = 100): Sample {
  const dts = (ms * track.clockRate) / 1000;
  return { track, dts, pts: dts, key, units: [new Uint8Array(bytes)], byteLength: bytes, wallMs: 0, lost: 0 };
}

function build(tracks: () => readonly Track[]) {
  const batches: FlvBatch[] = [];
  const builder = new BatchBuilder<FlvBatch>({
    h265: 'fourcc',
    maxAudioWaitMs: 100,
    serialize: serializeTags,
    currentTracks: tracks,
    emit: (batch) => void batches.push(batch),
  });
  const push = (...samples: readonly Sample[]) => {
    for (const sample of samples) builder.push(sample);
    if (builder.isDue) builder.cut();
  };
  return { batches, push };
}

test('nothing goes out before the first key picture; each key picture begins a batch', () => {
  const { batches, push } = build(() => [video, sound]);
  push(sampleOf(sound, 5000), sampleOf(video, 5000, false));
  assert.equal(batches.length, 0);
  push(sampleOf(video, 5040), sampleOf(sound, 5050), sampleOf(video, 5080, false), sampleOf(video, 5120));
  assert.deepEqual(
    batches.map(({ key, samples, videoMs }) => [key, samples, videoMs]),
    [
      [true, 3, 40],
      [true, 1, 120],
    ],
  );
});

test('sound from before the first picture is left out: it has no time of its own', () => {
  const { batches, push } = build(() => [video, sound]);
  push(sampleOf(video, 5000), ...[4900, 4920, 4999, 5000].map((ms) => sampleOf(sound, ms)));
  assert.deepEqual(
    batches.map(({ samples, videoMs }) => [samples, videoMs]),
    [[2, 0]],
  );
});

test('a little sound waits for its picture, more of it does not', () => {
  const { batches, push } = build(() => [video, sound]);
  push(sampleOf(video, 0));
  push(sampleOf(sound, 20));
  assert.equal(batches.length, 1);
  push(sampleOf(video, 40, false));
  assert.deepEqual([batches.length, batches[1]!.samples], [2, 2]);
  for (let ms = 60; ms <= 160; ms += 20) push(sampleOf(sound, ms));
  assert.equal(batches.length, 3);
});

test('a GOP cache is cut into parts', () => {
  const { batches, push } = build(() => [video]);
  push(...Array.from({ length: 40 }, (_, i) => sampleOf(video, i * 40, i === 0, 50_000)));
  assert.ok(batches.length >= 4 && batches.length <= 5, `${batches.length}`);
  assert.equal(
    batches.reduce((sum, batch) => sum + batch.samples, 0),
    40,
  );
});

test('a picture that FLV cannot carry does not keep the sound back, one without parameter sets yet does', () => {
  const mjpeg: Track = { ...video, codec: 'mjpeg', parameterSets: [] };
  const plain = build(() => [mjpeg, sound]);
  plain.push(sampleOf(mjpeg, 0), sampleOf(sound, 0));
  assert.deepEqual(
    plain.batches.map(({ key, samples }) => [key, samples]),
    [[true, 1]],
  );
  const early: Track = { ...video, parameterSets: [] };
  let tracks: readonly Track[] = [early, sound];
  const late = build(() => tracks);
  late.push(sampleOf(early, 0), sampleOf(sound, 0));
  assert.equal(late.batches.length, 0);
  tracks = [video, sound];
  late.push(sampleOf(video, 40), sampleOf(sound, 40));
  assert.equal(late.batches[0]!.samples, 2);
});

test('a new session is another muxer and begins with a key picture; new sound alone interrupts nothing', () => {
  let tracks: readonly Track[] = [video, sound];
  const { batches, push } = build(() => tracks);
  push(sampleOf(video, 0));
  const louder = { ...sound };
  tracks = [video, louder];
  push(sampleOf(louder, 20), sampleOf(video, 40, false));
  assert.equal(batches[1]!.samples, 2);
  assert.notEqual(batches[1]!.muxer, batches[0]!.muxer);
  const again = { ...video };
  tracks = [again, louder];
  push(sampleOf(again, 80, false));
  assert.equal(batches.length, 2);
  push(sampleOf(again, 120));
  assert.deepEqual([batches[2]!.key, batches[2]!.videoMs], [true, 120]);
});

test('sequence headers lie between the samples of their own track, however far sound is from its picture', () => {
  for (const apartMs of [-320, 0, 110]) {
    let tracks: readonly Track[] = [video, sound];
    const { batches, push } = build(() => tracks);
    const pushFrom = (fromMs: number) => {
      for (let ms = fromMs; ms < fromMs + 1000; ms += 40)
        push(sampleOf(tracks[0]!, ms, ms === fromMs), sampleOf(tracks[1]!, ms + apartMs));
    };
    pushFrom(0);
    // Other parameter sets in the same session, and somebody who joins at its first key picture.
    tracks = [{ ...video }, sound];
    pushFrom(1000);
    const joined = batches.find(({ muxer, key }) => muxer !== batches[0]!.muxer && key)!;
    const soundMs = 1000 - 40 + apartMs;
    assert.deepEqual([joined.videoMs, joined.audioMs], [1000, soundMs], `${apartMs} ms apart`);
    // Another session: what there was before has nothing to do with it.
    tracks = [{ ...video }, { ...sound }];
    pushFrom(9000);
    const again = batches.find(({ muxer, key }) => muxer !== batches[0]!.muxer && muxer !== joined.muxer && key)!;
    assert.deepEqual([again.videoMs, again.audioMs], [9000, 9000], `${apartMs} ms apart`);
  }
});

test('a viewer who joins is told of its sound at the time of the sound', () => {
  const { batches, push } = build(() => [video, sound]);
  push(sampleOf(video, 0), sampleOf(sound, 0));
  for (let ms = 1000; ms < 1400; ms += 40) push(sampleOf(video, ms, false), sampleOf(sound, ms - 300));
  push(sampleOf(video, 1400));
  assert.deepEqual([batches.at(-1)!.videoMs, batches.at(-1)!.audioMs], [1400, 1060]);
});

const lengths = [0, 125, 126, 65_535, 65_536, 2 ** 32 + 5];
test('heads of WebSocket messages say their length', () => {
  for (const length of lengths) {
    const bytes = new Uint8Array(maxHeadBytes);
    const view = new DataView(bytes.buffer);
    const at = writeMessageHead(bytes, maxHeadBytes, length);
    assert.equal(bytes[at], 0x82);
    const short = bytes[at + 1]!;
    const said = short < 126 ? short : short === 126 ? view.getUint16(at + 2) : Number(view.getBigUint64(at + 2));
    assert.equal(said, length);
    assert.equal(at, maxHeadBytes - (short < 126 ? 2 : short === 126 ? 4 : 10));
  }
});
