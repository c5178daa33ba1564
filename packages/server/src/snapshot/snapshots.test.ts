import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { StorageBackend } from '../catalog/types.ts';
import { JpegDecoder } from '../decode/jpeg-decoder.ts';
import type { CodedPictures } from '../decode/picture.ts';
import { StreamHub } from '../hub/stream-hub.ts';
import { MemoryRecordings } from '../playback/memory-recordings.ts';
import { RecordedFiles } from '../playback/recorded-files.ts';
import { SegmentHeads } from '../playback/segment-heads.ts';
import { KeptPictures, pictureKey } from './kept-pictures.ts';
import { LiveSnapshots } from './live-snapshots.ts';
import { RecordedPictures } from './recorded-pictures.ts';

const sps = fromHex('6742c01ed900a03db011000003000100000300320f162e48');
const track: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, width: 640, height: 360 },
  parameterSets: [sps, fromHex('68cb83cb20')],
};
const startMs = Date.UTC(2026, 1, 11, 10);
const dayMs = 86_400_000;

/** Says what it was given: a JPEG of the number of pictures and the last byte of the newest. */
function fakeDecoder() {
  const asked: { pictures: CodedPictures; width: number | undefined }[] = [];
  const decoder = new JpegDecoder({
    decode: async (pictures, { width }) => {
      asked.push({ pictures, width });
      await new Promise((resolve) => setImmediate(resolve));
      return Uint8Array.of(0xff, 0xd8, pictures.count, pictures.bytes.at(-1)!, 0xff, 0xd9);
    },
  });
  return { asked, decoder };
}

async function liveFixture() {
  const clock = new ManualClock(startMs);
  const hub = new StreamHub({
    ...{ clock, logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'gate', title: 'Gate', protocol: 'test', sources: [], record: false },
    ...{ onDemand: false, stopped: false, origin: 'api' },
  });
  const publisher = stream.publish([{ track, format: {} }]);
  let dts = 0;
  const write = (unit: number, key: boolean, afterMs = 40) => {
    clock.advance(afterMs);
    dts += afterMs * 90;
    publisher.writeUnit(0, { dts, pts: dts, key, units: [Uint8Array.of(key ? 0x65 : 0x41, unit)] });
    publisher.flush();
  };
  const { asked, decoder } = fakeDecoder();
  const snapshots = new LiveSnapshots({ decoder, clock });
  return { clock, stream, publisher, write, asked, snapshots, hub };
}

test('a young key picture is the snapshot; an old one makes the newest picture of its group', async () => {
  const { clock, stream, write, snapshots, hub } = await liveFixture();
  write(1, true);
  write(2, false);
  const young = await snapshots.take(stream, { mode: 'auto' });
  assert.deepEqual([...young.jpeg.subarray(2, 4)], [1, 1]);
  for (let i = 3; i < 63; i++) write(i, false);
  const old = await snapshots.take(stream, { mode: 'auto' });
  assert.deepEqual([...old.jpeg.subarray(2, 4)], [62, 62]);
  assert.ok(clock.wallMs() - old.capturedMs < 100);
  assert.deepEqual([...(await snapshots.take(stream, { mode: 'keyframe' })).jpeg.subarray(2, 4)], [1, 1]);
  assert.deepEqual([...(await snapshots.take(stream, { mode: 'decode' })).jpeg.subarray(2, 4)], [62, 62]);
  assert.equal(stream.readers.length, 0);
  await hub[Symbol.asyncDispose]();
});

test('those who ask at once, and within a second, share one decode; sizes are pictures of their own', async () => {
  const { clock, stream, write, snapshots, asked, hub } = await liveFixture();
  write(1, true);
  await Promise.all([1, 2, 3].map(() => snapshots.take(stream, { mode: 'auto' })));
  clock.advance(900);
  await snapshots.take(stream, { mode: 'auto' });
  assert.equal(asked.length, 1);
  await snapshots.take(stream, { mode: 'auto', width: 320 });
  assert.deepEqual(
    asked.map(({ width }) => width),
    [undefined, 320],
  );
  clock.advance(200);
  await snapshots.take(stream, { mode: 'auto' });
  assert.equal(asked.length, 3);
  await hub[Symbol.asyncDispose]();
});

