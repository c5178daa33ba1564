import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { Gap, Segment } from '../catalog/types.ts';
import { fault } from './memory-storage.ts';
import { scanSegment } from './scan-segment.ts';
import { audioTrack, type Bench, openBench, settle, videoTrack } from './test-bench.ts';

const forever = [0, 1e14] as const;

async function recorded(bench: Bench, id = 'gate'): Promise<{ segments: readonly Segment[]; gaps: readonly Gap[] }> {
  return {
    segments: await bench.recorder.query.segments(id, ...forever),
    gaps: await bench.recorder.query.gaps(id, ...forever),
  };
}

/** G1: from the first moment on each moment is recorded or explained, but for holes below 250 ms; and never both. */
async function assertAccounted(bench: Bench, fromMs: number, toMs: number, id = 'gate'): Promise<void> {
  const { segments, gaps } = await recorded(bench, id);
  const spans = [
    ...segments.map((one) => ({ startMs: one.startMs, endMs: one.endMs, what: 'video' })),
    ...gaps.map((one) => ({ startMs: one.startMs, endMs: one.endMs ?? toMs, what: one.reason })),
  ].sort((a, b) => a.startMs - b.startMs);
  let at = fromMs;
  for (const span of spans) {
    const where = `${span.what} at +${span.startMs - fromMs}, after +${at - fromMs}: ${JSON.stringify(spans.map((s) => [s.what, s.startMs - fromMs, s.endMs - fromMs]))}`;
    assert(span.startMs - at < 250, `unexplained: ${where}`);
    assert(at - span.startMs < 250, `told twice: ${where}`);
    at = Math.max(at, span.endMs);
  }
  assert(toMs - at <= 1200, `nothing about the last ${toMs - at} ms`);
}

test('a stream is recorded from its first key picture on, growing segment included', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.connect();
  await bench.run(4000);
  const { segments, gaps } = await recorded(bench);
  assert.equal(segments.length, 1);
  const [segment] = segments;
  assert.match(segment!.id, /^~/);
  assert.match(segment!.key, /^gate\/2026-02-11\/10\/\d+\.mp4$/);
  assert.equal(segment!.codecs, 'avc1.42C01E,alaw');
  assert.equal(segment!.closed, false);
  assert(segment!.endMs - segment!.startMs >= 4000 - 1200);
  assert.deepEqual(gaps, []);
  assert.equal(bench.recorder.state('gate').state, 'recording');
  const fragments = await bench.recorder.query.fragments(segment!.id);
  assert(fragments.every((one) => one.durationMs <= 1000));
  assert.equal(fragments[0]!.offset, segment!.initBytes);
  assert.equal(fragments.filter((one) => one.key).length, 4);
});

test('R2 a row comes after the sync, and R3 it moves on with each commit', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect();
  await bench.run(920);
  assert.deepEqual(await bench.database.selectFrom('segments').select('id').execute(), []);
  let before = 0;
  for (let second = 0; second < 4; second++) {
    await bench.run(1000);
    const [row] = await bench.database.selectFrom('segments').select(['key', 'bytes', 'closed']).execute();
    const file = bench.disk.files.get(row!.key)!;
    assert(row!.bytes > before && row!.bytes <= file.synced && row!.closed === 0);
    before = row!.bytes;
  }
});

