import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { Segment } from '../catalog/types.ts';
import { MemoryStorage } from './memory-storage.ts';
import { removeSegments, removeStream } from './remove-segments.ts';

const segments = ['a', 'b'].map((id) => ({ id, key: `gate/${id}.mp4` }) as Segment);

/** A database on the same disk, which has room once `needed` is gone. */
async function place(needed: string, errcode = 13) {
  const backend = new MemoryStorage();
  for (const { key } of segments) await (await backend.create(key, new AbortController().signal)).close();
  const dropped: string[] = [];
  const store = {
    mark: async (ids: readonly string[]) => {
      if (backend.files.has(needed)) throw Object.assign(new Error('database or disk is full'), { errcode });
      return new Set(ids);
    },
    drop: async (gone: readonly Segment[]) => void dropped.push(...gone.map(({ id }) => id)),
  } as unknown as SegmentStore;
  return { backend, store, dropped };
}

test('a disk that leaves the database no room to mark rows loses the oldest file first, then all that were to go', async () => {
  const { backend, store, dropped } = await place('gate/a.mp4');
  assert.deepEqual(await removeSegments(store, backend, segments), segments);
  assert.deepEqual([dropped, [...backend.files.keys()]], [['a', 'b'], []]);
});

test('a database that stays full costs one file, and other failures of it none', async () => {
  const full = await place('gate/b.mp4');
  for (let pass = 0; pass < 3; pass++) await assert.rejects(removeSegments(full.store, full.backend, segments), /full/);
  assert.deepEqual([full.dropped, [...full.backend.files.keys()]], [[], ['gate/b.mp4']]);
  const broken = await place('gate/a.mp4', 10);
  await assert.rejects(removeSegments(broken.store, broken.backend, segments));
  assert.equal(broken.backend.files.size, 2);
});

test('a month of a stream goes in pieces: SQLite takes 32 766 values in one statement', async () => {
  const month = Array.from({ length: 43_200 }, (_, i) => ({ id: `${i}`, key: `gate/${i}.mp4` }) as Segment);
  let [most, dropped] = [0, 0];
  const store = {
    deletable: async () => month,
    mark: async (ids: readonly string[]) => {
      most = Math.max(most, ids.length);
      return new Set(ids);
    },
    drop: async (gone: readonly Segment[]) => {
      dropped += gone.length;
    },
  } as unknown as SegmentStore;
  const isLeased = (id: string) => id === '7';
  const gaps = { dropEnded: async () => {} };
  await removeStream('gate', { store, gaps, places: [{ backend: new MemoryStorage() }], isLeased });
  assert.ok(most < 10_000, `${most} at once`);
  assert.equal(dropped, month.length - 1);
});
