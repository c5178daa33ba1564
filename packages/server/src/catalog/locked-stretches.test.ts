import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { openDatabase } from './database.ts';
import { LockStore } from './lock-store.ts';
import { readLockedStretches } from './locked-stretches.ts';
import { SegmentStore } from './segment-store.ts';
import type { Segment } from './types.ts';

const minuteMs = 60_000;
const startMs = 1_760_000_000_000;

function segment(index: number, streamId = 'gate'): Segment {
  const fromMs = startMs + index * minuteMs;
  return {
    ...{ id: `~${streamId}-${index}`, streamId, runId: 'r', sequence: index, backend: 'disk' },
    ...{ key: `${streamId}/${index}.mp4`, startMs: fromMs, endMs: fromMs + minuteMs, bytes: 10, initBytes: 1 },
    ...{ codecs: 'avc1', tracks: [], locked: false, closed: true },
  };
}

async function open(stack: AsyncDisposableStack, count: number) {
  const database = stack.adopt(await openDatabase(':memory:'), (db) => db.destroy());
  const store = new SegmentStore(database);
  const segments = Array.from({ length: count }, (_, index) => segment(index));
  await store.commit({
    created: [],
    moved: [],
    closed: [...segments, segment(0, 'yard')].map((one) => ({ segment: one, fragments: [] })),
  });
  const locks = new LockStore(database, new ManualClock(startMs));
  const lock = (fromMinute: number, toMinute: number) =>
    locks.put({
      ...{ streamId: 'gate', note: '', createdBy: 'anna' },
      startMs: startMs + fromMinute * minuteMs,
      endMs: startMs + toMinute * minuteMs,
    });
  return { database, store, locks, lock };
}

test('locks that overlap or touch are one stretch; only what they touch is held', async () => {
  await using stack = new AsyncDisposableStack();
  const { database, lock } = await open(stack, 1);
  await lock(10, 20);
  await lock(15, 30);
  await lock(30, 31);
  await lock(40, 41);
  const locked = await readLockedStretches(database, undefined);
  assert.equal(locked.all.get('gate')!.length, 2);
  const held = Array.from({ length: 50 }, (_, index) => index).filter((index) => locked.touch(segment(index)));
  assert.deepEqual(held, [...Array.from({ length: 21 }, (_, i) => i + 10), 40]);
  assert.equal(locked.touch(segment(15, 'yard')), false);
});

test('a month of recordings is read, and judged, in pieces, and nothing of it twice or never', async () => {
  await using stack = new AsyncDisposableStack();
  const count = 8000;
  const { store, locks, lock } = await open(stack, count);
  const all = await store.inRange('gate', startMs, startMs + count * minuteMs);
  assert.deepEqual(
    all.map(({ sequence }) => sequence),
    Array.from({ length: count }, (_, index) => index),
  );
  const days = await store.days('gate', startMs, startMs + count * minuteMs);
  assert.equal(
    days.reduce((sum, { recordedMs }) => sum + recordedMs, 0),
    count * minuteMs,
  );
  // From the middle of one file on, over several pieces, to the middle of another.
  await lock(0.5, 7000.5);
  await lock(7000.7, 7003);
  assert.equal(await locks.lockedBytes('disk'), 7003 * 10);
  const free = await store.oldest('disk', 5);
  assert.deepEqual(
    free.map(({ id }) => id),
    ['~yard-0', ...[7003, 7004, 7005, 7006].map((index) => `~gate-${index}`)],
  );
});
