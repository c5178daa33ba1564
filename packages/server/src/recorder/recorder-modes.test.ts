import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gap, Segment } from '../catalog/types.ts';
import type { RecordingRules } from '../config/recording-rules.ts';
import type { WeeklySchedule } from '../config/weekly-schedule.ts';
import { type Bench, type FakeStream, openBench, settle } from './test-bench.ts';

const forever = [0, 1e14] as const;

async function recorded(bench: Bench): Promise<{ segments: readonly Segment[]; gaps: readonly Gap[] }> {
  return {
    segments: await bench.recorder.query.segments('gate', ...forever),
    gaps: await bench.recorder.query.gaps('gate', ...forever),
  };
}

/** From the first moment on each moment is recorded or explained, and never both. */
async function spansOf(bench: Bench, fromMs: number): Promise<[what: string, fromMs: number, toMs: number][]> {
  const { segments, gaps } = await recorded(bench);
  const nowMs = bench.clock.wallMs();
  const spans = [
    ...segments.map((one) => ({ startMs: one.startMs, endMs: one.endMs, what: 'video' })),
    ...gaps.map((one) => ({ startMs: one.startMs, endMs: one.endMs ?? nowMs, what: one.reason })),
  ].sort((a, b) => a.startMs - b.startMs);
  const merged: [string, number, number][] = [];
  let at = fromMs;
  for (const { what, startMs, endMs } of spans) {
    assert(Math.abs(startMs - at) < 250, `at +${at - fromMs}: ${JSON.stringify(spans)}`);
    at = endMs;
    const last = merged.at(-1);
    if (last?.[0] === what) last[2] = endMs - fromMs;
    else merged.push([what, startMs - fromMs, endMs - fromMs]);
  }
  return merged;
}

function camera(
  bench: Bench,
  recording: RecordingRules,
  more: { onDemand?: boolean; record?: boolean } = {},
): FakeStream {
  const stream = bench.hub.add('gate', { record: true, recording, ...more });
  stream.connect();
  return stream;
}

