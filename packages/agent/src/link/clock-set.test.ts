import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { clockOffsetMs, sleepUntilSet } from './clock-set.ts';

const hourMs = 3_600_000;

/** Advances a clock second by second until the sleep ends; returns how long that took. */
async function sleptMs(clock: ManualClock, offsetMs: number, stepAt?: { ms: number; by: number }): Promise<number> {
  let isOver = false;
  const beganMs = clock.monotonicMs();
  const { signal } = new AbortController();
  void sleepUntilSet(clock, 25_500, { offsetMs, signal }).then(() => {
    isOver = true;
  });
  for (;;) {
    for (let i = 0; i < 5; i++) await Promise.resolve();
    const sinceMs = clock.monotonicMs() - beganMs;
    if (isOver) return sinceMs;
    assert.ok(sinceMs < 60_000);
    if (stepAt?.ms === sinceMs) clock.stepWall(stepAt.by);
    clock.advance(500);
  }
}

test('a wait is as long as it was to be, whatever NTP slews, and where the clock is set back', async () => {
  const clock = new ManualClock(0);
  assert.equal(await sleptMs(clock, clockOffsetMs(clock)), 25_500);
  assert.equal(await sleptMs(clock, clockOffsetMs(clock), { ms: 3000, by: 900 }), 25_500);
  assert.equal(await sleptMs(clock, clockOffsetMs(clock), { ms: 3000, by: -hourMs }), 25_500);
});

test('a clock that is set ends the wait within a second, or before it began', async () => {
  const clock = new ManualClock(0);
  const offsetMs = clockOffsetMs(clock);
  const took = await sleptMs(clock, offsetMs, { ms: 3500, by: 50 * 365 * 24 * hourMs });
  assert.ok(took > 3500 && took <= 4500, `${took} ms`);
  assert.equal(await sleptMs(clock, offsetMs), 0);
});

test('a wait that nobody wants any more rejects', async () => {
  const clock = new ManualClock(0);
  const abort = new AbortController();
  const waits = sleepUntilSet(clock, 10_000, { offsetMs: clockOffsetMs(clock), signal: abort.signal });
  abort.abort(new Error('stopped'));
  await assert.rejects(waits, { message: 'stopped' });
});
