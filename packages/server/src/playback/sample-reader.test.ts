import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { readBoxes } from '@watchpost/media/container/fmp4/boxes.ts';
import { readSamples } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { RecordedRange } from '../catalog/recorded-source.ts';
import type { Segment } from '../catalog/types.ts';
import { MemoryRecordings } from './memory-recordings.ts';
import { createPlayback } from './playback.ts';

const startMs = Date.parse('2026-11-20T11:00:00Z');
const track: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, width: 320, height: 180 },
  parameterSets: [
    Uint8Array.from(atob('Z2QAKKzZQFAFuwEQAAADABAAAAMDIPGDGWA='), (c) => c.charCodeAt(0)),
    Uint8Array.from(atob('aOvjyyLA'), (c) => c.charCodeAt(0)),
  ],
};

/** Pictures each 200 ms, a key picture each second. */
function pictures(seconds: number): Sample[] {
  return Array.from({ length: seconds * 5 }, (_, i) => ({
    ...{ track, dts: i * 18_000, pts: i * 18_000, key: i % 5 === 0, byteLength: 5, wallMs: 0, lost: 0 },
    units: [Uint8Array.of(i % 5 === 0 ? 0x65 : 0x41, i >> 8, i & 255)],
  }));
}

/** Ten seconds, a hole of five, and five more, in files of four seconds. */
async function open() {
  const recordings = new MemoryRecordings();
  const base = { streamId: 'gate', tracks: [track], fileMs: 4000 };
  recordings.record({ ...base, runId: 'a', startMs, samples: pictures(10) });
  recordings.record({ ...base, runId: 'b', startMs: startMs + 15_000, samples: pictures(5) });
  recordings.recordedStreams = async () =>
    [{ streamId: 'gate', bytes: 1, oldestMs: startMs, newestMs: startMs + 20_000 }] as never;
  const backends = new Map([['memory', recordings.backend]]);
  const { samples, speed } = createPlayback({ recordings, backends, clock: new ManualClock() });
  const read = async (range: Partial<RecordedRange>) => {
    const found: { seconds: number; afterGap: boolean; pictures: number }[] = [];
    for await (const piece of samples.read({ ...{ streamId: 'gate', startMs, endMs: startMs + 60_000 }, ...range }))
      found.push({
        ...{ seconds: (piece.samples[0]!.wallMs - startMs) / 1000, afterGap: piece.afterGap },
        pictures: piece.samples.length,
      });
    return found;
  };
  return { recordings, samples, speed, read };
}

test('reading begins at the key picture before, goes over files, and tells gaps', async () => {
  const { read } = await open();
  const found = await read({ startMs: startMs + 2500, endMs: startMs + 17_300 });
  assert.deepEqual(
    found.map(({ seconds }) => seconds),
    [2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17],
  );
  assert.deepEqual(
    found.filter(({ afterGap }) => afterGap).map(({ seconds }) => seconds),
    [15],
  );
  assert.deepEqual([found[0]!.pictures, found.at(-1)!.pictures], [5, 2], 'up to the end, not beyond it');
});

test('sound behind the last picture goes with the piece before it, at its own time', async () => {
  const recordings = new MemoryRecordings();
  const audio: Track = { id: 1, kind: 'audio', codec: 'pcma', clockRate: 8000, channels: 1, parameterSets: [] };
  // Shown 400 ms after they are decoded: what follows must not forget that.
  const late = pictures(2).map((sample) => ({ ...sample, pts: sample.pts + 36_000 }));
  const sound = Array.from({ length: 50 }, (_, i) => ({
    ...{ track: audio, dts: 16_000 + i * 160, pts: 16_000 + i * 160, key: true, byteLength: 1, wallMs: 0, lost: 0 },
    units: [Uint8Array.of(i)],
  }));
  const samples = [...late, ...sound];
  const [file] = recordings.record({
    ...{ streamId: 'gate', runId: 'a', startMs, tracks: [track, audio], fileMs: 60_000, samples, restMs: 2000 },
  });
  recordings.recordedStreams = async () =>
    [{ streamId: 'gate', bytes: 1, oldestMs: startMs, newestMs: startMs + 3000 }] as never;
  const playback = createPlayback({
    ...{ recordings, backends: new Map([['memory', recordings.backend]]), clock: new ManualClock() },
  });
  const range = { streamId: 'gate', startMs, endMs: startMs + 60_000 };
  const pieces = await Array.fromAsync(playback.samples.read(range));
  assert.deepEqual(
    pieces.map(({ samples: all, afterGap }) => [all.length, afterGap]),
    [
      [5, false],
      [55, false],
    ],
  );
  const wallOf = (kind: string) => pieces[1]!.samples.find((one) => one.track.kind === kind)!.wallMs - startMs;
  assert.deepEqual([wallOf('video'), wallOf('audio')], [1000, 1600]);
  const rest = (await recordings.fragments(file!.id)).at(-1)!;
  const bytes = { start: rest.offset, end: rest.offset + rest.bytes };
  const part = await playback.speed.part({ streamId: 'gate', id: file!.id }, bytes, 2);
  assert.deepEqual(
    readBoxes(part, 0, part.length).map(({ type }) => type),
    ['free'],
  );
});