test('segments end at the clock, at key pictures, and belong to one run', async () => {
  await using bench = await openBench();
  bench.clock.advance(3000);
  bench.hub.add('gate').connect();
  await bench.run(35_000);
  const { segments } = await recorded(bench);
  assert.deepEqual(
    segments.map((one) => [one.sequence, Math.floor((one.startMs % 60_000) / 10_000)]),
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ],
  );
  assert.equal(new Set(segments.map((one) => one.runId)).size, 1);
  for (const [index, one] of segments.entries()) {
    if (index > 0) assert.equal(one.startMs, segments[index - 1]!.endMs);
    const fragments = await bench.recorder.query.fragments(one.id);
    assert.equal(fragments[0]!.key, true);
    assert.equal(fragments.at(-1)!.offset + fragments.at(-1)!.bytes, one.bytes);
  }
  const sidecar = JSON.parse(
    Buffer.from(bench.disk.files.get(segments[0]!.key.replace('.mp4', '.json'))!.bytes).toString(),
  );
  assert.deepEqual([sidecar.id, sidecar.stream, sidecar.bytes], [segments[0]!.id, 'gate', segments[0]!.bytes]);
});

test('R5 an orderly end leaves closed rows and a gap that says so', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect();
  await bench.run(5000);
  await bench.restart('in order', 20_000);
  const rows = await bench.database.selectFrom('segments').selectAll().execute();
  assert.deepEqual(
    rows.map((row) => row.closed),
    [1],
  );
  assert.equal(rows[0]!.bytes, bench.disk.files.get(rows[0]!.key)!.bytes.length);
  await bench.run(5000);
  const { gaps } = await recorded(bench);
  assert.deepEqual(
    gaps.map((gap) => [gap.reason, gap.endMs !== undefined]),
    [['shutdown', true]],
  );
  await assertAccounted(bench, rows[0]!.start_ms, bench.clock.wallMs());
});

test('G3 F1 F2 after a crash files are adopted or completed, and the gap begins at the last recorded ms', async () => {
  for (const beforeMs of [400, 900, 1700, 5300, 10_500]) {
    await using bench = await openBench();
    bench.hub.add('gate').connect();
    await bench.run(beforeMs);
    const crashedMs = bench.clock.wallMs();
    for (const file of bench.disk.files.values()) {
      // A torn append behind what is whole.
      file.bytes = new Uint8Array([...file.bytes, 0, 0, 1, 0, 0x6d, 0x6f, 0x6f, 0x66, 1]);
    }
    await bench.restart('crash', 30_000);
    const rows = await bench.database.selectFrom('segments').selectAll().orderBy('start_ms').execute();
    for (const row of rows) {
      assert.equal(row.closed, 1);
      assert.equal(row.bytes, bench.disk.files.get(row.key)!.bytes.length);
    }
    if (rows.length > 0) assert(crashedMs - rows.at(-1)!.end_ms <= 1200, `lost ${crashedMs - rows.at(-1)!.end_ms} ms`);
    assert.equal(rows.length > 0, beforeMs > 800);
    await bench.run(5000);
    const { gaps } = await recorded(bench);
    if (rows.length === 0) continue;
    assert.deepEqual(
      gaps.map((gap) => [gap.reason, gap.startMs]),
      [['crash', rows.at(-1)!.end_ms]],
    );
    await assertAccounted(bench, rows[0]!.start_ms, bench.clock.wallMs());
  }
});

test('F5 D1 what a crash left half done is finished at the next start', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect();
  await bench.run(25_000);
  const { segments } = await recorded(bench);
  await bench.database
    .updateTable('segments')
    .set({ deleting: 1 })
    .where('id', 'in', [segments[0]!.id, segments[1]!.id])
    .execute();
  bench.disk.files.delete(segments[1]!.key);
  bench.disk.files.set('gate/2026-02-11/10/9.mp4', { bytes: new Uint8Array(0), synced: 0 });
  await bench.restart('crash', 1000);
  assert.equal(bench.disk.files.has(segments[0]!.key), false);
  assert.equal(bench.disk.files.has('gate/2026-02-11/10/9.mp4'), false);
  assert.deepEqual(
    (await bench.database.selectFrom('segments').select('id').execute()).map((row) => row.id),
    [segments[2]!.id],
  );
});

