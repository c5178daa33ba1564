// Settings of `[tunnel]` change while FFmpeg plays a camera over its tunnelled port.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { type EventView, freePort, runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { enrolmentToken, TestAgentProcess, tunnelOnce } from './tunnel-harness.ts';

const width = 320;
const height = 180;
const loopFrames = 200;

/** Each key, and a value that differs from the one before; the camera sends less than the limits. */
const changes = [
  'max_agents = 1',
  'max_connections = 2',
  'max_bytes_per_second = 5_000_000',
  'max_bytes_per_second = 4_000_000',
  'resume_grace = 20',
  'backfill_bytes_per_second = 100_000',
  'page_ports = 1',
  'page_url = "https://*.cameras.example"',
  'auto_adopt = true',
];

/** At once: a file that is half written is rejected, and told. */
function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** All keys that counted so far, and those that wait for a restart: the watch of the file may come before the API. */
async function reloaded(server: TestServer): Promise<{ applied: unknown[]; restart: unknown[] }> {
  await server.api('/config/reload', { method: 'POST' });
  const { events } = await server.api<{ events: EventView[] }>('/events?type=config.&limit=100');
  assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(['config.reloaded']));
  const keys = (name: string) => events.flatMap(({ data }) => data[name] as string[]);
  return { applied: keys('applied'), restart: keys('restart') };
}

test('whoever plays a camera behind an agent loses no picture while keys of the tunnel change', {
  timeout: 90_000,
}, async () => {
  await using camera = await startRtspCamera({ port: 0 });
  const firstPort = await freePort();
  await using server = await startTestServer({ more: `[tunnel]\nfirst_port = ${firstPort}` });
  await server.guard(async () => {
    const config = {
      cameras: [{ name: 'cam', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/main', rtsp_sub_path: '/sub' }],
    };
    const token = await enrolmentToken(server, 2);
    const url = `${server.base.replace('http', 'ws')}/tunnel`;
    await using _agent = new TestAgentProcess(url, { id: 'gate', token, config }).start();
    const { local_port: port } = await tunnelOnce(server, 'gate', { is: ({ local_port }) => local_port !== null });
    const copy = join(tmpdir(), `watchpost-tunnel-reload-${process.pid}.mkv`);
    const input = ['-v', 'error', '-y', '-rtsp_transport', 'tcp', '-i', `rtsp://127.0.0.1:${port}/main`];
    const copying = runProgram('ffmpeg', [...input, '-t', '14', '-an', '-c', 'copy', copy], 60_000);
    await tunnelOnce(server, 'gate', { is: ({ connections }) => connections === 1 });
    await wait(1000);

    const file = join(server.dir, 'watchpost.toml');
    const before = readFileSync(file, 'utf8');
    const said = (lines: string) => before.replace(`first_port = ${firstPort}`, `first_port = ${firstPort}\n${lines}`);
    for (const line of changes) {
      replaceFile(file, said(line));
      const { applied, restart } = await reloaded(server);
      assert.ok(applied.includes(`tunnel.${line.split(' ')[0]}`), `${line}: ${applied}`);
      assert.deepEqual(restart, []);
    }
    // What the agent had reported by then is a stream now.
    await server.waitFor('gate-cam', 'online', 15_000);
    replaceFile(file, said('max_connections = 2').replace(`= ${firstPort}`, `= ${await freePort()}`));
    assert.deepEqual((await reloaded(server)).restart, ['tunnel.first_port']);

    const { stderr } = await copying;
    assert.equal(stderr, '');
    assert.equal((await tunnelOnce(server, 'gate', { is: () => true })).resumes, 0);
    await assertNoneLost(copy);
  });
});

async function assertNoneLost(file: string): Promise<void> {
  const raw = ['-fps_mode', 'passthrough', '-vf', `scale=${width}:${height}`, '-f', 'rawvideo', '-pix_fmt', 'gray'];
  const { stdout } = await runProgram('ffmpeg', ['-v', 'error', '-i', file, ...raw, 'pipe:1'], 60_000);
  const size = width * height;
  const numbers = Array.from({ length: Math.floor(stdout.length / size) }, (_, i) =>
    readFrameNumber(stdout.subarray(i * size, (i + 1) * size), width, height),
  );
  assert.ok(numbers.length > 300, `${numbers.length} pictures`);
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => (numbers[0]! + i) % loopFrames),
  );
}

test('the tunnel server alone reads its file again on SIGHUP, and still has no streams', {
  timeout: 60_000,
}, async () => {
  await using camera = await startRtspCamera({ port: 0 });
  const source = { id: 'made', url: camera.urls['main']! };
  const more = `[tunnel]\nfirst_port = ${await freePort()}\nmax_connections = 1`;
  await using server = await startTestServer({ more });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ protocol: 'rtsp', stream_id: source.id, source: { rtsp: { url: source.url } } });
  await server.api('/streams/ingest', { method: 'POST', headers, body });
  await server.kill();
  await server.start('tunnel');
  await server.guard(async () => {
    const config = { cameras: [{ name: 'cam', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/main' }] };
    const options = { id: 'gate', token: await enrolmentToken(server), config };
    await using _agent = new TestAgentProcess(`${server.base.replace('http', 'ws')}/tunnel`, options).start();
    const { local_port: port } = await tunnelOnce(server, 'gate', { is: ({ local_port }) => local_port !== null });
    const first = await openOptions(port!);
    assert.match(first.answer, /^RTSP\/1\.0 200/);
    assert.equal((await openOptions(port!)).answer, 'ECONNRESET');

    server.rewrite((before) => {
      const changed = before.replace('max_connections = 1', 'max_connections = 2');
      return `${changed}\n[[cameras]]\nname = "more"\nurl = "${source.url}"\n`;
    });
    process.kill(server.pid, 'SIGHUP');
    let second = await openOptions(port!);
    for (let tries = 0; second.socket.destroyed && tries < 50; tries++, await wait(100))
      second = await openOptions(port!);
    assert.match(second.answer, /^RTSP\/1\.0 200/);
    assert.deepEqual(await server.api('/streams'), { streams: [], next: null });
    assert.equal(first.socket.destroyed, false);
    for (const { socket } of [first, second]) socket.destroy();
  });
});

/** A connection with a camera that was asked for its options, and what came back. */
async function openOptions(port: number): Promise<{ socket: Socket; answer: string }> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(`OPTIONS rtsp://127.0.0.1:${port}/main RTSP/1.0\r\nCSeq: 1\r\n\r\n`);
  const answer = await once(socket, 'data').then(
    ([data]) => String(data),
    (error: NodeJS.ErrnoException) => String(error.code),
  );
  return { socket, answer };
}
