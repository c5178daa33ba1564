import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { SourceUnit } from '../../hub/types.ts';
import { UnitInput } from '../../hub/unit-input.ts';
import { Pace } from './pace.ts';
import { PacedInput } from './paced-input.ts';

const video: Track = { id: 0, kind: 'video', codec: 'vp9', clockRate: 90_000, parameterSets: [] };

const sound: Track = { id: 1, kind: 'audio', codec: 'pcmu', clockRate: 8000, parameterSets: [] };

interface Handed {
  readonly ms: number;
  readonly atMs: number;
}

const times = (from: number, to: number, step: number) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

/** One list; with `patienceMs` a second one, of sound, that follows it. */
function open(patienceMs = 0) {
  const clock = new ManualClock();
  const units: Handed[] = [];
  const heard: Handed[] = [];
  const input = new UnitInput(
    () => ({
      patienceMs: 0,
      ...{ writeRtp: () => {}, senderReport: () => {}, flush: () => {}, count: () => {}, close: () => {} },
      writeUnit: (index: number, unit: SourceUnit) => {
        const into = index === 0 ? units : heard;
        into.push({ ms: unit.dts / (index === 0 ? 90 : 8), atMs: clock.monotonicMs() });
      },
    }),
    clock,
  );
  input.expect({ video: true, audio: patienceMs > 0 });
  const stop = new AbortController();
  const pace = new Pace(clock, patienceMs);
  const leading = new PacedInput({ input, pace, signal: stop.signal });
  const following = new PacedInput({ input, pace, signal: stop.signal, isLeading: false });
  const entriesOf = (track: Track, times: readonly number[]) =>
    times.map((ms) => {
      const ticks = (ms * track.clockRate) / 1000;
      return {
        track,
        unit: { dts: ticks, pts: ticks, key: ms === 0 || track.kind === 'audio', units: [new Uint8Array(1)] },
      };
    });
  const run = async (work: Promise<unknown>) => {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      for (let i = 0; i < 5; i++) await Promise.resolve();
      if (!isDone) clock.advance(20);
    }
    await done;
  };
  const picture = (times: readonly number[], epoch = 0) => leading.write(entriesOf(video, times), epoch);
  const mixed = (units: readonly (readonly [track: Track, ms: number])[], epoch = 0) =>
    leading.write(
      units.flatMap(([track, ms]) => entriesOf(track, [ms])),
      epoch,
    );
  const tone = (times: readonly number[], epoch = 0) => following.write(entriesOf(sound, times), epoch);
  const write = (...times: readonly number[]) => run(picture(times));
  return { clock, units, heard, mixed, picture, tone, run, write, stop };
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
  const { units, picture, run } = open();
  await run(picture([10_000, 10_040], 4));
  await run(picture([500, 540], 5));
  await run(picture([7_000_000], 5));
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

test('sound that stands behind later pictures holds nothing up', async () => {
  const { clock, units, heard, mixed, run } = open();
  const held = (ms: number) => (ms % 400 === 360 ? times(ms - 380, ms, 100) : []);
  await run(
    mixed(times(0, 2000, 40).flatMap((ms) => [[video, ms] as const, ...held(ms).map((at) => [sound, at] as const)])),
  );
  assert.equal(clock.monotonicMs(), 1960);
  assert.deepEqual([units.at(-1), units.length], [{ ms: 1960, atMs: 1960 }, 50]);
  assert.deepEqual(heard.at(-1), { ms: 1880, atMs: 1960 });
});

test('a discontinuity with other sound costs no sound', async () => {
  const { heard, mixed, run } = open(2000);
  const other = { ...sound, codec: 'pcma' } as const;
  // Only the first picture of each is a key picture.
  const both = (tone: Track) => times(0, 400, 40).flatMap((ms) => [[video, ms] as const, [tone, ms + 10] as const]);
  await run(mixed(both(sound), 0));
  await run(mixed(both(other), 1));
  assert.equal(heard.length, 20);
});

test('a file that steps back by a little goes on at its pace', async () => {
  const { units, write } = open();
  await write(...times(0, 2000, 40), ...times(500, 3000, 40));
  assert.deepEqual(units.at(-1), { ms: 2980, atMs: 4440 });
});

test('it ends with its signal', async () => {
  const { write, stop } = open();
  stop.abort(new Error('over'));
  await assert.rejects(write(0, 1000), /over/);
});

test('pictures and sound of two lists are handed on by one clock; sound from before the first picture is left out', async () => {
  const { units, heard, picture, tone, run } = open(2000);
  await run(Promise.all([picture(times(10_000, 11_000, 40)), tone(times(8000, 11_000, 20))]));
  assert.deepEqual([units[0], units.length], [{ ms: 10_000, atMs: 0 }, 25]);
  assert.deepEqual([heard[0]?.ms, heard.length], [10_000, 50]);
  for (const { ms, atMs } of [...units, ...heard]) assert.ok(Math.abs(ms - 10_000 - atMs) <= 20, `${ms} at ${atMs}`);
});

test('both lists go over to a new timeline by the same step, whichever comes first', async () => {
  for (const [pictureEndMs, toneEndMs] of [
    [1000, 940],
    [1000, 1100],
  ] as const) {
    const { units, heard, picture, tone, run } = open(2000);
    const pictures = async () => {
      await picture(times(0, pictureEndMs, 40), 0);
      await picture(times(90_000, 91_000, 40), 1);
    };
    const tones = async () => {
      await tone(times(0, toneEndMs, 20), 0);
      await tone(times(89_980, 91_000, 20), 1);
    };
    await run(Promise.all([pictures(), tones()]));
    // The next picture comes 40 ms after the last one, at 960 ms.
    assert.deepEqual(
      units.map(({ ms }) => ms),
      times(0, 2000, 40),
    );
    const late = heard.filter(({ ms }) => ms >= 1100);
    assert.equal(late.at(-1)!.ms, 1980);
    for (const [i, { ms }] of heard.entries()) assert.ok(i === 0 || ms > heard[i - 1]!.ms);
  }
});

test('sound that hangs holds up nothing; what is too late is left out, and it is heard again in its place', async () => {
  const { clock, units, heard, picture, tone, run } = open(1000);
  const tones = async () => {
    await tone(times(0, 500, 20));
    await new Promise<void>((resolve) => clock.after(4000, resolve));
    await tone(times(500, 10_000, 20));
  };
  await run(Promise.all([picture(times(0, 10_000, 40)), tones()]));
  const latest = Math.max(...units.map(({ ms, atMs }) => atMs - ms));
  assert.ok(latest <= 1040, `pictures were up to ${latest} ms late`);
  const again = heard.find(({ ms }) => ms > 500)!;
  assert.ok(again.ms > 3000 && again.ms < 5000, `heard again at ${again.ms}`);
  for (const { ms, atMs } of heard.filter((one) => one.ms > 5000))
    assert.ok(Math.abs(atMs - ms) <= 1040, `${ms} at ${atMs}`);
});
