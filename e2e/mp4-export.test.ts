import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { lastingGrant } from '@watchpost/server/hub/grant.ts';
import { createHttpServer } from '@watchpost/server/net/http-server.ts';
import { ExportJobs } from '@watchpost/server/playback/export-jobs.ts';
import { MemoryRecordings } from '@watchpost/server/playback/memory-recordings.ts';
import { createPlayback } from '@watchpost/server/playback/playback.ts';
import { registerPlaybackRoutes } from '@watchpost/server/playback/routes.ts';
import { parseClip } from '@watchpost/simulator/clip.ts';
import { type Browser, chromium } from 'playwright-core';
import { runProgram, wait } from './harness.ts';
import { makeClip } from './live-harness.ts';
import { framesOf } from './recorded-frames.ts';

const http = createHttpServer({ logger: silentLogger });
const recordings = new MemoryRecordings();
const startMs = Date.UTC(2026, 1, 11, 10);
const folder = mkdtempSync(join(tmpdir(), 'watchpost-export-'));
const backends = new Map([['memory', recordings.backend]]);
const playback = createPlayback({ recordings, backends, clock: systemClock });
let exports_: ExportJobs;
let base = '';
let browser: Browser;

interface Recordable {
  readonly tracks: readonly Track[];
  readonly samples: readonly Sample[];
}

/** A clip of the simulator: 8 s, 25 pictures a second, numbered from 0, a key picture every 2 s. */
function numbered(name: string): Recordable {
  const clip = parseClip(new Uint8Array(readFileSync(new URL(`../packages/simulator/clips/${name}`, import.meta.url))));
  const samples = clip.samples.map(({ trackIndex, key, dts, units }) => ({
    ...{ track: clip.tracks[trackIndex]!, dts, pts: dts, key, units },
    ...{ byteLength: units.reduce((sum, unit) => sum + unit.length, 0), wallMs: 0, lost: 0 },
  }));
  return { tracks: clip.tracks, samples };
}

/** Pictures by two of which the one between is predicted: they are decoded in another order than they are shown in. */
async function reordered(): Promise<Recordable> {
  const { tracks, samples } = await makeClip({ video: 'h264', seconds: 4, gop: 25, bFrames: 2 });
  return { tracks, samples };
}

function address(id: string, fromMs: number, toMs: number): string {
  return `${base}/recordings-mp4/${id}/video.mp4?start=${startMs + fromMs}&end=${startMs + toMs}`;
}

function speedAddress(speed: number, fromMs: number, toMs: number): string {
  return `${base}/recordings-speed/gate/${speed}/index.m3u8?start=${startMs + fromMs}&end=${startMs + toMs}`;
}

function sequence(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

async function durationOf(url: string): Promise<number> {
  const { stdout } = await runProgram('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'format=duration',
    '-of',
    'csv=p=0',
    url,
  ]);
  return Number(stdout.toString());
}

