import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@watchpost/base/logger.ts';
import { SegmentStore } from '../catalog/segment-store.ts';
import { fault, MemoryStorage } from './memory-storage.ts';
import { MissingFiles } from './missing-files.ts';
import { type Bench, openBench, settle } from './test-bench.ts';

/** Lets time pass in which nothing is recorded. */
async function pass(bench: Bench, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    bench.clock.advance(1000);
    await settle();
  }
}

/** A camera that was recorded for so long, and is away now. */
async function record(bench: Bench, id: string, ms: number): Promise<string[]> {
  const camera = bench.hub.add(id);
  camera.connect();
  await bench.run(ms);
  camera.disconnect();
  await bench.run(2000);
  return (await bench.recorder.query.segments(id, 0, 1e14)).map(({ key }) => key);
}

async function lost(bench: Bench, id = 'gate'): Promise<[number, number | undefined][]> {
  const gaps = await bench.recorder.query.gaps(id, 0, 1e14);
  return gaps.filter(({ reason }) => reason === 'file_missing').map((gap) => [gap.startMs, gap.endMs]);
}

test('F3 a file that somebody deletes while the server runs is a gap within the hour, unasked', async () => {
  await using bench = await openBench();
  const keys = await record(bench, 'gate', 45_000);
  await pass(bench, 120_000);
  const segments = await bench.recorder.query.segments('gate', 0, 1e14);
  bench.disk.files.delete(keys[1]!);
  bench.disk.files.delete(keys[2]!);
  await pass(bench, 1_800_000);
  assert.deepEqual(await lost(bench), []);
  await pass(bench, 1_800_000);
  assert.deepEqual(await lost(bench), [[segments[1]!.startMs, segments[2]!.endMs]]);
  assert.equal((await bench.recorder.query.segments('gate', 0, 1e14)).length, keys.length - 2);
  assert.equal(bench.events.filter(({ type }) => type === 'recording.lost').length, 2);
});

test('F3 a disk that is away, or cannot be read, has lost nothing', async () => {
  await using bench = await openBench();
  const [key] = await record(bench, 'gate', 25_000);
  bench.disk.files.delete(key!);
  for (const code of ['STORAGE_VOLUME_MISSING', 'STORAGE_IO', 'STORAGE_SILENT']) {
    bench.disk.failure = fault('unavailable', code);
    await pass(bench, 3_700_000);
    assert.deepEqual(await lost(bench), [], code);
  }
  bench.disk.failure = undefined;
  await pass(bench, 3_700_000);
  assert.equal((await lost(bench)).length, 1);
});

test('one folder is looked into at a time, each once in a round, and one that fails hides no other', async () => {
  await using bench = await openBench();
  const looked: string[] = [];
  const missed: string[] = [];
  const gate = await record(bench, 'gate', 25_000);
  bench.clock.advance(3_600_000);
  bench.hub.get('gate')!.connect();
  const yard = await record(bench, 'yard', 15_000);
  const { names } = MemoryStorage.prototype;
  bench.disk.names = async (folder) => {
    looked.push(folder);
    if (folder.startsWith('gate/2026-02-11/10')) throw fault('unavailable', 'STORAGE_IO');
    return names.call(bench.disk, folder);
  };
  const search = new MissingFiles({
    store: new SegmentStore(bench.database),
    ...{ clock: bench.clock, logger: silentLogger, signal: new AbortController().signal },
    places: () => [{ backend: bench.disk, retentionDays: 7, minFree: { percent: 5 } }],
    missed: async (_place, key) => void missed.push(key),
  });
  bench.disk.files.delete(gate[0]!);
  bench.disk.files.delete(yard[1]!);
  const folders = ['gate/2026-02-11/10', 'gate/2026-02-11/11', 'yard/2026-02-11/11'];
  for (const [i, folder] of folders.entries()) {
    assert.equal(await search.lookOn(), true);
    assert.deepEqual(looked, folders.slice(0, i + 1), folder);
  }
  assert.deepEqual(missed, [yard[1]]);
  assert.deepEqual([await search.lookOn(), await search.lookOn(), looked.length], [true, false, 3]);
  await search.lookOn();
  assert.equal(looked.length, 4);
});

test('what retention deletes is no file that somebody deleted', async () => {
  await using bench = await openBench();
  const [key] = await record(bench, 'gate', 25_000);
  const store = new SegmentStore(bench.database);
  const [first] = await bench.recorder.query.segments('gate', 0, 1e14);
  // Between the mark and the end of a removal.
  const { list } = MemoryStorage.prototype;
  bench.disk.list = async function* (prefix) {
    await store.mark([first!.id]);
    bench.disk.files.delete(key!);
    yield* list.call(bench.disk, prefix);
  };
  bench.recorder.query.missed!(first!.id);
  await settle();
  assert.deepEqual(await lost(bench), []);
  assert.deepEqual(
    bench.events.filter(({ type }) => type === 'recording.lost'),
    [],
  );
});
