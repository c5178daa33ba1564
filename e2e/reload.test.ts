// A new configuration file while the server runs: by signal, by the watch, by API; and a viewer who must not notice.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { type EventView, startTestServer, type TestServer, wait } from './harness.ts';

const viewMs = 9000;

/** A viewer of the live stream over WebSocket: its bytes, and what it was told besides the clock. */
function view(server: TestServer, id: string): { close(): Uint8Array; told: string[] } {
  const parts: Uint8Array[] = [];
  const told: string[] = [];
  const socket = new WebSocket(`${server.base.replace('http', 'ws')}/fmp4/${id}`);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('close', () => told.push('closed'));
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string') return void parts.push(new Uint8Array(data as ArrayBuffer));
    const { type } = JSON.parse(data) as { type: string };
    if (type !== 'clock') told.push(type);
  });
  return {
    told,
    close: () => {
      socket.close();
      return new Uint8Array(Buffer.concat(parts));
    },
  };
}

/** Milliseconds from each picture to the next one. */
async function videoSteps(bytes: Uint8Array): Promise<number[]> {
  const scan = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
  const times = scan.fragments
    .flatMap((one) => readSamples(bytes.subarray(one.offset, one.offset + one.bytes), scan.tracks))
    .filter((sample) => sample.track.kind === 'video')
    .map((sample) => (sample.dts * 1000) / sample.track.clockRate);
  return times.slice(1).map((time, i) => Math.round(time - times[i]!));
}

async function configEvents(server: TestServer): Promise<EventView[]> {
  const { events } = await server.api<{ events: EventView[] }>('/events?type=config.&limit=100');
  return events.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

async function waitForEvents(server: TestServer, count: number): Promise<EventView[]> {
  for (let i = 0; i < 60; i++, await wait(100)) {
    const events = await configEvents(server);
    if (events.length >= count) return events;
  }
  throw new Error(`no ${count} events of the configuration: ${JSON.stringify(await configEvents(server))}`);
}

test('readers of a camera lose no picture while the file changes around it', { timeout: 55_000 }, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const { main, sub } = camera.urls;
  const cameras = [
    { id: 'stays', url: main! },
    { id: 'goes', url: sub! },
  ];
  await using server = await startTestServer({ cameras });
  await server.guard(async () => {
    const file = join(server.dir, 'watchpost.toml');
    const before = readFileSync(file, 'utf8');
    await server.waitFor(
      'stays',
      ({ state, recording }) => state === 'online' && recording.state === 'recording',
      15_000,
    );
    const { readers: _readers, ...stats } = await server.stats('stays');
    const viewer = view(server, 'stays');
    const beganMs = performance.now();
    await wait(1500);

    const changed = before
      .replace('segment_duration = 5', 'segment_duration = 4')
      .replace('name = "goes"', 'name = "comes"')
      .replace(/bind = "[^"]+"/, 'bind = "127.0.0.1:1"');
    writeFileSync(file, changed);
    process.kill(server.pid, 'SIGHUP');
    const [reloaded] = await waitForEvents(server, 1);
    assert.equal(reloaded!.type, 'config.reloaded');
    const { warnings, ...told } = reloaded!.data;
    assert.match(String(warnings), /auth\.mode: everybody/);
    assert.deepEqual(told, {
      trigger: 'signal',
      applied: ['recording.segment_duration', 'cameras.goes removed', 'cameras.comes added'],
      restart: ['http.bind'],
    });
    await server.waitFor('comes', 'online', 10_000);
    await assert.rejects(server.stream('goes'), /404/);

    writeFileSync(file, `${changed}\n[recordings]\nenabled = false\n`);
    await assert.rejects(server.api('/config/reload', { method: 'POST' }), /400 .*did you mean \\"recording\\"\?/);
    assert.equal((await waitForEvents(server, 2))[1]!.type, 'config.rejected');

    writeFileSync(file, changed.replace('name = "comes"', 'name = "comes"\ntitle = "Came"'));
    const third = (await waitForEvents(server, 3))[2]!;
    assert.deepEqual(
      [third.type, third.data['trigger'], third.data['applied']],
      ['config.reloaded', 'file', ['cameras.comes.title']],
    );

    await wait(Math.max(0, viewMs - (performance.now() - beganMs)));
    assert.deepEqual(viewer.told, ['init']);
    const steps = await videoSteps(viewer.close());
    assert(steps.length > (viewMs / 1000) * 15, `${steps.length} pictures`);
    const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1]!;
    assert.deepEqual(
      steps.filter((step) => Math.abs(step - usual) > usual / 2),
      [],
    );
    const after = await server.stats('stays');
    assert.deepEqual([after['reconnects'], after['lost']], [stats['reconnects'], stats['lost']]);
    const { gaps } = await server.api<{ gaps: unknown[] }>(`/recordings/stays?start=${Date.now() - 60_000}`);
    assert.deepEqual(gaps, []);
  });
});