test('F3 a row without a file is dropped with an event, but not while the volume is missing', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect();
  await bench.run(25_000);
  const { segments } = await recorded(bench);
  bench.disk.files.delete(segments[0]!.key);
  bench.disk.failure = fault('unavailable', 'STORAGE_VOLUME_MISSING');
  await bench.restart('crash', 1000);
  assert.equal((await recorded(bench)).segments.length, 3);
  bench.disk.failure = undefined;
  await bench.run(90_000);
  const ids = (await recorded(bench)).segments.map((one) => one.id);
  assert(!ids.includes(segments[0]!.id) && ids.includes(segments[1]!.id) && ids.includes(segments[2]!.id));
  assert.equal(bench.events.filter((event) => event.type === 'recording.lost').length, 1);
});

test('G1 files that somebody deleted are one gap', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect();
  const startMs = bench.clock.wallMs();
  await bench.run(55_000);
  const { segments } = await recorded(bench);
  for (const { key } of segments.slice(1, 4)) bench.disk.files.delete(key);
  await bench.restart('in order', 1000);
  await bench.run(90_000);
  const { gaps } = await recorded(bench);
  const lost = gaps.filter(({ reason }) => reason === 'file_missing');
  assert.deepEqual(
    lost.map((gap) => [gap.startMs, gap.endMs]),
    [[segments[1]!.startMs, segments[3]!.endMs]],
  );
  await assertAccounted(bench, startMs, bench.clock.wallMs());
});

test('G1 a deleted file that somebody asks for is a gap from then on; not while its volume is missing', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect();
  await bench.run(45_000);
  const { segments } = await recorded(bench);
  const ask = async () => {
    for (const { id } of [...segments, segments[2]!]) bench.recorder.query.missed!(id);
    await bench.run(400);
    const { segments: left, gaps } = await recorded(bench);
    const lost = gaps.filter(({ reason }) => reason === 'file_missing').map((gap) => [gap.startMs, gap.endMs]);
    return [left.length, lost, bench.events.filter(({ type }) => type === 'recording.lost').length];
  };
  const growing = segments.at(-1)!;
  for (const { key } of [...segments.slice(1, 3), growing]) bench.disk.files.delete(key);
  bench.disk.failure = fault('unavailable', 'STORAGE_VOLUME_MISSING');
  assert.deepEqual(await ask(), [segments.length, [], 0]);
  bench.disk.failure = undefined;
  const { startMs } = segments[1]!;
  assert.deepEqual(await ask(), [segments.length - 2, [[startMs, segments[2]!.endMs]], 2]);
});

test('each way a camera can be away is a gap with its reason', async () => {
  const table: [WatchpostError | undefined, string][] = [
    [undefined, 'camera_offline'],
    [fault('unavailable', 'DIAL_UNREACHABLE'), 'camera_offline'],
    [fault('unavailable', 'DIAL_REFUSED'), 'camera_refused'],
    [fault('unauthenticated', 'RTSP_UNAUTHORIZED'), 'auth_failed'],
    [fault('timeout', 'DIAL_TIMEOUT'), 'network_timeout'],
    [fault('timeout', 'SOURCE_SILENT'), 'camera_hung'],
  ];
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  const startMs = bench.clock.wallMs();
  for (const [error, reason] of table) {
    camera.connect();
    await bench.run(3000);
    camera.disconnect(error);
    await bench.run(2000);
    assert.deepEqual([bench.recorder.state('gate').state, bench.recorder.state('gate').reason], ['waiting', reason]);
  }
  camera.connect();
  await bench.run(2000);
  const { gaps } = await recorded(bench);
  assert.deepEqual(
    gaps.map((gap) => gap.reason),
    table.map(([, reason]) => reason),
  );
  await assertAccounted(bench, startMs, bench.clock.wallMs());
});

