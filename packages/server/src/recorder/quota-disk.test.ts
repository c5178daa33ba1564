// The quota of a backend on a real disk: a hundred and more megabytes, faster than real time.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock, systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from '../catalog/database.ts';
import type { NewEvent } from '../catalog/types.ts';
import { VolumeStore } from '../catalog/volume-store.ts';
import { LocalStorage } from '../storage/local/local-storage.ts';
import { Recorder } from './recorder.ts';
import { FakeHub, settle } from './test-bench.ts';

/** The smallest that a configuration may set. */
const maxBytes = 100_000_000;
const cameras = ['a', 'b', 'c'];
/** Of each camera, at 25 pictures a second: 2 MB/s. */
const frameBytes = 80_000;
const forever = [0, 8_640_000_000_000_000] as const;

async function filesUnder(folder: string): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.mp4')) continue;
    const path = join(entry.parentPath, entry.name);
    // It may be deleted just now.
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) files.set(path.slice(folder.length + 1), found.size);
  }
  return files;
}

const sum = (sizes: Iterable<number>) => [...sizes].reduce((total, size) => total + size, 0);

async function open(stack: AsyncDisposableStack) {
  const folder = await mkdtemp(join(tmpdir(), 'quota-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const clock = new ManualClock(Date.UTC(2026, 1, 11, 10, 0, 0));
  const database = stack.adopt(await openDatabase(join(folder, 'watchpost.db')), (db) => db.destroy());
  const basePath = join(folder, 'video');
  const registry = new VolumeStore(database);
  // The disk is looked at in real time, what is recorded has a time of its own.
  const backend = stack.use(
    await LocalStorage.open({ name: 'disk', basePath, registry, clock: systemClock, logger: silentLogger }),
  );
  const hub = new FakeHub(clock);
  const events: NewEvent[] = [];
  const recorder = await Recorder.open({
    ...{ hub, database, clock, logger: silentLogger, schedules: new Map() },
    backends: [{ backend, retentionDays: 7, minFree: { bytes: 0 }, maxBytes: { bytes: maxBytes } }],
    events: { emit: (event) => events.push(event) },
    config: { enabled: true, segmentDurationSeconds: 2 },
  });
  /** The disk takes its time, and the recorder waits for it. */
  const caughtUp = async () => {
    for (let i = 0; i < 100; i++) {
      const onDisk = sum((await filesUnder(basePath)).values());
      const { known } = await database
        .selectFrom('segments')
        .select((eb) => eb.fn.sum<number>('bytes').as('known'))
        .executeTakeFirstOrThrow();
      if (onDisk - known < cameras.length * frameBytes * 30) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  /** Seconds of all cameras. */
  const run = async (seconds: number) => {
    for (let frame = 0; frame < seconds * 25; frame++) {
      for (const stream of hub.list()) stream.frame();
      clock.advance(40);
      await settle();
      if (frame % 25 === 24) await caughtUp();
    }
  };
  for (const id of cameras) {
    const stream = hub.add(id);
    stream.frameBytes = frameBytes;
    stream.connect();
  }
  const end = async () => {
    let over = false;
    const closed = recorder[Symbol.asyncDispose]().then(() => {
      over = true;
    });
    for (let i = 0; i < 500 && !over; i++) {
      clock.advance(40);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await closed;
  };
  stack.defer(end);
  return { recorder, events, run, basePath };
}

test('a quota on a real disk: the oldest go, what is locked and what is being recorded stay, the forecast knows', {
  timeout: 60_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const { recorder, events, run, basePath } = await open(stack);
  await run(4);
  const [locked] = await recorder.query.segments('a', ...forever);
  await recorder.locks.put({
    ...{ streamId: 'a', startMs: locked!.startMs + 500, endMs: locked!.startMs + 1000 },
    ...{ note: 'theft', createdBy: 'anna' },
  });
  const before = await filesUnder(basePath);
  await run(19);
  await recorder.enforceRetention();

  const after = await filesUnder(basePath);
  // What was written since the last commit is not counted.
  const aSecond = cameras.length * frameBytes * 30;
  assert.ok(sum(after.values()) <= maxBytes + aSecond, `${sum(after.values())} bytes on the disk`);
  assert.ok(sum(after.values()) > maxBytes * 0.7, 'and not much less than may be kept');
  const stayed = [...before.keys()].filter((key) => after.has(key));
  assert.deepEqual(stayed, [locked!.key]);
  for (const id of cameras) {
    const segments = await recorder.query.segments(id, ...forever);
    for (const one of segments) assert.ok(after.has(one.key), `the index names ${one.key}, which is gone`);
    assert.deepEqual(await recorder.query.gaps(id, ...forever), []);
    assert.equal(recorder.state(id).state, 'recording');
    const kept = segments.filter((one) => one.id !== locked!.id);
    for (const [index, one] of kept.slice(1).entries())
      assert.ok(Math.abs(one.startMs - kept[index]!.endMs) < 100, `${id}: a hole before ${one.key}`);
  }
  const [disk] = (await recorder.storageReport()).backends;
  assert.deepEqual([disk!.state, disk!.maxBytes, disk!.lockedBytes], ['ok', maxBytes, locked!.bytes]);
  const rate = cameras.length * frameBytes * 25;
  assert.ok(Math.abs(disk!.writeBytesPerSecond - rate) < rate * 0.2, `${disk!.writeBytesPerSecond} bytes/s`);
  assert.match(disk!.forecast!, /^at this rate \d+ minutes? of 7 days fit$/);
  assert.deepEqual(
    events.filter(({ type }) => type.startsWith('disk.')),
    [],
  );

  // Nothing but locked recordings: they stay, recording goes on, and somebody is told.
  for (const streamId of cameras)
    await recorder.locks.put({ streamId, startMs: 0, endMs: 4e12, note: 'all', createdBy: 'anna' });
  await run(4);
  await recorder.enforceRetention();
  const [told] = events.filter(({ type }) => type === 'disk.low');
  assert.match(told!.message, /recordings take \d+ MB too much, and no recording may be deleted — \d+ MB are locked/);
  const last = await filesUnder(basePath);
  assert.deepEqual(
    [...after.keys()].filter((key) => !last.has(key)),
    [],
  );
  for (const id of cameras) assert.equal(recorder.state(id).state, 'recording');
});
