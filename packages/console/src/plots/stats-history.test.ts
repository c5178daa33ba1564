import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamStats } from '../api/types.ts';
import { addStats, axisEnd, historyMs, historyRange, noHistory, readerProtocols } from './stats-history.ts';

const stats: StreamStats = {
  ...{ stream_id: 'gate', bytes: 0, packets: 0, frames: 0, lost: 0, dropped_units: 0, repaired: {}, counters: {} },
  ...{ bitrate: 4_000_000, fps: 25, gop_seconds: 2, gop_cache_bytes: 0, reconnects: 0, readers: [] },
};

test('loss is counted from answer to answer', () => {
  const first = addStats(noHistory, { ...stats, packets: 1000, lost: 50 }, 1000);
  const second = addStats(first, { ...stats, packets: 1090, lost: 60 }, 2000);
  assert.deepEqual(
    second.samples.map(({ lostPercent }) => lostPercent),
    [0, 10],
  );
});

test('counters that begin anew are no loss', () => {
  const first = addStats(noHistory, { ...stats, packets: 1000, lost: 0 }, 1000);
  assert.equal(addStats(first, { ...stats, packets: 10, lost: 3 }, 2000).samples[1]?.lostPercent, 0);
});

test('a connection that was made anew is marked once', () => {
  let history = addStats(noHistory, stats, 1000);
  history = addStats(history, { ...stats, reconnects: 1 }, 2000);
  history = addStats(history, { ...stats, reconnects: 1 }, 3000);
  assert.deepEqual(
    history.samples.map(({ reconnected }) => reconnected),
    [false, true, false],
  );
});

test('what is old, and what is too much, is forgotten', () => {
  let history = noHistory;
  for (let atMs = 0; atMs <= historyMs + 60_000; atMs += 100) history = addStats(history, stats, atMs);
  assert.equal(history.samples.length, 600);
  history = addStats(history, stats, 10 * historyMs);
  assert.equal(history.samples.length, 1);
});

test('readers are told by protocol', () => {
  const first = addStats(noHistory, { ...stats, readers: [{ protocol: 'hls', count: 3, dropped: 0 }] }, 1000);
  const second = addStats(first, { ...stats, readers: [{ protocol: 'fmp4', count: 1, dropped: 0 }] }, 2000);
  assert.deepEqual(readerProtocols(second.samples), ['fmp4', 'hls']);
});

for (const [values, least, end] of [
  [[], 1, 1],
  [[3.1, null], 1, 4],
  [[4_200_000], 1000, 6_000_000],
  [[25.1], 1, 30],
  [[81], 1, 100],
  [[0.2], 1, 1],
] as const)
  test(`an axis for ${values.join(' and ') || 'nothing'} ends at ${end}`, () =>
    assert.equal(axisEnd([...values], least), end));

test('a plot shows a minute at least, and all that is remembered at most', () => {
  let history = addStats(noHistory, stats, 1_000_000);
  assert.deepEqual(historyRange(history.samples), { startMs: 940_000, endMs: 1_000_000 });
  history = addStats(history, stats, 1_200_000);
  assert.deepEqual(historyRange(history.samples), { startMs: 1_000_000, endMs: 1_200_000 });
});
