import assert from 'node:assert/strict';
import test from 'node:test';
import type { Clock } from '@watchpost/base/clock.ts';
import { EventLoopLag } from './event-loop-lag.ts';

test('timers that come late are lag, those on time are none; a reading begins anew', () => {
  let nowMs = 5000;
  let due: { atMs: number; task: () => void } | undefined;
  const clock: Clock = {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, task) => {
      due = { atMs: nowMs + delayMs, task };
      return () => {
        due = undefined;
      };
    },
  };
  const comesLateBy = (ms: number) => {
    const { atMs, task } = due!;
    nowMs = atMs + ms;
    task();
  };
  const about = (seconds: number, expected: number) => assert.ok(Math.abs(seconds - expected) < 0.001, `${seconds}`);

  const lag = new EventLoopLag(clock);
  assert.deepEqual(lag.read(), { mean: 0, p99: 0, max: 0 });
  for (const ms of [0, 0, 0, 80]) comesLateBy(ms);
  const { mean, max } = lag.read();
  about(mean, 0.02);
  about(max, 0.08);
  comesLateBy(0);
  about(lag.read().max, 0);
  lag[Symbol.dispose]();
  assert.equal(due, undefined);
});
