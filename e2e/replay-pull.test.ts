import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { PullBench } from '../packages/server/src/protocols/rtsp/pull-bench.ts';
import { freePort, startTestServer, wait } from './harness.ts';

test('what one server has recorded another one pulls, at its pace and with its times', {
  timeout: 50_000,
}, async () => {
  await using camera = await startRtspCamera({ port: 0 });
  const port = await freePort();
  await using server = await startTestServer({
    cameras: [{ id: 'cam', url: camera.urls['main']! }],
    more: `[protocols.rtsp]\nbind = "127.0.0.1:${port}"`,
  });
  await server.guard(async () => {
    await server.waitFor('cam', ({ recording }) => recording.state === 'recording', 15_000);
    await wait(8000);
    const { segments } = await server.api<{ segments: { start: string; end: string }[] }>('/recordings/cam');
    // From the middle of the first file into the second one.
    const startMs = Date.parse(segments[0]!.start) + 2500;
    const range = `${new Date(startMs).toISOString()}/${new Date(startMs + 4000).toISOString()}`;
    await using pull = new PullBench(`rtsp://127.0.0.1:${port}/recordings/cam#replay=${range}`, {});
    const ended = await pull.ended;
    assert.equal(ended?.code, 'SOURCE_ENDED');
    const video = pull.samples.filter(({ track }) => track.kind === 'video');
    assert.ok(pull.count('audio') > 20, `${pull.count('audio')} frames of sound`);
    assert.equal(video[0]!.key, true);
    // It begins with the key picture before the time asked for: the clip has one each two seconds.
    const beforeMs = startMs - video[0]!.wallMs;
    assert.ok(beforeMs > 400 && beforeMs < 600, `${beforeMs} ms`);
    assert.ok(Math.abs(video.at(-1)!.wallMs - startMs - 4000) < 200, `${video.at(-1)!.wallMs - startMs} ms`);
    for (let i = 1; i < video.length; i++) {
      const stepMs = video[i]!.wallMs - video[i - 1]!.wallMs;
      assert.ok(Math.abs(stepMs - 40) < 25, `picture ${i} is ${stepMs} ms after the one before`);
      assert.ok(video[i]!.dts > video[i - 1]!.dts);
    }
    const tookMs = pull.arrivals.at(-1)!.wallMs - pull.arrivals[0]!.wallMs;
    assert.ok(tookMs > 1500 && tookMs < 8000, `${video.length} pictures came in ${tookMs} ms`);
  });
});
