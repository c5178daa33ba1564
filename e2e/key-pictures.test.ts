// Key pictures that outlive their recordings: kept without decoding, listed, rendered, and played by FFmpeg.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, wait } from './harness.ts';

const run = promisify(execFile);

interface KeyFrames {
  readonly keyframes: readonly { readonly time: string; readonly segment: string; readonly snapshot: string }[];
}

test('key pictures are there when their recordings are gone', { timeout: 55_000 }, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  await using server = await startTestServer({
    // Ten seconds.
    recording: 'segment_duration = 2\nreconnect_delay = 1\nretention_days = 0.00012',
    more: '[keyframe]\ninterval_seconds = 2\nretention_days = 1',
    cameras: [{ id: 'gate', url: camera.urls['main']! }],
  });
  const startMs = Date.now();
  const oldest = async () => {
    const { segments } = await server.api<{ segments: { start: string }[] }>('/recordings/gate');
    return Date.parse(segments[0]?.start ?? '1970-01-01');
  };
  for (let i = 0; i < 300 && (await oldest()) < startMs + 6000; i++) await wait(100);
  const oldestMs = await oldest();
  assert.ok(oldestMs >= startMs + 6000, 'recordings expired');
  const { keyframes } = await server.api<KeyFrames>(
    `/recordings/gate/keyframes?start=${startMs - 5000}&end=${Date.now()}&interval=2`,
  );
  const times = keyframes.map(({ time }) => Date.parse(time));
  assert.ok(
    times.every((time, i) => i === 0 || time - times[i - 1]! >= 1999),
    JSON.stringify(times),
  );
  const kept = keyframes.filter(({ time }) => Date.parse(time) < oldestMs);
  assert.ok(kept.length >= 2 && times.length > kept.length, `${kept.length} of ${times.length}`);
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
  assert.ok(frames.length >= 2 && frames.every((line) => line.startsWith('1,')), stdout);
  const seconds = frames.map((line) => Number.parseFloat(line.split(',')[1]!));
  assert.ok(Math.abs(seconds[1]! - seconds[0]! - (times[1]! - times[0]!) / 1000) < 0.01, stdout);
});
