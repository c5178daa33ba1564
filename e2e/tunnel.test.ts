import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { AgentFleet } from './agent-fleet.ts';
import { ChaosProxy } from './chaos-proxy.ts';
import { freePort, runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { checkRecordings } from './recorded-frames.ts';
import { enrolmentToken, TestAgentProcess, tunnelOnce } from './tunnel-harness.ts';

const width = 320;
const height = 180;
const loopFrames = 200;

/** One camera behind one agent, whose uplink is a proxy that can be broken. */
const stack = new AsyncDisposableStack();
let camera: RtspCamera;
let server: TestServer;
let uplink: ChaosProxy;
let agent: TestAgentProcess;
let localPort = 0;

before(async () => {
  camera = stack.use(await startRtspCamera({ port: 0 }));
  server = stack.use(await startTestServer({ more: `[tunnel]\nfirst_port = ${await freePort()}\nresume_grace = 30` }));
  uplink = stack.use(await ChaosProxy.open(Number(new URL(server.base).port)));
  const config = {
    cameras: [{ name: 'cam', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/main', rtsp_sub_path: '/sub' }],
  };
  const token = await enrolmentToken(server);
  const options = { id: 'gate', token, config };
  agent = stack.use(new TestAgentProcess(`ws://127.0.0.1:${uplink.port}/tunnel`, options)).start();
  try {
    const tunnel = await tunnelOnce(server, 'gate', { is: ({ local_port }) => local_port !== null });
    localPort = tunnel.local_port!;
    assert.equal(tunnel.remote_port, camera.port);
  } catch (thrown) {
    throw new Error(`${thrown}\n${agent.log}\n${server.log}`);
  }
});

after(() => stack.disposeAsync());

const decoded = ['-fps_mode', 'passthrough', '-vf', `scale=${width}:${height}`, '-f', 'rawvideo', '-pix_fmt', 'gray'];

function assertConsecutive(stdout: Buffer, count: number, what: string): void {
  const size = width * height;
  const numbers = Array.from({ length: Math.floor(stdout.length / size) }, (_, i) =>
    readFrameNumber(stdout.subarray(i * size, (i + 1) * size), width, height),
  );
  assert.ok(numbers.length >= count, `${numbers.length} frames: ${what}`);
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => (numbers[0]! + i) % loopFrames),
    what,
  );
}

/** Copies a camera into a file for some seconds, and decodes the file. */
async function ffmpegCopies(path: string, seconds: number): Promise<{ stdout: Buffer; stderr: string }> {
  const file = join(tmpdir(), `watchpost-tunnel-${process.pid}-${path}.mkv`);
  const url = `rtsp://127.0.0.1:${localPort}/${path}`;
  const input = ['-v', 'error', '-y', '-rtsp_transport', 'tcp', '-i', url, '-t', String(seconds)];
  const copied = await runProgram('ffmpeg', [...input, '-an', '-c', 'copy', file], 60_000);
  const { stdout } = await runProgram('ffmpeg', ['-v', 'error', '-i', file, ...decoded, 'pipe:1'], 60_000);
  rmSync(file, { force: true });
  return { stdout, stderr: copied.stderr };
}

test('FFmpeg and the recorder notice nothing of uplinks that are cut, reset and frozen', {
  timeout: 60_000,
}, async () => {
  await server.guard(async () => {
    await server.api('/streams/ingest', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        protocol: 'tunnel',
        stream_id: 'gate',
        source: { tunnel: { agent_id: 'gate', port: camera.port, path: '/main' } },
      }),
    });
    await server.waitFor('gate', 'online', 10_000);
    const copying = Promise.all([ffmpegCopies('main', 9), ffmpegCopies('h265', 9)]);
    await wait(2000);
    uplink.mode = 'refuse';
    uplink.cut('reset');
    await wait(2500);
    uplink.mode = 'pass';
    await tunnelOnce(server, 'gate', { is: ({ resumes, status }) => resumes >= 1 && status === 'connected' });
    await wait(800);
    uplink.mode = 'freeze';
    await wait(500);
    uplink.cut('end');
    uplink.mode = 'pass';
    for (const { stdout, stderr } of await copying) assertConsecutive(stdout, 215, `${stderr}${agent.log}`);
    const tunnel = await tunnelOnce(server, 'gate', { is: ({ resumes }) => resumes >= 2 });
    assert.ok(tunnel.bytes_transferred > 100_000);
    const { segments, gaps, frames } = await checkRecordings(server, 'gate');
    assert.deepEqual(gaps, []);
    assert.ok(segments.length >= 1);
    const all = frames.flat();
    assert.ok(all.length > 200, `${all.length} frames`);
    assert.deepEqual(
      all,
      all.map((_, i) => (all[0]! + i) % loopFrames),
    );
  });
});

