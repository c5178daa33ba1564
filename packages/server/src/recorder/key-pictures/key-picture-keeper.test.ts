import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { Sample } from '@watchpost/media/types.ts';
import { openDatabase } from '../../catalog/database.ts';
import { KeyFileStore } from '../../catalog/key-file-store.ts';
import { SegmentStore } from '../../catalog/segment-store.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { rebuildIndex } from '../rebuild-index.ts';
import { type Bench, openBench } from '../test-bench.ts';
import { KeyPictureKeeper } from './key-picture-keeper.ts';
import type { KeyPictureSettings } from './section.ts';

const forever = [0, 1e14] as const;
const usual: KeyPictureSettings = {
  enabled: true,
  intervalMs: 5000,
  backend: undefined,
  retentionDays: 90,
  maxBytes: { bytes: 1e9 },
};

/** A keeper whose clock can be put on without waking the recorder. */
function keeperOf(
  bench: Bench,
  settings: Partial<KeyPictureSettings> = {},
  { backends = [bench.disk], laterDays = () => 0 }: { backends?: MemoryStorage[]; laterDays?: () => number } = {},
): KeyPictureKeeper {
  const { database } = bench;
  const clock = {
    wallMs: () => bench.clock.wallMs() + laterDays() * 86_400_000,
    monotonicMs: () => bench.clock.monotonicMs(),
    after: () => () => {},
  };
  const byName = new Map(backends.map((backend) => [backend.name, backend]));
  const kept = { database, backends: byName, settings: { ...usual, ...settings } };
  return new KeyPictureKeeper({ ...kept, clock, logger: silentLogger });
}

async function recorded(bench: Bench, ms: number) {
  bench.hub.add('gate').connect();
  await bench.run(ms);
  bench.hub.get('gate')!.disconnect();
  await bench.run(2000);
  return bench.recorder.query.segments('gate', ...forever);
}

test('K1 before segments go, their key pictures are copied as they are into one file that any player plays', async () => {
  await using bench = await openBench();
  const segments = await recorded(bench, 60_000);
  const keeper = keeperOf(bench);
  await keeper.beforeRemoval(segments.slice(0, 1));
  const files = await keeper.files.ofStream('gate');
  assert.equal(files.length, 1, 'those of the same hour go with it: they are the next');
  const [file] = files;
  assert.match(file!.key, /^gate\/keyframes\/2026-02-11\/\d+\.mp4$/);
  assert.deepEqual([file!.startMs, file!.endMs], [segments[0]!.startMs, segments.at(-1)!.endMs]);
  const fragments = await keeper.files.fragments(file!.id);
  const gaps = fragments.slice(1).map((one, i) => one.startMs - fragments[i]!.startMs);
  assert(fragments.length >= 11 && gaps.every((ms) => ms >= 5000 && ms <= 6000), JSON.stringify(gaps));
  const { bytes } = bench.disk.files.get(file!.key)!;
  assert.equal(bytes.length, file!.bytes);
  const scan = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
  assert.equal(scan.fragments.length, fragments.length);
  for (const [i, one] of scan.fragments.entries()) {
    const samples = readSamples(bytes.subarray(one.offset, one.offset + one.bytes), scan.tracks);
    assert.deepEqual(
      samples.map(({ key, byteLength }) => [key, byteLength]),
      [[true, bench.hub.get('gate')!.frameBytes + 4]],
    );
    assert.equal(Math.round(samples[0]!.dts / 90), Math.round(fragments[i]!.startMs - fragments[0]!.startMs));
  }
  await keeper.beforeRemoval(segments);
  await keeperOf(bench).beforeRemoval(segments);
  assert.equal((await keeper.files.ofStream('gate')).length, 1, 'nothing is kept twice');
  assert.deepEqual(keeper.stats.keptPictures, fragments.length);
});

