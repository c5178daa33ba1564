import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { writeAv1C } from '@watchpost/media/codec/av1/decoder-config.ts';
import { obuType, splitObus } from '@watchpost/media/codec/av1/obu.ts';
import { ivfPictures } from '@watchpost/media/codec/av1/test-clip.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { FfmpegDecoder } from '@watchpost/server/decode/ffmpeg.ts';
import { NodeAvDecoder } from '@watchpost/server/decode/node-av.ts';
import { codedPictures, type PictureCodec } from '@watchpost/server/decode/picture.ts';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { makeClip } from './live-harness.ts';
import { framesOf } from './recorded-frames.ts';

let camera: RtspCamera;
let server: TestServer;
const width = 320;
const height = 180;

before(async () => {
  camera = await startRtspCamera({ port: 0 });
  server = await startTestServer({
    cameras: [
      { id: 'gate', url: camera.urls['main']! },
      { id: 'yard', url: camera.urls['h265']! },
      { id: 'lazy', url: camera.urls['sub']!, more: 'on_demand = true\nrecord = false' },
    ],
  });
  await server.waitFor('gate', 'online', 10_000);
  await server.waitFor('yard', 'online', 10_000);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await camera?.close();
});

function jpegOf(path: string): Promise<Response> {
  return fetch(`${server.base}/api/v1${path}`);
}

