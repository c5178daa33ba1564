import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { installedDecoder } from '@watchpost/server/decode/installed-decoder.ts';
import { JpegDecoder } from '@watchpost/server/decode/jpeg-decoder.ts';
import { createFlvProtocol } from '@watchpost/server/protocols/http-flv/protocol.ts';
import { createMjpegProtocol } from '@watchpost/server/protocols/mjpeg/protocol.ts';
import { chromium } from 'playwright-core';
import { type Clip, LiveServer, makeClip, run, wait } from './live-harness.ts';

const decoder = new JpegDecoder(installedDecoder());
const server = new LiveServer([createFlvProtocol(), createMjpegProtocol({ decoder })]);
const jpegs = makeJpegClip(2);
let base = '';

before(async () => {
  server.http.app.get('/page', (_request, reply) => reply.type('text/html').send('<!doctype html><body></body>'));
  await server.listen();
  base = `http://127.0.0.1:${server.port}`;
  await server.cameras({
    h264: { audio: 'aac', seconds: 30, gop: 25 },
    b: { bFrames: 2, seconds: 20, gop: 30 },
    hevc: { video: 'h265', audio: 'pcma', seconds: 20, gop: 25 },
  });
  await server.camera('jpeg', jpegs);
  await wait(1200);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await decoder[Symbol.asyncDispose]();
});

