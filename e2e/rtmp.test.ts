import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { StreamHub } from '@watchpost/server/hub/stream-hub.ts';
import type { AccessControl, ListenContext, StreamDefinition } from '@watchpost/server/hub/types.ts';
import { dialTcp } from '@watchpost/server/net/dial.ts';
import { createHttpServer } from '@watchpost/server/net/http-server.ts';
import { createFlvProtocol } from '@watchpost/server/protocols/http-flv/protocol.ts';
import { createRtmp } from '@watchpost/server/protocols/rtmp/index.ts';
import { createRtsp } from '@watchpost/server/protocols/rtsp/index.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, runProgram, wait } from './harness.ts';
import { assertConsecutive, numbersOf, runningProgram } from './live-numbers.ts';

/** Hub, RTSP, RTMP and HTTP-FLV in this process, with a login `obs:secret`, and the cameras of a simulator. */
const stack = new AsyncDisposableStack();
let camera: RtspCamera;
let hub: StreamHub;
let port = 0;
let httpPort = 0;

const urlOf = (name: string, login = '?user=obs&password=secret') => `rtmp://127.0.0.1:${port}/live/${name}${login}`;

const access: AccessControl = {
  authorize: async ({ headers, query }) => {
    const basic = `Basic ${Buffer.from('obs:secret').toString('base64')}`;
    if (headers['authorization'] === basic || query.get('token') === 'abc.def') return;
    if (headers['host'] !== undefined) return;
    throw new WatchpostError('name or password is wrong', { kind: 'unauthenticated', code: 'LOGIN_WRONG' });
  },
};

before(async () => {
  const rtsp = createRtsp({ userAgent: 'Watchpost/test' });
  const rtmp = createRtmp();
  const clock = systemClock;
  const logger = silentLogger;
  port = await freePort();
  camera = stack.use(await startRtspCamera({ port: 0 }));
  // The goodbyes of the hub to its cameras reach them before they are switched off.
  stack.defer(() => wait(300));
  const base = { clock, logger, dial: dialTcp, section: {}, signal: new AbortController().signal };
  hub = stack.use(
    new StreamHub({
      ...{ clock, logger, reconnectDelayMs: 500 },
      protocolFor: () => rtsp,
      pull: (protocol, source, run) => protocol.pull!(source, run.publish, { ...base, signal: run.signal }),
    } as ConstructorParameters<typeof StreamHub>[0]),
  );
  const http = createHttpServer({ logger });
  stack.defer(() => http.close());
  const context = { ...base, http, access } as unknown as ListenContext;
  const section = { bind: { host: '127.0.0.1', port } };
  stack.use(await rtmp.listen!(hub, { ...context, section }));
  stack.use(await createFlvProtocol().listen!(hub, context));
  httpPort = (await http.listen('127.0.0.1:0')).port;
  for (const [id, url] of Object.entries(camera.urls)) await define({ id, sources: [parseSourceUrl(url)] });
});

after(() => stack.disposeAsync());

function define(definition: Partial<StreamDefinition> & { readonly id: string }) {
  return hub.define({
    ...{ title: definition.id, protocol: 'rtsp', sources: [], record: false, onDemand: false, stopped: false },
    origin: 'api',
    ...definition,
  });
}

function ffmpegPlays(url: string, count: number, more: readonly string[] = []) {
  const output = ['-an', '-fps_mode', 'passthrough', '-vf', 'scale=320:180', '-f', 'rawvideo', '-pix_fmt', 'gray'];
  return runProgram(
    'ffmpeg',
    ['-v', 'error', '-i', url, '-frames:v', String(count), ...output, ...more, 'pipe:1'],
    30_000,
  );
}

function gstreamerPlays(url: string) {
  const decode = ['!', 'flvdemux', 'name=d', 'd.video', '!', 'queue', '!', 'h264parse', '!', 'avdec_h264', '!'];
  const picture = ['videoconvert', '!', 'videoscale', '!', 'video/x-raw,format=GRAY8,width=320,height=180'];
  const sink = ['!', 'identity', 'eos-after=70', '!', 'fdsink', 'fd=1', 'sync=false'];
  return runProgram('gst-launch-1.0', ['-q', 'rtmp2src', `location=${url}`, ...decode, ...picture, ...sink], 30_000);
}

async function online(id: string): Promise<void> {
  for (let i = 0; hub.get(id)?.state !== 'online'; i++) {
    assert.ok(i < 200, `${id} did not come online`);
    await wait(100);
  }
}

test('FFmpeg and GStreamer play H.264 of a camera: consecutive frames', { timeout: 45_000 }, async () => {
  await Promise.all([online('main'), online('sub')]);
  const [main, sub, gst, token] = await Promise.all([
    ffmpegPlays(urlOf('main'), 110),
    ffmpegPlays(urlOf('sub'), 110),
    gstreamerPlays(urlOf('sub')),
    ffmpegPlays(urlOf('main', '?token=abc.def'), 40),
  ]);
  assertConsecutive(numbersOf(main.stdout), 110, `main ${main.stderr}`);
  assertConsecutive(numbersOf(sub.stdout), 110, `sub ${sub.stderr}`);
  assertConsecutive(numbersOf(token.stdout), 40, `token ${token.stderr}`);
  // What its decoder still holds at the end comes out of order.
  assertConsecutive(numbersOf(gst.stdout).slice(0, 60), 60, gst.stderr);
  assert.equal(main.stderr + sub.stderr, '');
});

