import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { playWithGstreamer } from './harness.ts';
import { LiveServer, run, wait } from './live-harness.ts';

const server = new LiveServer();
let browser: Browser;
let base = '';

/** A group of pictures lasts so long: while an answer is held up as long, a key picture passes. */
const groupMs = 2000;

before(async () => {
  // As on a slow network, the first answer of the better quality comes when the worse one has played on for a while.
  server.http.app.addHook('onRequest', async ({ url }) => {
    if (url.startsWith('/hls/two/main/index.m3u8') && !url.includes('_HLS_msn')) await wait(groupMs);
  });
  server.http.app.get('/page', (_request, reply) => reply.type('text/html').send('<!doctype html><body></body>'));
  await server.listen({ low_latency: true, enable_adaptive: true });
  base = `http://127.0.0.1:${server.port}/hls`;
  await server.cameras({
    one: { audio: 'aac', seconds: 30, gop: 50 },
    two: { seconds: 20, gop: 50, size: '640x360' },
    'two.sub': { seconds: 20, gop: 50, bitrate: '200k' },
  });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  await wait(1500);
});
after(async () => {
  await browser?.close();
  await server[Symbol.asyncDispose]();
});

interface Watched {
  readonly fatal: readonly string[];
  readonly frames: number;
  /** Seconds between a picture's capture and its showing: the least over a while, the newest. */
  readonly behind: number;
  readonly parts: number;
  readonly widths: readonly number[];
  /** Where it stands: errors that are not fatal, what is buffered, where the playlist in use begins and ends. */
  readonly state: string;
}

/** Plays a playlist with hls.js until `isDone` (a script over `seen`) or 25 s have passed. */
async function watch(path: string, isDone: string): Promise<Watched> {
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  try {
    await page.goto(`http://127.0.0.1:${server.port}/page`);
    await page.addScriptTag({ path: join(import.meta.dirname, '../node_modules/hls.js/dist/hls.min.js') });
    const script = `new Promise((resolve) => {
      const video = document.createElement('video');
      video.muted = true;
      document.body.append(video);
      const hls = new Hls({ enableWorker: false, startLevel: 0 });
      const seen = { fatal: [], frames: 0, behind: 99, parts: 0, widths: [], state: '' };
      const errors = [];
      hls.on(Hls.Events.ERROR, (_, data) => { 
        if (data.fatal) seen.fatal.push(data.details + ' ' + data.error);
        else if (errors.length < 10) errors.push(data.details);
      });
      hls.on(Hls.Events.FRAG_LOADED, (_, data) => { if (data.part) seen.parts++; });
      const untilMs = performance.now() + 25000;
      const look = () => {
        const now = hls.playingDate;
        if (now && !video.seeking) seen.behind = (Date.now() - now.getTime()) / 1000;
        seen.frames = video.getVideoPlaybackQuality().totalVideoFrames;
        if (video.videoWidth > 0 && seen.widths.at(-1) !== video.videoWidth) seen.widths.push(video.videoWidth);
        if (hls.levels.length > 1 && seen.frames > 60 && seen.widths.length === 1) hls.nextLevel = 1 - hls.currentLevel;
        if (${isDone} || seen.fatal.length > 0 || performance.now() > untilMs) {
          const { buffered, currentTime, paused } = video;
          const ranges = Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
          const details = hls.latestLevelDetails;
          const playlist = details && [details.fragmentStart, details.edge];
          seen.state = JSON.stringify({ errors, ranges, currentTime, paused, playlist, level: hls.loadLevel });
          resolve(seen);
        } else setTimeout(look, 100);
      };
      hls.loadSource('${base}/${path}');
      hls.attachMedia(video);
      video.play();
      look();
    })`;
    return (await page.evaluate(script)) as Watched;
  } finally {
    await page.context().close();
  }
}

test('hls.js in Chromium plays parts less than three seconds behind the camera', { concurrency: true }, async (t) => {
  const cases = ['ts', 'fmp4'].map((container) =>
    t.test(container, async (sub) => {
      const done = 'seen.frames > 150 && seen.behind < 3 && seen.parts > 10';
      const seen = await watch(`one/index.m3u8?container=${container}`, done);
      assert.deepEqual(seen.fatal, []);
      assert.ok(seen.frames > 150 && seen.parts > 10, JSON.stringify(seen));
      assert.ok(seen.behind < 3, JSON.stringify(seen));
      sub.diagnostic(`${container}: ${seen.behind.toFixed(2)} s behind, ${seen.parts} parts, ${seen.frames} pictures`);
    }),
  );
  await Promise.all(cases);
});

test('hls.js changes between the two qualities of a camera and goes on', async () => {
  const seen = await watch('two/index.m3u8', 'seen.widths.length > 1 && seen.frames > 120');
  assert.deepEqual(seen.fatal, []);
  assert.ok(seen.frames > 120, JSON.stringify(seen));
  assert.deepEqual([...new Set(seen.widths)].sort(), [320, 640], JSON.stringify(seen));
});

test('players that know nothing of parts play the same playlist', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('ffmpeg', async () => {
      const select = ['-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0'];
      const url = `${base}/one/index.m3u8`;
      const text = await run('ffprobe', ['-v', 'error', ...select, '-read_intervals', '%+4', url]);
      const times = text.split('\n').filter(Boolean).map(Number.parseFloat);
      assert.ok(times.length >= 90, `${times.length} pictures`);
      for (let i = 1; i < times.length; i++) {
        assert.ok(Math.abs(times[i]! - times[i - 1]! - 0.04) < 0.0015, `picture ${i}`);
      }
    }),
    t.test('GStreamer', async () => {
      const pipeline = `souphttpsrc location=${base}/one/index.m3u8 ! hlsdemux ! tsdemux ! h264parse ! avdec_h264 ! identity silent=false ! fakesink sync=false`;
      const output = await playWithGstreamer(pipeline.split(' '), 95);
      const pictures = output.match(/chain .*?pts: \d+/g)?.length ?? 0;
      assert.ok(pictures >= 90, `${pictures} pictures\n${output.slice(-1500)}`);
    }),
  ]);
});