/** An MJPEG camera with 10 pictures a second. */
function makeJpegClip(seconds: number): Clip {
  const folder = mkdtempSync(join(tmpdir(), 'jpegs-'));
  try {
    const picture = ['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=10:duration=${seconds}`];
    execFileSync('ffmpeg', ['-v', 'error', ...picture, '-pix_fmt', 'yuvj420p', join(folder, '%03d.jpg')]);
    const track: Track = { id: 0, kind: 'video', codec: 'mjpeg', clockRate: 90_000, parameterSets: [] };
    const samples = Array.from({ length: seconds * 10 }, (_, i): Sample => {
      const jpeg = new Uint8Array(readFileSync(join(folder, `${String(i + 1).padStart(3, '0')}.jpg`)));
      const dts = i * 9000;
      return { track, dts, pts: dts, key: true, units: [jpeg], byteLength: jpeg.length, wallMs: 0, lost: 0 };
    });
    return { tracks: [track], samples, seconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Presentation times of the frames that ffprobe decodes in some seconds. */
async function framesOf(path: string, kind: 'v' | 'a', seconds: number): Promise<number[]> {
  const select = ['-select_streams', kind, '-show_entries', 'frame=pts_time', '-of', 'csv=p=0'];
  const args = ['-v', 'error', ...select, '-read_intervals', `%+${seconds}`, base + path];
  return (await run('ffprobe', args)).split('\n').filter(Boolean).map(Number.parseFloat);
}

/** Runs VLC as nobody, as it refuses to be run by root, until `isEnough` or for 20 s; what it says. */
function runVlc(args: readonly string[], isEnough: () => boolean): Promise<string> {
  return new Promise((resolve) => {
    const home = mkdtempSync(join(tmpdir(), 'vlc-'));
    chmodSync(home, 0o777);
    const vlc = ['env', `HOME=${home}`, 'timeout', '-s', 'TERM', '20', 'cvlc', ...args];
    const child = spawn('runuser', ['-u', 'nobody', '--', ...vlc], { stdio: ['ignore', 'pipe', 'pipe'] });
    const look = setInterval(() => isEnough() && child.kill('SIGTERM'), 200);
    let said = '';
    child.stdout.on('data', (data) => (said += data));
    child.stderr.on('data', (data) => (said += data));
    child.on('close', () => {
      clearInterval(look);
      rmSync(home, { recursive: true, force: true });
      resolve(said);
    });
  });
}

const vlcs = [
  { name: 'HLS with MPEG-TS', path: '/hls/h264/index.m3u8' },
  { name: 'fMP4', path: '/fmp4/h264' },
  { name: 'FLV', path: '/flv/h264.flv' },
  { name: 'MJPEG', path: '/mjpeg/jpeg' },
];

const played = [
  { name: 'H.264 and AAC as a file', path: '/fmp4/h264', sound: 150 },
  { name: 'H.264 with B pictures as a file', path: '/fmp4/b', sound: 0 },
  { name: 'H.265 and G.711 as a file', path: '/fmp4/hevc', sound: 150 },
];

describe('players beside each other', { concurrency: true }, () => {
  test('ffmpeg decodes every picture of the endless file with its time, and the sound', {
    concurrency: true,
  }, async (t) => {
    const cases = played.map(({ name, path, sound }) =>
      t.test(name, async () => {
        const [video, audio] = await Promise.all([framesOf(path, 'v', 4), sound > 0 ? framesOf(path, 'a', 4) : []]);
        assert.ok(video.length >= 90, `${video.length} pictures`);
        for (let i = 1; i < video.length; i++) {
          const step = video[i]! - video[i - 1]!;
          assert.ok(Math.abs(step - 0.04) < 0.0015, `picture ${i} comes ${step} s after the one before`);
        }
        assert.ok(audio.length >= sound, `${audio.length} frames of sound`);
      }),
    );
    await Promise.all(cases);
  });

  test('GStreamer decodes the endless file', async () => {
    const pipeline =
      `souphttpsrc location=${base}/fmp4/h264 num-buffers=80 ! qtdemux name=d ` +
      'd.video_0 ! queue ! h264parse ! avdec_h264 ! identity silent=false ! fakesink sync=false ' +
      'd.audio_0 ! queue ! aacparse ! avdec_aac ! fakesink sync=false';
    const output = await run('gst-launch-1.0', ['-v', ...pipeline.split(' ')]);
    const times = [...output.matchAll(/chain .*?pts: (\d+):(\d+):([\d.]+)/g)].map(
      ([, hours, minutes, seconds]) => Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
    );
    assert.ok(times.length >= 30, `${times.length} pictures\n${output.slice(-1500)}`);
    for (let i = 1; i < times.length; i++)
      assert.ok(Math.abs(times[i]! - times[i - 1]! - 0.04) < 0.002, `picture ${i}`);
  });

  test('ffmpeg reads MJPEG: pictures of the camera byte for byte, key pictures of H.264 as JPEG', async () => {
    const [passed, rendered] = await Promise.all([partsOf('jpeg', 12), partsOf('h264', 3)]);
    const sent = new Set(jpegs.samples.map(({ units }) => Buffer.from(units[0]!).toString('base64')));
    for (const jpeg of passed) assert.ok(sent.has(Buffer.from(jpeg).toString('base64')));
    for (const jpeg of rendered) assert.deepEqual([...jpeg.subarray(0, 2)], [0xff, 0xd8]);
    const args = ['-v', 'error', '-f', 'mpjpeg', '-strict_mime_boundary', '0', '-i', `${base}/mjpeg/jpeg`];
    const count = await run('ffmpeg', [...args, '-frames:v', '12', '-f', 'framemd5', '-']);
    assert.equal(count.split('\n').filter((line) => /^0,/.test(line)).length, 12, count);
  });

  test('VLC decodes pictures of', { concurrency: true }, async (t) => {
    const cases = vlcs.map(({ name, path }) =>
      t.test(name, async () => {
        const scene = mkdtempSync(join(tmpdir(), 'scene-'));
        chmodSync(scene, 0o777);
        const pictures = () => readdirSync(scene).length;
        try {
          const filter = ['--video-filter=scene', '--scene-ratio=5', `--scene-path=${scene}`, '--scene-format=png'];
          const args = ['-I', 'dummy', '-vv', '--no-audio', '--vout=dummy', ...filter, base + path, 'vlc://quit'];
          const said = await runVlc(args, () => pictures() >= 3);
          assert.ok(pictures() >= 3, `${pictures()} pictures kept\n${said.slice(-1500)}`);
        } finally {
          rmSync(scene, { recursive: true, force: true });
        }
      }),
    );
    await Promise.all(cases);
  });
});

test('Chromium plays the endless file in <video> and shows MJPEG in <img>', async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  try {
    const page = await (await browser.newContext({ bypassCSP: true })).newPage();
    await page.goto(`${base}/page`);
    const script = `new Promise((resolve) => {
      const video = document.createElement('video');
      video.muted = true;
      document.body.append(video);
      let error = '';
      video.onerror = () => { error = video.error.message; };
      const images = ['jpeg', 'h264'].map((id) => {
        const image = document.createElement('img');
        image.src = '/mjpeg/' + id;
        document.body.append(image);
        return image;
      });
      const canvas = document.createElement('canvas');
      const shown = new Set();
      const untilMs = performance.now() + 20000;
      const look = () => {
        const frames = video.getVideoPlaybackQuality().totalVideoFrames;
        const sound = video.webkitAudioDecodedByteCount;
        if (images[0].naturalWidth > 0) {
          canvas.width = 320;
          canvas.height = 180;
          canvas.getContext('2d').drawImage(images[0], 0, 0);
          shown.add(canvas.toDataURL());
        }
        const isDone = (frames > 75 && sound > 1000 && shown.size > 5 && images[1].naturalWidth > 0);
        if (isDone || error !== '' || performance.now() > untilMs)
          resolve({ error, frames, sound, time: video.currentTime, shown: shown.size, rendered: images[1].naturalWidth });
        else setTimeout(look, 100);
      };
      look();
      video.src = '/fmp4/h264';
      video.play().catch((thrown) => { error = String(thrown); });
    })`;
    const result = (await page.evaluate(script)) as Record<string, number | string>;
    assert.equal(result['error'], '', JSON.stringify(result));
    assert.ok(Number(result['frames']) > 75 && Number(result['sound']) > 1000, JSON.stringify(result));
    assert.ok(Number(result['shown']) > 5 && result['rendered'] === 320, JSON.stringify(result));
  } finally {
    await browser.close();
  }
});

test('a page of another site fetches media with a login in a header', async () => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await (await browser.newContext({ bypassCSP: true })).newPage();
    // Another origin than 127.0.0.1.
    await page.goto(`http://localhost:${server.port}/page`);
    const paths = ['/fmp4/h264', '/flv/h264.flv', '/mjpeg/jpeg', '/hls/h264/index.m3u8'];
    const script = `Promise.all(${JSON.stringify(paths)}.map(async (path) => {
      const headers = { authorization: 'Bearer x', range: 'bytes=0-' };
      const answer = await fetch('${base}' + path, { headers }).catch((thrown) => ({ status: String(thrown) }));
      await answer.body?.cancel();
      return answer.status;
    }))`;
    assert.deepEqual(await page.evaluate(script), [200, 200, 200, 200]);
  } finally {
    await browser.close();
  }
});

/** The first `count` pictures of a stream. */
async function partsOf(id: string, count: number): Promise<Uint8Array[]> {
  const answer = await fetch(`${base}/mjpeg/${id}`);
  assert.match(answer.headers.get('content-type')!, /^multipart\/x-mixed-replace; boundary=/);
  const parts: Uint8Array[] = [];
  let bytes = Buffer.alloc(0);
  for await (const chunk of answer.body!) {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n');
      const length = Number(/Content-Length: (\d+)/.exec(bytes.subarray(0, Math.max(0, end)).toString('latin1'))?.[1]);
      if (end < 0 || bytes.length < end + 4 + length) break;
      parts.push(bytes.subarray(end + 4, end + 4 + length));
      bytes = bytes.subarray(end + 4 + length);
    }
    if (parts.length >= count) return parts;
  }
  throw new Error(`the answer ended after ${parts.length} pictures`);
}