test('an offline stream has its last picture in mode auto, and a reason in the others', async () => {
  const { clock, stream, hub } = await liveFixture();
  const { decoder } = fakeDecoder();
  const snapshots = new LiveSnapshots({ decoder, clock });
  await assert.rejects(snapshots.take(stream, { mode: 'keyframe' }), { kind: 'unavailable', code: 'STREAM_OFFLINE' });
  const publisher = stream.publish([{ track, format: {} }]);
  publisher.writeUnit(0, { dts: 0, pts: 0, key: true, units: [Uint8Array.of(0x65, 9)] });
  publisher.flush();
  const last = await snapshots.take(stream, { mode: 'auto' });
  await hub.remove('gate');
  const again = await hub.define({ ...stream.definition });
  clock.advance(5000);
  assert.deepEqual(await snapshots.take(again, { mode: 'auto' }), { ...last, staleReason: 'STREAM_OFFLINE' });
  await hub[Symbol.asyncDispose]();
});

const damaged = new WatchpostError('nothing to see', { kind: 'malformed', code: 'DECODE_FAILED' });

test('of a picture that a camera sent damaged the next one is hoped for; mode auto has the last one that was whole', async () => {
  const { clock, stream, write, hub } = await liveFixture();
  const jpeg = Uint8Array.of(0xff, 0xd8);
  let isWhole = true;
  const decoder = new JpegDecoder({ decode: async () => (isWhole ? jpeg : Promise.reject(damaged)) });
  const snapshots = new LiveSnapshots({ decoder, clock });
  write(1, true);
  const last = await snapshots.take(stream, { mode: 'auto' });
  isWhole = false;
  write(2, true, 1200);
  assert.deepEqual(await snapshots.take(stream, { mode: 'auto' }), { ...last, staleReason: 'SNAPSHOT_DAMAGED' });
  await assert.rejects(snapshots.take(stream, { mode: 'decode' }), { kind: 'unavailable', code: 'SNAPSHOT_DAMAGED' });
  await hub[Symbol.asyncDispose]();
});

/** 20 s in files of 8 s, a key picture each 2 s. */
function recordedFixture(retentionDays = 7) {
  const recordings = new MemoryRecordings();
  const clock = new ManualClock(startMs + dayMs);
  const samples = Array.from({ length: 500 }, (_, i): Sample => {
    const key = i % 50 === 0;
    const units = [Uint8Array.of(key ? 0x65 : 0x41, i & 127)];
    return { track, dts: i * 3600, pts: i * 3600, key, units, byteLength: 2, wallMs: 0, lost: 0 };
  });
  recordings.record({ streamId: 'gate', runId: 'a', startMs, tracks: [track], samples, fileMs: 8000 });
  const pictures = new Map<string, Uint8Array>();
  const backend: StorageBackend = {
    ...recordings.backend,
    create: async (key) => ({
      append: async (bytes) => void pictures.set(key, bytes),
      sync: async () => {},
      close: async () => {},
    }),
    read: (key, start, end) => {
      const kept = pictures.get(key);
      return kept
        ? (async function* () {
            yield kept;
          })()
        : recordings.backend.read(key, start, end);
    },
    remove: async (key) => void pictures.delete(key),
    list: async function* (prefix) {
      for (const [key, bytes] of [...pictures].sort()) if (key.startsWith(prefix)) yield { key, bytes: bytes.length };
    },
  };
  const backends = new Map([['memory', backend]]);
  const files = new RecordedFiles(recordings, backends);
  const kept = new KeptPictures({
    recordings,
    backends,
    clock,
    logger: silentLogger,
    retentionDays: () => retentionDays,
  });
  const { asked, decoder } = fakeDecoder();
  const recorded = new RecordedPictures({ recordings, files, heads: new SegmentHeads(files), decoder, kept });
  return { recordings, clock, recorded, kept, pictures, asked, backend, files, decoder, samples };
}

