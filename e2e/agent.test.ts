import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { enrolmentToken, TestAgentProcess, tunnelOnce } from './tunnel-harness.ts';

// The agent in a process of its own beside a server: it finds the camera, publishes it, and comes back after kill -9.

const width = 320;
const height = 180;
const loopFrames = 200;
const stack = new AsyncDisposableStack();
let camera: RtspCamera;
let server: TestServer;
let rtspPort: number;
let rtmpPort: number;
let rtmpsPort: number;
let certificate: string;

before(async () => {
  camera = stack.use(
    await startRtspCamera({
      port: 0,
      clips: {
        'Streaming/Channels/101': 'clock-h264-aac',
        'Streaming/Channels/102': 'sub-h264',
        'Streaming/Channels/201': 'clock-h265-pcma',
      },
      auth: { username: 'admin', password: 'hush#hush', methods: ['MD5'] },
    }),
  );
  rtspPort = await freePort();
  rtmpPort = await freePort();
  rtmpsPort = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'watchpost-agent-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  certificate = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  makeCertificate(certificate, key);
  const more = `[tunnel]\nfirst_port = ${await freePort()}
[protocols.rtsp]\nbind = "127.0.0.1:${rtspPort}"
[protocols.rtmp]\nbind = "127.0.0.1:${rtmpPort}"\nbind_tls = "127.0.0.1:${rtmpsPort}"
tls_cert = "${certificate}"\ntls_key = "${key}"`;
  server = stack.use(await startTestServer({ more }));
});
after(() => stack.disposeAsync());

/** One for 127.0.0.1, and no name. */
function makeCertificate(certFile: string, keyFile: string): void {
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=watchpost test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...ec, ...names, '-out', certFile, '-keyout', keyFile], { stdio: 'ignore' });
}

const tunnelUrl = () => `${server.base.replace('http', 'ws')}/tunnel`;

interface AgentView {
  readonly software: string | null;
  readonly health: Readonly<Record<string, number>> | null;
  readonly cameras: readonly {
    readonly id: string;
    readonly vendor?: string;
    readonly reachable: boolean;
    readonly streams: readonly { readonly path: string; readonly codecs: readonly string[] }[];
  }[];
}

async function agentOnce(id: string, is: (agent: AgentView) => boolean, withinMs = 20_000): Promise<AgentView> {
  let last: AgentView | undefined;
  for (const endMs = performance.now() + withinMs; performance.now() < endMs; await wait(200)) {
    const { agents } = await server.api<{ agents: (AgentView & { id: string })[] }>('/agents');
    last = agents.find((agent) => agent.id === id);
    if (last && is(last)) return last;
  }
  throw new Error(`the agent was not as wanted: ${JSON.stringify(last)}`);
}

async function assertPlays(url: string, count: number): Promise<void> {
  const decode = ['-fps_mode', 'passthrough', '-frames:v', String(count), '-vf', `scale=${width}:${height}`];
  const output = ['-an', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];
  const args = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', url, ...decode, ...output];
  const { stdout, stderr } = await runProgram('ffmpeg', args, 30_000);
  const size = width * height;
  const numbers = Array.from({ length: Math.floor(stdout.length / size) }, (_, i) =>
    readFrameNumber(stdout.subarray(i * size, (i + 1) * size), width, height),
  );
  assert.equal(numbers.length, count, stderr);
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => (numbers[0]! + i) % loopFrames),
  );
}

