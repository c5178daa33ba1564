import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScheduleRange } from '../api/types.ts';
import { emptyWeek, isSameWeek, paint, rangesOf, runsOf, weekDays, weekOf } from './week.ts';

const all = [...weekDays];
const cases: readonly [string, ScheduleRange[]][] = [
  ['nothing', []],
  ['a whole week', [{ days: all, from: '00:00', to: '24:00', record: 'continuous' }]],
  ['working hours', [{ days: ['mon', 'tue', 'wed'], from: '07:30', to: '19:05', record: 'events' }]],
  [
    'both',
    [
      { days: ['sat', 'sun'], from: '00:00', to: '08:00', record: 'events' },
      { days: ['sat', 'sun'], from: '08:00', to: '24:00', record: 'continuous' },
    ],
  ],
];
for (const [title, ranges] of cases)
  test(`ranges of a week are those it was made of: ${title}`, () => assert.deepEqual(rangesOf(weekOf(ranges)), ranges));

test('a range that passes midnight ends on the day after, on Monday after Sunday', () => {
  const week = weekOf([{ days: ['sun'], from: '22:00', to: '06:00', record: 'continuous' }]);
  assert.deepEqual(runsOf(week, 6), [{ from: 1320, to: 1440, mode: 'continuous' }]);
  assert.deepEqual(runsOf(week, 0), [{ from: 0, to: 360, mode: 'continuous' }]);
});

test('always counts before events', () => {
  const day = { days: all, from: '00:00', to: '24:00' };
  const week = weekOf([
    { ...day, record: 'continuous' },
    { ...day, record: 'events' },
  ]);
  assert.deepEqual(runsOf(week, 3), [{ from: 0, to: 1440, mode: 'continuous' }]);
});

test('a rectangle is painted whichever corner it begins at, and painted off', () => {
  const painted = paint(emptyWeek, { days: [4, 1], from: 480, to: 720 }, 'events');
  assert.deepEqual(rangesOf(painted), [
    { days: ['tue', 'wed', 'thu', 'fri'], from: '08:00', to: '12:00', record: 'events' },
  ]);
  const cut = paint(painted, { days: [1, 1], from: 540, to: 600 }, 'off');
  assert.deepEqual(
    runsOf(cut, 1).map(({ from, to }) => [from, to]),
    [
      [480, 540],
      [600, 720],
    ],
  );
});

test('schedules are the same where they record the same, however their ranges are written', () => {
  const days = ['sat'] as const;
  const night = {
    time_zone: null,
    ranges: [{ days: [...days], from: '22:00', to: '06:00', record: 'events' as const }],
  };
  const parts = {
    time_zone: null,
    ranges: [
      { days: ['sun' as const], from: '00:00', to: '06:00', record: 'events' as const },
      { days: [...days], from: '22:00', to: '24:00', record: 'events' as const },
    ],
  };
  assert.equal(isSameWeek(night, parts), true);
  assert.equal(isSameWeek(night, { ...night, time_zone: 'UTC' }), false);
  assert.equal(isSameWeek(night, { ...night, ranges: [] }), false);
  assert.equal(isSameWeek(undefined, undefined), true);
  assert.equal(isSameWeek(undefined, night), false);
});
