import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from './backoff.ts';

const middle = () => 0.5;

test('delays double up to a cap and go on for ever', () => {
  const backoff = new Backoff(5000, middle);
  const delays = Array.from({ length: 6 }, () => backoff.next('unavailable', 0));
  assert.deepEqual(delays, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
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
  assert.equal(backoff.next('unavailable', 0), 2000);
});
