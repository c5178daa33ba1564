import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Segment } from '../catalog/types.ts';
import type { KeyPictureKeeper } from './key-pictures/key-picture-keeper.ts';
import { MemoryStorage } from './memory-storage.ts';
import { forecast } from './storage-report.ts';
import { type Bench, openBench } from './test-bench.ts';

const forever = [0, 1e14] as const;

async function record(bench: Bench, ms: number, ids: readonly string[] = ['gate']): Promise<void> {
  for (const id of ids) if (bench.hub.get(id) === undefined) bench.hub.add(id).connect();
  await bench.run(ms);
}

function lock(bench: Bench, startMs: number, endMs: number, streamId = 'gate') {
  return bench.recorder.locks.put({ streamId, startMs, endMs, note: 'theft', createdBy: 'anna' });
}

test('what is older than its days goes, with its sidecar, its gaps and without a gap row', async () => {
  const keptMs = 0.1 * 86_400_000;
  await using bench = await openBench({ retentionDays: 0.1 });
  await record(bench, 25_000);
  bench.hub.get('gate')!.disconnect();
  await bench.run(5000);
  bench.hub.get('gate')!.connect();
  await bench.run(15_000);
  const before = await bench.recorder.query.segments('gate', ...forever);
  bench.hub.get('gate')!.disconnect();
  await bench.run(1000);
  bench.clock.advance(keptMs - 20_000);
  await bench.recorder.enforceRetention();
  const after = await bench.recorder.query.segments('gate', ...forever);
  assert(after.length > 0 && after.length < before.length);
  assert(after.every((one) => one.endMs > bench.clock.wallMs() - keptMs));
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

test('a share of a disk that does not tell its size limits nothing', async () => {
  await using bench = await openBench({ maxBytes: { percent: 10 }, minFree: { bytes: 0 } });
  bench.disk.space = async () => ({ freeBytes: 1e9, totalBytes: 0, lacksInodes: false });
  await record(bench, 30_000);
  const before = await bench.recorder.query.segments('gate', ...forever);
  await bench.recorder.enforceRetention();
  assert.ok(before.length > 1);
  assert.deepEqual(await bench.recorder.query.segments('gate', ...forever), before);
});

test('D2 a locked and a leased segment stay, and those behind them go', async () => {
  await using bench = await openBench({ maxBytes: { bytes: 300_000 } });
  await record(bench, 12_000);
  const [locked] = await bench.recorder.query.segments('gate', ...forever);
  await lock(bench, locked!.startMs + 1000, locked!.startMs + 2000);
  assert.equal((await bench.recorder.query.segment(locked!.id))!.locked, true);
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
  await using bench = await openBench({ backend: new MemoryStorage('memory', 4_000_000), maxBytes: { percent: 5 } });
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

test('where inodes are used up the oldest files go one by one; where none may go, the disk is full until there are some', async () => {
  await using bench = await openBench({});
  await record(bench, 45_000);
  const before = await bench.recorder.query.segments('gate', ...forever);
  bench.disk.maxFiles = bench.disk.files.size;
  await record(bench, 20_000);
  const after = await bench.recorder.query.segments('gate', ...forever);
  assert(after[0]!.startMs > before[0]!.startMs);
  assert(after.length >= before.length - 2, `${before.length} before, ${after.length} after`);
  assert.equal(bench.recorder.state('gate').state, 'recording');
  await lock(bench, ...forever);
  await record(bench, 40_000);
  const report = async () => (await bench.recorder.storageReport()).backends[0]!;
  assert.equal((await report()).state, 'full');
  assert.match(
    (await report()).message ?? '',
    /takes no more files \(its inodes are used up\).* are locked: unlock some/,
  );
  bench.disk.maxFiles = Number.POSITIVE_INFINITY;
  await record(bench, 20_000);
  assert.deepEqual([(await report()).state, bench.recorder.state('gate').state], ['ok', 'recording']);
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
  const told = bench.events.filter(({ type }) => type === 'recording.gap').map(({ message }) => message);
  assert.match(told[0]!, /^"gate" is not recorded: /);
  assert.match(told.at(-1)!, /^"gate" was not recorded for [\d.]+ s: /);
});

test('on a disk that others fill the oldest go first, then recording pauses once, and what it has just recorded stays', async () => {
  await using bench = await openBench({ backend: new MemoryStorage('memory', 30_000_000), segmentSeconds: 5 });
  await record(bench, 40_000);
  const rows = async () => bench.recorder.query.segments('gate', ...forever);
  const oldest = (await rows())[0]!.id;
  bench.disk.otherBytes = 30_000_000 - 200_000;
  await record(bench, 60_000);
  const kept = await rows();
  assert(kept.length >= 1 && !kept.some(({ id }) => id === oldest));
  await record(bench, 120_000);
  assert.deepEqual(await rows(), kept);
  const gaps = await bench.recorder.query.gaps('gate', ...forever);
  assert.deepEqual(
    gaps.map(({ reason, endMs }) => [reason, endMs]),
    [['disk_full', undefined]],
  );
  const told = () => bench.events.map(({ type }) => type).filter((type) => /^disk|gap|error/.test(type));
  assert.deepEqual(told(), ['disk.low', 'disk.full', 'recording.gap', 'recording.error']);
  bench.disk.otherBytes = 0;
  await record(bench, 20_000);
  assert.equal(bench.recorder.state('gate').state, 'recording');
  assert.deepEqual((await rows()).slice(0, kept.length), kept);
  assert.deepEqual(
    told().filter((type) => type.startsWith('disk')),
    ['disk.low', 'disk.full', 'disk.back'],
  );
});

test('a full disk on which all is locked is told once, with the cure, not by turns with a low one', async () => {
  await using bench = await openBench({ backend: new MemoryStorage('memory', 1_500_000), segmentSeconds: 5 });
  await lock(bench, 0, bench.clock.wallMs() + 3_600_000);
  await record(bench, 180_000);
  const told = bench.events.filter(({ type }) => type === 'disk.full' || type === 'disk.low');
  assert.deepEqual(
    told.map(({ type }) => type),
    ['disk.low', 'disk.full'],
  );
  assert.match(told[1]!.message ?? '', /no recording may be deleted — \d MB are locked: unlock some/);
});

test('a file system that hands out later what was deleted is not called low', async () => {
  await using bench = await openBench({ backend: new MemoryStorage('memory', 4_000_000), segmentSeconds: 5 });
  const { disk } = bench;
  const { remove } = disk;
  let held = 0;
  disk.remove = async (key) => {
    held += disk.files.get(key)?.bytes.length ?? 0;
    await remove.call(disk, key);
    disk.otherBytes = held;
  };
  for (let i = 0; i < 24; i++) {
    await record(bench, 5000, ['a', 'b', 'c']);
    held = disk.otherBytes = 0;
  }
  assert.deepEqual(
    bench.events.filter(({ type }) => type.startsWith('disk.')),
    [],
  );
});

test('what went by its age counts as free, also where the file system hands it out later', async () => {
  const keptMs = 0.1 * 86_400_000;
  await using bench = await openBench({
    ...{ backend: new MemoryStorage('memory', 4_000_000), segmentSeconds: 5 },
    ...{ retentionDays: 0.1, minFree: { percent: 5 } },
  });
  const { disk } = bench;
  await record(bench, 40_000);
  bench.hub.get('gate')!.disconnect();
  await bench.run(1000);
  const before = await bench.recorder.query.segments('gate', ...forever);
  // Timers stand still: it is one pass that is looked at.
  bench.clock.stepWall(keptMs - 20_000);
  const { freeBytes } = await disk.space();
  // 1 kB less than what must be free: a fifth of so small a disk.
  disk.otherBytes = freeBytes - 799_000;
  const { remove } = disk;
  disk.remove = async (key) => {
    disk.otherBytes += disk.files.get(key)?.bytes.length ?? 0;
    await remove.call(disk, key);
  };
  await bench.recorder.enforceRetention();
  const after = await bench.recorder.query.segments('gate', ...forever);
  const young = before.filter(({ endMs }) => endMs > bench.clock.wallMs() - keptMs);
  assert.ok(young.length > 1 && young.length < before.length);
  assert.deepEqual(
    after.map(({ id }) => id),
    young.map(({ id }) => id),
  );
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
  assert.equal(disk!.forecast, `at this rate ${Math.round(days * 24)} hours of 7 days fit`);
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

test('where one backend is missing, recordings go from the others, and from it once it is back', async () => {
  const missing = new MemoryStorage('missing');
  await using bench = await openBench();
  const places = [missing, bench.disk].map((backend) => ({ backend, retentionDays: 7, minFree: { percent: 5 } }));
  const config = { enabled: true, segmentDurationSeconds: 10 };
  await record(bench, 25_000);
  await bench.recorder.configure(config, places);
  await bench.run(25_000);
  bench.hub.get('gate')!.disconnect();
  await bench.run(2000);
  const filesOn = ({ files }: MemoryStorage) => [...files.keys()].filter((key) => key.startsWith('gate/')).length;
  assert(filesOn(missing) > 0 && filesOn(bench.disk) > 0);
  missing.failure = new WatchpostError('not mounted', { kind: 'unavailable', code: 'STORAGE_VOLUME_MISSING' });
  await assert.rejects(bench.recorder.deleteRecordings('gate'), { code: 'STORAGE_VOLUME_MISSING' });
  assert.deepEqual(await bench.recorder.query.segments('gate', ...forever), []);
  assert.equal(filesOn(bench.disk), 0);
  await bench.run(3000);
  missing.failure = undefined;
  await bench.run(3000);
  assert.equal(filesOn(missing), 0);
});

test('of a stream that is removed with its recordings neither the file that grew nor a gap is left', async () => {
  await using bench = await openBench();
  await record(bench, 25_000, ['a', 'b']);
  const stream = bench.hub.get('a')!;
  bench.hub.streams.delete('a');
  bench.hub.tell({ type: 'removed', stream });
  await bench.recorder.deleteRecordings('a');
  await bench.run(2000);
  assert.deepEqual(await bench.recorder.query.segments('a', ...forever), []);
  assert.deepEqual(await bench.recorder.query.gaps('a', ...forever), []);
  assert.deepEqual(
    [...bench.disk.files.keys()].filter((key) => key.startsWith('a/')),
    [],
  );
});

test('a locked stretch stays, with what was recorded of it later, until it is unlocked', async () => {
  await using bench = await openBench({ retentionDays: 0.005 });
  const fromMs = bench.clock.wallMs();
  const { id } = await lock(bench, fromMs + 15_000, fromMs + 25_000);
  await record(bench, 60_000);
  bench.hub.get('gate')!.disconnect();
  await bench.run(2000);
  bench.clock.advance(0.006 * 86_400_000);
  await bench.recorder.enforceRetention();
  const kept = await bench.recorder.query.segments('gate', ...forever);
  assert.equal(kept[0]!.locked, true);
  assert(kept[0]!.startMs <= fromMs + 15_000 && kept.at(-1)!.endMs >= fromMs + 25_000);
  assert(kept.at(-1)!.endMs - kept[0]!.startMs <= 31_000, 'whole files, and no others');
  const { backends } = await bench.recorder.storageReport();
  assert.equal(backends[0]!.lockedBytes, backends[0]!.recordedBytes);
  await bench.recorder.deleteRecordings('gate');
  assert.equal((await bench.recorder.query.segments('gate', ...forever)).length, kept.length);
  assert.equal(await bench.recorder.locks.remove('yard', id), false);
  assert.equal(await bench.recorder.locks.remove('gate', id), true);
  await bench.recorder.enforceRetention();
  assert.deepEqual(await bench.recorder.query.segments('gate', ...forever), []);
});

test('locks that fill the disk or the quota are told, and recording goes on where it can', async () => {
  await using bench = await openBench({ maxBytes: { bytes: 400_000 } });
  const fromMs = bench.clock.wallMs();
  const { id } = await lock(bench, fromMs, fromMs + 3_600_000);
  await record(bench, 60_000);
  await bench.recorder.enforceRetention();
  const { backends } = await bench.recorder.storageReport();
  assert.equal(backends[0]!.state, 'low');
  assert.match(backends[0]!.message!, /recordings take \d+ MB too much, .* locked: unlock some/);
  assert.equal(backends[0]!.forecastDays, 0);
  assert.deepEqual(
    bench.events.filter(({ type }) => type.startsWith('disk.')).map(({ type, level }) => [type, level]),
    [['disk.low', 'warning']],
  );
  assert.equal(bench.recorder.state('gate').state, 'recording');
  await bench.recorder.locks.remove('gate', id);
  await bench.recorder.enforceRetention();
  assert.equal((await bench.recorder.storageReport()).backends[0]!.state, 'ok');
  assert((await bench.recorder.storageReport()).backends[0]!.recordedBytes < 700_000);
});

test('locks that take all that a stream may take are told, for nothing new of it is kept', async () => {
  await using bench = await openBench();
  bench.hub.add('few', { record: true, recording: { mode: 'continuous', maxBytes: 300_000 } }).connect();
  const fromMs = bench.clock.wallMs();
  const { id } = await bench.recorder.locks.put({
    ...{ streamId: 'few', startMs: fromMs, endMs: fromMs + 3_600_000, note: '', createdBy: 'anna' },
  });
  const stateOf = async () => (await bench.recorder.storageReport()).backends[0]!;
  await record(bench, 60_000, ['few']);
  await bench.recorder.enforceRetention();
  assert.equal((await stateOf()).state, 'low');
  assert.match((await stateOf()).message!, /^"few" may take 0 MB, and \d+ MB are locked: .* unlock some, or raise/);
  await bench.recorder.locks.remove('few', id);
  await bench.recorder.enforceRetention();
  assert.equal((await stateOf()).state, 'ok');
});

test('a stream may keep its recordings for longer, for a shorter time, or fewer of them than the others', async () => {
  await using bench = await openBench({ retentionDays: 0.01 });
  bench.hub.add('short', { record: true, recording: { mode: 'continuous', retentionDays: 0.005 } }).connect();
  bench.hub.add('long', { record: true, recording: { mode: 'continuous', retentionDays: 0.025 } }).connect();
  bench.hub.add('few', { record: true, recording: { mode: 'continuous', maxBytes: 300_000 } }).connect();
  const ids = ['short', 'long', 'few', 'usual'];
  await record(bench, 60_000, ids);
  await bench.recorder.enforceRetention();
  const { streams } = await bench.recorder.storageReport();
  const bytes = new Map(streams.map((one) => [one.streamId, one.bytes]));
  assert(bytes.get('few')! < 600_000 && bytes.get('usual')! > 900_000, JSON.stringify([...bytes]));
  for (const stream of bench.hub.list()) stream.disconnect();
  await bench.run(2000);
  const left = async () => {
    const found: string[] = [];
    for (const id of ids) if ((await bench.recorder.query.segments(id, ...forever)).length > 0) found.push(id);
    return found;
  };
  const after: string[][] = [];
  for (let i = 0; i < 5; i++) {
    bench.clock.advance(0.005 * 86_400_000);
    await bench.recorder.enforceRetention();
    after.push(await left());
  }
  const two = ['long', 'few', 'usual'];
  assert.deepEqual(after, [two, ['long'], ['long'], ['long'], []]);
});

test('D2 what somebody begins to read, or locks, while its key pictures are kept stays after all', async () => {
  const keeping: Segment[][] = [];
  let meanwhile = async (_segments: readonly Segment[]): Promise<void> => {};
  const keyPictures = {
    beforeRemoval: async (segments: readonly Segment[]) => {
      keeping.push([...segments]);
      await meanwhile(segments);
    },
    enforce: async () => {},
  } as unknown as KeyPictureKeeper;
  await using bench = await openBench({ retentionDays: 0.001, keyPictures });
  await record(bench, 60_000);
  bench.hub.get('gate')!.disconnect();
  await bench.run(2000);
  const all = await bench.recorder.query.segments('gate', ...forever);
  let isHeld = false;
  meanwhile = async (segments) => {
    if (!isHeld) bench.recorder.query.lease(segments[0]!.id, 3_600_000);
    isHeld = true;
    if (segments.length > 1) await lock(bench, segments[1]!.startMs + 1, segments[1]!.startMs + 2);
  };
  bench.clock.advance(200_000);
  await bench.recorder.enforceRetention();
  assert(keeping.flat().length >= all.length - 1, 'all that went was told before');
  assert.deepEqual(
    (await bench.recorder.query.segments('gate', ...forever)).map(({ id }) => id),
    all.slice(0, 2).map(({ id }) => id),
  );
});

test('a forecast names hours and minutes where no whole day fits', () => {
  const cases: readonly [days: number, text: string][] = [
    [8, 'at this rate all 7 days fit'],
    [4.24, 'at this rate 4.2 of 7 days fit'],
    [0.25, 'at this rate 6 hours of 7 days fit'],
    [0.04, 'at this rate 58 minutes of 7 days fit'],
    [0.0007, 'at this rate 1 minute of 7 days fit'],
  ];
  for (const [days, text] of cases) assert.equal(forecast(days, 7).forecast, text);
});