/** The frame number in a JPEG, and its size. */
async function pictureOf(response: Response): Promise<{ number: number | undefined; size: string }> {
  assert.equal(response.status, 200, await (response.ok ? '' : response.text()));
  assert.equal(response.headers.get('content-type'), 'image/jpeg');
  const file = join(server.dir, 'picture.jpg');
  writeFileSync(file, new Uint8Array(await response.arrayBuffer()));
  const gray = ['-vf', `scale=${width}:${height}`, '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];
  const { stdout } = await runProgram('ffmpeg', ['-v', 'error', '-i', file, ...gray]);
  const probe = ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', file];
  const size = (await runProgram('ffprobe', probe)).stdout.toString().trim();
  return { number: readFrameNumber(stdout, width, height), size };
}

for (const id of ['gate', 'yard']) {
  test(`${id}: the key picture and the newest picture as JPEG, in the size that is asked for`, () =>
    server.guard(async () => {
      const key = await pictureOf(await jpegOf(`/streams/${id}/snapshot?mode=keyframe`));
      assert.equal(key.number! % 25, 0);
      await wait(500);
      const answer = await jpegOf(`/streams/${id}/snapshot?mode=decode&width=160`);
      const ageMs = Date.now() - Date.parse(answer.headers.get('x-captured-at')!);
      assert.ok(ageMs < 2500, `${ageMs} ms old`);
      const newest = await pictureOf(answer);
      assert.equal(newest.size.split(',')[0], '160');
      const auto = await pictureOf(await jpegOf(`/streams/${id}/snapshot?width=200&height=200`));
      assert.match(auto.size, /^200,1\d\d$/);
    }));
}

/** Pictures of a codec that IVF files have; those of AV1 as recordings have them, with the sequence header beside them. */
async function ivfClip(codec: 'av1' | 'vp8' | 'vp9'): Promise<{ track: Track; samples: Sample[] }> {
  const encoders = { av1: ['libsvtav1', '-preset', '12'], vp8: ['libvpx'], vp9: ['libvpx-vp9', '-cpu-used', '8'] };
  const source = [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x180:rate=25:duration=1',
    '-pix_fmt',
    'yuv420p',
  ];
  const encode = ['-deadline', 'realtime', '-auto-alt-ref', '1', '-lag-in-frames', '8', '-b:v', '400k'];
  const more = codec === 'av1' ? [] : encode;
  const { stdout, stderr } = await runProgram('ffmpeg', [
    ...[...source, '-c:v', ...encoders[codec], ...more, '-g', '25', '-f', 'ivf', 'pipe:1'],
  ]);
  assert.equal(stdout.length > 1000, true, stderr);
  const pictures = ivfPictures(new Uint8Array(stdout));
  const base = { id: 0, kind: 'video', codec, clockRate: 25 } as const;
  let track: Track = { ...base, parameterSets: [] };
  if (codec === 'av1') {
    const sequence = splitObus(pictures[0]!).find(({ type }) => type === obuType.sequenceHeader)!;
    track = { ...base, parameterSets: [writeAv1C(pictures[0]!.subarray(sequence.body, sequence.end))] };
    pictures[0] = pictures[0]!.subarray(sequence.end);
  }
  const samples = pictures.map((unit, i) => ({
    ...{ track, dts: i, pts: i, key: i === 0, units: [unit], byteLength: unit.length, wallMs: 0, lost: 0 },
  }));
  return { track, samples };
}

test('FFmpeg and node-av make the same picture of what they are given', async () => {
  await using nodeAv = new NodeAvDecoder();
  const ffmpeg = new FfmpegDecoder();
  const signal = AbortSignal.timeout(20_000);
  const check = async (video: PictureCodec) => {
    const path = (name: string) => join(server.dir, `${name}-${video}.jpg`);
    const clip = async () => {
      if (video === 'av1' || video === 'vp8' || video === 'vp9') return ivfClip(video);
      const { tracks, samples } = await makeClip({
        ...{ video: video === 'h265' ? video : 'h264', seconds: 1, gop: 25, bFrames: video === 'h264' ? 2 : 0 },
      });
      return { track: tracks[0]!, samples };
    };
    const { track, samples } = await clip();
    for (const [count, size] of [
      [1, {}],
      [10, { width: 240, height: 240 }],
    ] as const) {
      const pictures = codedPictures(track, samples.slice(0, count))!;
      writeFileSync(path('ffmpeg'), await ffmpeg.decode(pictures, size, signal));
      writeFileSync(path('node-av'), await nodeAv.decode(pictures, size, signal));
      const compare = ['-i', path('ffmpeg'), '-i', path('node-av'), '-lavfi', 'psnr', '-f', 'null', '-'];
      const { stderr } = await runProgram('ffmpeg', compare);
      const decibels = /average:(inf|[\d.]+)/.exec(stderr)?.[1] ?? '';
      assert.ok(decibels === 'inf' || Number(decibels) > 40, `${video}, ${count} pictures: ${decibels || stderr}`);
    }
  };
  await Promise.all((['h264', 'h265', 'av1', 'vp8', 'vp9'] as const).map(check));
});

test('a stream on demand is pulled for its snapshot, and let go again', () =>
  server.guard(async () => {
    await pictureOf(await jpegOf('/streams/lazy/snapshot'));
    await server.waitFor('lazy', 'on_demand', 20_000);
  }));

test('what cannot be is told with its reason', () =>
  server.guard(async () => {
    const problemOf = async (path: string) => {
      const answer = await jpegOf(path);
      return [answer.status, ((await answer.json()) as { code: string }).code];
    };
    assert.deepEqual(await problemOf('/streams/none/snapshot'), [404, 'STREAM_NOT_FOUND']);
    assert.deepEqual(await problemOf('/streams/gate/snapshot?width=5'), [400, 'REQUEST_INVALID']);
    assert.deepEqual(await problemOf('/recordings/gate/snapshot?time=1000'), [404, 'SNAPSHOT_NOT_RECORDED']);
    const body = JSON.stringify({ start: 1000, end: 500 });
    const headers = { 'content-type': 'application/json' };
    const refused = await fetch(`${server.base}/api/v1/recordings/gate/export`, { method: 'POST', body, headers });
    assert.equal(refused.status, 400);
  }));

test('key pictures of recordings are listed, rendered when asked for, and kept beside their recording', () =>
  server.guard(async () => {
    await wait(4000);
    const now = Date.now();
    interface KeyFrames {
      readonly keyframes: readonly { time: string; snapshot: string; bytes: number }[];
    }
    const path = `/recordings/gate/keyframes?start=${now - 60_000}&end=${now}&interval=1`;
    const { keyframes } = await server.api<KeyFrames>(path);
    assert.ok(keyframes.length >= 2, `${keyframes.length} key pictures`);
    const first = keyframes[0]!;
    const picture = await pictureOf(await fetch(server.base + first.snapshot));
    assert.equal(picture.number! % 25, 0);
    const timeMs = Date.parse(first.time);
    const day = first.time.slice(0, 10);
    assert.ok(existsSync(join(server.dir, 'video/gate/keyframes', day, `${timeMs}.jpg`)));
    const between = await jpegOf(`/recordings/gate/snapshot?time=${timeMs + 300}&width=320`);
    assert.deepEqual(await pictureOf(between), { number: picture.number, size: '320,180' });
  }));

test('a range is exported by a job, and streamed at once, with the same pictures', () =>
  server.guard(async () => {
    interface Job {
      readonly id: string;
      readonly state: string;
      readonly file: string;
      readonly bytes: number;
    }
    const { segments } = await server.api<{ segments: { start: string; end: string }[] }>('/recordings/gate');
    const start = Date.parse(segments[0]!.start) + 1480;
    const end = start + 4000;
    const body = JSON.stringify({ start, end });
    const headers = { 'content-type': 'application/json' };
    let job = await server.api<Job>('/recordings/gate/export', { method: 'POST', body, headers });
    for (let tries = 0; tries < 50 && job.state !== 'done'; tries++) {
      await wait(50);
      job = await server.api<Job>(`/exports/${job.id}`);
    }
    assert.equal(job.state, 'done', JSON.stringify(job));
    const exported = await framesOf(server.base + job.file);
    const streamed = await framesOf(
      `${server.base}/api/v1/recordings/gate/playback?format=mp4&start=${start}&end=${end}`,
    );
    assert.equal(exported.length, 100);
    assert.deepEqual(streamed, exported);
    const ranged = await fetch(server.base + job.file, { headers: { range: 'bytes=4-7' } });
    assert.deepEqual([ranged.status, await ranged.text()], [206, 'ftyp']);
    assert.match(ranged.headers.get('content-disposition') ?? '', /^attachment; filename="gate-\d{8}T\d{6}Z\.mp4"$/);
    await server.api(`/exports/${job.id}`, { method: 'DELETE' });
    assert.equal((await fetch(server.base + job.file)).status, 404);
    const fast = await server.api<{ path: string; mp4: string }>(
      `/recordings/gate/playback?speed=4&start=${start}&end=${end}`,
    );
    const probe = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', server.base + fast.path];
    const seconds = Number((await runProgram('ffprobe', probe)).stdout.toString());
    assert.ok(seconds > 0.9 && seconds < 2.1, `${seconds} s`);
    assert.deepEqual(await framesOf(server.base + fast.mp4), exported);
  }));

test('when the camera is gone the last picture is shown with its age, and the reason', () =>
  server.guard(async () => {
    const before = await pictureOf(await jpegOf('/streams/yard/snapshot'));
    assert.ok(before.number !== undefined);
    await server.api('/streams/yard/stop', { method: 'POST' });
    await server.waitFor('yard', 'stopped', 5000);
    await wait(1500);
    const answer = await jpegOf('/streams/yard/snapshot');
    assert.ok(Number(answer.headers.get('age')) >= 1);
    assert.equal(answer.status, 200);
  }));