test('a reason that changes while a camera is away is two gaps that touch', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.connect();
  await bench.run(3000);
  camera.disconnect(fault('timeout', 'DIAL_TIMEOUT'));
  await bench.run(2000);
  camera.disconnect(fault('unauthenticated', 'RTSP_UNAUTHORIZED'));
  await bench.run(2000);
  const { gaps } = await recorded(bench);
  assert.deepEqual(
    gaps.map((gap) => gap.reason),
    ['network_timeout', 'auth_failed'],
  );
  assert.equal(gaps[0]!.endMs, gaps[1]!.startMs);
  assert.equal(gaps[1]!.endMs, undefined);
});

test('a camera that is connected and silent is a gap that begins with its last picture', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  const startMs = bench.clock.wallMs();
  camera.connect();
  await bench.run(5000);
  const lastMs = bench.clock.wallMs();
  camera.mute = true;
  await bench.run(6000);
  const [gap] = (await recorded(bench)).gaps;
  assert.equal(gap!.reason, 'camera_hung');
  assert(Math.abs(gap!.startMs - lastMs) <= 80);
  camera.mute = false;
  await bench.run(5000);
  await assertAccounted(bench, startMs, bench.clock.wallMs());
});

test('new parameter sets begin a new file and run without a gap', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  const audio = audioTrack();
  camera.connect([videoTrack(), audio]);
  await bench.run(3000);
  camera.change([videoTrack(), audio]);
  await bench.run(3000);
  const { segments, gaps } = await recorded(bench);
  assert.equal(segments.length, 2);
  assert.notEqual(segments[0]!.runId, segments[1]!.runId);
  assert(Math.abs(segments[1]!.startMs - segments[0]!.endMs) < 100);
  assert.deepEqual(gaps, []);
});

test('sound that is announced and does not come is in no file; once it comes a new file has it, without a gap', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.silent = true;
  camera.connect();
  await bench.run(3500);
  camera.silent = false;
  await bench.run(3500);
  const { segments, gaps } = await recorded(bench);
  assert.deepEqual(
    segments.map(({ codecs }) => codecs),
    ['avc1.42C01E', 'avc1.42C01E,alaw'],
  );
  assert(Math.abs(segments[1]!.startMs - segments[0]!.endMs) < 100);
  assert.deepEqual(gaps, []);
});

test('a track that MP4 cannot hold is left out with a reason, and the rest is recorded', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect([videoTrack(), { ...audioTrack(), codec: 'g726' }]);
  await bench.run(3000);
  const { segments } = await recorded(bench);
  assert.equal(segments[0]!.codecs, 'avc1.42C01E');
  assert.deepEqual(
    bench.recorder.leftOut('gate').map(({ reason }) => reason),
    ['MP4 has no place for G.726: set the camera to AAC or G.711'],
  );
});

test('stopping and starting by hand is a gap, whatever the definition says', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  const startMs = bench.clock.wallMs();
  camera.connect();
  await bench.run(4000);
  await bench.recorder.stop('gate');
  assert.equal(bench.recorder.state('gate').state, 'off');
  bench.hub.tell({ type: 'changed', stream: camera });
  await bench.run(4000);
  assert.equal(bench.recorder.state('gate').state, 'off');
  bench.recorder.start('gate');
  await bench.run(4000);
  const { gaps } = await recorded(bench);
  assert.deepEqual(
    gaps.map((gap) => gap.reason),
    ['recording_stopped'],
  );
  await assertAccounted(bench, startMs, bench.clock.wallMs());
});

test('G1 a step of the clock is a new run, forward with a gap', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.connect();
  await bench.run(5000);
  bench.clock.stepWall(60_000);
  bench.hub.tell({ type: 'clock_step' });
  await bench.run(5000);
  const { segments, gaps } = await recorded(bench);
  assert.equal(new Set(segments.map((one) => one.runId)).size, 2);
  assert.deepEqual(
    gaps.map((gap) => [gap.reason, Math.round((gap.endMs! - gap.startMs) / 1000)]),
    [['clock_step', 60]],
  );
});

