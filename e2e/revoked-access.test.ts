// Whoever plays or publishes goes when the right to it ends; others go on.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { WebSocket } from 'ws';
import { freePort, startTestServer, type TestServer, wait } from './harness.ts';

/** What goes on until somebody ends it. */
interface Session {
  readonly name: string;
  /** Counts pictures, messages or bytes. */
  readonly seen: () => number;
  /** Why it ended, as far as the way tells. */
  readonly ended: Promise<string>;
  readonly isOver: () => boolean;
  readonly stop: () => void;
}

function session(name: string, parts: Omit<Session, 'name' | 'isOver'>): Session {
  let isOver = false;
  const ended = parts.ended.finally(() => {
    isOver = true;
  });
  return { name, ...parts, ended, isOver: () => isOver };
}

const lists: Readonly<Record<string, readonly string[]>> = {
  copy: ['-map', '0:v', '-c', 'copy', '-f', 'null', '-'],
  source: ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10', '-c:v', 'libx264', '-preset', 'ultrafast'],
};

function ffmpeg(name: string, args: readonly string[]): Session {
  const child: ChildProcess = spawn('ffmpeg', ['-hide_banner', '-progress', 'pipe:1', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let frames = 0;
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    frames = Number(/frame=(\d+)/.exec(chunk.toString())?.[1] ?? frames);
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-3000);
  });
  const ended = once(child, 'exit').then(() => text);
  return session(name, { seen: () => frames, ended, stop: () => child.kill('SIGKILL') });
}

function webSocket(name: string, url: string): Session {
  const socket = new WebSocket(url);
  let media = 0;
  socket.on('message', (_data, isBinary) => {
    if (isBinary) media++;
  });
  socket.on('error', () => {});
  const ended = once(socket, 'close').then(([code, reason]) => `${code} ${reason}`);
  return session(name, { seen: () => media, ended, stop: () => socket.terminate() });
}

function download(name: string, url: string, headers: Record<string, string> = {}): Session {
  const abort = new AbortController();
  let bytes = 0;
  let text = '';
  const read = async () => {
    const response = await fetch(url, { headers, signal: abort.signal });
    for await (const chunk of response.body!) {
      bytes += chunk.length;
      text = (text + Buffer.from(chunk).toString('latin1')).slice(-3000);
    }
    return text;
  };
  const ended = read().catch((thrown) => `${thrown} ${text}`);
  return session(name, { seen: () => bytes, ended, stop: () => abort.abort() });
}

/** Makes and revokes tokens, as the first administrator, who is made. */
async function administer(server: TestServer) {
  await server.setUp();
  return {
    make: (name: string) => server.post<{ id: string; token: string }>('/tokens', { name, role: 'operator' }),
    revoke: (id: string) => server.api<void>(`/tokens/${id}`, { method: 'DELETE' }),
  };
}

/** Which of them had not ended 2 s after `sinceMs`. */
async function late(sessions: readonly Session[], sinceMs: number): Promise<string[]> {
  await Promise.race([Promise.all(sessions.map(({ ended }) => ended)), wait(2000 - (performance.now() - sinceMs))]);
  return sessions.filter((one) => !one.isOver()).map(({ name }) => name);
}

test('a revoked token ends all that goes on by it within 2 s, whatever the protocol; another one goes on', {
  timeout: 60_000,
}, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const [rtspPort, rtmpPort] = [await freePort(), await freePort()];
  await using server = await startTestServer({
    auth: 'required',
    cameras: [{ id: 'gate', url: camera.urls.main! }],
    more: `[protocols]
enabled = ["rtsp", "rtmp", "flv", "mjpeg", "hls"]
[protocols.rtsp]
bind = "127.0.0.1:${rtspPort}"
[protocols.rtmp]
bind = "127.0.0.1:${rtmpPort}"
`,
  });
  const { make, revoke } = await administer(server);
  const [first, other] = [await make('first'), await make('other')];
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const ws = server.base.replace('http', 'ws');
  const rtsp = (token: string) => `rtsp://127.0.0.1:${rtspPort}/live/gate?token=${token}`;
  const { token } = first;
  const { copy, source } = lists as { copy: string[]; source: string[] };
  const sessions = [
    ffmpeg('RTSP', ['-rtsp_transport', 'tcp', '-i', rtsp(token), ...copy]),
    ffmpeg('RTMP', ['-i', `rtmp://127.0.0.1:${rtmpPort}/live/gate?token=${token}`, ...copy]),
    ffmpeg('HTTP-FLV', ['-i', `${server.base}/flv/gate.flv?token=${token}`, ...copy]),
    ffmpeg('HTTP fMP4', ['-i', `${server.base}/fmp4/gate?token=${token}`, ...copy]),
    ffmpeg('RTSP publish', [
      ...[...source, '-f', 'rtsp', '-rtsp_transport', 'tcp'],
      `rtsp://any:${token}@127.0.0.1:${rtspPort}/live/door`,
    ]),
    ffmpeg('RTMP publish', [...source, '-f', 'flv', `rtmp://127.0.0.1:${rtmpPort}/live/yard?token=${token}`]),
    webSocket('fMP4', `${ws}/fmp4/gate?token=${token}`),
    webSocket('FLV', `${ws}/flv/gate.flv?token=${token}`),
    download('MJPEG', `${server.base}/mjpeg/gate?token=${token}`),
    download('events', `${server.base}/api/v1/events`, { ...bearer(token), accept: 'text/event-stream' }),
  ];
  const others = [
    ffmpeg('RTSP of another', ['-rtsp_transport', 'tcp', '-i', rtsp(other.token), ...copy]),
    webSocket('fMP4 of another', `${ws}/fmp4/gate?token=${other.token}`),
  ];
  const all = [...sessions, ...others];
  try {
    const waiting = () => all.filter((one) => one.seen() === 0).map(({ name }) => name);
    for (let i = 0; i < 300 && waiting().length > 0; i++) await wait(50);
    assert.deepEqual(waiting(), [], server.log);
    const playlist = `${server.base}/hls/gate/index.m3u8?token=${token}`;
    assert.equal((await fetch(playlist)).status, 200);

    const revokedMs = performance.now();
    await revoke(first.id);
    assert.deepEqual(await late(sessions, revokedMs), []);
    assert.equal((await fetch(playlist)).status, 401);
    const reasons = new Map(await Promise.all(sessions.map(async ({ name, ended }) => [name, await ended] as const)));
    assert.equal(reasons.get('fMP4'), '4401 ACCESS_REVOKED');
    assert.equal(reasons.get('FLV'), '4401 ACCESS_REVOKED');
    assert.match(reasons.get('events')!, /^: ACCESS_REVOKED /m);
    assert.match(reasons.get('RTMP publish')!, /Error|Broken pipe|Conversion failed/);

    const seen = others.map((one) => one.seen());
    for (let i = 0; i < 100 && others.some((one, index) => one.seen() === seen[index]); i++) await wait(50);
    for (const [index, one] of others.entries()) assert.ok(one.seen() > seen[index]! && !one.isOver(), one.name);
    await server.run(['token', 'remove', other.id]);
    assert.deepEqual(await late(others, performance.now()), [], 'revoked by another process');
  } finally {
    for (const one of all) one.stop();
  }
});
