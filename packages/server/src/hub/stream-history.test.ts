import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamHistory, type StreamTotals } from './stream-history.ts';

const totals = (n: number, repaired: Record<string, number> = {}): StreamTotals => ({
  packets: n * 10,
  lost: n,
  frames: n * 2,
  bytes: n * 100,
  droppedUnits: 0,
  repaired,
});

test('the last three minutes count, and what came before does not', () => {
  const history = new StreamHistory();
  history.begin(0, false);
  for (let second = 0; second <= 600; second++)
    history.tick(second * 1000, () => totals(second, { wrap: second >> 1, back: 3 }));
  const { seconds, packets, lost, frames, bytes, repaired } = history.recent(
    605_000,
    totals(605, { wrap: 302, back: 3 }),
  );
  assert.deepEqual(
    { seconds, packets, lost, frames, bytes, repaired },
    { seconds: 185, packets: 1850, lost: 185, frames: 370, bytes: 18_500, repaired: { wrap: 92 } },
  );
});

test('the longest gap is that of the last minutes', () => {
  const history = new StreamHistory();
  history.begin(0, false);
  history.tick(0, () => totals(0));
  history.waited(900);
  history.waited(40);
  history.tick(10_000, () => totals(0));
  assert.equal(history.recent(15_000, totals(0)).longestGapMs, 900);
  for (let second = 20; second <= 300; second += 10) history.tick(second * 1000, () => totals(0));
  history.waited(70);
  assert.equal(history.recent(300_000, totals(0)).longestGapMs, 70);
});

test('key pictures are measured within a session; sessions lost within an hour are counted', () => {
  const history = new StreamHistory();
  history.begin(0, false);
  for (const ms of [0, 2000, 4000, 9000]) history.key(ms);
  history.clockOffset(-1500);
  const before = history.recent(10_000, totals(1));
  assert.deepEqual([before.keyIntervalsMs, before.clockOffsetMs, before.reconnects], [[2000, 2000, 5000], -1500, 0]);
  history.begin(20_000, true);
  history.key(60_000);
  const after = history.recent(30_000, totals(1));
  assert.deepEqual([after.keyIntervalsMs, after.clockOffsetMs, after.reconnects], [[], undefined, 1]);
  assert.equal(history.recent(4_000_000, totals(1)).reconnects, 0);
});
