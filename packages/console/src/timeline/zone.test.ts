import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, dayBounds, dayOf, dayText, wallClockMs, zoneOffsetMs } from './zone.ts';

const hour = 3_600_000;
const day = (text: string) => {
  const [year = 0, month = 0, date = 0] = text.split('-').map(Number);
  return { year, month, day: date };
};

const lengths: readonly [string, string, number, string][] = [
  ['Europe/Berlin', '2026-03-29', 23, '2026-03-28T23:00:00.000Z'],
  ['Europe/Berlin', '2026-10-25', 25, '2026-10-24T22:00:00.000Z'],
  ['Europe/Berlin', '2026-06-01', 24, '2026-05-31T22:00:00.000Z'],
  ['Europe/Moscow', '2026-03-29', 24, '2026-03-28T21:00:00.000Z'],
  ['Asia/Shanghai', '2026-11-21', 24, '2026-11-20T16:00:00.000Z'],
  ['America/New_York', '2026-11-01', 25, '2026-11-01T04:00:00.000Z'],
  ['Australia/Lord_Howe', '2026-04-05', 24.5, '2026-04-04T13:00:00.000Z'],
  ['Asia/Kathmandu', '2026-01-01', 24, '2025-12-31T18:15:00.000Z'],
  // Clocks go from 24:00 to 01:00, so the day begins at one o'clock.
  ['America/Santiago', '2026-09-06', 23, '2026-09-06T04:00:00.000Z'],
  ['Pacific/Kiritimati', '2026-01-01', 24, '2025-12-31T10:00:00.000Z'],
  ['Pacific/Pago_Pago', '2026-01-01', 24, '2026-01-01T11:00:00.000Z'],
  ['UTC', '2026-02-28', 24, '2026-02-28T00:00:00.000Z'],
];

for (const [zone, date, hours, start] of lengths) {
  test(`${date} in ${zone} has ${hours} hours`, () => {
    const { startMs, endMs } = dayBounds(day(date), zone);
    assert.equal((endMs - startMs) / hour, hours);
    assert.equal(new Date(startMs).toISOString(), start);
    assert.equal(dayText(dayOf(startMs, zone)), date);
    assert.notEqual(dayText(dayOf(startMs - 1, zone)), date);
    assert.equal(dayText(dayOf(endMs - 1, zone)), date);
  });
}

test('a clock on the wall repeats an hour when clocks go back', () => {
  const first = Date.parse('2026-10-25T00:30:00Z');
  assert.equal(wallClockMs(first, 'Europe/Berlin'), 2.5 * hour);
  assert.equal(wallClockMs(first + hour, 'Europe/Berlin'), 2.5 * hour);
});

test('the offset of a zone follows summer time', () => {
  assert.equal(zoneOffsetMs(Date.parse('2026-01-01T00:00:00Z'), 'Europe/Berlin'), hour);
  assert.equal(zoneOffsetMs(Date.parse('2026-07-01T00:00:00Z'), 'Europe/Berlin'), 2 * hour);
});

test('days are added over the ends of months and years', () => {
  assert.equal(dayText(addDays(day('2026-12-31'), 1)), '2027-01-01');
  assert.equal(dayText(addDays(day('2028-03-01'), -1)), '2028-02-29');
});
