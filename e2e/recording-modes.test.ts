// Recording by events and schedules, with a camera over RTSP; what was stored is looked at by FFmpeg.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, type TestServer, wait } from './harness.ts';

const run = promisify(execFile);

interface Recordings {
  readonly segments: readonly { readonly start: string; readonly end: string; readonly growing: boolean }[];
  readonly gaps: readonly { readonly start: string; readonly end: string | null; readonly reason: string }[];
}

interface Recording {
  readonly state: string;
  readonly reason: string | null;
  readonly cause: string | null;
  readonly event: string | null;
  readonly next_change: string | null;
}

async function until(server: TestServer, id: string, wanted: (recording: Recording) => boolean): Promise<Recording> {
  for (let i = 0; i < 150; i++, await wait(100)) {
    const { recording } = await server.api<{ recording: Recording }>(`/streams/${id}`);
    if (wanted(recording)) return recording;
  }
  throw new Error(`"${id}": ${JSON.stringify(await server.api(`/streams/${id}`))}`);
}

async function post(server: TestServer, path: string, body: object = {}): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${server.base}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
}

/** A range that is active now, or one that begins in three days, in a zone far from this machine's. */
function week(isActive: boolean): string {
  const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  const zone = 'Pacific/Auckland';
  const name = new Intl.DateTimeFormat('en-US', { timeZone: zone, weekday: 'short' }).format(Date.now()).toLowerCase();
  const today = days.indexOf(name);
  const listed = isActive ? [today, (today + 1) % 7, (today + 6) % 7] : [(today + 3) % 7];
  const text = listed.map((day) => `"${days[day]}"`).join(', ');
  return `time_zone = "${zone}"\nranges = [{ days = [${text}], from = "00:00", to = "24:00" }]`;
}

test('events are recorded from before they begin, schedules in their hours, and the rest is explained', {
  timeout: 55_000,
}, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const url = camera.urls['main']!;
  await using server = await startTestServer({
    more: `[[schedules]]\nname = "now"\n${week(true)}\n[[schedules]]\nname = "later"\n${week(false)}`,
    cameras: [
      { id: 'events', url, more: 'record = "events"\npre_roll = 3\npost_roll = 2' },
      { id: 'now', url, more: 'schedule = "now"\non_demand = true' },
      { id: 'later', url, more: 'schedule = "later"\non_demand = true' },
    ],
  });
  await until(server, 'events', ({ state, reason }) => state === 'waiting' && reason === 'no_event');
  const armedMs = Date.now();
  await until(server, 'now', ({ state, cause }) => state === 'recording' && cause === 'schedule');
  const later = await until(server, 'later', ({ reason }) => reason === 'not_scheduled');
  assert.ok(Date.parse(later.next_change!) > Date.now() + 86_400_000);
  assert.equal((await server.api<{ state: string }>('/streams/later')).state, 'on_demand');
  await wait(7000);
  const toldMs = Date.now();
  const taken = (await post(server, '/streams/events/events', { type: 'motion' })) as { recorded: boolean };
  assert.equal(taken.recorded, true);
  const during = await until(server, 'events', ({ state }) => state === 'recording');
  assert.deepEqual([during.cause, during.event], ['event', 'motion']);
  await until(server, 'events', ({ reason }) => reason === 'no_event');
  const { segments, gaps } = await server.api<Recordings>('/recordings/events');
  const first = Date.parse(segments[0]!.start);
  const last = Date.parse(segments.at(-1)!.end);
  assert.ok(toldMs - first >= 2900 && toldMs - first < 7000, `begins ${toldMs - first} ms before the event`);
  assert.ok(last - toldMs >= 1900 && last - toldMs < 6500, `ends ${last - toldMs} ms after the event`);
  // A machine that is busy may need two attempts for the first connection.
  const explained = gaps.filter(({ start, end }) => end === null || Date.parse(start) >= armedMs);
  assert.ok(
    explained.every(({ reason }) => reason === 'no_event'),
    JSON.stringify(gaps),
  );
  assert.equal(gaps.at(-1)!.end, null);
  const alarms = await server.api<{ events: { at: string; reason: string; stream_id: string }[] }>(
    '/events?type=recording.gap&limit=50',
  );
  assert.ok(
    alarms.events.every(({ reason }) => reason !== 'no_event' && reason !== 'not_scheduled'),
    JSON.stringify(alarms),
  );
  const query = `start=${first}&end=${last}`;
  const file = `${server.base}/recordings-mp4/events/video.mp4?${query}`;
  const frames = ['-select_streams', 'v', '-show_entries', 'frame=pts_time,key_frame', '-of', 'csv=p=0'];
  const { stdout, stderr } = await run('ffprobe', ['-v', 'error', ...frames, file]);
  assert.equal(stderr, '');
  const times = stdout
    .trim()
    .split('\n')
    .map((line) => Number.parseFloat(line.split(',')[1]!));
  assert.ok(stdout.startsWith('1,'), 'it begins with a key picture');
  assert.ok(
    times.every((time, i) => i === 0 || time > times[i - 1]!),
    'time goes on',
  );
  assert.ok(Math.abs(times.at(-1)! - times[0]! - (last - first) / 1000) < 0.3, `${times.at(-1)} of ${last - first}`);
  await post(server, '/streams/later/recording/start');
  assert.equal((await until(server, 'later', ({ state }) => state === 'recording')).cause, 'manual');
  await post(server, '/streams/later/recording/auto');
  await until(server, 'later', ({ reason }) => reason === 'not_scheduled');
  const timeline = await server.api<Recordings>('/recordings/later');
  const reasons = timeline.gaps.map(({ reason }) => reason);
  assert.deepEqual([reasons[0], reasons.at(-1)], ['not_scheduled', 'not_scheduled']);
  assert.equal(await server.stop(), 0);
});
