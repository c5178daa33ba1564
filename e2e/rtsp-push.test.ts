import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { freePort, wait } from './harness.ts';
import { assertConsecutive, numbersOf } from './live-numbers.ts';
import { ffmpegPlays, RtmpBench } from './rtmp-bench.ts';

const stack = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), 'watchpost-e2e-'));
let bench: RtmpBench;
let recorderPort = 0;

const gray = 'videoconvert ! videoscale ! video/x-raw,format=GRAY8,width=320,height=180';
/** What GStreamer's server decodes, of pictures into a file. */
const launches = [
  ['main', 'rtph264depay name=depay0 ! h264parse ! avdec_h264', 'rtpmp4gdepay name=depay1 ! aacparse ! avdec_aac'],
  ['h265', 'rtph265depay name=depay0 ! h265parse ! avdec_h265', 'rtppcmadepay name=depay1 ! alawdec'],
].map(([id, picture, sound]) => {
  const sink = `filesink sync=false buffer-mode=unbuffered location=${join(folder, id!)}`;
  return `${id}=${picture} ! ${gray} ! ${sink} ${sound} ! fakesink sync=false`;
});

before(async () => {
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  bench = stack.use(await RtmpBench.open());
  const script = new URL('gstreamer-camera.py', import.meta.url).pathname;
  const recorder = spawn('/usr/bin/python3', [script, 'digest', ...launches], { stdio: ['pipe', 'pipe', 'ignore'] });
  stack.defer(() => void recorder.stdin.end());
  const [line] = (await once(recorder.stdout, 'data')) as [Buffer];
  recorderPort = Number(line.toString());
});
after(() => stack.disposeAsync());

describe('RTSP pushed to others', { concurrency: 2 }, () => {
  for (const id of ['main', 'h265'])
    test(`FFmpeg and GStreamer decode "${id}", FFmpeg once more after it was gone`, { timeout: 40_000 }, async () => {
      const listener = `rtsp://127.0.0.1:${await freePort()}/from-us`;
      const listens = (count: number) => ffmpegPlays(listener, count, ['-rtsp_flags', 'listen']);
      const first = listens(50);
      await wait(500);
      const stream = await bench.define({
        ...{ id: `to-others-${id}`, sources: [parseSourceUrl(bench.camera.urls[id]!)] },
        push: [parseSourceUrl(listener), parseSourceUrl(`rtsp://admin:p%40ss%3A%231@127.0.0.1:${recorderPort}/${id}`)],
      });
      const begun = await first;
      assertConsecutive(numbersOf(begun.stdout), 50, `FFmpeg: ${begun.stderr}`);
      const again = await listens(25);
      assertConsecutive(numbersOf(again.stdout), 25, `FFmpeg again: ${again.stderr}`);
      assert.equal(stream.state, 'online');
      await bench.hub.remove(stream.definition.id);
      const pictures = readFileSync(join(folder, id));
      assertConsecutive(numbersOf(pictures), 50, 'GStreamer');
    });
});
