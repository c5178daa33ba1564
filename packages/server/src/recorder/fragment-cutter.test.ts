import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { type Cut, FragmentCutter } from './fragment-cutter.ts';
import { audioTrack, videoTrack } from './test-bench.ts';

const video = videoTrack();
const audio = audioTrack();

function sample(track: Track, ms: number, key = false): Sample {
  const dts = (ms * track.clockRate) / 1000;
  return { track, dts, pts: dts, key, units: [], byteLength: 0, wallMs: 1000 + ms, lost: 0 };
}

function shape(cuts: readonly Cut[]): unknown {
  return cuts.map((cut) => [
    cut.key,
    cut.startMs,
    cut.endMs,
    ...cut.runs.map((run) => [run.samples.length, run.nextDts]),
  ]);
}

test('fragments are cut at key pictures, and the last frame waits for its successor', () => {
  const cutter = new FragmentCutter([video]);
  for (let i = 0; i < 20; i++) cutter.push(sample(video, i * 40, i % 10 === 0));
  assert.deepEqual(shape(cutter.take(false)), [
    [true, 0, 400, [10, 36_000]],
    [true, 400, 760, [9, 68_400]],
  ]);
  cutter.push(sample(video, 800, true));
  cutter.push(sample(video, 840));
  assert.deepEqual(shape(cutter.take(false)), [
    [false, 760, 800, [1, 72_000]],
    [true, 800, 840, [1, 75_600]],
  ]);
  assert.deepEqual(shape(cutter.take(true)), [[false, 840, 880, [1, 79_200]]]);
  assert.equal(cutter.waiting, false);
});

test('no fragment is longer than a second', () => {
  const cutter = new FragmentCutter([video]);
  for (let i = 0; i < 100; i++) cutter.push(sample(video, i * 40, i === 0));
  for (const cut of cutter.take(false)) assert(cut.endMs - cut.startMs <= 1000);
});

test('a frame does not wait twice', () => {
  const cutter = new FragmentCutter([video]);
  cutter.push(sample(video, 0, true));
  assert.deepEqual(cutter.take(false), []);
  assert.deepEqual(shape(cutter.take(false)), [[true, 0, 40, [1, 3600]]]);
});

test('slow cameras do not wait at all', () => {
  const cutter = new FragmentCutter([video]);
  cutter.push(sample(video, 0, true));
  cutter.push(sample(video, 1000));
  assert.deepEqual(shape(cutter.take(false)), [
    [true, 0, 1000, [1, 90_000]],
    [false, 1000, 2000, [1, 180_000]],
  ]);
});

test('a sample after a hole lasts as long as those before it, not as long as the hole', () => {
  const cutter = new FragmentCutter([video]);
  for (const ms of [0, 40, 80, 2880]) cutter.push(sample(video, ms, ms === 0));
  assert.deepEqual(shape(cutter.take(true)), [
    [true, 0, 2880, [3, 259_200]],
    [false, 2880, 2920, [1, 262_800]],
  ]);
});

test('sound goes with the pictures of its time, and what comes after all pictures with the last', () => {
  const cutter = new FragmentCutter([video, audio]);
  for (let ms = 0; ms < 800; ms += 40) {
    cutter.push(sample(video, ms, ms === 0 || ms === 400));
    cutter.push(sample(audio, ms, true));
    cutter.push(sample(audio, ms + 20, true));
  }
  const cuts = cutter.take(false);
  assert.deepEqual(shape(cuts), [
    [true, 0, 400, [10, 36_000], [20, 3200]],
    [true, 400, 760, [9, 68_400], [19, 6240]],
  ]);
  assert.deepEqual(shape(cutter.take(true)), [[false, 760, 800, [1, 72_000], [1, 6400]]]);
});

test('sound that no picture follows has cuts of its own at the end, in order with those before', () => {
  const cutter = new FragmentCutter([video, audio]);
  cutter.push(sample(video, 0, true));
  cutter.push(sample(video, 4000, true));
  assert.equal(cutter.take(false).length, 2);
  // The first of it is older than the last picture.
  for (let ms = 3900; ms < 6000; ms += 20) cutter.push(sample(audio, ms, true));
  assert.deepEqual(cutter.take(false), []);
  assert.equal(cutter.waiting, true);
  const cuts = cutter.take(true);
  assert.deepEqual(shape(cuts), [
    [false, 4001, 4900, [50, 39_200]],
    [false, 4900, 5900, [50, 47_200]],
    [false, 5900, 6000, [5, 48_000]],
  ]);
  assert.deepEqual(
    cuts.map(({ isRest, wallMs }) => [isRest, wallMs]),
    [
      [true, 4900],
      [true, 5900],
      [true, 6900],
    ],
  );
  assert.equal(cutter.waiting, false);
});

test('a stream without pictures is cut each second', () => {
  const cutter = new FragmentCutter([audio]);
  for (let i = 0; i < 120; i++) cutter.push(sample(audio, i * 20, true));
  assert.deepEqual(
    cutter.take(true).map((cut) => cut.endMs - cut.startMs),
    [1000, 1000, 400],
  );
});

test('a burst is dated by its newest pictures, which came when they were captured', () => {
  const cutter = new FragmentCutter([video]);
  // Two seconds that a server kept come at once, and then what is live.
  for (let i = 0; i < 60; i++) {
    const wallMs = i < 50 ? 5000 : 5000 + (i - 49) * 40;
    cutter.push({ ...sample(video, i * 40, i % 25 === 0), wallMs });
  }
  assert.deepEqual(
    cutter.take(false).map(({ startMs, wallMs }) => wallMs - startMs),
    [3040, 3040, 3040],
  );
});

test('a step of the clock among the pictures at hand moves none before it by more than a burst can', () => {
  const cutter = new FragmentCutter([video]);
  for (let i = 0; i < 20; i++) {
    const one = sample(video, i * 40, i % 10 === 0);
    cutter.push({ ...one, wallMs: i < 10 ? one.wallMs : one.wallMs - 3_600_000 });
  }
  assert.deepEqual(
    cutter.take(false).map(({ startMs, wallMs }) => wallMs - startMs),
    [1000, 1000 - 3_600_000],
  );
});