test('key pictures of recordings are listed without decoding, as far apart as asked for', async () => {
  const { recorded, asked } = recordedFixture();
  const range = { startMs: startMs + 1000, endMs: startMs + 20_000 };
  const offsets = async (more: { intervalMs: number; limit?: number }) => {
    const { frames, truncated } = await recorded.keyFrames('gate', { ...range, ...more });
    return [frames.map(({ timeMs }) => timeMs - startMs), truncated];
  };
  assert.deepEqual(await offsets({ intervalMs: 0 }), [
    [2000, 4000, 6000, 8000, 10_000, 12_000, 14_000, 16_000, 18_000],
    false,
  ]);
  assert.deepEqual(await offsets({ intervalMs: 5000 }), [[2000, 8000, 14_000], false]);
  assert.deepEqual(await offsets({ intervalMs: 0, limit: 2 }), [[2000, 4000], true]);
  assert.equal(asked.length, 0);
});

test('recorded sound is no key picture, and the one before it is found', async () => {
  const { recordings, recorded } = recordedFixture();
  const sound: Track = {
    ...{ id: 0, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, channels: 1 },
    parameterSets: [],
  };
  const samples = Array.from({ length: 500 }, (_, i): Sample => {
    const units = [new Uint8Array(160)];
    return { track: sound, dts: i * 160, pts: i * 160, key: true, units, byteLength: 160, wallMs: 0, lost: 0 };
  });
  const soundMs = startMs + 30_000;
  recordings.record({ streamId: 'gate', runId: 'b', startMs: soundMs, tracks: [sound], samples, fileMs: 8000 });
  const { frames } = await recorded.keyFrames('gate', { startMs: soundMs, endMs: soundMs + 9000, intervalMs: 0 });
  assert.deepEqual(frames, []);
  assert.equal((await recorded.jpegAt('gate', soundMs + 5000)).capturedMs, startMs + 18_000);
});

test('the key picture at or before an instant is decoded once, and kept beside its recording', async () => {
  const { recorded, asked, pictures } = recordedFixture();
  const { jpeg, capturedMs } = await recorded.jpegAt('gate', startMs + 9999);
  assert.deepEqual([capturedMs - startMs, jpeg[3]], [8000, 200 & 127]);
  assert.deepEqual(asked[0]?.pictures.bytes.subarray(4, 4 + sps.length), sps);
  await recorded.jpegAt('gate', startMs + 8000);
  assert.equal(asked.length, 1);
  assert.deepEqual([...pictures.keys()], [`gate/keyframes/2026-02-11/${startMs + 8000}.jpg`]);
  const small = await recorded.jpegAt('gate', startMs + 8000, { width: 160 });
  assert.equal(small.capturedMs, capturedMs);
  assert.deepEqual([asked.length, pictures.size], [2, 1]);
  await assert.rejects(recorded.jpegAt('gate', startMs - 1), { code: 'SNAPSHOT_NOT_RECORDED', kind: 'not_found' });
  await assert.rejects(recorded.jpegAt('yard', startMs), (error: WatchpostError) => error.kind === 'not_found');
});

test('of a picture that is recorded damaged the recording is at fault, not the request', async () => {
  const { recordings, files, kept } = recordedFixture();
  const decoder = new JpegDecoder({ decode: () => Promise.reject(damaged) });
  const recorded = new RecordedPictures({ recordings, files, heads: new SegmentHeads(files), decoder, kept });
  await assert.rejects(recorded.jpegAt('gate', startMs + 9999), {
    kind: 'data_loss',
    code: 'SNAPSHOT_RECORDED_DAMAGED',
  });
});