test('many pictures of many files, whose memory is used again, are each as they were recorded', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').frameBytes = 60_000;
  bench.hub.get('gate')!.connect();
  await bench.run(60_000);
  bench.hub.get('gate')!.disconnect();
  await bench.run(2000);
  const keeper = keeperOf(bench, { intervalMs: 1000 });
  await keeper.beforeRemoval(await bench.recorder.query.segments('gate', ...forever));
  const [file] = await keeper.files.ofStream('gate');
  const { bytes } = bench.disk.files.get(file!.key)!;
  assert(bytes.length > 3.5e6, `${bytes.length} bytes are more than one batch`);
  const scan = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
  const fills = scan.fragments.map((one) => {
    const [{ units }] = readSamples(bytes.subarray(one.offset, one.offset + one.bytes), scan.tracks) as [Sample];
    const [fill] = new Set(units[0]!.subarray(1));
    assert.deepEqual([units[0]![0], new Set(units[0]!.subarray(1)).size], [0x65, 1]);
    return fill!;
  });
  // One each second: each is by 1000 further than the one before, modulo 251.
  for (const [i, fill] of fills.entries())
    if (i > 0) assert.equal(fill - 1, (fills[i - 1]! - 1 + 1000) % 251, `picture ${i}`);
});

test('new parameter sets begin another file of key pictures', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.connect();
  await bench.run(12_000);
  const [video] = camera.tracks;
  camera.change([{ ...video!, parameterSets: [video!.parameterSets[0]!, Uint8Array.of(0x68, 0xce, 0x3c, 0x80)] }]);
  await bench.run(12_000);
  camera.disconnect();
  await bench.run(2000);
  const segments = await bench.recorder.query.segments('gate', ...forever);
  const keeper = keeperOf(bench);
  await keeper.beforeRemoval(segments);
  const files = await keeper.files.ofStream('gate');
  assert.equal(files.length, 2);
  assert.equal(files[0]!.endMs, files[1]!.startMs);
});

test('retention keeps them first; they go by their own days, by bytes, and with their stream', async () => {
  await using bench = await openBench({ retentionDays: 1 });
  const segments = await recorded(bench, 30_000);
  let days = 0;
  const keeper = keeperOf(bench, {}, { laterDays: () => days });
  await keeper.beforeRemoval(segments);
  days = 89;
  await keeper.enforce();
  const kept = await keeper.files.ofStream('gate');
  assert.equal(kept.length, 1);
  days = 91;
  await keeper.enforce();
  assert.deepEqual(await keeper.files.ofStream('gate'), []);
  assert.equal(bench.disk.files.has(kept[0]!.key), false);
  const again = keeperOf(bench, { retentionDays: 1000, maxBytes: { bytes: 10 } });
  await again.beforeRemoval(segments);
  assert.equal((await again.files.ofStream('gate')).length, 1);
  await again.enforce();
  assert.deepEqual(await again.files.ofStream('gate'), []);
  await keeperOf(bench, { retentionDays: 1000 }).beforeRemoval(segments);
  const rendered = await bench.disk.create('gate/keyframes/2026-02-11/1770768000000.jpg', AbortSignal.timeout(1000));
  await rendered.close();
  await again.removeStream('gate');
  assert.equal(
    [...bench.disk.files.keys()].some((key) => key.includes('/keyframes/')),
    false,
  );
});

test('recordings on a backend that is named no more do not cost those beside them their key pictures', async () => {
  await using bench = await openBench({ segmentSeconds: 10 });
  const gone = new MemoryStorage('gone');
  const recordTo = (backend: MemoryStorage) =>
    bench.recorder.configure({ enabled: true, segmentDurationSeconds: 10 }, [
      { backend, retentionDays: 7, minFree: { percent: 5 } },
    ]);
  bench.hub.add('gate').connect();
  await bench.run(15_000);
  await recordTo(gone);
  await bench.run(15_000);
  await recordTo(bench.disk);
  await bench.run(25_000);
  const segments = (await bench.recorder.query.segments('gate', ...forever)).filter(({ closed }) => closed);
  const places = segments.map(({ backend }) => backend);
  assert.deepEqual([...new Set(places)], ['memory', 'gone']);
  assert.equal(places.at(-1), 'memory');
  const keeper = keeperOf(bench);
  await keeper.beforeRemoval(segments.filter(({ backend }) => backend === 'gone'));
  assert.deepEqual(await keeper.files.ofStream('gate'), [], 'nobody can read those');
  await keeper.beforeRemoval(segments.slice(0, 1));
  const [file] = await keeper.files.ofStream('gate');
  assert.deepEqual([file!.startMs, file!.endMs], [segments[0]!.startMs, segments.at(-1)!.endMs]);
});

