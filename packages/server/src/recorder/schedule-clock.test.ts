import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScheduleRange } from '../config/weekly-schedule.ts';
import { ScheduleClock } from './schedule-clock.ts';

const workDays = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;

function berlin(...ranges: ScheduleRange[]): ScheduleClock {
  return new ScheduleClock({ name: 'x', timeZone: 'Europe/Berlin', ranges });
}

const office = berlin(
  { days: workDays, from: '07:00', to: '12:00', record: 'continuous' },
  { days: workDays, from: '13:00', to: '19:00', record: 'continuous' },
  { days: workDays, from: '18:00', to: '20:00', record: 'events' },
);
const night = berlin({ days: ['sat', 'sun'], from: '22:00', to: '06:00', record: 'continuous' });
const early = berlin({ days: ['sun'], from: '02:00', to: '03:00', record: 'continuous' });
const smallHours = berlin({ days: ['sun'], from: '01:00', to: '02:30', record: 'continuous' });
const late = berlin({ days: ['sun'], from: '02:15', to: '05:00', record: 'continuous' });
const always = berlin({
  days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
  from: '00:00',
  to: '24:00',
  record: 'continuous',
});

test('a schedule says what to do by the clock of its time zone', () => {
  const cases: readonly [ScheduleClock, string, string][] = [
    [office, '2026-02-11T05:59:59Z', 'off'],
    [office, '2026-02-11T06:00:00Z', 'continuous'],
    [office, '2026-02-11T10:59:59Z', 'continuous'],
    [office, '2026-02-11T11:00:00Z', 'off'],
    [office, '2026-02-11T12:00:00Z', 'continuous'],
    // Both say something: what records more counts.
    [office, '2026-02-11T17:30:00Z', 'continuous'],
    [office, '2026-02-11T18:00:00Z', 'events'],
    [office, '2026-02-11T19:00:00Z', 'off'],
    [office, '2026-02-14T10:00:00Z', 'off'],
    // Across midnight, and across the end of the week.
    [night, '2026-02-14T20:59:00Z', 'off'],
    [night, '2026-02-14T21:00:00Z', 'continuous'],
    [night, '2026-02-15T04:59:00Z', 'continuous'],
    [night, '2026-02-15T05:00:00Z', 'off'],
    [night, '2026-02-16T04:59:00Z', 'continuous'],
    [night, '2026-02-16T05:00:00Z', 'off'],
    [always, '2026-02-16T23:59:59Z', 'continuous'],
    // Summer time begins on 29 March at 01:00 UTC: 02:00 becomes 03:00. It ends on 25 October at 01:00 UTC.
    [early, '2026-03-29T00:59:59Z', 'off'],
    [early, '2026-03-29T01:00:00Z', 'off'],
    [early, '2026-10-25T00:30:00Z', 'continuous'],
    [early, '2026-10-25T01:30:00Z', 'continuous'],
    [early, '2026-10-25T02:00:00Z', 'off'],
    [night, '2026-03-29T03:59:00Z', 'continuous'],
    [night, '2026-03-29T04:00:00Z', 'off'],
  ];
  for (const [clock, at, said] of cases) assert.equal(clock.at(Date.parse(at)), said, at);
});

test('the next change is told, also where the clock is set between', () => {
  const cases: readonly [ScheduleClock, string, string | undefined][] = [
    [office, '2026-02-11T05:30:20Z', '2026-02-11T06:00:00Z'],
    [office, '2026-02-11T06:00:00Z', '2026-02-11T11:00:00Z'],
    [office, '2026-02-11T17:10:00Z', '2026-02-11T18:00:00Z'],
    [office, '2026-02-13T19:00:00Z', '2026-02-16T06:00:00Z'],
    [night, '2026-03-28T22:00:00Z', '2026-03-29T04:00:00Z'],
    [night, '2026-10-24T21:00:00Z', '2026-10-25T05:00:00Z'],
    [office, '2026-03-27T19:00:00Z', '2026-03-30T05:00:00Z'],
    [always, '2026-02-11T05:30:20Z', undefined],
    // The whole range is skipped, and comes a week later.
    [early, '2026-03-28T12:00:00Z', '2026-04-05T00:00:00Z'],
    // It ends, and begins once more when the clock is set back into it.
    [smallHours, '2026-10-25T00:00:20Z', '2026-10-25T00:30:00Z'],
    [smallHours, '2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z'],
    [smallHours, '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z'],
    // The clock is set past its beginning.
    [late, '2026-03-29T00:59:20Z', '2026-03-29T01:00:00Z'],
  ];
  for (const [clock, at, next] of cases) {
    const found = clock.nextChangeMs(Date.parse(at));
    assert.equal(found, next === undefined ? undefined : Date.parse(next), at);
  }
});

test('the next change is the one that a look at each minute finds, on days of 23 and 25 hours', () => {
  for (const day of ['2026-03-28T20:00:00Z', '2026-10-24T20:00:00Z']) {
    for (const clock of [office, night, early, smallHours, late, always]) {
      let next = clock.nextChangeMs(Date.parse(day));
      for (let minute = 1; minute < 24 * 60; minute++) {
        const ms = Date.parse(day) + minute * 60_000;
        assert.equal(clock.at(ms) !== clock.at(ms - 60_000), ms === next, new Date(ms).toISOString());
        if (ms === next) next = clock.nextChangeMs(ms);
      }
    }
  }
});
