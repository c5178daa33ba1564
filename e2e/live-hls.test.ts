import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { chromium } from 'playwright-core';
import { playWithGstreamer } from './harness.ts';
import { LiveServer, makeClip, run, wait } from './live-harness.ts';

const server = new LiveServer();
let base = '';

before(async () => {
  server.http.app.get('/page', (_request, reply) => reply.type('text/html').send('<!doctype html><body></body>'));
  await server.listen();
  base = `http://127.0.0.1:${server.port}/hls`;
  await server.cameras({
    h264: { audio: 'aac', seconds: 45, gop: 50 },
    h265: { video: 'h265', audio: 'pcma', seconds: 20, gop: 25 },
    hevc: { video: 'h265', audio: 'aac', seconds: 20, gop: 25 },
    b: { bFrames: 2, seconds: 20, gop: 30 },
  });
  await wait(1500);
});
after(() => server[Symbol.asyncDispose]());

/** Lines of `tag` in a playlist. */
const values = (text: string, tag: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`#${tag}:`))
    .map((line) => line.slice(tag.length + 2));

/** Presentation times of all frames that ffprobe decodes in some seconds of a live playlist. */
async function framesOf(path: string, kind: 'v' | 'a', seconds: number): Promise<number[]> {
  const select = ['-select_streams', kind, '-show_entries', 'frame=pts_time', '-of', 'csv=p=0'];
  const text = await run('ffprobe', ['-v', 'error', ...select, '-read_intervals', `%+${seconds}`, `${base}/${path}`]);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const time = Number.parseFloat(line);
      assert.ok(Number.isFinite(time), `ffprobe complains: ${line}`);
      return time;
    });
}

