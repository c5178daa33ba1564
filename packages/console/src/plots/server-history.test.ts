import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerState } from '../api/types.ts';
import { addServerState, noServerHistory } from './server-history.ts';

function state(seconds: number, cpuSeconds: number): ServerState {
  const time = new Date(seconds * 1000).toISOString();
  return { time, cpu_seconds: cpuSeconds, resident_bytes: 1 } as ServerState;
}

test('the load is CPU time by the clock of the server', () => {
  const first = addServerState(noServerHistory, state(100, 7), 1000);
  const second = addServerState(first, state(104, 8), 9000);
  assert.deepEqual(
    second.samples.map(({ cpuPercent }) => cpuPercent),
    [null, 25],
  );
});

test('a server that was started anew has no load yet', () => {
  const first = addServerState(noServerHistory, state(100, 7), 1000);
  assert.equal(addServerState(first, state(110, 1), 9000).samples[1]?.cpuPercent, null);
});