test('nothing is stored until something happens, and then what was before it, too', async () => {
  await using bench = await openBench();
  const fromMs = bench.clock.wallMs();
  camera(bench, { mode: 'events', preRollSeconds: 3, postRollSeconds: 4 });
  await bench.run(12_000);
  assert.deepEqual((await recorded(bench)).segments, []);
  assert.equal(bench.recorder.state('gate').state, 'waiting');
  assert.equal(bench.recorder.state('gate').reason, 'no_event');
  assert.equal(bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' }), true);
  await bench.run(2000);
  const { state, cause, event } = bench.recorder.state('gate');
  assert.deepEqual({ state, cause, event }, { state: 'recording', cause: 'event', event: 'motion' });
  await bench.run(10_000);
  const [waiting, video, after] = await spansOf(bench, fromMs);
  assert.equal(waiting![0], 'no_event');
  assert(video![1] <= 9000 && video![1] >= 7900, `the pre-roll begins at a key picture: ${video![1]}`);
  assert(video![2] >= 16_000 && video![2] <= 17_900, `the post-roll ends at a key picture: ${video![2]}`);
  assert.equal(after![0], 'no_event');
  assert.equal(bench.recorder.state('gate').state, 'waiting');
  assert.deepEqual(
    bench.events.filter((one) => one.type === 'recording.gap' || one.level !== 'info'),
    [],
  );
});

test('of a stream that is stopped no event is recorded; of a camera that is away, once it is back', async () => {
  await using bench = await openBench();
  const stream = camera(bench, { mode: 'events', preRollSeconds: 0, postRollSeconds: 4 });
  const trigger = () => bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' });
  stream.state = 'offline';
  assert.equal(trigger(), true);
  stream.state = 'stopped';
  assert.equal(trigger(), false);
});

test('an event ends at a key picture of after its post-roll, however late pictures come and however rare keys are [M4, M5]', async () => {
  for (const { gop, lateMs } of [
    { gop: 100, lateMs: 0 },
    { gop: 20, lateMs: 0 },
    { gop: 25, lateMs: 1500 },
  ]) {
    await using bench = await openBench();
    const fromMs = bench.clock.wallMs();
    const stream = camera(bench, { mode: 'events', preRollSeconds: 0, postRollSeconds: 2 });
    Object.assign(stream, { gop, wallErrorMs: -lateMs });
    for (let i = 0; i < 6; i++) {
      await bench.run(8120);
      const eventMs = bench.clock.wallMs() - fromMs;
      bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' });
      await bench.run(8000);
      const end = (await recorded(bench)).segments.at(-1)!.endMs - fromMs;
      const why = `gop ${gop}, ${lateMs} ms late: ${end - eventMs} ms after the event`;
      assert(end >= eventMs + 2000 && end <= eventMs + 2000 + gop * 40 + 40, why);
      assert.equal(Math.round((end + lateMs) / 40) % gop, 0, `${why}: no key picture follows`);
    }
  }
});

test('events that overlap are one recording, and one whose end is never told ends by itself', async () => {
  await using bench = await openBench();
  const fromMs = bench.clock.wallMs();
  camera(bench, { mode: 'events', preRollSeconds: 0, postRollSeconds: 2, maxEventSeconds: 20 });
  await bench.run(4000);
  bench.recorder.trigger('gate', { kind: 'motion', state: 'begin' });
  bench.recorder.trigger('gate', { kind: 'line', state: 'begin' });
  await bench.run(4000);
  bench.recorder.trigger('gate', { kind: 'motion', state: 'end' });
  await bench.run(8000);
  bench.recorder.trigger('gate', { kind: 'line', state: 'end' });
  await bench.run(8000);
  bench.recorder.trigger('gate', { kind: 'motion', state: 'begin' });
  await bench.run(30_000);
  const spans = await spansOf(bench, fromMs);
  assert.deepEqual(
    spans.map(([what]) => what),
    ['no_event', 'video', 'no_event', 'video', 'no_event'],
  );
  const [, first, , second] = spans;
  assert(first![2] >= 18_000 && first![2] < 20_000, `${first}`);
  assert(second![2] - 24_000 >= 20_000 && second![2] - 24_000 < 22_000, `${second}`);
});

test('an event just after another one repeats no picture', async () => {
  await using bench = await openBench();
  const fromMs = bench.clock.wallMs();
  camera(bench, { mode: 'events', preRollSeconds: 5, postRollSeconds: 1 });
  for (let i = 0; i < 5; i++) {
    await bench.run(1000 + i * 1500);
    bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' });
  }
  await bench.run(4000);
  await spansOf(bench, fromMs);
  const { segments } = await recorded(bench);
  for (const segment of segments) {
    const fragments = await bench.recorder.query.fragments(segment.id);
    assert.equal(fragments[0]!.key, true);
  }
});

test('a camera that goes away while it waits for events is a gap of its own', async () => {
  await using bench = await openBench();
  const fromMs = bench.clock.wallMs();
  const stream = camera(bench, { mode: 'events', preRollSeconds: 5 });
  await bench.run(4000);
  stream.disconnect();
  await bench.run(4000);
  stream.connect();
  await bench.run(3000);
  bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' });
  await bench.run(2000);
  assert.deepEqual(
    (await spansOf(bench, fromMs)).map(([what]) => what),
    ['no_event', 'camera_offline', 'video'],
  );
});

test('a schedule records in its hours, and what it leaves out is explained without an alarm', async () => {
  // The bench begins on Wednesday, 11 February 2026, 10:00 UTC.
  const schedule: WeeklySchedule = {
    name: 'office',
    timeZone: 'UTC',
    ranges: [
      { days: ['wed'], from: '10:01', to: '10:02', record: 'continuous' },
      { days: ['wed'], from: '10:02', to: '10:03', record: 'events' },
    ],
  };
  await using bench = await openBench({ schedules: new Map([['office', schedule]]) });
  const fromMs = bench.clock.wallMs();
  const stream = camera(
    bench,
    { mode: 'schedule', schedule: 'office', preRollSeconds: 0, postRollSeconds: 3 },
    { onDemand: true },
  );
  await bench.run(2000);
  assert.equal(stream.log.readerCount, 0, 'nobody needs the camera now');
  const waits = bench.recorder.state('gate');
  assert.deepEqual([waits.state, waits.reason], ['waiting', 'not_scheduled']);
  assert.equal(waits.nextChangeMs, fromMs + 60_000);
  bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' });
  await bench.run(68_000);
  assert.equal(stream.log.readerCount, 1);
  assert.equal(bench.recorder.state('gate').cause, 'schedule');
  await bench.run(90_000);
  bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' });
  await bench.run(40_000);
  const spans = await spansOf(bench, fromMs);
  assert.deepEqual(
    spans.map(([what]) => what),
    ['not_scheduled', 'video', 'no_event', 'video', 'no_event', 'not_scheduled'],
  );
  assert(spans[0]![2] >= 58_000 && spans[0]![2] < 62_500, `${spans[0]}`);
  assert(spans[1]![2] >= 120_000 && spans[1]![2] < 122_500, `${spans[1]}`);
  assert(spans[5]![1] >= 180_000 && spans[5]![1] < 182_500, `${spans[5]}`);
  assert.deepEqual(
    bench.events.filter((one) => one.type === 'recording.gap'),
    [],
  );
});

test('what people ask for counts before rules, until they leave it to them again', async () => {
  await using bench = await openBench();
  camera(bench, { mode: 'events' });
  await bench.run(3000);
  bench.recorder.start('gate');
  await bench.run(3000);
  assert.equal(bench.recorder.state('gate').cause, 'manual');
  bench.recorder.auto('gate');
  await bench.run(3000);
  assert.equal(bench.recorder.state('gate').reason, 'no_event');
  await bench.recorder.stop('gate');
  assert.equal(bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' }), false);
  await settle();
  assert.equal(bench.recorder.state('gate').state, 'off');
});

test('what a schedule leaves out is told apart from the time that the server was away', async () => {
  const schedule: WeeklySchedule = {
    name: 'office',
    timeZone: 'UTC',
    ranges: [{ days: ['fri'], from: '10:00', to: '11:00', record: 'continuous' }],
  };
  await using bench = await openBench({ schedules: new Map([['office', schedule]]) });
  const fromMs = bench.clock.wallMs();
  camera(bench, { mode: 'schedule', schedule: 'office' });
  await bench.run(4000);
  await bench.restart('in order', 5000);
  await bench.run(4000);
  assert.deepEqual(
    (await spansOf(bench, fromMs)).map(([what]) => what),
    ['not_scheduled', 'shutdown', 'not_scheduled'],
  );
});

test('after a crash the time that the server was away is told apart from what was not wanted', async () => {
  await using bench = await openBench();
  const fromMs = bench.clock.wallMs();
  const { log } = camera(bench, { mode: 'events', preRollSeconds: 2, postRollSeconds: 2 });
  await bench.run(4000);
  // What the hub had in memory goes with the process.
  log.dropCache(bench.clock.monotonicMs());
  await bench.restart('crash', 6000);
  await bench.run(5000);
  bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' });
  await bench.run(8000);
  assert.deepEqual(
    (await spansOf(bench, fromMs)).map(([what]) => what),
    ['no_event', 'crash', 'no_event', 'video', 'no_event'],
  );
});

test('a camera on demand without a pre-roll is connected only while something happens', async () => {
  await using bench = await openBench();
  const stream = camera(bench, { mode: 'events', preRollSeconds: 0, postRollSeconds: 3 }, { onDemand: true });
  await bench.run(3000);
  assert.equal(stream.log.readerCount, 0);
  assert.deepEqual([bench.recorder.state('gate').state, bench.recorder.state('gate').reason], ['waiting', 'no_event']);
  assert.equal(bench.recorder.trigger('gate', { kind: 'motion', state: 'pulse' }), true);
  await bench.run(2000);
  assert.equal(stream.log.readerCount, 1);
  assert.equal(bench.recorder.state('gate').state, 'recording');
  await bench.run(8000);
  assert.equal(stream.log.readerCount, 0);
  assert.equal((await recorded(bench)).segments.length, 1);
});

test('a stream that is removed and made again begins anew', async () => {
  await using bench = await openBench();
  const stream = camera(bench, { mode: 'continuous' });
  await bench.run(2000);
  await bench.recorder.stop('gate');
  bench.hub.streams.delete('gate');
  bench.hub.tell({ type: 'removed', stream });
  await bench.run(1000);
  camera(bench, { mode: 'continuous' });
  await bench.run(3000);
  assert.equal(bench.recorder.state('gate').cause, 'continuous');
});