test('HEAD, unknown streams and cameras that are away are answered at once', async () => {
  for (const [path, type] of [
    ['/fmp4/h264', 'video/mp4'],
    ['/flv/h264.flv', 'video/x-flv'],
    ['/mjpeg/jpeg', 'multipart/x-mixed-replace; boundary=watchpost-picture'],
  ]) {
    const answer = await fetch(base + path, { method: 'HEAD' });
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, type]);
  }
  const gone = server.hub.get('b')!;
  gone.setState(
    'offline',
    new WatchpostError('The camera refused the password', { kind: 'unauthenticated', code: 'X' }),
  );
  for (const path of ['/fmp4/', '/mjpeg/', '/flv/']) {
    const suffix = path === '/flv/' ? '.flv' : '';
    const unknown = await fetch(`${base}${path}nobody${suffix}`);
    assert.deepEqual([unknown.status, ((await unknown.json()) as { code: string }).code], [404, 'STREAM_NOT_FOUND']);
    const offline = await fetch(`${base}${path}b${suffix}`);
    assert.equal(offline.status, 503);
    assert.match(((await offline.json()) as { detail: string }).detail, /refused the password/);
  }
  const nothing = await fetch(`${base}/fmp4/jpeg`);
  assert.deepEqual([nothing.status, ((await nothing.json()) as { code: string }).code], [422, 'FMP4_NOTHING_TO_CARRY']);
});

test('ffmpeg decodes the pictures of a camera that comes back with another size', async () => {
  const [wide, small] = await Promise.all([
    makeClip({ audio: 'aac', seconds: 10, gop: 25 }),
    makeClip({ audio: 'aac', seconds: 10, gop: 25, size: '160x120' }),
  ]);
  const first = await server.camera('turns', wide);
  await wait(1200);
  const entries = ['-show_entries', 'frame=width', '-of', 'csv=p=0', '-read_intervals', '%+8'];
  const paths = ['/fmp4/turns', '/hls/turns/index.m3u8?container=fmp4'];
  const outputs = paths.map((path) => run('ffprobe', ['-v', 'fatal', '-select_streams', 'v', ...entries, base + path]));
  await wait(3000);
  first.stop();
  await server.camera('turns', small);
  for (const [i, output] of outputs.entries()) {
    const widths = (await output).split('\n').map(Number.parseFloat);
    const [before, after] = [320, 160].map((width) => widths.filter((one) => one === width).length);
    assert.ok(before! >= 50 && after! >= 50, `${paths[i]}: ${before} pictures, then ${after}`);
  }
});
