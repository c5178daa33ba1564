import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { runProgram, startTestServer, type TestServer, wait } from './harness.ts';

let camera: RtspCamera;
let server: TestServer;

before(async () => {
  camera = await startRtspCamera({ port: 0, faults: { muted: true } });
  server = await startTestServer({ cameras: [{ id: 'gate', url: camera.urls['main']! }] });
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await camera?.close();
});

/** Kinds of the streams that ffprobe finds, `video` first. */
async function kindsIn(input: string): Promise<string[]> {
  const args = ['-v', 'error', '-show_entries', 'stream=codec_type', '-of', 'csv=p=0', input];
  const { status, stdout, stderr } = await runProgram('ffprobe', args, 8000);
  assert.equal(status, 0, `${input}: ${stderr}`);
  return stdout.toString().trim().split('\n').sort().reverse();
}

/** How long FFmpeg takes to its tenth picture, ms; left alone it looks for sound in any FLV with pictures only for 5 s. */
async function msToPictures(url: string): Promise<number> {
  const fromMs = performance.now();
  const args = [
    '-v',
    'error',
    '-analyzeduration',
    '500000',
    '-i',
    url,
    '-map',
    '0:v',
    '-frames:v',
    '10',
    '-f',
    'null',
    '-',
  ];
  const { status, stderr } = await runProgram('ffmpeg', args, 10_000);
  assert.equal(status, 0, stderr);
  return performance.now() - fromMs;
}

/** Kinds in each recorded file, the oldest first, with when it begins, ms since 1970. */
async function recorded(): Promise<{ startMs: number; kinds: string }[]> {
  const { segments } = await server.api<{ segments: { id: string; start: string }[] }>('/recordings/gate');
  const files = segments.map(async ({ id, start }) => {
    const kinds = await kindsIn(`${server.base}/recordings-hls/gate/${id}.mp4`);
    return { startMs: Date.parse(start), kinds: kinds.join() };
  });
  return Promise.all(files);
}

test(
  'sound that never comes is left out from the first picture after a restart on, and joins when it comes',
  {
    timeout: 90_000,
  },
  () =>
    server.guard(async () => {
      await server.waitFor('gate', 'online', 8000);
      await wait(4500);
      await server.kill();
      const killedAtMs = Date.now();
      await server.start();
      await server.waitFor('gate', 'online', 8000);
      const flv = `${server.base}/flv/gate.flv`;
      const fmp4 = `${server.base}/fmp4/gate`;
      const [ms, ofFlv, ofFmp4] = await Promise.all([msToPictures(flv), kindsIn(flv), kindsIn(fmp4)]);
      assert.deepEqual([ofFlv, ofFmp4], [['video'], ['video']]);
      assert.ok(ms < 2500, `the tenth picture of FLV after ${Math.round(ms)} ms`);
      await wait(4000);
      const silent = (await recorded()).filter(({ startMs }) => startMs > killedAtMs);
      assert.ok(silent.length > 0, 'something is recorded');
      assert.deepEqual([...new Set(silent.map(({ kinds }) => kinds))], ['video']);
      await camera.setFaults({ muted: false });
      await wait(4500);
      assert.deepEqual(
        [await kindsIn(flv), await kindsIn(fmp4)],
        [
          ['video', 'audio'],
          ['video', 'audio'],
        ],
      );
      await server.stop();
      await server.start();
      await server.waitFor('gate', 'online', 8000);
      assert.deepEqual(await kindsIn(fmp4), ['video', 'audio']);
      await wait(1500);
      assert.equal((await recorded()).at(-1)?.kinds, 'video,audio');
    }),
);
