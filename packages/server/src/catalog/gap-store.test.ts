import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from './database.ts';
import { GapStore } from './gap-store.ts';
import { SegmentStore } from './segment-store.ts';
import type { EndedGap, Segment } from './types.ts';

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

/** Time that is accounted for already: files, a gap that is over, and one that lasts. */
const freeCases: readonly [what: string, gap: [number, number], left: [number, number][]][] = [
  ['free time', [4000, 4100], [[4000, 4100]]],
  ['what is recorded', [10_500, 11_500], []],
  ['what another gap explains', [21_000, 29_000], []],
  [
    'time around files and gaps',
    [9000, 31_000],
    [
      [9000, 10_000],
      [12_000, 20_000],
      [30_000, 31_000],
    ],
  ],
  ['rests that are jitter', [9800, 12_100], []],
  ['the time of a gap that lasts', [38_000, 50_000], [[38_000, 40_000]]],
];
for (const [what, [startMs, endMs], left] of freeCases)
  for (const [how, insert] of [
    ['at once', (store: GapStore, gap: EndedGap) => store.insertFree(gap)],
    ['when it ends', async (store: GapStore, { endMs, ...gap }: EndedGap) => store.end(await store.insert(gap), endMs)],
  ] as const)
    test(`no time is accounted for twice: a gap over ${what}, inserted ${how}`, async () => {
      const database = await openDatabase(':memory:');
      await new SegmentStore(database).commit({
        created: [segment('a', 10_000, 11_000), segment('b', 11_000, 12_000)],
        moved: [],
        closed: [],
      });
      const store = new GapStore(database);
      await store.insert({ streamId: 'gate', startMs: 20_000, endMs: 30_000, reason: 'camera_offline' });
      await store.insert({ streamId: 'gate', startMs: 40_000, reason: 'camera_offline' });
      await insert(store, { streamId: 'gate', startMs, endMs, reason: 'clock_step' });
      const gaps = await store.inRange('gate', 0, 100_000);
      assert.deepEqual(
        gaps.filter(({ reason }) => reason === 'clock_step').map((gap) => [gap.startMs, gap.endMs]),
        left,
      );
      assert.equal(gaps.length, left.length + 2);
      await database.destroy();
    });

function segment(id: string, startMs: number, endMs: number): Segment {
  return {
    ...{ id, streamId: 'gate', runId: 'r', sequence: 0, backend: 'disk', key: id, startMs, endMs },
    ...{ bytes: 1, initBytes: 1, codecs: 'avc1', tracks: [], locked: false, closed: false },
  };
}
