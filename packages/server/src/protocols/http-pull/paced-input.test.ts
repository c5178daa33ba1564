import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { SourceUnit } from '../../hub/types.ts';
import { UnitInput } from '../../hub/unit-input.ts';
import { PacedInput } from './paced-input.ts';

const video: Track = { id: 0, kind: 'video', codec: 'vp9', clockRate: 90_000, parameterSets: [] };

function open() {
  const clock = new ManualClock();
  const units: { ms: number; atMs: number }[] = [];
  const input = new UnitInput(
    () => ({
      ...{ writeRtp: () => {}, senderReport: () => {}, flush: () => {}, count: () => {}, close: () => {} },
      writeUnit: (_index: number, unit: SourceUnit) => {
        units.push({ ms: unit.dts / 90, atMs: clock.monotonicMs() });
      },
    }),
    clock,
  );
  input.expect({ video: true, audio: false });
  const stop = new AbortController();
  const paced = new PacedInput(input, clock, stop.signal);
  const write = async (...times: readonly number[]) => {
    const entries = times.map((ms) => ({
      track: video,
      unit: { dts: ms * 90, pts: ms * 90, key: true, units: [new Uint8Array(1)] },
    }));
    let isDone = false;
    const done = paced.write(entries).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await Promise.resolve();
      await Promise.resolve();
      if (!isDone) clock.advance(20);
    }
    return done;
  };
  return { clock, units, paced, write, stop };
}

test('units go on at the pace of their times, whenever they came', async () => {
  const { units, write } = open();
  await write(10_000, 10_040, 10_080, 11_000);
  assert.deepEqual(units, [
    { ms: 10_000, atMs: 0 },
    { ms: 10_040, atMs: 40 },
    { ms: 10_080, atMs: 80 },
    { ms: 11_000, atMs: 1000 },
  ]);
});

test('a discontinuity, told or not, goes on where the last one ended', async () => {
  const { units, paced, write } = open();
  await write(10_000, 10_040);
  paced.discontinuity();
  await write(500, 540);
  await write(7_000_000);
  assert.deepEqual(
    units.map(({ ms }) => ms),
    [10_000, 10_040, 10_080, 10_120, 10_160],
  );
  assert.deepEqual(
    units.map(({ atMs }) => atMs),
    [0, 40, 80, 120, 160],
  );
});

test('what comes late goes on late: nothing is shown faster than it was taken', async () => {
  const { clock, units, write } = open();
  await write(0, 40);
  clock.advance(3000);
  await write(80, 120);
  assert.deepEqual(
    units.map(({ atMs }) => atMs),
    [0, 40, 3040, 3080],
  );
});

test('it ends with its signal', async () => {
  const { write, stop } = open();
  stop.abort(new Error('over'));
  await assert.rejects(write(0, 1000), /over/);
});
