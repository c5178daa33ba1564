import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { lastingGrant } from '@watchpost/server/hub/grant.ts';
import { createHttpServer } from '@watchpost/server/net/http-server.ts';
import { MemoryRecordings } from '@watchpost/server/playback/memory-recordings.ts';
import { createPlayback } from '@watchpost/server/playback/playback.ts';
import { registerPlaybackRoutes } from '@watchpost/server/playback/routes.ts';
import { type Browser, chromium } from 'playwright-core';
import { type Clip, makeClip, run } from './live-harness.ts';

const http = createHttpServer({ logger: silentLogger });
const recordings = new MemoryRecordings();
const startMs = Date.UTC(2026, 1, 11, 10);
let base = '';
let browser: Browser;

/** 12 s in files of 4 s, a gap of 20 s, then 6 s more in another run, whose decode times go on or begin anew. */
function recordWithGap(streamId: string, clip: Clip, goesOn: boolean): void {
  const { tracks, samples } = clip;
  recordings.record({ streamId, runId: `${streamId}-1`, startMs, tracks, samples, fileMs: 4000 });
  const shiftSeconds = goesOn ? 32 : 0;
  const later = samples
    .filter((sample) => sample.dts < 6 * sample.track.clockRate)
    .map((sample) => {
      const shift = shiftSeconds * sample.track.clockRate;
      return { ...sample, dts: sample.dts + shift, pts: sample.pts + shift };
    });
  const laterMs = startMs + (32 - shiftSeconds) * 1000;
  recordings.record({ streamId, runId: `${streamId}-2`, startMs: laterMs, tracks, samples: later, fileMs: 4000 });
}

before(async () => {
  recordWithGap('aac', await makeClip({ audio: 'aac', seconds: 12, gop: 25 }), true);
  const hung = await makeClip({ audio: 'aac', seconds: 16, gop: 25 });
  const samples = hung.samples.filter(({ track, dts }) => track.kind === 'audio' || dts < 2 * track.clockRate);
  const place = { streamId: 'hung', runId: 'hung-1', startMs, fileMs: 60_000, restMs: 2000 };
  recordings.record({ ...place, tracks: hung.tracks, samples });
  recordWithGap('g711', await makeClip({ video: 'h264', audio: 'pcma', seconds: 12, gop: 25 }), false);
  const backends = new Map([['memory', recordings.backend]]);
  const playback = createPlayback({ recordings, backends, clock: systemClock });
  registerPlaybackRoutes(http, { playback, access: { authorize: async () => lastingGrant } });
  http.app.get('/page', (_request, reply) => reply.type('text/html').send('<!doctype html><body></body>'));
  base = `http://127.0.0.1:${(await http.listen('127.0.0.1:0')).port}`;
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
});
after(async () => {
  await browser?.close();
  await http.close();
});

function address(id: string, fromSeconds: number, toSeconds: number): string {
  return `${base}/recordings-hls/${id}/index.m3u8?start=${startMs + fromSeconds * 1000}&end=${startMs + toSeconds * 1000}`;
}

async function framesOf(url: string, kind: 'v' | 'a'): Promise<number[]> {
  const select = ['-select_streams', kind, '-show_entries', 'frame=pts_time', '-of', 'csv=p=0'];
  const text = await run('ffprobe', ['-v', 'error', ...select, url]);
  return text.split('\n').filter(Boolean).map(Number.parseFloat);
}

test('ffmpeg decodes every picture of three files of one run without a step', async () => {
  const frames = await framesOf(address('aac', 0, 12), 'v');
  assert.equal(frames.length, 300);
  for (let i = 1; i < frames.length; i++)
    assert.ok(Math.abs(frames[i]! - frames[i - 1]! - 0.04) < 0.0015, `picture ${i}`);
  const sound = await framesOf(address('aac', 0, 12), 'a');
  assert.ok(Math.abs(sound.length - (12 * 48_000) / 1024) < 3, `${sound.length} frames of sound`);
});

