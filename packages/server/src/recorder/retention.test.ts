import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage } from './memory-storage.ts';
import { type Bench, openBench } from './test-bench.ts';

const forever = [0, 1e14] as const;

async function record(bench: Bench, ms: number, ids: readonly string[] = ['gate']): Promise<void> {
  for (const id of ids) if (bench.hub.get(id) === undefined) bench.hub.add(id).connect();
  await bench.run(ms);
}

test('what is older than its days goes, with its sidecar, its gaps and without a gap row', async () => {
  await using bench = await openBench({ retentionDays: 1 });
  await record(bench, 25_000);
  bench.hub.get('gate')!.disconnect();
  await bench.run(5000);
  bench.hub.get('gate')!.connect();
  await bench.run(15_000);
  const before = await bench.recorder.query.segments('gate', ...forever);
  bench.hub.get('gate')!.disconnect();
  await bench.run(1000);
  bench.clock.advance(86_400_000 - 20_000);
  await bench.recorder.enforceRetention();
  const after = await bench.recorder.query.segments('gate', ...forever);
  assert(after.length > 0 && after.length < before.length);
  assert(after.every((one) => one.endMs > bench.clock.wallMs() - 86_400_000));
  assert.deepEqual(
    [...bench.disk.files.keys()].filter((key) => key.endsWith('.mp4')).sort(),
    after.map((one) => one.key).sort(),
  );
  assert.equal([...bench.disk.files.keys()].filter((key) => key.endsWith('.json')).length, after.length);
  const gaps = await bench.recorder.query.gaps('gate', ...forever);
  assert(gaps.every((gap) => gap.endMs === undefined || gap.endMs > after[0]!.startMs));
});

test('when the disk runs low the oldest segments of any stream go first', async () => {
  await using bench = await openBench({ backend: new MemoryStorage('memory', 4_000_000), minFree: { percent: 5 } });
  await record(bench, 30_000, ['a', 'b']);
  const before = await bench.recorder.query.segments('b', ...forever);
  await record(bench, 120_000);
  const { freeBytes } = await bench.disk.space();
  assert(freeBytes >= 0.05 * 4_000_000 * 0.5, `${freeBytes} free`);
  const [a, b] = [
    await bench.recorder.query.segments('a', ...forever),
    await bench.recorder.query.segments('b', ...forever),
  ];
  assert(b[0]!.startMs > before[0]!.startMs);
  assert(Math.abs(a[0]!.startMs - b[0]!.startMs) <= 11_000);
  for (const id of ['a', 'b']) assert.equal((await bench.recorder.query.gaps(id, ...forever)).length, 0);
});

test('D2 a locked and a leased segment stay, and those behind them go', async () => {
  await using bench = await openBench({ maxBytes: 300_000 });
  await record(bench, 12_000);
  const [locked] = await bench.recorder.query.segments('gate', ...forever);
  assert.equal(await bench.recorder.setLocked(locked!.id, true), true);
  await record(bench, 10_000);
  const leased = (await bench.recorder.query.segments('gate', ...forever))[1]!;
  const lease = bench.recorder.query.lease(leased.id, 3_600_000);
  await record(bench, 60_000);
  const ids = (await bench.recorder.query.segments('gate', ...forever)).map((one) => one.id);
  assert.deepEqual(ids.slice(0, 2), [locked!.id, leased.id]);
  assert(ids.length <= 5);
  lease[Symbol.dispose]();
  await record(bench, 11_000);
  const later = (await bench.recorder.query.segments('gate', ...forever)).map((one) => one.id);
  assert(later.includes(locked!.id) && !later.includes(leased.id));
});

test('a lease ends by itself', async () => {
  await using bench = await openBench({ maxBytes: 200_000 });
  await record(bench, 12_000);
  const [first] = await bench.recorder.query.segments('gate', ...forever);
  bench.recorder.query.lease(first!.id, 20_000);
  await record(bench, 15_000);
  assert.notEqual(await bench.recorder.query.segment(first!.id), undefined);
  await record(bench, 30_000);
  assert.equal(await bench.recorder.query.segment(first!.id), undefined);
});

test('a full disk makes room at once, and recording has no gap', async () => {
  await using bench = await openBench({ backend: new MemoryStorage('memory', 3_000_000), minFree: { bytes: 0 } });
  await record(bench, 40_000);
  bench.disk.otherBytes = 3_000_000 - 850_000;
  await record(bench, 60_000);
  assert.deepEqual(await bench.recorder.query.gaps('gate', ...forever), []);
  assert.equal(bench.recorder.state('gate').state, 'recording');
});

test('a disk full of other things is a gap that ends when there is room', async () => {
  await using bench = await openBench({ backend: new MemoryStorage('memory', 3_000_000), minFree: { bytes: 0 } });
  await record(bench, 5000);
  bench.disk.otherBytes = 3_000_000;
  await record(bench, 20_000);
  assert.deepEqual([bench.recorder.state('gate').state, bench.recorder.state('gate').reason], ['error', 'disk_full']);
  assert(bench.events.some((event) => event.type === 'disk.full'));
  bench.disk.otherBytes = 0;
  await record(bench, 20_000);
  assert.equal(bench.recorder.state('gate').state, 'recording');
  const gaps = await bench.recorder.query.gaps('gate', ...forever);
  assert.deepEqual([...new Set(gaps.map((gap) => gap.reason))], ['disk_full']);
});

test('the report tells what fits at the present rate', async () => {
  await using bench = await openBench({ backend: new MemoryStorage('memory', 1e9), minFree: { percent: 10 } });
  await record(bench, 30_000);
  const report = await bench.recorder.storageReport();
  const [disk] = report.backends;
  assert.deepEqual([disk!.name, disk!.state, disk!.totalBytes, disk!.retentionDays], ['memory', 'ok', 1e9, 7]);
  const rate = disk!.writeBytesPerSecond;
  assert(rate > 20_000 && rate < 30_000, String(rate));
  const days = 900e6 / rate / 86_400;
  assert(Math.abs(disk!.forecastDays! - days) < 0.11, `${disk!.forecastDays} ${days}`);
  assert.equal(disk!.forecast, `at this rate ${disk!.forecastDays} of 7 days fit`);
  const [stream] = report.streams;
  assert.equal(stream!.streamId, 'gate');
  assert.equal(stream!.bytes, disk!.recordedBytes);
  assert(stream!.newestMs - stream!.oldestMs > 28_000);
});

test('recordings of a stream can be deleted as a whole', async () => {
  await using bench = await openBench();
  await record(bench, 25_000, ['a', 'b']);
  await bench.recorder.stop('a');
  await bench.run(2000);
  await bench.recorder.deleteRecordings('a');
  assert.deepEqual(await bench.recorder.query.segments('a', ...forever), []);
  assert.deepEqual(
    (await bench.recorder.query.recordedStreams()).map((one) => one.streamId),
    ['b'],
  );
  assert.deepEqual(
    [...bench.disk.files.keys()].filter((key) => key.startsWith('a/')),
    [],
  );
});
