import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runStorageConformance } from '../../../../checks/conformance/storage.ts';
import { openDatabase } from '../catalog/database.ts';
import { SegmentStore } from '../catalog/segment-store.ts';
import { MemoryStorage } from './memory-storage.ts';
import { rebuildIndex } from './rebuild-index.ts';
import { openBench } from './test-bench.ts';

runStorageConformance('memory', async () => ({ backend: new MemoryStorage(), [Symbol.asyncDispose]: async () => {} }));

test('an index rebuilt from bare files is the one that was lost', async () => {
  await using bench = await openBench();
  for (const id of ['gate', 'yard.sub']) bench.hub.add(id).connect();
  await bench.run(35_000);
  await bench.restart('in order', 1000);
  await bench.run(12_000);
  await bench.restart('in order', 1000);
  const before = await bench.database.selectFrom('segments').selectAll().orderBy('key').execute();
  // Sidecars are hints only.
  for (const key of [...bench.disk.files.keys()]) if (key.endsWith('.json')) bench.disk.files.delete(key);
  bench.disk.files.set('gate/notes.mp4', { bytes: new TextEncoder().encode('not a video at all, is it?'), synced: 0 });
  bench.disk.files.set('gate/2026-02-11/10/1.mp4', { bytes: new Uint8Array(3), synced: 0 });
  const first = bench.disk.files.get(before[0]!.key)!;
  bench.disk.files.set('copy/2026-02-11/10/5.mp4', { bytes: first.bytes, synced: 0 });
  bench.disk.files.get(before[1]!.key)!.bytes = new Uint8Array([
    ...bench.disk.files.get(before[1]!.key)!.bytes,
    0,
    0,
    0,
    9,
  ]);
  const empty = await openDatabase(':memory:');
  const seen: number[] = [];
  const summary = await rebuildIndex({
    database: empty,
    backends: [bench.disk],
    progress: (counts) => seen.push(counts.files),
  });
  const after = await empty.selectFrom('segments').selectAll().orderBy('key').execute();
  // The copy sorts before the original and takes its place.
  const key = (row: { key: string }) => row.key.replace(/^copy\/.*/, before[0]!.key);
  assert.deepEqual(
    after.map((row) => ({ ...row, key: key(row), fragments: null })).sort((a, b) => (a.key < b.key ? -1 : 1)),
    before.map((row) => ({ ...row, fragments: null })),
  );
  const store = new SegmentStore(empty);
  const old = new SegmentStore(bench.database);
  for (const row of before) assert.deepEqual(await store.fragments(row.id), await old.fragments(row.id));
  assert.equal(await store.bytes('memory'), await old.bytes('memory'));
  assert.deepEqual(summary, {
    files: before.length + 3,
    adopted: before.length,
    repaired: 0,
    cutBytes: 4,
    dropped: 0,
    removed: 0,
    ignored: 3,
  });
  assert.deepEqual(
    seen,
    Array.from({ length: before.length + 3 }, (_, i) => i + 1),
  );
  const again = await rebuildIndex({ database: empty, backends: [bench.disk] });
  assert.deepEqual([again.adopted, again.dropped], [0, 0]);
  await empty.destroy();
});

test('days are told from where the calendar begins', async () => {
  await using bench = await openBench();
  const fromMs = bench.clock.wallMs() - 86_400_000 + 15_000;
  bench.hub.add('gate').connect();
  await bench.run(35_000);
  const check = async () => {
    const days = await bench.recorder.query.days('gate', fromMs, fromMs + 3 * 86_400_000);
    assert.deepEqual(
      days.map((day) => (day.startMs - fromMs) / 86_400_000),
      [0, 1],
    );
    assert.equal(days[0]!.recordedMs, 15_000);
    assert(Math.abs(days[1]!.recordedMs - 20_000) < 1000, String(days[1]!.recordedMs));
  };
  await check();
  await bench.recorder.stop('gate');
  await bench.run(2000);
  await check();
});