test('time stamps of picture and sound go on evenly and keep together', { timeout: 30_000 }, async () => {
  await online('main');
  const { stdout } = await runProgram(
    'ffprobe',
    [
      ...['-v', 'error', '-show_entries', 'packet=codec_type,dts_time', '-of', 'csv=p=0', '-read_intervals', '%+4'],
      urlOf('main'),
    ],
    20_000,
  );
  const rows = stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const times = (kind: string) => rows.filter(([type]) => type === kind).map(([, time]) => Number(time));
  const video = times('video');
  const sound = times('audio');
  assert.ok(video.length > 60 && sound.length > 100, `${video.length} pictures, ${sound.length} frames of sound`);
  for (const [i, time] of video.entries())
    if (i > 0) assert.ok(Math.abs(time - video[i - 1]! - 0.04) < 0.0025, `picture ${i}: ${video[i - 1]} ${time}`);
  for (const [i, time] of sound.entries()) if (i > 0) assert.ok(time > sound[i - 1]! && time - sound[i - 1]! < 0.06);
  assert.ok(Math.abs(video.at(-1)! - sound.at(-1)!) < 0.3, 'they end together');
});

test('FFmpeg and GStreamer publish; what they sent is played over RTMP and HTTP-FLV', { timeout: 55_000 }, async () => {
  const copy = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', camera.urls['main']!, '-c', 'copy', '-f', 'flv'];
  await using _ffmpeg = runningProgram('ffmpeg', [...copy, urlOf('by-ffmpeg')]);
  const source = ['-q', 'rtspsrc', `location=${camera.urls['sub']}`, 'protocols=tcp', '!', 'rtph264depay', '!'];
  const sink = ['h264parse', '!', 'flvmux', 'streamable=true', '!', 'rtmp2sink', `location=${urlOf('by-gst')}`];
  await using _gst = runningProgram('gst-launch-1.0', [...source, ...sink]);
  const ids = ['by-ffmpeg', 'by-gst'];
  await Promise.all(ids.map(online));
  assert.deepEqual(
    hub.get('by-ffmpeg')!.tracks.map(({ codec }) => codec),
    ['h264', 'aac'],
  );
  const played = await Promise.all(ids.map((id) => ffmpegPlays(urlOf(id), 80)));
  for (const [i, { stdout, stderr }] of played.entries())
    assertConsecutive(numbersOf(stdout), 80, `${ids[i]} ${stderr}`);
  const flv = await ffmpegPlays(`http://127.0.0.1:${httpPort}/flv/by-ffmpeg.flv`, 30);
  assertConsecutive(numbersOf(flv.stdout), 30, flv.stderr);
});

test('whoever publishes later takes over; players go on', { timeout: 45_000 }, async () => {
  const copy = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', camera.urls['sub']!, '-c', 'copy', '-f', 'flv'];
  await using first = runningProgram('ffmpeg', [...copy, urlOf('taken')], { quiet: true });
  await online('taken');
  const player = ffmpegPlays(urlOf('taken'), 150);
  await wait(2000);
  const reconnects = hub.get('taken')!.meter.reconnects;
  await using _second = runningProgram('ffmpeg', [...copy, urlOf('taken')]);
  const numbers = numbersOf((await player).stdout);
  assert.equal(numbers.length, 150);
  assert.ok(hub.get('taken')!.meter.reconnects > reconnects);
  for (let i = 0; first.exitCode === null && i < 80; i++) await wait(100);
  assert.notEqual(first.exitCode, null, 'the first one was hung up on');
});

test('a wrong password is told, and makes nothing', { timeout: 30_000 }, async () => {
  const copy = [
    '-v',
    'error',
    '-rtsp_transport',
    'tcp',
    '-i',
    camera.urls['sub']!,
    '-c',
    'copy',
    '-t',
    '3',
    '-f',
    'flv',
  ];
  const [publish, play, missing] = await Promise.all([
    runProgram('ffmpeg', [...copy, urlOf('secretly', '?user=obs&password=wrong')]),
    ffmpegPlays(urlOf('main', ''), 1),
    ffmpegPlays(urlOf('none'), 1),
  ]);
  assert.match(publish.stderr, /name or password is wrong/);
  assert.equal(hub.get('secretly'), undefined);
  assert.match(play.stderr, /name or password is wrong/);
  assert.match(missing.stderr, /there is no stream/);
});

test('garbage, half messages and players that read nothing harm nobody', { timeout: 40_000 }, async () => {
  const hello = Buffer.alloc(1 + 1536 + 1536);
  hello[0] = 3;
  const vandals = Array.from({ length: 30 }, (_, i) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    if (i % 3 === 0) socket.write(Buffer.alloc(500_000, 0x47));
    else if (i % 3 === 1) socket.write(Buffer.concat([hello, Buffer.alloc(500_000, 0xff)]));
    // A message of 16 MiB that is announced, and then comes byte by byte.
    else socket.write(Buffer.concat([hello, Buffer.from('04000000ffffff140000000000', 'hex')]));
    return socket;
  });
  const { stdout, stderr } = await ffmpegPlays(urlOf('main'), 110);
  for (const socket of vandals) socket.destroy();
  assertConsecutive(numbersOf(stdout), 110, stderr);
});