test('a backend that is missing does not let those of another outlive their days', async () => {
  await using bench = await openBench();
  const segments = await recorded(bench, 20_000);
  const missing = new MemoryStorage('missing');
  missing.failure = new WatchpostError('not mounted', { kind: 'unavailable', code: 'STORAGE_VOLUME_MISSING' });
  let days = 0;
  const keeper = keeperOf(bench, {}, { backends: [missing, bench.disk], laterDays: () => days });
  await keeper.beforeRemoval(segments);
  assert.equal((await keeper.files.ofStream('gate')).length, 1);
  days = 91;
  await keeper.enforce();
  assert.deepEqual(await keeper.files.ofStream('gate'), []);
});

test('another backend may hold them, and nothing is kept that would expire at once or is switched off', async () => {
  await using bench = await openBench();
  const segments = await recorded(bench, 20_000);
  const other = new MemoryStorage('other');
  const keeper = keeperOf(bench, { backend: 'other' }, { backends: [bench.disk, other] });
  await keeper.beforeRemoval(segments);
  const [file] = await keeper.files.ofStream('gate');
  assert.equal(file!.backend, 'other');
  assert(other.files.has(file!.key));
  await keeper.removeStream('gate');
  await keeperOf(bench, { enabled: false }).beforeRemoval(segments);
  await keeperOf(bench, {}, { laterDays: () => 91 }).beforeRemoval(segments);
  assert.deepEqual(await keeper.files.ofStream('gate'), []);
});

test('K3 a disk that takes no more keeps nothing half done, and the segments may go', async () => {
  await using bench = await openBench();
  const segments = await recorded(bench, 20_000);
  const full = new MemoryStorage('full', 0);
  const keeper = keeperOf(bench, { backend: 'full' }, { backends: [bench.disk, full] });
  await keeper.beforeRemoval(segments);
  assert.deepEqual([...full.files.keys()], []);
  assert.deepEqual(await keeper.files.ofStream('gate'), []);
});

test('streams are looked at side by side, and one whose disk fails costs the others nothing', async () => {
  await using bench = await openBench();
  const ids = Array.from({ length: 9 }, (_, i) => `cam${i}`);
  for (const id of ids) bench.hub.add(id).connect();
  await bench.run(35_000);
  for (const id of ids) bench.hub.get(id)!.disconnect();
  await bench.run(2000);
  const segments = (await Promise.all(ids.map((id) => bench.recorder.query.segments(id, ...forever)))).flat();
  const { readRanges } = bench.disk;
  bench.disk.readRanges = (key, ranges, allocate) => {
    if (key.startsWith('cam4/')) throw new Error('the disk has a hole');
    return readRanges.call(bench.disk, key, ranges, allocate);
  };
  const keeper = keeperOf(bench);
  await keeper.beforeRemoval(segments);
  const counts: number[] = [];
  for (const id of ids) counts.push(Math.min(1, (await keeper.files.ofStream(id)).length));
  assert.deepEqual(counts, [1, 1, 1, 1, 0, 1, 1, 1, 1]);
});

test('K2 a rebuilt index knows the files of key pictures', async () => {
  await using bench = await openBench();
  const keeper = keeperOf(bench);
  await keeper.beforeRemoval(await recorded(bench, 30_000));
  const [before] = await keeper.files.ofStream('gate');
  const database = await openDatabase(':memory:');
  await rebuildIndex({ database, backends: [bench.disk] });
  const files = new KeyFileStore(database);
  const [after] = await files.ofStream('gate');
  assert.deepEqual(
    [after!.id, after!.key, after!.bytes, after!.codecs],
    [before!.id, before!.key, before!.bytes, before!.codecs],
  );
  const times = (await files.fragments(after!.id)).map(({ startMs }) => Math.round(startMs));
  assert.deepEqual(
    times,
    (await keeper.files.fragments(before!.id)).map(({ startMs }) => Math.round(startMs)),
  );
  const segments = await new SegmentStore(database).inRange('gate', ...forever);
  assert(segments.every(({ key }) => !key.includes('keyframes')));
  await database.destroy();
});
