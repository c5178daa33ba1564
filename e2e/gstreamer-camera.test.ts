import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { playWithGstreamer, runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { checkRecordings, filesOf } from './recorded-frames.ts';

const script = fileURLToPath(new URL('gstreamer-camera.py', import.meta.url));
const fps = 25;
const picture = `videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=${fps}/1`;
const tone = 'audiotestsrc is-live=true wave=ticks';
const aac = `${tone} ! audio/x-raw,rate=48000,channels=1 ! avenc_aac ! rtpmp4gpay name=pay1 pt=97`;
const alaw = `${tone} ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay1 pt=8`;
const toH264 = (options: string) =>
  `${picture} ! x264enc key-int-max=25 bitrate=300 ${options} ! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96 config-interval=-1`;

/** Stream id, path and what makes it. */
const launches: Readonly<Record<string, string>> = {
  plain: `${toH264('tune=zerolatency speed-preset=ultrafast')} ${aac}`,
  'b-frames': `${toH264('bframes=2 b-adapt=false speed-preset=veryfast rc-lookahead=5')} ${aac}`,
  pyramid: `${toH264('bframes=3 b-adapt=false b-pyramid=true speed-preset=veryfast rc-lookahead=5')} ${alaw}`,
  h265: `${picture} ! x265enc key-int-max=25 bitrate=300 speed-preset=ultrafast tune=zerolatency ! rtph265pay name=pay0 pt=96 config-interval=-1 ${alaw}`,
  'h265-b': `${picture} ! x265enc key-int-max=25 bitrate=300 speed-preset=ultrafast option-string="bframes=2:b-adapt=0:rc-lookahead=5" ! rtph265pay name=pay0 pt=96 config-interval=-1 ${alaw}`,
};
/** The plain one is also behind logins. */
const logins = ['basic', 'digest'] as const;

const cameras: ChildProcess[] = [];
let server: TestServer;

async function startCamera(mode: string, names: readonly string[]): Promise<number> {
  const args = names.map((name) => `${name}=${launches[name]}`);
  const camera = spawn('/usr/bin/python3', [script, mode, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  cameras.push(camera);
  const [line] = (await once(camera.stdout!, 'data')) as [Buffer];
  return Number(line.toString());
}

before(async () => {
  const open = await startCamera('none', Object.keys(launches));
  const [basic, digest] = await Promise.all(logins.map((mode) => startCamera(mode, ['plain'])));
  const login = 'username = "admin"\npassword = "p@ss:#1"';
  server = await startTestServer({
    cameras: [
      ...Object.keys(launches).map((id) => ({ id, url: `rtsp://127.0.0.1:${open}/${id}` })),
      { id: 'basic', url: `rtsp://127.0.0.1:${basic}/plain`, more: login },
      { id: 'digest', url: `rtsp://127.0.0.1:${digest}/plain`, more: login },
    ],
  });
  for (const id of [...Object.keys(launches), ...logins]) await server.waitFor(id, 'online', 15_000);
  await wait(4000);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const camera of cameras) camera.kill();
});

const seconds = 4;
/** Pictures of so many seconds, less what a busy machine and the ends of segments take away. */
const enoughFrames = seconds * fps * 0.7;

/** Decoded pictures of an address, and the complaints of FFmpeg. */
async function watchWithFfmpeg(url: string): Promise<{ frames: number; complaints: string }> {
  const args = ['-v', 'error', '-i', url, '-t', `${seconds}`, '-map', '0:v', '-f', 'framemd5', '-'];
  const { stdout, stderr } = await runProgram('ffmpeg', args, 25_000);
  const frames = stdout
    .toString()
    .split('\n')
    .filter((line) => /^\d/.test(line)).length;
  return { frames, complaints: stderr };
}

/** Pictures that GStreamer decodes, which are as many as are enough: a live stream has no end. */
async function watchWithGstreamer(url: string): Promise<number> {
  const source = ['souphttpsrc', `location=${url}`, '!', 'hlsdemux', '!', 'decodebin', '!', 'videoconvert', '!'];
  const sink = ['identity', 'silent=false', '!', 'fakesink', 'sync=false'];
  const said = await playWithGstreamer([...source, ...sink], enoughFrames + 10);
  return [...said.matchAll(/last-message = chain /g)].length;
}

describe("a camera of GStreamer's RTSP server", { concurrency: 3 }, () => {
  for (const id of Object.keys(launches)) {
    test(`is watched through HLS by FFmpeg and GStreamer: ${id}`, { timeout: 55_000 }, () =>
      server.guard(async () => {
        const url = `${server.base}/hls/${id}/index.m3u8`;
        const [{ frames, complaints }, shown] = await Promise.all([watchWithFfmpeg(url), watchWithGstreamer(url)]);
        assert.ok(frames >= enoughFrames, `FFmpeg decoded ${frames} pictures`);
        assert.equal(complaints, '');
        assert.ok(shown >= enoughFrames, `GStreamer decoded ${shown} pictures`);
      }),
    );
  }
});

describe('its recordings', { concurrency: 2 }, () => {
  for (const id of [...Object.keys(launches), ...logins]) {
    test(`decode without a complaint, in order, at an even pace: ${id}`, { timeout: 55_000 }, () =>
      server.guard(async () => {
        const recorded = await checkRecordings(server, id);
        assert.deepEqual(recorded.gaps, []);
        const pictures = (await Promise.all(filesOf(server, id).map(presentationTimes))).flat();
        const seconds = (recorded.endMs - recorded.startMs) / 1000;
        assert.ok(Math.abs(pictures.length - seconds * fps) <= 3, `${pictures.length} pictures in ${seconds} s`);
        for (let i = 1; i < pictures.length; i++) {
          const step = pictures[i]! - pictures[i - 1]!;
          assert.ok(step > 0.005 && step < 0.2, `picture ${i} is ${step} s after the one before`);
        }
        const tracks = (await server.stream(id)).tracks.map(({ kind }) => kind);
        assert.deepEqual(tracks, ['video', 'audio']);
      }),
    );
  }
});

/** Presentation times of the pictures of a file as they are decoded, s, on the timeline of its run. */
async function presentationTimes(file: string): Promise<number[]> {
  const { stdout } = await runProgram('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', file],
  ]);
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map(Number.parseFloat);
}