test('F6 fragments that are damaged are a hole, forwards and backwards', async () => {
  const { recordings, read } = await open();
  const [first, second] = recordings.rows;
  const [, torn] = await recordings.fragments(first!.id);
  recordings.damage(first!.id, torn!.offset, torn!.offset + 16);
  const [empty] = await recordings.fragments(second!.id);
  const end = empty!.offset + empty!.bytes;
  recordings.damage(second!.id, end - 7, end);
  const forwards = await read({ endMs: startMs + 7000 });
  assert.deepEqual(
    forwards.map(({ seconds, afterGap }) => [seconds, afterGap]),
    [
      [0, false],
      [2, true],
      [3, false],
      [5, true],
      [6, false],
    ],
  );
  const back = await read({ startMs: startMs + 6000, endMs: startMs, reverse: true });
  assert.deepEqual(
    back.map(({ seconds }) => seconds),
    [6, 5, 3, 2, 0],
  );
});

test('F6 a damaged fragment is passed over at other paces, too', async () => {
  const { recordings, speed } = await open();
  const [{ id, initBytes, bytes }] = recordings.rows as [Segment];
  const [, torn] = await recordings.fragments(id);
  recordings.damage(id, torn!.offset + 60, torn!.offset + torn!.bytes);
  const part = (pace: number) => speed.part({ streamId: 'gate', id }, { start: initBytes, end: bytes }, pace);
  const typesOf = (file: Uint8Array) => readBoxes(file, 0, file.length).map(({ type }) => type);
  assert.deepEqual(typesOf(await part(2)), ['moof', 'mdat', 'free', 'moof', 'mdat', 'moof', 'mdat']);
  const tracks = [{ fileId: 1, track, defaults: { duration: 0, size: 0, flags: 0 } }];
  const keys = readSamples(await part(8), tracks);
  assert.deepEqual(
    keys.map(({ dts }) => dts / 90_000),
    [0, 2, 3],
  );
});

test('VLC 3 gets the init segment behind each gap once more, at other paces too', async () => {
  const { speed } = await open();
  for (const pace of [2, 8]) {
    const range = { streamId: 'gate', startMs, endMs: startMs + 60_000, speed: pace };
    const text = await speed.playlist(range, { initInSegments: true });
    const [, id, end] = /DISCONTINUITY\n(?:#.*\n)*(~.*)\/0-(\d+)\.m4s/.exec(text)!;
    const part = await speed.part({ streamId: 'gate', id: id! }, { start: 0, end: Number(end) }, pace);
    assert.deepEqual(
      readBoxes(part, 0, part.length)
        .map(({ type }) => type)
        .slice(0, 3),
      ['ftyp', 'moov', 'moof'],
    );
  }
});

test('key pictures only, and backwards', async () => {
  const { read } = await open();
  const keys = await read({ startMs: startMs + 8000, keysOnly: true });
  assert.deepEqual(
    keys.map(({ seconds, pictures: count }) => [seconds, count]),
    [8, 9, 15, 16, 17, 18, 19].map((seconds) => [seconds, 1]),
  );
  const apart = await read({ startMs: startMs + 8000, keysOnly: true, keyIntervalMs: 2000 });
  assert.deepEqual(
    apart.map(({ seconds }) => seconds),
    [8, 15, 17, 19],
  );
  const back = await read({ startMs: startMs + 16_900, endMs: startMs + 8000, reverse: true });
  assert.deepEqual(
    back.map(({ seconds }) => seconds),
    [16, 15, 9, 8],
  );
  assert.deepEqual(
    back.filter(({ afterGap }) => afterGap).map(({ seconds }) => seconds),
    [9],
  );
});

test('a range without an end or a beginning ends where recordings do', async () => {
  const { samples, read } = await open();
  assert.equal((await read({ startMs: 0, endMs: Number.POSITIVE_INFINITY })).length, 15);
  const far = { startMs: Number.POSITIVE_INFINITY, endMs: Number.NEGATIVE_INFINITY, reverse: true };
  assert.equal((await read(far)).length, 15);
  const described = await samples.describe('gate', startMs + 12_000);
  assert.deepEqual(
    [described.tracks[0]!.codec, described.startMs, described.endMs],
    ['h264', startMs, startMs + 20_000],
  );
  await assert.rejects(samples.describe('none', 0), {
    kind: 'not_found',
    message: /^Nothing of "none" is recorded — /,
  });
  const later = /^Nothing of "gate" is recorded from 2026-11-20T11:01:00.000Z on — /;
  await assert.rejects(samples.describe('gate', startMs + 60_000), { kind: 'not_found', message: later });
});

test('pictures before the end are whole, and times are those of showing: B pictures', async () => {
  const recordings = new MemoryRecordings();
  // Numbers of pictures in the order of decoding, a fragment of five of them.
  const samples = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8].map((number, i) => ({
    ...{ track, dts: i * 18_000, pts: (number + 2) * 18_000, key: i === 0, byteLength: 3, wallMs: 0, lost: 0 },
    units: [Uint8Array.of(i === 0 ? 0x65 : 0x41, 1, number)],
  }));
  recordings.record({ streamId: 'gate', tracks: [track], fileMs: 4000, runId: 'a', startMs, samples });
  recordings.recordedStreams = async () =>
    [{ streamId: 'gate', bytes: 1, oldestMs: startMs, newestMs: startMs + 2000 }] as never;
  const backends = new Map([['memory', recordings.backend]]);
  const playback = createPlayback({ recordings, backends, clock: new ManualClock() });
  const read = async (pictures: number) => {
    const range = { streamId: 'gate', startMs, endMs: startMs + pictures * 200 };
    const pieces = await Array.fromAsync(playback.samples.read(range));
    return pieces.flatMap((piece) => piece.samples).map(({ wallMs }) => (wallMs - startMs) / 200);
  };
  assert.deepEqual(await read(3), [0, 3, 1, 2]);
  assert.deepEqual(await read(6), [0, 3, 1, 2, 6, 4, 5]);
});