/** Decoded pictures by their hashes, in order. */
async function hashesOf(url: string): Promise<string[]> {
  const decode = ['-v', 'error', '-i', url, '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
  const { stdout } = await runProgram('ffmpeg', decode);
  const lines = stdout.toString().split('\n');
  return lines.filter((line) => /^\d/.test(line)).map((line) => line.split(',').at(-1)!.trim());
}

async function exported(streamId: string, fromMs: number, toMs: number): Promise<string> {
  const job = exports_.create({ streamId, startMs: startMs + fromMs, endMs: startMs + toMs });
  for (let tries = 0; job.state !== 'done'; tries++) {
    assert.ok(tries < 200 && job.state !== 'failed', `${job.state}: ${job.error?.message}`);
    await wait(20);
  }
  return job.path;
}

before(async () => {
  const clip = numbered('clock-h264-aac.clip');
  recordings.record({ streamId: 'gate', runId: 'a', startMs, ...clip, fileMs: 2000 });
  recordings.record({ streamId: 'gate', runId: 'b', startMs: startMs + 30_000, ...clip, fileMs: 2000 });
  const other = numbered('clock-h265-pcma.clip');
  recordings.record({ streamId: 'yard', runId: 'c', startMs, ...other, fileMs: 4000 });
  const small = numbered('sub-h264.clip');
  recordings.record({ streamId: 'turn', runId: 'd', startMs, ...clip, fileMs: 4000 });
  recordings.record({ streamId: 'turn', runId: 'e', startMs: startMs + 8000, ...small, fileMs: 4000 });
  const deep = await reordered();
  recordings.record({ streamId: 'deep', runId: 'f', startMs, ...deep, fileMs: 2000 });
  registerPlaybackRoutes(http, { playback, access: { authorize: async () => lastingGrant } });
  http.app.get('/page', (_request, reply) => reply.type('text/html').send('<!doctype html><body></body>'));
  base = `http://127.0.0.1:${(await http.listen('127.0.0.1:0')).port}`;
  const directory = join(folder, 'exports');
  exports_ = await ExportJobs.open({
    mp4Files: playback.mp4Files,
    clock: systemClock,
    logger: silentLogger,
    directory,
  });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
});
after(async () => {
  await browser?.close();
  await exports_?.[Symbol.asyncDispose]();
  await http.close();
  rmSync(folder, { recursive: true, force: true });
});

test('ffmpeg shows the very pictures of a range, across files and a gap', async () => {
  const url = address('gate', 2520, 33_000);
  assert.deepEqual(await framesOf(url), [...sequence(63, 200), ...sequence(0, 75)]);
  assert.ok(Math.abs((await durationOf(url)) - 8.48) < 0.03);
  const { headers } = await fetch(url, { method: 'HEAD' });
  assert.equal(headers.get('x-recording-start'), '2026-02-11T10:00:02.520Z');
  assert.equal(headers.get('x-recording-gaps'), '1, 2026-02-11T10:00:08.000Z/2026-02-11T10:00:30.000Z');
});

test('every instant begins with the picture that was there at it', async () => {
  for (const fromMs of [0, 39, 40, 1999, 2000, 4001, 7960]) {
    const frames = await framesOf(address('gate', fromMs, fromMs + 100));
    assert.equal(frames[0], Math.floor((fromMs + 1) / 40), `at ${fromMs} ms`);
  }
});

test('pictures are those that were recorded, bit for bit, with B pictures too', async () => {
  const whole = await hashesOf(address('deep', 0, 4000));
  assert.equal(whole.length, 100);
  assert.deepEqual(await hashesOf(address('deep', 1480, 2680)), whole.slice(37, 67));
});

test('an export holds the same pictures, and G.711 as FLAC without loss', async () => {
  const path = await exported('yard', 1000, 7000);
  assert.deepEqual(await framesOf(path), sequence(25, 175));
  const tags = ['-v', 'error', '-show_entries', 'stream=codec_name,codec_tag_string', '-of', 'csv=p=0', path];
  assert.equal((await runProgram('ffprobe', tags)).stdout.toString(), 'hevc,hvc1\nflac,fLaC\n');
  const pcm = async (input: string) =>
    (await runProgram('ffmpeg', ['-v', 'error', '-i', input, '-vn', '-f', 's16le', 'pipe:1'])).stdout;
  const flac = await pcm(path);
  const raw = await pcm(address('yard', 1000, 7000));
  const samples = Math.min(flac.length, raw.length) / 2;
  assert.ok(Math.abs(samples - 48_000) < 500, `${samples} samples`);
  const at = Buffer.from(flac).indexOf(raw.subarray(1600, 3200));
  assert.ok(at >= 0, 'the sound is the one that was recorded');
});

test('new parameter sets are a second sample entry, with which ffmpeg goes on', async () => {
  const url = address('turn', 6000, 10_000);
  const { stdout } = await runProgram('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=width', '-of', 'csv=p=0', url],
  ]);
  const widths = stdout.toString().split('\n').map(Number.parseFloat).filter(Boolean);
  assert.deepEqual([...new Set(widths)], [640, 320]);
  assert.deepEqual(await framesOf(url), [...sequence(150, 200), ...sequence(0, 50)]);
});

test('GStreamer demuxes and decodes it', async () => {
  const output = await runProgram('gst-launch-1.0', [
    ...['-v', 'souphttpsrc', `location=${address('gate', 2520, 8000)}`, '!', 'qtdemux', '!', 'h264parse', '!'],
    ...['avdec_h264', '!', 'identity', 'silent=false', '!', 'fakesink', 'sync=false'],
  ]);
  assert.match(output.stdout.toString(), /Got EOS/);
  const pictures = output.stdout.toString().match(/chain .*?pts:/g)?.length ?? 0;
  // From the key picture before: what the edit list leaves out is decoded, and clipped where it is shown.
  assert.ok(pictures >= 137 && pictures <= 150, `${pictures} pictures`);
});

