import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldError } from '../net/problem.ts';
import { dayOf, daysBetween } from './calendar.ts';

const days: readonly { zone: string; day: string; start: string; hours: number; why: string }[] = [
  { zone: 'UTC', day: '2026-02-11', start: '2026-02-11T00:00:00.000Z', hours: 24, why: 'an ordinary day' },
  { zone: 'Europe/Berlin', day: '2026-03-29', start: '2026-03-28T23:00:00.000Z', hours: 23, why: 'summer time begins' },
  { zone: 'Europe/Berlin', day: '2026-03-30', start: '2026-03-29T22:00:00.000Z', hours: 24, why: 'the day after' },
  { zone: 'Europe/Berlin', day: '2026-10-25', start: '2026-10-24T22:00:00.000Z', hours: 25, why: 'summer time ends' },
  { zone: 'Europe/Berlin', day: '2026-10-26', start: '2026-10-25T23:00:00.000Z', hours: 24, why: 'the day after' },
  {
    zone: 'America/New_York',
    day: '2026-03-08',
    start: '2026-03-08T05:00:00.000Z',
    hours: 23,
    why: 'west of Greenwich',
  },
  {
    zone: 'America/New_York',
    day: '2026-11-01',
    start: '2026-11-01T04:00:00.000Z',
    hours: 25,
    why: 'west of Greenwich',
  },
  { zone: 'Asia/Shanghai', day: '2026-03-29', start: '2026-03-28T16:00:00.000Z', hours: 24, why: 'no summer time' },
  { zone: 'Asia/Kolkata', day: '2026-01-01', start: '2025-12-31T18:30:00.000Z', hours: 24, why: 'half an hour' },
  { zone: 'Asia/Beirut', day: '2024-03-31', start: '2024-03-30T22:00:00.000Z', hours: 23, why: 'midnight is skipped' },
  {
    zone: 'America/Havana',
    day: '2024-11-03',
    start: '2024-11-03T04:00:00.000Z',
    hours: 25,
    why: 'midnight comes twice',
  },
  {
    zone: 'Australia/Lord_Howe',
    day: '2026-04-05',
    start: '2026-04-04T13:00:00.000Z',
    hours: 24.5,
    why: 'half an hour of summer time',
  },
];

for (const { zone, day, start, hours, why } of days)
  test(`${day} in ${zone} has ${hours} hours: ${why}`, () => {
    const [found] = daysBetween(day, day, { timeZone: zone, maxDays: 1 });
    assert.equal(new Date(found!.startMs).toISOString(), start);
    assert.equal((found!.endMs - found!.startMs) / 3_600_000, hours);
    assert.equal(dayOf(found!.startMs, zone), day);
    assert.equal(dayOf(found!.endMs - 1, zone), day);
  });

test('the days of a year follow each other without a hole in any zone', () => {
  for (const timeZone of ['Europe/Berlin', 'America/Havana', 'Australia/Lord_Howe', 'Africa/Casablanca']) {
    const year = daysBetween('2026-01-01', '2026-12-31', { timeZone, maxDays: 366 });
    assert.equal(year.length, 365);
    for (let i = 1; i < year.length; i++) assert.equal(year[i]!.startMs, year[i - 1]!.endMs, year[i]!.day);
  }
});

const wrong: readonly [string, string, string, string][] = [
  ['2026-2-1', '2026-02-02', 'UTC', 'from'],
  ['2026-02-01', '2026-02-31', 'UTC', 'to'],
  ['2026-02-02', '2026-02-01', 'UTC', 'to'],
  ['2026-01-01', '2026-02-01', 'UTC', 'to'],
  ['2026-02-01', '2026-02-01', 'Mars/Olympus', 'tz'],
];

for (const [from, to, timeZone, field] of wrong)
  test(`days from ${from} to ${to} in ${timeZone} are refused, naming ${field}`, () => {
    assert.throws(
      () => daysBetween(from, to, { timeZone, maxDays: 31 }),
      (error) => error instanceof FieldError && error.fields[0]!.field === field,
    );
  });
