import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catchUp, type PlaybackPoint, trimRange } from './catch-up.ts';

const point = (change: Partial<PlaybackPoint>): PlaybackPoint => ({
  currentTime: 100,
  playbackRate: 1,
  ranges: [{ start: 95, end: 100.5 }],
  shown: true,
  targetSeconds: 0.5,
  ...change,
});

const cases: readonly [string, Partial<PlaybackPoint>, { seekTo?: number; rate: number }][] = [
  ['nothing buffered: it waits', { ranges: [] }, { rate: 1 }],
  ['half a second behind: it plays on', {}, { rate: 1 }],
  ['two seconds behind: it plays faster', { currentTime: 98.5 }, { rate: 1.15 }],
  ['four seconds behind: it plays much faster', { currentTime: 96.5 }, { rate: 1.5 }],
  ['a catching player keeps its rate until it is close', { currentTime: 99.7, playbackRate: 1.15 }, { rate: 1.15 }],
  ['a catching player goes back to normal at the target', { currentTime: 99.95, playbackRate: 1.15 }, { rate: 1 }],
  ['far behind: it jumps', { ranges: [{ start: 80, end: 120 }] }, { seekTo: 119.5, rate: 1 }],
  ['before the first picture it does not jump', { ranges: [{ start: 100, end: 120 }], shown: false }, { rate: 1.5 }],
  ['before the buffer: it starts at its first picture', { currentTime: 0, shown: false }, { seekTo: 95.01, rate: 1 }],
  [
    'in a gap: it jumps over it',
    {
      currentTime: 97,
      ranges: [
        { start: 90, end: 96 },
        { start: 98, end: 98.2 },
      ],
    },
    { seekTo: 98.01, rate: 1 },
  ],
  [
    'at the last picture before a gap: it jumps over it',
    {
      currentTime: 97.95,
      ranges: [
        { start: 90, end: 98 },
        { start: 99, end: 99.4 },
      ],
    },
    { seekTo: 99.01, rate: 1 },
  ],
  ['the clock of the source was set back: it follows', { currentTime: 5000 }, { seekTo: 100, rate: 1 }],
  ['just past the end: it waits', { currentTime: 101 }, { rate: 1 }],
];

for (const [name, change, expected] of cases) test(name, () => assert.deepEqual(catchUp(point(change)), expected));

test('the past is trimmed only once there is much of it', () => {
  assert.equal(trimRange([], 10, 10), null);
  assert.equal(trimRange([{ start: 88, end: 101 }], 100, 10), null);
  assert.deepEqual(trimRange([{ start: 50, end: 101 }], 100, 10), { start: 50, end: 90 });
});