test('an agent that knows only the password finds the camera; FFmpeg plays it through the tunnel, after kill -9, too', {
  timeout: 60_000,
}, async () => {
  const token = await enrolmentToken(server);
  const discovery = { enabled: true, ports: [camera.port], username: 'admin', password: 'hush#hush' };
  // Not the usual one: RTSP servers of other tests take it as soon as it is free.
  const tunnel = { tunnel_port: await freePort() };
  await using agent = new TestAgentProcess(tunnelUrl(), { id: 'finder', token, config: { discovery, tunnel } }).start();
  await server.guard(async () => {
    const view = await agentOnce('finder', ({ cameras }) => cameras.some(({ streams }) => streams.length > 1)).catch(
      (error) => assert.fail(`${error.message}\n${agent.log}`),
    );
    const found = view.cameras.find(({ streams }) => streams.length > 0)!;
    assert.equal(found.vendor, 'hikvision');
    assert.deepEqual(
      found.streams.map(({ path, codecs }) => [path, codecs[0]]),
      [
        ['/Streaming/Channels/101', 'h264'],
        ['/Streaming/Channels/102', 'h264'],
      ],
    );
    const play = async () => {
      const port = (
        await tunnelOnce(server, 'finder', {
          is: ({ status, local_port }) => status === 'connected' && local_port !== null,
        })
      ).local_port!;
      await assertPlays(`rtsp://admin:hush%23hush@127.0.0.1:${port}/Streaming/Channels/101`, 40);
      return port;
    };
    const port = await play();
    const commandLine = readFileSync(`/proc/${agent.pid}/cmdline`, 'latin1');
    for (const secret of [token, 'hush']) assert.ok(!commandLine.includes(secret) && !agent.log.includes(secret));
    await agent.stop('SIGKILL');
    await tunnelOnce(server, 'finder', { is: ({ status }) => status !== 'connected' });
    agent.start();
    assert.equal(await play(), port, 'the port is the same');
    const { health, software } = await agentOnce('finder', (one) => one.health !== null);
    assert.match(software!, /^watchpost-agent \d/);
    assert.ok(health!['rss_bytes']! > 1e6);
  });
});

test('what the agent of packages publishes by RTSP and RTMP are streams of the server, frame by frame', {
  timeout: 60_000,
}, async () => {
  const login = { username: 'admin', password: 'hush#hush' };
  const cameras = [
    { name: 'cam', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/Streaming/Channels/101', ...login },
    { name: 'hevc', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/Streaming/Channels/201', ...login },
  ];
  const targets: [id: string, camera: string, url: string, codecs: string[]][] = [
    ['pushed', 'cam', `rtsp://127.0.0.1:${rtspPort}/live/pushed`, ['aac', 'h264']],
    ['pushed-rtmp', 'cam', `rtmp://127.0.0.1:${rtmpPort}/live/pushed-rtmp`, ['aac', 'h264']],
    ['pushed-hevc', 'hevc', `rtmp://127.0.0.1:${rtmpPort}/live/pushed-hevc`, ['h265', 'pcma']],
    ['pushed-tls', 'cam', `rtmps://127.0.0.1:${rtmpsPort}/live/pushed-tls`, ['aac', 'h264']],
  ];
  const elsewhere = { camera: 'cam', url: `rtmps://localhost:${rtmpsPort}/live/pushed-nowhere` };
  const publish = [...targets.map(([, camera, url]) => ({ camera, url })), elsewhere];
  const token = await enrolmentToken(server);
  const options = { id: 'publisher', token, agent: { ca_file: certificate }, config: { cameras, publish } };
  await using agent = await new TestAgentProcess(tunnelUrl(), options).bundled();
  agent.start();
  await server.guard(async () => {
    const online = async (id: string) => {
      for (const endMs = performance.now() + 15_000; performance.now() < endMs; await wait(200)) {
        const stream = await server.stream(id).catch(() => undefined);
        if (stream?.state === 'online') return stream;
      }
      throw new Error(`${id} was not published: ${agent.log}`);
    };
    await Promise.all(
      targets.map(async ([id, , , codecs]) => {
        const { tracks } = await online(id);
        assert.deepEqual(tracks.map(({ codec }) => codec).sort(), codecs, id);
        await assertPlays(`rtsp://127.0.0.1:${rtspPort}/live/${id}`, 50);
      }),
    );
    const { log } = agent;
    assert.match(log, /AGENT_UNREACHABLE: localhost \(TLS\) has a certificate for another name/);
    for (const secret of [options.token, 'hush', 'pushed-rtmp', 'pushed-tls', 'pushed-nowhere'])
      assert.ok(!log.includes(secret), log);
  });
});
