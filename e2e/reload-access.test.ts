// Who must log in, and where files lie, changes while the server runs: others than those whom it concerns lose nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { WebSocket } from 'ws';
import { freePort, runProgram, startTestServer, wait } from './harness.ts';

interface Reader {
  readonly name: string;
  readonly seen: () => number;
  readonly isOver: () => boolean;
  readonly text: () => string;
  readonly stop: () => void;
}

function ffmpeg(name: string, args: readonly string[]): Reader {
  const output = ['-map', '0:v', '-c', 'copy', '-f', 'null', '-'];
  const child = spawn('ffmpeg', ['-hide_banner', '-progress', 'pipe:1', ...args, ...output]);
  let [frames, text, isOver] = [0, '', false];
  child.stdout.on('data', (chunk: Buffer) => {
    frames = Number(/frame=(\d+)/.exec(chunk.toString())?.[1] ?? frames);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-3000);
  });
  void once(child, 'exit').then(() => {
    isOver = true;
  });
  return { name, seen: () => frames, isOver: () => isOver, text: () => text, stop: () => child.kill('SIGKILL') };
}

function webSocket(name: string, url: string): Reader {
  const socket = new WebSocket(url);
  let [media, text, isOver] = [0, '', false];
  socket.on('message', (_data, isBinary) => {
    if (isBinary) media++;
  });
  socket.on('error', () => {});
  socket.on('close', (code, reason) => {
    [text, isOver] = [`${code} ${reason}`, true];
  });
  return { name, seen: () => media, isOver: () => isOver, text: () => text, stop: () => socket.terminate() };
}

async function until(what: () => readonly string[], timeoutMs: number): Promise<void> {
  for (let ms = 0; ms < timeoutMs && what().length > 0; ms += 50) await wait(50);
  assert.deepEqual(what(), []);
}

test('once logins are required those without one end within 2 s, and those with one lose nothing', {
  timeout: 60_000,
}, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const [rtspPort, rtmpPort] = [await freePort(), await freePort()];
  await using server = await startTestServer({
    auth: 'required',
    cameras: [{ id: 'gate', url: camera.urls.main! }],
    more: `[protocols.rtsp]\nbind = "127.0.0.1:${rtspPort}"\n[protocols.rtmp]\nbind = "127.0.0.1:${rtmpPort}"\n`,
  });
  await server.setUp();
  const { token } = await server.post<{ token: string }>('/tokens', { name: 'player' });
  const ws = `${server.base.replace('http', 'ws')}/fmp4/gate`;
  const rtsp = ['-rtsp_transport', 'tcp', '-i', `rtsp://127.0.0.1:${rtspPort}/live/gate`];
  const stays = [
    ffmpeg('RTMP by token', ['-i', `rtmp://127.0.0.1:${rtmpPort}/live/gate?token=${token}`]),
    webSocket('WebSocket by token', `${ws}?token=${token}`),
  ];
  let ends: Reader[] = [];
  try {
    const waiting = (readers: readonly Reader[]) => () =>
      readers.filter((one) => one.seen() === 0).map(({ name }) => name);
    await until(waiting(stays), 15_000);
    assert.equal((await fetch(`${server.base}/api/v1/streams`)).status, 401);

    const opened = await server.change((text) => text.replace('mode = "required"', 'mode = "none"'));
    assert.deepEqual([opened.applied, opened.restart], [['auth.mode'], []]);
    assert.equal((await fetch(`${server.base}/api/v1/streams`)).status, 200);
    ends = [
      ffmpeg('RTSP', rtsp),
      ffmpeg('RTMP', ['-i', `rtmp://127.0.0.1:${rtmpPort}/live/gate`]),
      ffmpeg('HTTP-FLV', ['-i', `${server.base}/flv/gate.flv`]),
      webSocket('WebSocket', ws),
    ];
    await until(waiting(ends), 15_000);

    const shut = await server.change((text) => text.replace('mode = "none"', 'mode = "required"'));
    assert.deepEqual([shut.applied, shut.restart], [['auth.mode'], []]);
    await until(() => ends.filter((one) => !one.isOver()).map(({ name }) => name), 3000);
    assert.equal(ends.find(({ name }) => name === 'WebSocket')!.text(), '4401 ACCESS_REVOKED');
    server.token = undefined;
    const who = await server.api<{ auth: string; set_up: boolean; user: unknown }>('/session');
    assert.deepEqual([who.auth, who.set_up, who.user], ['required', true, null]);
    assert.equal((await fetch(`${server.base}/api/v1/streams`)).status, 401);

    const seen = stays.map((one) => one.seen());
    await until(() => stays.filter((one, i) => one.seen() <= seen[i]! + 5).map(({ name }) => name), 5000);
    for (const one of stays) assert.ok(!one.isOver(), one.name);
  } finally {
    for (const one of [...stays, ...ends]) one.stop();
  }
});

test('the first one to require logins is told how to make the administrator; a name counts at once', {
  timeout: 40_000,
}, async () => {
  await using server = await startTestServer();
  const as = (host: string) =>
    new Promise((resolve, reject) => {
      const asked = request(`${server.base}/api/v1/streams`, { headers: { host } }, ({ statusCode }) =>
        resolve(statusCode),
      );
      asked.on('error', reject).end();
    });
  assert.equal(await as('nvr.example.com'), 403);
  const named = await server.change((text) =>
    text.replace('mode = "none"', 'mode = "none"\nhosts = ["nvr.example.com"]'),
  );
  assert.deepEqual([named.applied, named.restart], [['auth.hosts'], []]);
  assert.equal(await as('nvr.example.com'), 200);
  const shut = await server.change((text) => text.replace('mode = "none"', 'mode = "required"'));
  assert.deepEqual([shut.applied, shut.restart], [['auth.mode'], []]);
  const { set_up } = await server.api<{ set_up: boolean }>('/session');
  assert.equal(set_up, false);
  assert.ok(await server.setUp());
});

test('another media_dir counts at once: its files play, one that it lacks ends with the reason, others go on', {
  timeout: 60_000,
}, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  await using server = await startTestServer({ cameras: [{ id: 'gate', url: camera.urls.main! }] });
  await server.guard(async () => {
    const [films, empty] = [join(server.dir, 'films'), join(server.dir, 'empty')];
    for (const folder of [films, empty]) mkdirSync(folder);
    const input = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10', '-t', '2'];
    await runProgram('ffmpeg', [...input, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', join(films, 'a.mp4')]);
    const reader = ffmpeg('HTTP-FLV', ['-i', `${server.base}/flv/gate.flv`]);
    try {
      await until(() => (reader.seen() === 0 ? [reader.name] : []), 15_000);
      const named = await server.change(
        (text) => `media_dir = "films"\n${text}\n[[cameras]]\nname = "film"\nurl = "file:a.mp4"\n`,
      );
      assert.deepEqual([named.applied, named.restart], [['media_dir', 'cameras.film'], []]);
      await server.waitFor('film', 'online', 10_000);
      const emptied = await server.change((text) => text.replace('"films"', '"empty"'));
      assert.deepEqual([emptied.applied, emptied.restart], [['media_dir'], []]);
      const { reason } = await server.waitFor('film', ({ state }) => state === 'offline', 10_000);
      assert.equal(reason?.code, 'FILE_NOT_FOUND');
      assert.match(reason.message, /media_dir ".*empty"/);
      const seen = reader.seen();
      await until(() => (reader.seen() <= seen + 5 ? [reader.name] : []), 5000);
      assert.ok(!reader.isOver(), reader.text());
    } finally {
      reader.stop();
    }
  });
});