test('behind a stretch that is left of recordings, as by a lock, pictures are those that outlived the others', async () => {
  const { recordings, files, decoder, kept, samples } = recordedFixture();
  const base = { runId: 'b', startMs, tracks: [track] };
  recordings.record({ ...base, streamId: 'left', samples: samples.slice(100, 400), fileMs: 2000 });
  recordings.record({ ...base, streamId: 'outlived', samples, fileMs: 60_000 });
  const keyFiles = {
    inRange: async (_streamId: string, fromMs: number, toMs: number) => [
      ...(await recordings.segments('outlived', fromMs, toMs)),
    ],
    fragments: async (id: string) => [...(await recordings.fragments(id))],
  };
  const recorded = new RecordedPictures({ recordings, files, heads: new SegmentHeads(files), decoder, kept, keyFiles });
  const captured = async (ms: number) => (await recorded.jpegAt('left', startMs + ms)).capturedMs - startMs;
  const found = [await captured(1000), await captured(9000), await captured(19_900)];
  assert.deepEqual(found, [0, 8000, 18_000]);
});

test('a kept picture is read again after a restart; one that was cut short is rendered anew', async () => {
  const { recorded, asked, pictures } = recordedFixture();
  pictures.set(pictureKey('gate', startMs), Uint8Array.of(0xff, 0xd8, 7, 0xff, 0xd9));
  pictures.set(pictureKey('gate', startMs + 2000), Uint8Array.of(0xff, 0xd8, 7));
  assert.equal((await recorded.jpegAt('gate', startMs)).jpeg[2], 7);
  assert.equal(asked.length, 0);
  assert.equal((await recorded.jpegAt('gate', startMs + 2000)).jpeg[2], 1);
  assert.equal(pictures.get(pictureKey('gate', startMs + 2000))?.length, 6);
});

test('pictures go with their days, and with the last recording of their stream', async () => {
  const { kept, pictures, recordings } = recordedFixture(2);
  const jpeg = Uint8Array.of(0xff, 0xd8, 7, 0xff, 0xd9);
  const segment = recordings.rows[0]!;
  const times = [startMs - 3 * dayMs, startMs - dayMs / 2, startMs];
  for (const timeMs of times) await kept.write(segment, timeMs, jpeg);
  recordings.recordedStreams = async () =>
    [{ streamId: 'gate', bytes: 1, oldestMs: startMs - dayMs, newestMs: startMs }] as never;
  await kept.sweep();
  assert.deepEqual(
    [...pictures.keys()],
    times.slice(1).map((timeMs) => pictureKey('gate', timeMs)),
  );
  recordings.recordedStreams = async () => [];
  await kept.sweep();
  assert.equal(pictures.size, 0);
});

test('other days count with the next sweep, also behind a backend that is missing', async () => {
  const { recordings, clock, pictures, backend } = recordedFixture();
  const missing: StorageBackend = {
    ...backend,
    list: () => {
      throw new WatchpostError('not mounted', { kind: 'unavailable', code: 'STORAGE_VOLUME_MISSING' });
    },
  };
  const backends = new Map([
    ['missing', missing],
    ['memory', backend],
  ]);
  let days = 7;
  const retentionDays = () => days;
  using kept = new KeptPictures({ recordings, backends, clock, logger: silentLogger, retentionDays });
  const times = [startMs - 3 * dayMs, startMs];
  for (const timeMs of times) await kept.write(recordings.rows[0]!, timeMs, Uint8Array.of(0xff, 0xd8, 7, 0xff, 0xd9));
  recordings.recordedStreams = async () =>
    [{ streamId: 'gate', bytes: 1, oldestMs: startMs - 9 * dayMs, newestMs: startMs }] as never;
  await kept.sweep();
  assert.equal(pictures.size, 2);
  days = 2;
  await kept.sweep();
  assert.deepEqual([...pictures.keys()], [pictureKey('gate', startMs)]);
});
