import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readJpegHead } from '@watchpost/media/codec/jpeg/read-header.ts';
import { freePort, runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { filesOf } from './recorded-frames.ts';

const script = fileURLToPath(new URL('gstreamer-camera.py', import.meta.url));
const fps = 20;
const picture = `videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=${fps}/1`;
const jpeg = `${picture} ! jpegenc ! rtpjpegpay name=pay0 pt=26`;
const h264 = `${picture} ! x264enc key-int-max=20 tune=zerolatency speed-preset=ultrafast ! rtph264pay name=pay0 pt=96 config-interval=-1`;
const tone = (caps: string) => `audiotestsrc is-live=true ! audio/x-raw,${caps}`;

interface Case {
  readonly launch: string;
  /** As ffprobe names them. */
  readonly recorded: readonly string[];
  readonly played: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  opus: {
    launch: `${jpeg} ${tone('rate=48000,channels=2')} ! opusenc ! rtpopuspay name=pay1 pt=97`,
    recorded: ['mjpeg', 'opus'],
    played: ['mjpeg', 'opus'],
  },
  latm: {
    launch: `${jpeg} ${tone('rate=48000,channels=1')} ! avenc_aac ! rtpmp4apay name=pay1 pt=97`,
    recorded: ['mjpeg', 'aac'],
    played: ['mjpeg', 'aac'],
  },
  mp3: {
    launch: `${jpeg} ${tone('rate=44100,channels=2')} ! lamemp3enc ! mpegaudioparse ! rtpmpapay name=pay1 pt=14`,
    recorded: ['mjpeg', 'mp3'],
    played: ['mjpeg', 'mp3'],
  },
  l16: {
    launch: `${h264} ${tone('format=S16BE,rate=44100,channels=2')} ! rtpL16pay name=pay1 pt=10`,
    recorded: ['h264'],
    played: ['h264', 'pcm_s16be'],
  },
  g726: {
    launch: `${h264} ${tone('rate=8000,channels=1')} ! avenc_g726 bitrate=32000 ! rtpg726pay name=pay1 pt=97 force-aal2=false`,
    recorded: ['h264'],
    played: ['h264', 'adpcm_g726le'],
  },
};

/** The first stream to be stopped has been recorded for about 4 s by then. */
const enough = 3 * fps;
let camera: ChildProcess;
let server: TestServer;
let rtspPort: number;

before(async () => {
  const launches = Object.entries(cases).map(([id, { launch }]) => `${id}=${launch}`);
  camera = spawn('/usr/bin/python3', [script, 'none', ...launches], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = (await once(camera.stdout!, 'data')) as [Buffer];
  rtspPort = await freePort();
  server = await startTestServer({
    more: `[protocols.rtsp]\nbind = "127.0.0.1:${rtspPort}"\n`,
    cameras: Object.keys(cases).map((id) => ({ id, url: `rtsp://127.0.0.1:${Number(line.toString())}/${id}` })),
  });
  for (const id of Object.keys(cases)) await server.waitFor(id, 'online', 15_000);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  camera?.kill();
});

interface Decoded {
  /** As FFmpeg names them. */
  readonly codecs: readonly string[];
  /** Presentation times of decoded frames, for each track. */
  readonly timesMs: readonly (readonly number[])[];
  readonly complaints: string;
}

/** Decodes a file or address in one go. */
async function decode(name: string, ...input: readonly string[]): Promise<Decoded> {
  const copy = join(server.dir, `${name}.copy`);
  const { stdout, stderr } = await runProgram(
    'ffmpeg',
    [
      '-v',
      'error',
      '-y',
      ...input,
      '-fps_mode',
      'passthrough',
      '-f',
      'framemd5',
      '-',
      '-c',
      'copy',
      '-f',
      'framemd5',
      copy,
    ],
    25_000,
  );
  const text = stdout.toString();
  const ticksMs = [...text.matchAll(/#tb \d: (\d+)\/(\d+)/g)].map((one) => (Number(one[1]) * 1000) / Number(one[2]));
  const timesMs: number[][] = ticksMs.map(() => []);
  for (const line of text.split('\n')) {
    if (!/^\d/.test(line)) continue;
    const [index, , pts] = line.split(',').map(Number);
    timesMs[index!]!.push(pts! * ticksMs[index!]!);
  }
  const codecs = [...readFileSync(copy, 'utf8').matchAll(/#codec_id \d: (\w+)/g)].map((one) => one[1]!);
  return { codecs, timesMs, complaints: stderr };
}

const spanMs = (times: readonly number[] | undefined) => (times?.at(-1) ?? 0) - (times?.[0] ?? 0);

describe('players over RTSP', { concurrency: 2 }, () => {
  for (const [id, { played }] of Object.entries(cases)) {
    test(`get what the camera sends: ${id}`, { timeout: 50_000 }, () =>
      server.guard(async () => {
        const url = `rtsp://127.0.0.1:${rtspPort}/${id}`;
        const { codecs, timesMs, complaints } = await decode(id, '-rtsp_transport', 'tcp', '-t', '2', '-i', url);
        assert.deepEqual(codecs, played);
        assert.equal(complaints, '');
        assert.ok(timesMs[0]!.length >= 2 * fps * 0.8, `${timesMs[0]!.length} pictures`);
        assert.ok(spanMs(timesMs[1]) > 1500, `${spanMs(timesMs[1])} ms of sound`);
      }),
    );
  }
});

describe('players over HLS', { concurrency: 2 }, () => {
  for (const [id, codecs] of [
    ['l16', ['h264', 'flac']],
    ['opus', ['opus']],
  ] as const) {
    test(`get what browsers play: ${id}`, { timeout: 50_000 }, () =>
      server.guard(async () => {
        const found = await decode(`${id}.hls`, '-t', '2', '-i', `${server.base}/hls/${id}/index.m3u8`);
        assert.deepEqual(found.codecs, codecs);
        assert.equal(found.complaints, '');
        for (const times of found.timesMs) assert.ok(spanMs(times) > 1500, `${spanMs(times)} ms`);
      }),
    );
  }
});

test('a snapshot of MJPEG is the picture that the camera sent, without a decoder', async () => {
  const response = await fetch(`${server.base}/api/v1/streams/opus/snapshot`);
  assert.equal(response.headers.get('content-type'), 'image/jpeg');
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.deepEqual([bytes.readUInt16BE(0), bytes.readUInt16BE(bytes.length - 2)], [0xffd8, 0xffd9]);
  const head = readJpegHead(bytes);
  // Its packets count in blocks of eight, and its description does not tell the 180.
  assert.deepEqual([head.width, head.height, head.hasTypicalTables], [320, 184, true]);
});

describe('recordings', { concurrency: 2 }, () => {
  for (const [id, { recorded }] of Object.entries(cases)) {
    test(`hold what MP4 can carry, at an even pace: ${id}`, { timeout: 50_000 }, () =>
      server.guard(async () => {
        await server.api(`/streams/${id}/stop`, { method: 'POST' }).catch(() => {});
        await wait(500);
        let total = 0;
        const files = filesOf(server, id);
        for (const file of files) {
          const { codecs, timesMs, complaints } = await decode(`${id}.file`, '-i', file);
          assert.deepEqual(codecs, recorded);
          assert.equal(complaints, '');
          const [pictures, sounds] = timesMs;
          total += pictures!.length;
          if (pictures!.length <= fps) continue;
          const paceMs = spanMs(pictures) / (pictures!.length - 1);
          assert.ok(Math.abs(paceMs - 1000 / fps) < 5, `a picture every ${paceMs} ms`);
          if (sounds === undefined) continue;
          // GStreamer's MP3 comes 250 to 400 ms after its pictures: so much is yet to come when the camera is stopped.
          const shortMs = spanMs(pictures) - spanMs(sounds);
          assert.ok(Math.abs(shortMs) < (file === files.at(-1) ? 1000 : 500), `${shortMs} ms less sound than pictures`);
        }
        assert.ok(total >= enough, `${total} pictures`);
      }),
    );
  }

  test('tell what they leave out, and why', async () => {
    for (const [id, codec] of [
      ['l16', 'l16'],
      ['g726', 'g726'],
    ] as const) {
      const text = JSON.stringify(await server.api(`/streams/${id}`));
      assert.match(text, new RegExp(`${codec}.*set the camera to AAC or G\\.711`), id);
    }
  });
});