test('a camera whose clock is set between two key pictures loses none of them', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.gop = 250;
  camera.connect();
  await bench.run(12_000);
  camera.wallErrorMs = 3000;
  await bench.run(18_000);
  const { segments, gaps } = await recorded(bench);
  const recordedMs = segments.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  assert.ok(recordedMs > 29_000 && recordedMs <= 30_000, `${recordedMs} ms of 30 s`);
  assert.deepEqual(
    gaps.map((gap) => [gap.reason, Math.round((gap.endMs! - gap.startMs) / 1000)]),
    [['clock_step', 3]],
  );
});

test('a hole in a recording that is pulled is a gap, and no picture behind it is out of place', async () => {
  await using bench = await openBench();
  const device = bench.hub.add('gate');
  device.connect([{ ...videoTrack(), isPast: true }]);
  const beginMs = bench.clock.wallMs();
  await bench.run(6000);
  device.wallErrorMs = 10_000;
  await bench.run(5000);
  const { segments, gaps } = await recorded(bench);
  const [before, behind] = segments;
  const seconds = (ms: number) => Math.round((ms - beginMs) / 100) / 10;
  assert.deepEqual([before!.startMs, before!.endMs, behind!.startMs].map(seconds), [0, 6, 16]);
  assert.deepEqual(
    gaps.map(({ reason, startMs, endMs }) => [reason, endMs! - startMs]),
    [['unknown', behind!.startMs - before!.endMs]],
  );
});

test('G2 a camera whose clock goes forward and back: gaps overlap neither each other nor what is recorded', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.connect();
  for (const errorMs of [0, 9000, 0, 9000, 0, 9000]) {
    camera.wallErrorMs = errorMs;
    await bench.run(5000);
  }
  const { segments, gaps } = await recorded(bench);
  assert.ok(gaps.length >= 2 && gaps.every(({ reason }) => reason === 'clock_step'), JSON.stringify(gaps));
  for (const gap of gaps) {
    const others = [...segments, ...gaps].filter((one) => one !== gap);
    const doubled = others.filter(({ startMs, endMs }) => startMs < gap.endMs! - 1 && endMs! > gap.startMs + 1);
    assert.deepEqual(doubled, [], JSON.stringify(gap));
  }
});

test('W1 W2 a disk that hangs loses groups of pictures with its reason, and recording goes on by itself', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  const startMs = bench.clock.wallMs();
  camera.connect();
  await bench.run(5000);
  const { promise, resolve } = Promise.withResolvers<void>();
  bench.disk.hang = promise;
  await bench.run(20_000);
  assert.equal(bench.recorder.state('gate').state, 'error');
  bench.disk.hang = undefined;
  resolve();
  await bench.run(10_000);
  const { gaps } = await recorded(bench);
  assert.deepEqual(
    gaps.map((gap) => gap.reason),
    ['disk_error'],
  );
  assert(gaps[0]!.endMs! - gaps[0]!.startMs < 20_000);
  assert.equal(bench.recorder.state('gate').state, 'recording');
  await assertAccounted(bench, startMs, bench.clock.wallMs());
});

test('V3 a volume that goes away and comes back is a gap, and events tell of both', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  const startMs = bench.clock.wallMs();
  camera.connect();
  await bench.run(15_000);
  bench.disk.failure = fault('unavailable', 'STORAGE_VOLUME_MISSING');
  await bench.run(30_000);
  assert.deepEqual(
    [bench.recorder.state('gate').state, bench.recorder.state('gate').reason],
    ['error', 'disk_missing'],
  );
  bench.disk.failure = undefined;
  await bench.run(20_000);
  const { gaps } = await recorded(bench);
  assert.deepEqual([...new Set(gaps.map((gap) => gap.reason))], ['disk_missing']);
  await assertAccounted(bench, startMs, bench.clock.wallMs());
  const told = bench.events.map((event) => event.type).filter((type) => type.startsWith('disk.'));
  assert.deepEqual(told, ['disk.missing', 'disk.back']);
});

