import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedFrom } from './record.ts';

test("what is recorded counts from now on, of a device's own recordings from the begin of the range", () => {
  const nowMs = Date.UTC(2026, 10, 22, 9);
  const range = '2026-11-22T08:00:00Z/2026-11-22T08:00:10Z';
  const cases: [string, number][] = [
    ['rtsp://192.0.2.10/main', nowMs],
    ['test:clock', nowMs],
    ['http://192.0.2.10/live.m3u8#a=b', nowMs],
    [`rtsp://192.0.2.10/replay#replay=${range}`, Date.UTC(2026, 10, 22, 8)],
  ];
  for (const [address, expected] of cases) assert.equal(recordedFrom(address, nowMs), expected, address);
});
