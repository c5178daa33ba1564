import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clampView,
  firstView,
  followInView,
  minViewMs,
  nextRecorded,
  panView,
  steppedBack,
  stretchAt,
  tickStep,
  ticks,
  timeToX,
  xToTime,
  zoomView,
} from './geometry.ts';
import { dayBounds } from './zone.ts';

const hour = 3_600_000;
const startMs = Date.parse('2026-06-01T00:00:00Z');
const day = { startMs, endMs: startMs + 24 * hour };

test('pixel and instant are each other’s inverse', () => {
  for (const x of [0, 1, 333, 999, 1000]) {
    assert.ok(Math.abs(timeToX(day, 1000, xToTime(day, 1000, x)) - x) < 0.01);
  }
});

test('places outside the canvas are its edges', () => {
  assert.equal(xToTime(day, 1000, -50), day.startMs);
  assert.equal(xToTime(day, 1000, 5000), day.endMs);
});

test('zooming keeps the instant under the pointer', () => {
  const anchorMs = startMs + 10 * hour;
  const closer = zoomView(day, day, { factor: 4, anchorMs });
  assert.equal(closer.endMs - closer.startMs, 6 * hour);
  assert.equal(timeToX(closer, 1000, anchorMs), timeToX(day, 1000, anchorMs));
});

test('zooming stops at a minute and at the day', () => {
  const anchorMs = startMs + 10 * hour;
  const closest = zoomView(day, day, { factor: 1e9, anchorMs });
  assert.equal(closest.endMs - closest.startMs, minViewMs);
  assert.deepEqual(zoomView(closest, day, { factor: 1e-9, anchorMs }), day);
});

test('a view cannot be moved out of its day', () => {
  const view = { startMs: startMs + hour, endMs: startMs + 3 * hour };
  assert.deepEqual(panView(view, day, -5 * hour), { startMs, endMs: startMs + 2 * hour });
  assert.deepEqual(panView(view, day, 50 * hour), { startMs: day.endMs - 2 * hour, endMs: day.endMs });
  assert.deepEqual(clampView({ startMs: startMs - hour, endMs: startMs + 40 * hour }, day), day);
});

test('a view follows what plays only when it leaves', () => {
  const view = { startMs, endMs: startMs + hour };
  assert.equal(followInView(view, day, startMs + hour / 2), view);
  const moved = followInView(view, day, startMs + 2 * hour);
  assert.ok(moved.startMs < startMs + 2 * hour && moved.endMs > startMs + 2 * hour);
});

test('labels never touch, at any zoom', () => {
  for (let lengthMs = minViewMs; lengthMs <= 25 * hour; lengthMs *= 1.3) {
    const view = { startMs, endMs: startMs + lengthMs };
    const stepMs = tickStep(view, 900);
    assert.ok((stepMs / lengthMs) * 900 >= 64, `${lengthMs}`);
    assert.ok(ticks(view, stepMs, 'UTC').length <= 900 / 64 + 1);
  }
});

const tickCases: readonly [string, string, number, number][] = [
  ['2026-03-29', 'Europe/Berlin', hour, 23],
  ['2026-10-25', 'Europe/Berlin', hour, 25],
  ['2026-06-01', 'Europe/Berlin', hour, 24],
  ['2026-03-29', 'Europe/Berlin', 6 * hour, 4],
  ['2026-06-01', 'Asia/Kathmandu', 3 * hour, 8],
];
for (const [date, zone, step, count] of tickCases) {
  test(`${date} in ${zone} has ${count} ticks each ${step / hour} h`, () => {
    const [year = 0, month = 0, dayOfMonth = 0] = date.split('-').map(Number);
    assert.equal(ticks(dayBounds({ year, month, day: dayOfMonth }, zone), step, zone).length, count);
  });
}

test('playback asked for in a hole starts at what was recorded next', () => {
  const spans = [
    { startMs: 100, endMs: 200 },
    { startMs: 300, endMs: 400 },
  ];
  assert.equal(nextRecorded(spans, 150), 150);
  assert.equal(nextRecorded(spans, 250), 300);
  assert.equal(nextRecorded(spans, 200), 300);
  assert.equal(nextRecorded(spans, 400), null);
  assert.equal(stretchAt(spans, 250), undefined);
  assert.deepEqual(stretchAt(spans, 399), spans[1]);
});

test('a camera that was just added is shown from close by', () => {
  const nowMs = startMs + 12 * hour;
  const view = firstView(day, [{ startMs: nowMs - 60_000, endMs: nowMs }], nowMs);
  assert.ok(view.endMs - view.startMs <= 15 * 60_000 && view.startMs < nowMs - 60_000 && view.endMs > nowMs);
  assert.deepEqual(firstView(day, [{ startMs: startMs + hour, endMs: nowMs }], nowMs), day);
  assert.deepEqual(firstView(day, [], nowMs), day);
  assert.deepEqual(firstView(day, [{ startMs: day.endMs - hour, endMs: day.endMs }], day.endMs + hour), day);
});

test('stepping back into a hole leads to before it', () => {
  const spans = [
    { startMs: 0, endMs: 60_000 },
    { startMs: 100_000, endMs: 104_000 },
    { startMs: 200_000, endMs: 300_000 },
  ];
  assert.equal(steppedBack(spans, 250_000), 250_000);
  assert.equal(steppedBack(spans, 190_000), 100_000);
  assert.equal(steppedBack(spans, 95_000), 50_000);
  assert.equal(steppedBack([{ startMs: 500, endMs: 900 }], 100), 500);
  assert.equal(steppedBack([], 100), null);
});
