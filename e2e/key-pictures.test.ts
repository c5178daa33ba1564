// Key pictures that outlive their recordings: kept without decoding, listed, rendered, and played by FFmpeg.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, type TestServer, wait } from './harness.ts';

const run = promisify(execFile);

interface KeyFrames {
  readonly keyframes: readonly { readonly time: string; readonly segment: string; readonly snapshot: string }[];
}

async function send<T>(server: TestServer, method: string, path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${server.base}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.clone().text());
  return (await answer.json()) as T;
}

/** Frames of the export of a range, once it is written. */
async function exported(
  server: TestServer,
  range: { start: number; end: number },
): Promise<{ frames: number; gaps: number }> {
  const { id } = await send<{ id: string }>(server, 'POST', '/recordings/gate/export', range);
  for (let i = 0; i < 100; i++, await wait(100)) {
    const job = await server.api<{ state: string; gaps: unknown[] }>(`/exports/${id}`);
    assert.notEqual(job.state, 'failed', JSON.stringify(job));
    if (job.state !== 'done') continue;
    const count = ['-select_streams', 'v', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0'];
    const { stdout, stderr } = await run('ffprobe', [
      '-v',
      'error',
      ...count,
      `${server.base}/api/v1/exports/${id}/file`,
    ]);
    assert.equal(stderr, '');
    return { frames: Number.parseInt(stdout, 10), gaps: job.gaps.length };
  }
  throw new Error('the export never ended');
}

test('key pictures, and what is locked, are there when other recordings are gone', { timeout: 55_000 }, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  await using server = await startTestServer({
    // Ten seconds.
    recording: 'segment_duration = 2\nreconnect_delay = 1\nretention_days = 0.00012',
    more: '[keyframe]\ninterval_seconds = 2\nretention_days = 1',
    cameras: [{ id: 'gate', url: camera.urls['main']! }],
  });
  const oldest = async () => {
    const { segments } = await server.api<{ segments: { start: string }[] }>('/recordings/gate');
    return Date.parse(segments[0]?.start ?? '1970-01-01');
  };
  for (let i = 0; i < 200 && (await oldest()) === 0; i++) await wait(50);
  const startMs = await oldest();
  const locked = { start: startMs + 3000, end: startMs + 5000 };
  await wait(6000);
  await send(server, 'PUT', '/recordings/gate/locks', { ...locked, note: 'theft' });
  for (let i = 0; i < 300 && (await oldest()) === startMs; i++) await wait(100);
  const oldestMs = await oldest();
  assert.ok(oldestMs > startMs && oldestMs <= locked.start, 'recordings expired up to what is locked');
  const { segments } = await server.api<{ segments: { locked: boolean }[] }>('/recordings/gate');
  assert.ok(segments[0]!.locked && !segments.at(-1)!.locked);
  const { keyframes } = await server.api<KeyFrames>(
    `/recordings/gate/keyframes?start=${startMs - 5000}&end=${Date.now()}&interval=2`,
  );
  const times = keyframes.map(({ time }) => Date.parse(time));
  assert.ok(
    times.every((time, i) => i === 0 || time - times[i - 1]! >= 1999),
    JSON.stringify(times),
  );
  const kept = keyframes.filter(({ time }) => Date.parse(time) < oldestMs);
  assert.ok(kept.length >= 1 && times.length > kept.length, `${kept.length} of ${times.length}`);
  // The one is locked, the other expires while it is exported.
  const [whole, going] = await Promise.all([
    exported(server, locked),
    exported(server, { start: Date.now() - 9500, end: Date.now() - 2500 }),
  ]);
  assert.ok(whole.frames >= 49 && whole.frames <= 51 && whole.gaps === 0, JSON.stringify(whole));
  assert.ok(going.frames > 75, JSON.stringify(going));
  const answer = await fetch(`${server.base}${kept[0]!.snapshot}`);
  const jpeg = new Uint8Array(await answer.arrayBuffer());
  assert.deepEqual([answer.status, jpeg[0], jpeg[1]], [200, 0xff, 0xd8]);
  assert.equal(answer.headers.get('x-captured-at'), kept[0]!.time);
  const folder = join(server.dir, 'video', 'gate', 'keyframes', kept[0]!.time.slice(0, 10));
  const names = readdirSync(folder);
  assert.ok(names.includes(`${Date.parse(kept[0]!.time)}.jpg`), names.join(' '));
  const file = join(folder, names.find((name) => name.endsWith('.mp4'))!);
  const show = ['-select_streams', 'v', '-show_entries', 'frame=pts_time,key_frame', '-of', 'csv=p=0'];
  const { stdout, stderr } = await run('ffprobe', ['-v', 'error', ...show, file]);
  assert.equal(stderr, '');
  const frames = stdout.trim().split('\n');
  assert.ok(frames.length >= 1 && frames.every((line) => line.startsWith('1,')), stdout);
  const seconds = frames.map((line) => Number.parseFloat(line.split(',')[1]!));
  // Every two seconds, but for those that are still in the recording that is locked.
  const steps = seconds.slice(1).map((at, k) => (at - seconds[k]!) / 2);
  assert.ok(
    steps.every((step) => step > 0.95 && step < 2.05 && Math.abs(step - Math.round(step)) < 0.05),
    stdout,
  );
});
