// Cameras behind an agent by their own paths, through the server's RTSP port: Watchpost's login here, the camera's there.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { assertConsecutive, numbersOf } from './live-numbers.ts';
import { enrolmentToken, TestAgentProcess, tunnelOnce } from './tunnel-harness.ts';

const stack = new AsyncDisposableStack();
const auth = { username: 'cam', password: 'its own' };
let camera: RtspCamera;
let server: TestServer;
let agent: TestAgentProcess;
let rtspPort = 0;

before(async () => {
  camera = stack.use(await startRtspCamera({ port: 0, auth }));
  rtspPort = await freePort();
  const more = `[protocols.rtsp]\nbind = "127.0.0.1:${rtspPort}"\n[tunnel]\nfirst_port = ${await freePort()}`;
  server = stack.use(await startTestServer({ auth: 'required', more }));
  await server.setUp();
  const config = { cameras: [{ name: 'cam', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/main' }] };
  const options = { id: 'gate', token: await enrolmentToken(server), config };
  agent = stack.use(new TestAgentProcess(`${server.base.replace('http', 'ws')}/tunnel`, options)).start();
  await tunnelOnce(server, 'gate', { is: ({ local_port }) => local_port !== null });
});
after(() => stack.disposeAsync());

const decode = ['-fps_mode', 'passthrough', '-vf', 'scale=320:180', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];

/** FFmpeg decodes 60 pictures of a path of the server. */
function play(path: string, { transport = 'tcp', login = 'anna:long%20enough@' } = {}) {
  const input = ['-v', 'error', '-rtsp_transport', transport, '-i', `rtsp://${login}127.0.0.1:${rtspPort}${path}`];
  return runProgram('ffmpeg', [...input, '-an', '-frames:v', '60', ...decode], 30_000);
}

async function streamIds(): Promise<readonly string[]> {
  const { streams } = await server.api<{ streams: readonly { stream_id: string }[] }>('/streams');
  return streams.map(({ stream_id }) => stream_id);
}

test('a path of a camera behind an agent plays with the login of Watchpost, over TCP and UDP', {
  timeout: 90_000,
}, async () => {
  // Whoever makes one stream of the camera tells its login.
  const tunnel = { agent_id: 'gate', port: camera.port, path: '/main', ...auth };
  await server.post('/streams/ingest', { protocol: 'tunnel', stream_id: 'gate', source: { tunnel } });
  await server.waitFor('gate', 'online', 10_000);
  const refused = await play('/agent/gate/sub', { login: '' });
  assert.match(refused.stderr, /401/);
  assert.deepEqual(await streamIds(), ['gate']);

  const connections = camera.connectionCount;
  const main = await play('/agent/gate/main');
  assertConsecutive(numbersOf(main.stdout), 60, main.stderr);
  assert.equal(camera.connectionCount, connections, 'what is a stream already is not pulled once more');

  for (const transport of ['tcp', 'udp']) {
    const { stdout, stderr } = await play('/agent/gate/h265', { transport });
    assertConsecutive(numbersOf(stdout), 60, `${transport} ${stderr} ${agent.log} ${server.log}`);
  }
  const made = await server.post<{ token: string }>('/tokens', { name: 'wall', role: 'viewer' });
  const byCamera = await play(`/agent/cam.gate/sub?token=${made.token}`, { login: '' });
  assertConsecutive(numbersOf(byCamera.stdout), 60, byCamera.stderr);

  const missing = await play('/agent/nobody/main');
  assert.match(missing.stderr, /503|404/);
  for (let i = 0; (await streamIds()).length > 1; i++, await wait(1000))
    assert.ok(i < 60, 'what nobody watches goes again');
});
