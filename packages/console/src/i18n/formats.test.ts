import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFormats } from './formats.ts';

const hour = 3_600_000;
const durations: readonly [number, string, string][] = [
  [0, '0 s', '0 с'],
  [59_400, '59 s', '59 с'],
  [90_000, '1 min 30 s', '1 мин 30 с'],
  [2 * hour, '2 h', '2 ч'],
  [23 * hour, '23 h', '23 ч'],
  [25 * hour, '25 h', '25 ч'],
  [49 * hour, '2 d 1 h', '2 д 1 ч'],
];
for (const [ms, en, ru] of durations) {
  test(`${ms} ms is ${en}`, () => {
    assert.equal(createFormats('en', 'UTC').duration(ms), en);
    assert.equal(createFormats('ru', 'UTC').duration(ms), ru);
  });
}

test('sizes and rates are told with the unit that fits', () => {
  const formats = createFormats('en', 'UTC');
  assert.equal(formats.bytes(999), '999 B');
  assert.equal(formats.bytes(1536), '1.5 KiB');
  assert.equal(formats.bytes(500 * 1024 ** 3), '500 GiB');
  assert.equal(formats.bitRate(4_213_000), '4.2 Mbit/s');
});

test('times are those of the zone, 24 hours', () => {
  const ms = Date.parse('2026-07-01T22:30:05Z');
  assert.equal(createFormats('en', 'Europe/Berlin').time(ms), '00:30:05');
  assert.equal(createFormats('zh', 'Asia/Shanghai').clock(ms), '06:30');
});
