// Two cameras for one stream: the first dies and comes back; FFmpeg watches, and the recording is looked at.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { type EventView, startTestServer, type TestServer, wait } from './harness.ts';

interface Source {
  readonly index: number;
  readonly count: number;
  readonly reason: string | null;
}

async function sourceOf(server: TestServer, index: number): Promise<Source> {
  for (let i = 0; i < 300; i++, await wait(100)) {
    const { state, source } = await server.api<{ state: string; source: Source | null }>('/streams/gate');
    if (state === 'online' && source?.index === index) return source;
  }
  throw new Error(`never from source ${index}: ${JSON.stringify(await server.api('/streams/gate'))}`);
}

/** FFmpeg decodes the live stream until it is told to stop; presentation times of its frames, and what it complained of. */
function watch(url: string): { stop(): Promise<{ times: number[]; errors: string }> } {
  const args = ['-v', 'error', '-fflags', 'nobuffer', '-i', url, '-map', '0:v', '-f', 'framecrc', '-'];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  child.stdout.on('data', (text: Buffer) => (out += text));
  child.stderr.on('data', (text: Buffer) => (errors += text));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    stop: async () => {
      child.kill('SIGINT');
      await ended;
      const base = /#tb 0: (\d+)\/(\d+)/.exec(out);
      const seconds = Number(base?.[1]) / Number(base?.[2]);
      const lines = out.split('\n').filter((line) => /^0,/.test(line));
      return { errors, times: lines.map((line) => Number(line.split(',')[2]) * seconds) };
    },
  };
}

test('a stream outlives its first camera and goes back to it, and readers see two cuts', {
  timeout: 70_000,
}, async () => {
  await using first = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  await using second = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const urls = `urls = ["${first.urls['main']}", "${second.urls['main']}"]`;
  await using server = await startTestServer({ cameras: [{ id: 'gate', url: first.urls['main']! }] });
  server.rewrite((before) => before.replace(/^url = .*$/m, urls));
  assert.equal(await server.stop(), 0);
  await server.start();
  await sourceOf(server, 0);
  await wait(1500);
  const viewer = watch(`${server.base}/flv/gate.flv`);
  await wait(3500);
  const diedMs = Date.now();
  await first.setFaults({ vanish: true });
  const other = await sourceOf(server, 1);
  assert.ok(Date.now() - diedMs < 5000, `${Date.now() - diedMs} ms until the other camera`);
  assert.deepEqual([other.count, typeof other.reason], [2, 'string']);
  await wait(1000);
  await first.setFaults({ vanish: false });
  await sourceOf(server, 0);
  await wait(2500);
  const { times, errors } = await viewer.stop();
  assert.equal(errors, '');
  assert.ok(times.length > 200, `${times.length} frames`);
  const steps = times.slice(1).map((time, i) => time - times[i]!);
  assert.ok(
    steps.every((step) => step > 0),
    'time goes on',
  );
  const cuts = steps.filter((step) => step > 0.3);
  assert.ok(cuts.length <= 1 && Math.max(...steps) < 5, `only the death is seen: ${cuts}`);
  const { events } = await server.api<{ events: EventView[] }>('/events?type=stream.source&limit=10');
  assert.deepEqual(events.map(({ data }) => data['index']).reverse(), [1, 0]);
  const { segments, gaps } = await server.api<{
    segments: { start: string; end: string }[];
    gaps: { start: string; end: string | null; reason: string }[];
  }>('/recordings/gate');
  const late = gaps.filter(({ start }) => Date.parse(start) >= diedMs - 2000);
  const lostMs = late.reduce((sum, gap) => sum + Date.parse(gap.end ?? gap.start) - Date.parse(gap.start), 0);
  assert.ok(late.length >= 1 && late.length <= 2 && lostMs < 5000, JSON.stringify(late));
  assert.ok(
    late.every(({ reason }) => reason !== 'unknown' && reason !== 'overload'),
    JSON.stringify(late),
  );
  assert.ok(segments.length >= 3);
});