test('GStreamer decodes consecutive frames through the local port, over a line of 80 ms', {
  timeout: 40_000,
}, async () => {
  await using far = await ChaosProxy.open(Number(new URL(server.base).port), 40);
  const config = { cameras: [{ name: 'far', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/main' }] };
  const options = { id: 'far', token: await enrolmentToken(server), config };
  await using _agent = new TestAgentProcess(`ws://127.0.0.1:${far.port}/tunnel`, options).start();
  const { local_port } = await tunnelOnce(server, 'far', { is: (tunnel) => tunnel.local_port !== null });
  const source = ['-q', 'rtspsrc', `location=rtsp://127.0.0.1:${local_port}/main`, 'protocols=tcp', 'latency=200'];
  const decode = [
    '!',
    'rtph264depay',
    '!',
    'h264parse',
    '!',
    'avdec_h264',
    '!',
    'videoconvert',
    '!',
    'videoscale',
    '!',
  ];
  const sink = [`video/x-raw,format=GRAY8,width=${width},height=${height}`, '!', 'identity', 'eos-after=62', '!'];
  const args = [...source, ...decode, ...sink, 'fdsink', 'fd=1', 'sync=false'];
  const { stdout, stderr } = await runProgram('gst-launch-1.0', args, 30_000);
  assertConsecutive(stdout, 60, stderr);
});

test('the API shows what was promised, and cameras become streams with one call', { timeout: 30_000 }, async () => {
  const plain = (await (await fetch(`${server.base}/tunnels/gate`)).json()) as { tunnel: Record<string, unknown> };
  const fields = ['bytes_transferred', 'connections', 'local_port', 'remote_port', 'status', 'uptime'];
  assert.deepEqual(Object.keys(plain.tunnel).sort(), fields);
  const body = JSON.stringify({ record: false });
  const headers = { 'content-type': 'application/json' };
  let streams: string[] = [];
  // The agent looks at its cameras at its own pace.
  for (let tries = 0; tries < 100 && streams.length === 0; tries++, await wait(100))
    ({ streams } = await server.api<{ streams: string[] }>('/agents/gate/adopt', { method: 'POST', headers, body }));
  assert.deepEqual(streams, ['gate-cam'], agent.log);
  const stream = await server.waitFor('gate-cam', 'online', 15_000);
  assert.equal(
    stream.tracks.some(({ codec }) => codec === 'h264'),
    true,
  );
  await server.api('/tunnels/gate/restart', { method: 'POST' });
  await tunnelOnce(server, 'gate', { is: ({ uptime, status }) => status === 'connected' && uptime < 5 });
  assert.equal((await tunnelOnce(server, 'gate', { is: () => true })).local_port, localPort);
  await server.api('/agents/gate', { method: 'DELETE' });
  await tunnelOnce(server, 'gate', {
    is: ({ status, local_port }) => status === 'disconnected' && local_port === null,
  });
});

test('a hundred agents come back at once to a server that was killed', { timeout: 40_000 }, async () => {
  const count = 100;
  const token = await enrolmentToken(server, count);
  await using fleet = new AgentFleet({ url: `${server.base.replace('http', 'ws')}/tunnel`, token, count });
  await fleet.admitted({ withinMs: 20_000 });
  const { attemptsInASecond } = await fleet.outlive(server, async () => void process.kill(server.pid, 'SIGKILL'));
  assert.ok(attemptsInASecond <= count * 2.5, `${attemptsInASecond} attempts within a second`);
});
