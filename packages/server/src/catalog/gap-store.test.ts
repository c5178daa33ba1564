import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from './database.ts';
import { GapStore } from './gap-store.ts';

const cases: readonly [name: string, filled: [number, number], left: [number, number | undefined][]][] = [
  ['all of it', [1000, 9000], [[20_000, undefined]]],
  ['more than it', [0, 10_000], [[20_000, undefined]]],
  [
    'its beginning',
    [0, 4000],
    [
      [4000, 9000],
      [20_000, undefined],
    ],
  ],
  [
    'its end',
    [6000, 9500],
    [
      [1000, 6000],
      [20_000, undefined],
    ],
  ],
  [
    'its middle',
    [3000, 5000],
    [
      [1000, 3000],
      [5000, 9000],
      [20_000, undefined],
    ],
  ],
  ['all but rests that are jitter', [1200, 8800], [[20_000, undefined]]],
  [
    'nothing of it',
    [9000, 12_000],
    [
      [1000, 9000],
      [20_000, undefined],
    ],
  ],
  [
    'nothing of one that lasts',
    [19_000, 30_000],
    [
      [1000, 9000],
      [20_000, undefined],
    ],
  ],
];
for (const [name, [startMs, endMs], left] of cases)
  test(`what is filled in later takes ${name} from a gap`, async () => {
    const database = await openDatabase(':memory:');
    const store = new GapStore(database);
    await store.insert({ streamId: 'gate', startMs: 1000, endMs: 9000, reason: 'camera_offline' });
    await store.insert({ streamId: 'gate', startMs: 20_000, reason: 'camera_offline' });
    await store.insert({ streamId: 'yard', startMs: 1000, endMs: 9000, reason: 'crash' });
    await store.fill('gate', startMs, endMs);
    const gaps = await store.inRange('gate', 0, 100_000);
    assert.deepEqual(
      gaps.map((gap) => [gap.startMs, gap.endMs]),
      left,
    );
    assert.ok(gaps.every(({ reason }) => reason === 'camera_offline'));
    assert.equal((await store.inRange('yard', 0, 100_000)).length, 1);
    await database.destroy();
  });