test('ffmpeg decodes the pictures on both sides of a gap', async () => {
  const frames = await framesOf(address('aac', 0, 40), 'v');
  assert.equal(frames.length, 450);
});

test('ffmpeg decodes G.711 recordings as FLAC, sample by sample', async () => {
  const url = address('g711', 0, 12);
  const output = await run('ffmpeg', [
    '-v',
    'info',
    '-i',
    url,
    '-vn',
    '-af',
    'astats=metadata=0:measure_perchannel=none',
    '-f',
    'null',
    '-',
  ]);
  assert.match(output, /Audio: flac.*8000 Hz/);
  const samples = Number(/Number of samples: (\d+)/.exec(output)?.[1]);
  assert.ok(Math.abs(samples - 96_000) <= 160, `${samples} samples`);
  assert.equal((await framesOf(url, 'v')).length, 300);
  const sound = await framesOf(url, 'a');
  for (let i = 1; i < sound.length; i++)
    assert.ok(sound[i]! - sound[i - 1]! < 0.0215, `frame ${i} after ${sound[i]! - sound[i - 1]!} s`);
});

test('GStreamer plays a playlist to its end', async () => {
  const output = await run('gst-launch-1.0', [
    ...['-v', 'souphttpsrc', `location=${address('aac', 2.5, 11)}`, '!', 'hlsdemux', '!', 'qtdemux', '!', 'h264parse'],
    ...['!', 'avdec_h264', '!', 'identity', 'silent=false', '!', 'fakesink', 'sync=false'],
  ]);
  assert.match(output, /Got EOS/);
  const pictures = output.match(/chain .*?pts:/g)?.length ?? 0;
  assert.ok(pictures >= 225 && pictures <= 235, `${pictures} pictures`);
});

/** What hls.js says of playing it to its end, four times as fast as it is. */
async function playInBrowser(url: string): Promise<Record<string, number> & { readonly errors: string[] }> {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${base}/page`);
  await page.addScriptTag({ path: join(import.meta.dirname, '../node_modules/hls.js/dist/hls.min.js') });
  const script = `new Promise((resolve) => {
      const video = document.createElement('video');
      video.muted = true;
      document.body.append(video);
      const hls = new Hls({ enableWorker: false });
      const result = { errors: [], startedAt: -1 };
      hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) result.errors.push(data.type + ' ' + data.details + ' ' + data.error); });
      const done = () => resolve(Object.assign(result, {
        duration: video.duration, ended: video.ended, time: video.currentTime, sound: video.webkitAudioDecodedByteCount,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
      }));
      // 'playing' may come before the player has sought to where the playlist says that it starts.
      video.addEventListener('seeking', () => { result.startedAt = video.currentTime; }, { once: true });
      video.addEventListener('playing', () => { if (result.startedAt < 0) result.startedAt = video.currentTime; video.playbackRate = 4; });
      video.addEventListener('ended', done);
      setTimeout(done, 9000);
      hls.loadSource('${url}');
      hls.attachMedia(video);
      video.play();
    })`;
  const result = await page.evaluate(script);
  await context.close();
  return result as Awaited<ReturnType<typeof playInBrowser>>;
}

for (const id of ['aac', 'g711']) {
  test(`hls.js plays ${id} from the exact picture and across a gap`, async () => {
    const result = await playInBrowser(address(id, 6.48, 40));
    assert.deepEqual(result.errors, []);
    assert.equal(result['ended'], true, JSON.stringify(result));
    assert.ok(Math.abs(result['startedAt']! - 0.48) < 0.06, JSON.stringify(result));
    assert.ok(Math.abs(result['duration']! - 12) < 0.2, JSON.stringify(result));
    assert.ok(result['sound']! > 1000, JSON.stringify(result));
    assert.ok(result['frames']! > 150, JSON.stringify(result));
  });
}

test('hls.js plays sound that no picture follows to its end', async () => {
  const result = await playInBrowser(address('hung', 0.48, 16));
  assert.equal(result['ended'], true, JSON.stringify(result));
  assert.ok(Math.abs(result['duration']! - 16) < 0.2, JSON.stringify(result));
});
