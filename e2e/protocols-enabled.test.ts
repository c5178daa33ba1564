// `protocols.enabled`: what others reach us by.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, startTestServer, wait } from './harness.ts';
import { assertConsecutive, numbersOf } from './live-numbers.ts';
import { ffmpegPlays } from './rtmp-bench.ts';

/** Eight seconds of pictures. */
const playedFrames = 200;

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    setTimeout(() => socket.destroy(), 500).unref();
  });
}

test('only protocols that are enabled answer; which ones they are changes while others watch', {
  timeout: 60_000,
}, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const rtspPort = await freePort();
  await using server = await startTestServer({
    cameras: [{ id: 'gate', url: camera.urls.main! }],
    more: `[protocols]\nenabled = ["hls"]\n[protocols.rtsp]\nbind = "127.0.0.1:${rtspPort}"\n`,
  });
  await server.waitFor('gate', 'online', 15_000);
  const status = async (path: string) => {
    const response = await fetch(`${server.base}${path}`, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.status;
  };
  const ways = async () => Promise.all(['/hls/gate/index.m3u8', '/flv/gate.flv', '/fmp4/gate'].map(status));
  const enable = (names: string) =>
    server.change((before) => before.replace(/enabled = \[.*\]/, `enabled = [${names}]`));
  assert.deepEqual(await ways(), [200, 404, 200], 'the console shows its pictures by fMP4');
  assert.equal(await answers(rtspPort), false);
  assert.equal(await status('/api/v1/streams/gate/play?protocol=hls'), 200);
  assert.notEqual(await status('/api/v1/streams/gate/play?protocol=flv'), 200);

  assert.deepEqual((await enable('"flv", "rtsp"')).applied, ['protocols.enabled']);
  assert.deepEqual(await ways(), [404, 200, 200]);
  assert.deepEqual((await server.api<{ outputs: string[] }>('/streams/gate')).outputs, ['fmp4', 'flv', 'rtsp']);
  const overRtsp = ffmpegPlays(`rtsp://127.0.0.1:${rtspPort}/live/gate`, playedFrames, ['-rtsp_transport', 'tcp']);
  const overFlv = ffmpegPlays(`${server.base}/flv/gate.flv`, playedFrames);
  await wait(3000);

  await enable('"flv"');
  assert.ok(numbersOf((await overRtsp).stdout).length < playedFrames, 'it is shown out');
  assert.equal(await answers(rtspPort), false);
  const { stdout, stderr } = await overFlv;
  assert.equal(stderr, '');
  assertConsecutive(numbersOf(stdout), playedFrames, 'FFmpeg');

  const lasting = fetch(`${server.base}/flv/gate.flv`).then((response) => response.arrayBuffer());
  await wait(1000);
  await enable('"rtsp"');
  await lasting.catch(() => {});
  assert.deepEqual(await ways(), [404, 404, 200]);
  assert.equal(await answers(rtspPort), true);
});
