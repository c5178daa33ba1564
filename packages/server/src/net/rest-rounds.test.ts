import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { RestRounds } from './rest-rounds.ts';

test('whoever rests is woken once, at most 13 ms before or after its time', () => {
  const clock = new ManualClock();
  const rounds = new RestRounds(clock);
  clock.advance(3);
  const woken: { readonly restMs: number; readonly afterMs: number }[] = [];
  for (const restMs of [200, 40, 61, 65, 120])
    rounds.rest({ wake: () => woken.push({ restMs, afterMs: clock.monotonicMs() - 3 }) }, restMs);
  for (let i = 0; i < 1000; i++) clock.advance(1);
  assert.deepEqual(
    woken.map(({ restMs }) => restMs),
    [40, 61, 65, 120, 200],
  );
  for (const { restMs, afterMs } of woken) assert.ok(Math.abs(afterMs - restMs) <= 13, `${restMs}: ${afterMs}`);
});

test('who rests again when woken is in a later round, and there is one timer for all, none without them', () => {
  const clock = new ManualClock();
  let timers = 0;
  const rounds = new RestRounds({
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, task) => {
      timers++;
      return clock.after(delayMs, task);
    },
  });
  let woken = 0;
  const resting = {
    wake: () => {
      if (++woken <= 300) rounds.rest(resting, 100);
    },
  };
  for (let i = 0; i < 100; i++) rounds.rest(resting, 100);
  clock.advance(60_000);
  assert.equal(woken, 400);
  assert.ok(timers <= 5, `${timers} timers`);
});
