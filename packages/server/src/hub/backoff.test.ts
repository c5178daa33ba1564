import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from './backoff.ts';

const middle = () => 0.5;

test('a camera that was away is asked again within a quarter of that time and its first delay', () => {
  const backoff = new Backoff(5000, middle);
  let awayMs = 0;
  for (let i = 0; i < 12; i++) {
    const delayMs = backoff.next('unavailable', 0);
    assert(delayMs <= awayMs / 4 + 5001, `${delayMs} ms after ${awayMs}`);
    awayMs += delayMs;
  }
  assert(awayMs > 120_000, `${awayMs}`);
});

test('delays grow up to a cap and go on for ever', () => {
  for (const [kind, firstMs, maxMs] of [
    ['unavailable', 5000, 60_000],
    ['timeout', 1000, 30_000],
  ] as const) {
    const backoff = new Backoff(5000, middle);
    const delays = Array.from({ length: 100 }, () => backoff.next(kind, 0));
    assert.equal(delays[0], firstMs);
    assert.deepEqual(
      delays,
      delays.toSorted((a, b) => a - b),
    );
    assert.deepEqual(delays.slice(20), Array(80).fill(maxMs));
  }
});

test('wrong credentials wait for minutes, so that no camera locks its account', () => {
  const backoff = new Backoff(5000, middle);
  const delays = Array.from({ length: 5 }, () => backoff.next('unauthenticated', 0));
  assert.deepEqual(delays, [60_000, 120_000, 240_000, 480_000, 600_000]);
});

test('a healthy session starts over', () => {
  const backoff = new Backoff(5000, middle);
  backoff.next('timeout', 0);
  backoff.next('timeout', 0);
  assert.equal(backoff.next('timeout', 60_000), 1000);
});

test('cameras that failed together come back apart', () => {
  const delays = new Set(Array.from({ length: 20 }, () => new Backoff(5000).next('unavailable', 0)));
  assert(delays.size > 10);
  for (const delay of delays) assert(delay >= 4000 && delay <= 6000, `${delay}`);
});

test('another first delay counts from the next failure on', () => {
  const backoff = new Backoff(5000, () => 0.5);
  assert.equal(backoff.next('unavailable', 0), 5000);
  backoff.reconnectDelayMs = 1000;
  assert.equal(backoff.next('unavailable', 0), 1250);
});
