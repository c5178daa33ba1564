import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weeksOf } from './weeks.ts';
import { dayText } from './zone.ts';

const months: readonly [number, number, string, string, number][] = [
  [2026, 11, '2026-10-26', '2026-12-06', 6],
  [2027, 2, '2027-02-01', '2027-02-28', 4],
  [2024, 2, '2024-01-29', '2024-03-03', 5],
];
for (const [year, month, first, last, count] of months) {
  test(`${year}-${month} is shown as ${count} whole weeks from Monday`, () => {
    const weeks = weeksOf(year, month);
    assert.equal(weeks.length, count);
    assert.ok(weeks.every((week) => week.length === 7));
    assert.equal(dayText(weeks[0]![0]!), first);
    assert.equal(dayText(weeks.at(-1)![6]!), last);
  });
}
