// `protocols.enabled`: what others reach us by.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, wait } from './harness.ts';

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    setTimeout(() => socket.destroy(), 500).unref();
  });
}

test('only protocols that are enabled answer; cameras are pulled all the same', { timeout: 40_000 }, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const rtspPort = 30_000 + Math.floor(Math.random() * 2000);
  await using server = await startTestServer({
    cameras: [{ id: 'gate', url: camera.urls.main! }],
    more: `[protocols]\nenabled = ["hls"]\n[protocols.rtsp]\nbind = "127.0.0.1:${rtspPort}"\n`,
  });
  for (let i = 0; i < 100 && (await server.stream('gate')).state !== 'online'; i++) await wait(100);
  assert.equal((await server.stream('gate')).state, 'online');
  const status = async (path: string) => {
    const response = await fetch(`${server.base}${path}`, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status('/hls/gate/index.m3u8'), 200);
  assert.equal(await status('/flv/gate.flv'), 404);
  assert.equal(await status('/fmp4/gate'), 200, 'the console shows its pictures by it');
  assert.equal(await answers(rtspPort), false);
  assert.equal(await status('/api/v1/streams/gate/play?protocol=hls'), 200);
  assert.notEqual(await status('/api/v1/streams/gate/play?protocol=flv'), 200);
});