test('VLC plays it to its end', async () => {
  const path = await exported('gate', 2520, 33_000);
  const copy = join(folder, 'vlc.mp4');
  writeFileSync(copy, readFileSync(path), { mode: 0o644 });
  const vlc = [
    '-I',
    'dummy',
    '-vv',
    '--no-audio',
    '--vout',
    'dummy',
    '--rate',
    '8',
    '--play-and-exit',
    `file://${copy}`,
  ];
  const args = ['-n', '-u', 'nobody', 'env', 'HOME=/tmp', 'cvlc', ...vlc];
  await runProgram('chmod', ['755', folder]);
  const { stderr, status } = await runProgram('sudo', args, 20_000).catch(() =>
    runProgram(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'HOME=/tmp', 'cvlc', ...vlc],
      20_000,
    ),
  );
  assert.equal(status, 0, stderr.slice(-2000));
  assert.match(stderr, /EOF reached|end of stream|ended/i);
});

test('ranges are those of one and the same file', async () => {
  const url = address('gate', 500, 33_000);
  const whole = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const etag = (await fetch(url, { method: 'HEAD' })).headers.get('etag')!;
  for (const [from, to] of [
    [0, 1],
    [10, 5000],
    [4000, 60_000],
    [whole.length - 100, whole.length],
  ] as const) {
    const answer = await fetch(url, { headers: { range: `bytes=${from}-${to - 1}`, 'if-range': etag } });
    assert.equal(answer.status, 206);
    assert.equal(answer.headers.get('content-range'), `bytes ${from}-${to - 1}/${whole.length}`);
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), whole.subarray(from, to));
  }
  assert.equal((await fetch(url, { headers: { range: `bytes=${whole.length}-` } })).status, 416);
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304);
  assert.deepEqual(
    [...recordings.leases.values()].filter((count) => count > 1),
    [],
  );
});

for (const [id, path] of [
  ['gate', () => address('gate', 2520, 33_000)],
  ['turn', () => address('turn', 6000, 12_000)],
] as const) {
  test(`Chromium plays and seeks ${id} in a plain video element`, async () => {
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.goto(`${base}/page`);
    const result = (await page.evaluate(`new Promise((resolve) => {
      const video = document.createElement('video');
      video.muted = true;
      const say = (more) => resolve({ error: video.error?.message ?? null, duration: video.duration, time: video.currentTime,
        seekable: video.seekable.length ? video.seekable.end(0) : 0, frames: video.getVideoPlaybackQuality().totalVideoFrames, ...more });
      video.addEventListener('error', () => say({}));
      video.addEventListener('loadedmetadata', () => { video.currentTime = video.duration - 2; });
      video.addEventListener('seeked', () => { video.playbackRate = 2; video.play(); }, { once: true });
      video.addEventListener('ended', () => say({ ended: true }));
      setTimeout(() => say({ late: true }), 9000);
      video.src = '${path()}';
      document.body.append(video);
    })`)) as Record<string, unknown>;
    await context.close();
    assert.equal(result['error'], null, JSON.stringify(result));
    assert.equal(result['ended'], true, JSON.stringify(result));
    assert.ok((result['frames'] as number) > 20, JSON.stringify(result));
  });
}

test('a plain player shows a range at its pace: its duration is the range by the speed', async () => {
  for (const speed of [0.25, 0.5, 2, 4]) {
    const url = speedAddress(speed, 0, 8000);
    assert.ok(Math.abs((await durationOf(url)) - 8 / speed) < 0.1, `at ${speed}`);
    assert.deepEqual(await framesOf(url), sequence(0, 200), `at ${speed}`);
  }
  const streams = ['-v', 'error', '-show_entries', 'stream=codec_type', '-of', 'csv=p=0', speedAddress(2, 0, 8000)];
  assert.deepEqual(
    [...new Set((await runProgram('ffprobe', streams)).stdout.toString().split(/\s+/).filter(Boolean))],
    ['video'],
  );
});

test('above four times the pace there are key pictures only', async () => {
  for (const speed of [8, 16]) {
    const url = speedAddress(speed, 0, 8000);
    assert.ok(Math.abs((await durationOf(url)) - 8 / speed) < 0.1, `at ${speed}`);
    const frames = await framesOf(url);
    assert.ok(frames.length >= 4 && frames.length <= 8 && frames.every((number) => number! % 25 === 0), `${frames}`);
  }
});