test('G2 a disk fails, is pulled and comes back within what is held back: no gap lies over what is recorded', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  const startMs = bench.clock.wallMs();
  camera.connect();
  await bench.run(15_000);
  bench.disk.failure = fault('unavailable', 'STORAGE_IO');
  await bench.run(14_000);
  bench.disk.failure = fault('unavailable', 'STORAGE_VOLUME_MISSING');
  await bench.run(3000);
  bench.disk.failure = undefined;
  await bench.run(20_000);
  assert.equal(bench.recorder.state('gate').state, 'recording');
  await assertAccounted(bench, startMs, bench.clock.wallMs());
});

test('G2 a disk that takes writes and fails each sync is one gap, told of once, until a picture is promised again', async () => {
  for (const { goneMs, wellMs } of [
    { goneMs: 30_000, wellMs: 14_600 },
    // Files end at each ten seconds: the last sync of one fails when the next has begun, or is the first that does.
    ...[18_600, 19_000, 19_400, 20_000].map((wellMs) => ({ goneMs: 3000, wellMs })),
  ]) {
    await using bench = await openBench();
    const camera = bench.hub.add('gate');
    const startMs = bench.clock.wallMs();
    camera.connect();
    await bench.run(wellMs);
    bench.disk.syncFailure = fault('unavailable', 'STORAGE_IO');
    await bench.run(goneMs);
    assert.equal(bench.recorder.state('gate').state, 'error');
    bench.disk.syncFailure = undefined;
    await bench.run(10_000);
    assert.equal(bench.recorder.state('gate').state, 'recording');
    const { segments, gaps } = await recorded(bench);
    const shown = JSON.stringify({ wellMs, gaps, segments: segments.map((one) => [one.startMs, one.endMs]) });
    assert.deepEqual(
      gaps.map((gap) => gap.reason),
      ['disk_error'],
      shown,
    );
    assert(gaps[0]!.startMs <= startMs + wellMs, shown);
    assert(gaps[0]!.endMs! >= startMs + wellMs + goneMs - 4500, shown);
    await assertAccounted(bench, startMs, bench.clock.wallMs());
    const told = bench.events.map((event) => event.type).filter((type) => type.startsWith('recording.'));
    assert.deepEqual(told, [
      'recording.started',
      'recording.gap',
      'recording.stopped',
      'recording.error',
      'recording.started',
    ]);
  }
});

test('a disk that can only be read says so in its state until it is well, though it tells its free space', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect();
  await bench.run(15_000);
  const state = async () => {
    const [backend] = (await bench.recorder.storageReport()).backends;
    return [backend!.state, backend!.message, backend!.totalBytes > 0];
  };
  bench.disk.readOnly = fault('unavailable', 'STORAGE_READ_ONLY');
  await bench.run(30_000);
  assert.deepEqual(await state(), ['error', 'test: STORAGE_READ_ONLY', true]);
  bench.disk.readOnly = undefined;
  await bench.run(20_000);
  assert.deepEqual(await state(), ['ok', undefined, true]);
  const told = bench.events.map((event) => event.type).filter((type) => type.startsWith('disk.'));
  assert.deepEqual(told, ['disk.error', 'disk.back']);
});

