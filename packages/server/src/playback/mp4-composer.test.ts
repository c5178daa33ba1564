import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunTable } from '@watchpost/media/container/fmp4/read-moof.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { Segment } from '../catalog/types.ts';
import { Mp4Composer } from './mp4-composer.ts';
import type { Mp4File } from './mp4-slices.ts';
import { nonSync } from './mp4-track.ts';

const video: Track = {
  id: 0,
  kind: 'video',
  codec: 'mjpeg',
  clockRate: 90_000,
  parameterSets: [],
  width: 64,
  height: 64,
};
const audio: Track = { id: 1, kind: 'audio', codec: 'opus', clockRate: 48_000, parameterSets: [], channels: 1 };
const wallMs = Date.UTC(2026, 1, 11, 10);
const segment = { id: '~a-0', endMs: wallMs } as Segment;

/** Samples of one track: when the first one is decoded, and how long each lasts, ms. */
function run(track: Track, atMs: number, lastMs: readonly number[]): RunTable {
  const perMs = track.clockRate / 1000;
  return {
    file: { fileId: track.id + 1, track } as RunTable['file'],
    startTicks: atMs * perMs,
    durations: lastMs.map((ms) => ms * perMs),
    compositions: lastMs.map(() => 0),
    sizes: lastMs.map(() => 10),
    offsets: lastMs.map((_, i) => 1000 + i * 10),
    flags: lastMs.map(() => 0),
  };
}

function composed(fragments: readonly (readonly RunTable[])[]): Mp4File {
  const composer = new Mp4Composer({ startMs: wallMs, endMs: wallMs + 60_000 });
  for (const [i, runs] of fragments.entries()) {
    const startMs = wallMs + (runs[0]!.startTicks * 1000) / runs[0]!.file.track.clockRate;
    composer.add({ segment, offset: i * 10_000, startMs, runs, isCut: i === 0 });
  }
  return composer.finish()!;
}

const pictures = Array.from({ length: 25 }, () => 40);
const sound = Array.from({ length: 50 }, () => 20);

test('a hole of pictures and sound inside of a run is closed and listed', () => {
  const file = composed([
    [run(video, 0, pictures), run(audio, 0, sound)],
    [run(video, 4000, pictures), run(audio, 4000, sound)],
  ]);
  assert.equal(file.durationMs, 2000);
  assert.deepEqual(file.gaps, [{ startMs: wallMs + 1000, endMs: wallMs + 4000 }]);
});

test('a hole that sound goes through is neither closed nor made longer', () => {
  for (const afterHole of [20, 3000]) {
    const file = composed([
      // The last sound but one lasts through the hole; the last one is of after it.
      [run(video, 0, pictures), run(audio, 0, [...sound.slice(1), 3020, afterHole])],
      [run(video, 4000, pictures), run(audio, 4020, sound.slice(1))],
    ]);
    assert.equal(file.durationMs, 5000, `last sound of ${afterHole} ms`);
    assert.deepEqual(file.gaps, []);
  }
});

test('sound of the time between two slow pictures, which comes with the second, is kept', () => {
  const file = composed([
    // Nobody knows yet how long pictures last.
    [run(video, 0, [40]), run(audio, 0, sound.slice(0, 5))],
    [
      run(video, 4000, [4000]),
      run(
        audio,
        100,
        Array.from({ length: 195 }, () => 20),
      ),
    ],
  ]);
  assert.equal(file.durationMs, 8000);
  assert.deepEqual(file.gaps, []);
  assert.equal(file.bytes - file.head.length, 20 + 2000);
});

test('sound behind the last picture is kept up to its end or that of the range, and the next piece begins after it', () => {
  const slow = [run(video, 0, [4000]), run(audio, 0, sound.slice(0, 10))];
  const rest = [run(audio, 200, sound), run(audio, 1200, sound)];
  for (const [toMs, durationMs, samples] of [
    [60_000, 4000, 110],
    [4000, 4000, 110],
    [1000, 4000, 50],
  ] as const) {
    const composer = new Mp4Composer({ startMs: wallMs, endMs: wallMs + toMs });
    const place = { segment, isCut: false };
    composer.add({ ...place, offset: 0, startMs: wallMs, runs: slow, isCut: true });
    for (const one of rest)
      composer.add({ ...place, offset: 1000, startMs: wallMs + one.startTicks / 48, runs: [one] });
    const file = composer.finish()!;
    assert.deepEqual([file.durationMs, file.gaps], [durationMs, []]);
    const mediaBytes = file.bytes - file.head.length;
    assert.equal(mediaBytes, 10 + samples * 10, `${toMs} ms asked for`);
  }
  const file = composed([
    [run(video, 0, pictures), run(audio, 0, sound)],
    [run(audio, 1000, sound)],
    [run(audio, 2000, sound)],
    [run(video, 8000, pictures), run(audio, 8000, sound)],
  ]);
  assert.equal(file.durationMs, 4000, 'what is shown grew by the sound alone');
  assert.deepEqual(file.gaps, [{ startMs: wallMs + 3000, endMs: wallMs + 8000 }]);
});

test('pictures of two codecs are refused with the instants to ask for instead', () => {
  const other: Track = { ...video, codec: 'vp8' };
  assert.throws(() => composed([[run(video, 0, pictures)], [run(other, 4000, pictures)]]), {
    code: 'PLAYBACK_CODEC_CHANGE',
    message: /mjpeg first and vp8 later.* until 2026-02-11T10:00:04.000Z, then from 2026-02-11T10:00:04.000Z on/,
  });
});

test('sound of another codec than the first is left out', () => {
  const other: Track = { ...audio, codec: 'mp3', clockRate: 8000, sampleRate: 8000 };
  const file = composed([
    [run(video, 0, pictures), run(audio, 0, sound)],
    [run(video, 1000, pictures), run(other, 1000, sound)],
  ]);
  assert.equal(file.durationMs, 2000);
  assert.deepEqual(
    [
      ...Buffer.from(file.head)
        .toString('latin1')
        .matchAll(/Opus|mp4a/g),
    ].map(String),
    ['Opus'],
  );
});

test('pictures are counted by when they are shown, wherever files are cut between B pictures', () => {
  // Numbers of pictures in the order of decoding: each is shown two pictures' time after its number.
  const numbers = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
  const part = (from: number, to: number): RunTable => ({
    ...run(video, from * 40, pictures.slice(from, to)),
    compositions: numbers.slice(from, to).map((number, i) => (number + 2 - from - i) * 3600),
    flags: numbers.slice(from, to).map((number) => (number === 0 ? 0 : nonSync)),
  });
  for (const cutAt of [1, 2, 3, 4, 5, 6]) {
    for (const [start, end] of [
      [0, 3],
      [0, 5],
      [1, 4],
      [4, 6],
      [5, 8],
    ] as const) {
      const composer = new Mp4Composer({ startMs: wallMs + start * 40, endMs: wallMs + end * 40 });
      for (const [from, to] of [
        [0, cutAt],
        [cutAt, numbers.length],
      ] as const) {
        const place = { segment, offset: from * 10_000, startMs: wallMs + from * 40, isCut: from === 0 };
        composer.add({ ...place, runs: [part(from, to)] });
      }
      const { startMs, endMs, durationMs } = composer.finish()!;
      const shown = { from: (startMs - wallMs) / 40, to: (endMs - wallMs) / 40, pictures: durationMs / 40 };
      assert.deepEqual(shown, { from: start, to: end, pictures: end - start }, `cut at ${cutAt}`);
    }
  }
});