test('the first request is answered at once from the GOP cache', async () => {
  const startMs = performance.now();
  const answer = await fetch(`${base}/h264/index.m3u8?token=a%2Bb`);
  const tookMs = performance.now() - startMs;
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.ok(tookMs < 1500, `${tookMs} ms`);
  assert.match(text, /segment_\d+\.ts\?token=a%2Bb\n/);
  const fmp4 = await (await fetch(`${base}/h264/index.m3u8?container=fmp4&token=a%2Bb`)).text();
  assert.match(fmp4, /segment_\d+\.m4s\?token=a%2Bb\n/);
  assert.match(fmp4, /#EXT-X-MAP:URI="init_\d+\.mp4\?token=a%2Bb"/);
  assert.equal(answer.headers.get('cache-control'), 'no-cache');
  assert.equal(answer.headers.get('access-control-allow-origin'), '*');
});

const played = [
  { name: 'H.264 and AAC in MPEG-TS', path: 'h264/index.m3u8', sound: 220 },
  { name: 'H.264 and AAC in fMP4', path: 'h264/index.m3u8?container=fmp4', sound: 220 },
  { name: 'H.264 with B pictures in MPEG-TS', path: 'b/index.m3u8', sound: 0 },
  { name: 'H.264 with B pictures in fMP4', path: 'b/index.m3u8?container=fmp4', sound: 0 },
  { name: 'H.265 and AAC in MPEG-TS', path: 'hevc/index.m3u8', sound: 220 },
];

describe('players beside each other', { concurrency: true }, () => {
  test('ffmpeg decodes every picture with its time, and the sound', { concurrency: true }, async (t) => {
    const cases = played.map(({ name, path, sound }) =>
      t.test(name, async () => {
        const [video, audio] = await Promise.all([framesOf(path, 'v', 5), sound > 0 ? framesOf(path, 'a', 5) : []]);
        assert.ok(video.length >= 115, `${video.length} pictures`);
        for (let i = 1; i < video.length; i++) {
          const step = video[i]! - video[i - 1]!;
          assert.ok(Math.abs(step - 0.04) < 0.0015, `picture ${i} comes ${step} s after the one before`);
        }
        assert.ok(audio.length >= sound, `${audio.length} frames of sound`);
      }),
    );
    await Promise.all(cases);
  });

  test('ffmpeg decodes H.265 and G.711 as FLAC without a hole', async () => {
    const [video, audio] = await Promise.all([
      framesOf('h265/index.m3u8', 'v', 4),
      framesOf('h265/index.m3u8', 'a', 4),
    ]);
    assert.ok(video.length >= 95, `${video.length} pictures`);
    assert.ok(audio.length >= 190, `${audio.length} frames of sound`);
    for (let i = 1; i < audio.length; i++) assert.ok(Math.abs(audio[i]! - audio[i - 1]! - 0.02) < 0.0015, `frame ${i}`);
  });

  const gstreamers = [
    { demuxer: 'tsdemux', path: 'h264/index.m3u8' },
    { demuxer: 'qtdemux', path: 'h264/index.m3u8?container=fmp4' },
  ];

  test('GStreamer plays the live playlist', { concurrency: true }, async (t) => {
    const cases = gstreamers.map(({ demuxer, path }) =>
      t.test(demuxer, async () => {
        const pipeline = [
          ...['souphttpsrc', `location=${base}/${path}`, '!', 'hlsdemux', '!', demuxer, '!', 'h264parse'],
          ...['!', 'avdec_h264', '!', 'identity', 'silent=false', '!', 'fakesink', 'sync=false'],
        ];
        const output = await playWithGstreamer(pipeline, 105);
        const times = [...output.matchAll(/chain .*?pts: (\d+):(\d+):([\d.]+)/g)].map(
          ([, hours, minutes, seconds]) => Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
        );
        assert.ok(times.length >= 100, `${times.length} pictures\n${output.slice(-1500)}`);
        for (let i = 1; i < times.length; i++)
          assert.ok(Math.abs(times[i]! - times[i - 1]! - 0.04) < 0.002, `picture ${i}`);
      }),
    );
    await Promise.all(cases);
  });

  test('a session that ends and begins anew is a discontinuity', async () => {
    const clip = await makeClip({ audio: 'aac', seconds: 4, gop: 25 });
    const first = await server.camera('again', clip);
    await wait(2500);
    await fetch(`${base}/again/index.m3u8`);
    first.stop();
    await server.camera('again', clip);
    await wait(2600);
    const text = await (await fetch(`${base}/again/index.m3u8`)).text();
    assert.equal(text.match(/#EXT-X-DISCONTINUITY\n/g)?.length, 1, text);
    assert.equal(values(text, 'EXT-X-MAP').length, 0, text);
  });
});

test('hls.js plays the live playlist in Chromium', async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  try {
    const page = await (await browser.newContext({ bypassCSP: true })).newPage();
    await page.goto(`http://127.0.0.1:${server.port}/page`);
    await page.addScriptTag({ path: join(import.meta.dirname, '../node_modules/hls.js/dist/hls.min.js') });
    const script = `new Promise((resolve) => {
      const video = document.createElement('video');
      video.muted = true;
      document.body.append(video);
      const hls = new Hls({ enableWorker: false });
      const fatal = [];
      hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) fatal.push(data.details + ' ' + data.error); });
      const untilMs = performance.now() + 20000;
      const look = () => {
        const frames = video.getVideoPlaybackQuality().totalVideoFrames;
        const sound = video.webkitAudioDecodedByteCount;
        const isDone = (frames > 75 && sound > 1000) || fatal.length > 0 || performance.now() > untilMs;
        if (isDone) resolve({ fatal, frames, sound, time: video.currentTime });
        else setTimeout(look, 100);
      };
      look();
      hls.loadSource('${base}/h264/index.m3u8');
      hls.attachMedia(video);
      video.play();
    })`;
    const result = (await page.evaluate(script)) as { fatal: string[]; frames: number; sound: number };
    assert.deepEqual(result.fatal, []);
    assert.ok(result.frames > 75 && result.sound > 1000, JSON.stringify(result));
  } finally {
    await browser.close();
  }
});

test('numbers go on, no segment is longer than the target, and each is there', async () => {
  const text = await (await fetch(`${base}/h264/index.m3u8`)).text();
  const target = Number(values(text, 'EXT-X-TARGETDURATION')[0]);
  const durations = values(text, 'EXTINF').map(Number.parseFloat);
  assert.ok(durations.length >= 3 && durations.length <= 5, text);
  for (const seconds of durations) assert.ok(Math.round(seconds) <= target, `${seconds} s with target ${target}`);
  const dates = values(text, 'EXT-X-PROGRAM-DATE-TIME').map(Date.parse);
  for (const [i, ms] of dates.entries()) {
    // A busy machine takes a picture in late.
    if (i > 0) assert.ok(Math.abs(ms - dates[i - 1]! - durations[i - 1]! * 1000) < 300, text);
  }
  for (const uri of text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
    const answer = await fetch(`${base}/h264/${uri}`);
    assert.equal(answer.status, 200);
    assert.ok((await answer.arrayBuffer()).byteLength > 1000);
    assert.match(answer.headers.get('cache-control')!, /immutable/);
  }
});

test('unknown streams, segments and tokens are problems with a status', async () => {
  assert.equal((await fetch(`${base}/nobody/index.m3u8`)).status, 404);
  const answer = await fetch(`${base}/h264/segment_1.m4s`);
  assert.equal(answer.status, 404);
  assert.equal(((await answer.json()) as { code: string }).code, 'HLS_SEGMENT_NOT_FOUND');
});