test('G1 over an hour of everything that goes wrong, recorded time and gaps make up wall time', async () => {
  await using bench = await openBench({ segmentSeconds: 60 });
  const camera = bench.hub.add('gate');
  const startMs = bench.clock.wallMs();
  camera.connect();
  let seed = Number(process.env['SEED'] ?? 7);
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  const faults: (() => Promise<void>)[] = [
    async () => {
      camera.disconnect(fault('timeout', 'DIAL_TIMEOUT'));
      await bench.run(1000 + random(8000));
      camera.connect();
    },
    async () => bench.restart('in order', random(20_000)),
    async () => bench.restart('crash', random(20_000)),
    async () => {
      bench.disk.failure = fault('unavailable', 'STORAGE_IO');
      await bench.run(random(20_000));
      bench.disk.failure = undefined;
    },
    async () => {
      camera.mute = true;
      await bench.run(random(9000));
      camera.mute = false;
    },
    async () => {
      await bench.recorder.stop('gate');
      await bench.run(random(9000));
      bench.recorder.start('gate');
    },
    async () => {
      camera.change([videoTrack(), audioTrack()]);
    },
  ];
  for (let i = 0; bench.clock.wallMs() - startMs < 3_600_000; i++) {
    await bench.run(2000 + random(30_000));
    await faults[i % faults.length]!();
  }
  await bench.run(5000);
  await settle();
  await assertAccounted(bench, startMs, bench.clock.wallMs());
});

/** Decode times of the sound in the stream's newest file, ms, and where its index ends. */
async function soundOf(bench: Bench): Promise<{ times: number[]; endMs: number; startMs: number }> {
  const { segments } = await recorded(bench);
  const { id, key, startMs } = segments.at(-1)!;
  const { bytes } = bench.disk.files.get(key)!;
  const { tracks } = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
  const fragments = await bench.recorder.query.fragments(id);
  const samples = fragments.flatMap((one) => readSamples(bytes.subarray(one.offset, one.offset + one.bytes), tracks));
  const times = samples.filter(({ track }) => track.kind === 'audio').map(({ dts }) => dts / 8);
  // Nobody plays longer than what all of them last.
  const endMs = fragments.reduce((ms, { durationMs }) => ms + durationMs, fragments[0]!.startMs);
  return { times, startMs, endMs };
}

/** Sound for `beforeMs` with pictures, and for `afterMs` behind the last of them. */
async function hang(bench: Bench, beforeMs: number, afterMs: number): Promise<void> {
  const camera = bench.hub.add('gate');
  camera.connect();
  await bench.run(beforeMs);
  camera.hung = true;
  await bench.run(afterMs);
  camera.mute = true;
}

test('sound after the last picture is recorded up to its end, however the recording ends', async () => {
  const ends: Record<string, (bench: Bench) => Promise<void>> = {
    stop: (bench) => bench.recorder.stop('gate'),
    removed: async (bench) => {
      const stream = bench.hub.get('gate')!;
      bench.hub.streams.delete('gate');
      bench.hub.tell({ type: 'removed', stream });
    },
    away: async (bench) => bench.hub.get('gate')!.disconnect(),
    shutdown: (bench) => bench.restart('in order', 0),
  };
  for (const [how, end] of Object.entries(ends)) {
    await using bench = await openBench();
    await hang(bench, 4000, 5000);
    const ended = end(bench);
    await bench.run(1000);
    await ended;
    const { times, startMs, endMs } = await soundOf(bench);
    assert.deepEqual(
      times,
      Array.from({ length: 450 }, (_, i) => i * 20),
      how,
    );
    assert.equal(endMs - startMs, 9000, how);
  }
});

test('sound after the last picture is found again in a file that is scanned, and lies where it was', async () => {
  await using bench = await openBench();
  await hang(bench, 4000, 5000);
  await bench.recorder.stop('gate');
  await bench.run(2000);
  const { segments } = await recorded(bench);
  const rows = await bench.recorder.query.fragments(segments[0]!.id);
  const { key, bytes } = segments[0]!;
  const scanned = await scanSegment(bench.disk, key, bytes);
  assert(scanned.kind === 'segment');
  assert.deepEqual(scanned.closed.fragments, rows);
  assert.deepEqual({ ...scanned.closed.segment }, { ...segments[0]! });
  assert.deepEqual(
    rows.map((one, i) => one.startMs > (rows[i - 1]?.startMs ?? 0)),
    rows.map(() => true),
  );
});
