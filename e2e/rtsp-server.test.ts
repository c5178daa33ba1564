import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { parseRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { ntpToMs } from '@watchpost/media/time/ntp.ts';
import { lastingGrant } from '@watchpost/server/hub/grant.ts';
import { LiveFmp4 } from '@watchpost/server/hub/live-fmp4/live-muxer.ts';
import { PushTargets } from '@watchpost/server/hub/push-targets.ts';
import { StreamHub } from '@watchpost/server/hub/stream-hub.ts';
import type { AccessControl, ListenContext, StreamDefinition } from '@watchpost/server/hub/types.ts';
import { dialTcp } from '@watchpost/server/net/dial.ts';
import { createHttpServer } from '@watchpost/server/net/http-server.ts';
import { createHlsProtocol } from '@watchpost/server/protocols/hls/protocol.ts';
import { createRtsp } from '@watchpost/server/protocols/rtsp/index.ts';
import { TestClient } from '@watchpost/server/protocols/rtsp/server/test-bench.ts';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, runProgram, wait } from './harness.ts';

const width = 320;
const height = 180;
const loopFrames = 200;
/** The cameras' clock is not ours, but near enough to be believed. */
const clockAheadMs = -1500;
const password = 'Basic dmxjOnNlY3JldA==';

/** Hub, RTSP and HLS in this process, with a login `vlc:secret`, and the cameras of a simulator. */
const stack = new AsyncDisposableStack();
let camera: RtspCamera;
let hub: StreamHub;
let rtspPort = 0;
let tlsPort = 0;
let digestPort = 0;
/** SHA-256 of the server's certificate, which nobody signed. */
let fingerprint = '';
let httpPort = 0;

const urlOf = (id: string, login = 'vlc:secret@') => `rtsp://${login}127.0.0.1:${rtspPort}/live/${id}`;

const access: AccessControl = {
  authorize: async ({ headers, action, query, proof }) => {
    if (proof?.username === 'id' && proof.matches('derived')) return lastingGrant;
    if (headers['authorization'] === password || query.get('token') === 'abc.def') return lastingGrant;
    // Pages of HLS ask without a login here.
    if (action === 'live' && headers['host'] !== undefined) return lastingGrant;
    throw new WatchpostError('name or password is wrong', { kind: 'unauthenticated', code: 'LOGIN_WRONG' });
  },
};

before(async () => {
  const rtsp = createRtsp({ userAgent: 'Watchpost/test' });
  const clock = systemClock;
  const logger = silentLogger;
  rtspPort = await freePort();
  tlsPort = await freePort();
  digestPort = await freePort();
  camera = stack.use(await startRtspCamera({ port: 0, faults: { clockAheadMs } }));
  // The goodbyes of the hub to its cameras reach them before they are switched off.
  stack.defer(() => wait(300));
  const testdata = new URL('../packages/server/src/net/testdata/', import.meta.url).pathname;
  const certificate = new X509Certificate(await readFile(`${testdata}first.crt`));
  fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const section = {
    bind: { host: '127.0.0.1', port: rtspPort },
    rtp_port_range: { first: 23_000, last: 24_999 },
    bind_tls: { host: '127.0.0.1', port: tlsPort },
    ...{ tls_cert: `${testdata}first.crt`, tls_key: `${testdata}first.key` },
    ...{ multicast: { first: 0xef_ff_2b_00, count: 256 }, multicast_ttl: 1 },
  };
  const base = { clock, logger, dial: dialTcp, section: {}, signal: new AbortController().signal };
  hub = stack.use(
    new StreamHub({
      ...{ clock, logger, reconnectDelayMs: 500 },
      protocolFor: () => rtsp,
      pull: (protocol, source, run) => protocol.pull!(source, run.publish, { ...base, signal: run.signal }),
    }),
  );
  stack.use(
    new PushTargets(hub, {
      ...{ clock, logger, protocolFor: () => rtsp },
      push: (protocol, run) => protocol.push!(run.stream, run.target, { ...base, ...run }),
    }),
  );
  const http = createHttpServer({ logger });
  stack.defer(() => http.close());
  const context = { ...base, http, access } as unknown as ListenContext;
  stack.use(await rtsp.listen!(hub, { ...context, section }));
  const digestSection = {
    ...{ digest: true, bind: { host: '127.0.0.1', port: digestPort }, rtp_port_range: { first: 25_000, last: 25_999 } },
  };
  const digests = createRtsp({ userAgent: 'Watchpost/test' });
  stack.use(await digests.listen!(hub, { ...context, section: digestSection }));
  stack.use(await createHlsProtocol({ live: new LiveFmp4({ clock }) }).listen!(hub, context));
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

/** Numbers of the frames that a program decodes to gray pictures. */
function numbersOf(stdout: Buffer): (number | undefined)[] {
  const size = width * height;
  return Array.from({ length: Math.floor(stdout.length / size) }, (_, i) =>
    readFrameNumber(stdout.subarray(i * size, (i + 1) * size), width, height),
  );
}

function assertConsecutive(numbers: readonly (number | undefined)[], count: number, what: string): void {
  assert.ok(numbers.length >= count, `${what}: ${numbers.length} frames`);
  const first = numbers[0]!;
  const expected = Array.from({ length: numbers.length }, (_, i) => (first + i) % loopFrames);
  assert.deepEqual(numbers, expected, what);
}

function ffmpegPlays(url: string, transport: string, count: number) {
  const input = ['-v', 'error', '-rtsp_transport', transport, '-i', url, '-frames:v', String(count), '-an'];
  const output = ['-fps_mode', 'passthrough', '-vf', `scale=${width}:${height}`, '-f', 'rawvideo', '-pix_fmt', 'gray'];
  return runProgram('ffmpeg', [...input, ...output, 'pipe:1'], 75_000);
}

function gstreamerPlays(id: string, codec: string, protocols: string, url = urlOf(id, ''), user = ['vlc', 'secret']) {
  const more = protocols === 'udp-mcast' ? ['multicast-iface=lo'] : [];
  const isTls = url.startsWith('rtsps');
  if (isTls) more.push('tls-validation-flags=0');
  const source = ['-q', 'rtspsrc', `location=${url}`, `protocols=${protocols}`, 'latency=200', ...more];
  const login = [`user-id=${user[0]}`, `user-pw=${user[1]}`, '!', `rtp${codec}depay`, '!', `${codec}parse`, '!'];
  const picture = ['videoconvert', '!', 'videoscale', '!', `video/x-raw,format=GRAY8,width=${width},height=${height}`];
  const sink = ['!', 'identity', 'eos-after=62', '!', 'fdsink', 'fd=1', 'sync=false'];
  return runProgram('gst-launch-1.0', [...source, ...login, `avdec_${codec}`, '!', ...picture, ...sink], 75_000);
}

for (const transport of ['tcp', 'udp'])
  test(`FFmpeg decodes consecutive frames of all streams over ${transport}`, { timeout: 90_000 }, async () => {
    const ids = ['main', 'h265', 'sub'];
    const results = await Promise.all(ids.map((id) => ffmpegPlays(urlOf(id), transport, 70)));
    for (const [i, { stdout, stderr }] of results.entries()) {
      assertConsecutive(numbersOf(stdout), 70, `${ids[i]} ${stderr}`);
      assert.equal(stderr, '', ids[i]!);
    }
  });

for (const protocols of ['tcp', 'udp'])
  test(`GStreamer decodes consecutive frames over ${protocols}`, { timeout: 90_000 }, async () => {
    const results = await Promise.all([
      gstreamerPlays('main', 'h264', protocols),
      gstreamerPlays('h265', 'h265', protocols),
    ]);
    for (const { stdout, stderr } of results) assertConsecutive(numbersOf(stdout), 60, stderr);
  });

const tlsUrlOf = (id: string, login: string) => `rtsps://${login}127.0.0.1:${tlsPort}/live/${id}`;

test('FFmpeg and GStreamer decode consecutive frames over TLS and through HTTP', { timeout: 90_000 }, async () => {
  const ways = {
    'FFmpeg, TLS': ffmpegPlays(tlsUrlOf('main', 'vlc:secret@'), 'tcp', 60),
    'FFmpeg, HTTP': ffmpegPlays(urlOf('main'), 'http', 60),
    'GStreamer, TLS': gstreamerPlays('main', 'h264', 'tcp', tlsUrlOf('main', '')),
    'GStreamer, HTTP': gstreamerPlays('main', 'h264', 'tcp+http', urlOf('main', '').replace('rtsp:', 'rtsph:')),
  };
  for (const [way, running] of Object.entries(ways)) {
    const { stdout, stderr } = await running;
    assertConsecutive(numbersOf(stdout), 60, `${way}: ${stderr}`);
  }
});

test('two GStreamers share one group', { timeout: 90_000 }, async () => {
  const [first, second] = await Promise.all([
    gstreamerPlays('main', 'h264', 'udp-mcast'),
    gstreamerPlays('main', 'h264', 'udp-mcast'),
  ]);
  assertConsecutive(numbersOf(first.stdout), 60, first.stderr);
  assertConsecutive(numbersOf(second.stdout), 60, second.stderr);
});

test('a wrong password is refused, a token in the address is not', { timeout: 90_000 }, async () => {
  const withToken = `${urlOf('main', '')}?token=abc.def`;
  const [wrong, none, token, gstreamer] = await Promise.all([
    ffmpegPlays(urlOf('main', 'vlc:wrong@'), 'tcp', 1),
    ffmpegPlays(urlOf('none'), 'tcp', 1),
    ffmpegPlays(withToken, 'tcp', 30),
    gstreamerPlays('main', 'h264', 'tcp', withToken, ['', '']),
  ]);
  assert.match(wrong.stderr, /401 Unauthorized/);
  assert.match(none.stderr, /404 Not Found/);
  assertConsecutive(numbersOf(token.stdout), 30, token.stderr);
  assertConsecutive(numbersOf(gstreamer.stdout), 60, gstreamer.stderr);
});

test('FFmpeg and GStreamer answer Digest, watching and publishing', { timeout: 90_000 }, async () => {
  const digestUrl = (id: string, login: string) => `rtsp://${login}127.0.0.1:${digestPort}/live/${id}`;
  const copy = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', camera.urls['sub']!, '-c', 'copy', '-f', 'rtsp'];
  await using _published = publisher('ffmpeg', [...copy, digestUrl('by-digest', 'id:derived@')]);
  const [ffmpeg, gstreamer, wrong] = await Promise.all([
    ffmpegPlays(digestUrl('main', 'id:derived@'), 'tcp', 30),
    gstreamerPlays('main', 'h264', 'tcp', digestUrl('main', ''), ['id', 'derived']),
    ffmpegPlays(digestUrl('main', 'id:guessed@'), 'tcp', 1),
    online('by-digest'),
  ]);
  assertConsecutive(numbersOf(ffmpeg.stdout), 30, `FFmpeg: ${ffmpeg.stderr}`);
  assertConsecutive(numbersOf(gstreamer.stdout), 60, `GStreamer: ${gstreamer.stderr}`);
  assert.match(wrong.stderr, /401 Unauthorized/);
});

/** Plays a camera of the simulator into our server until it is killed. */
function publisher(program: string, args: readonly string[]): ChildProcess & AsyncDisposable {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return Object.assign(child, {
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      setTimeout(() => child.kill('SIGKILL'), 3000).unref();
      await gone;
    },
  });
}

async function online(id: string): Promise<void> {
  for (let i = 0; hub.get(id)?.state !== 'online'; i++) {
    assert.ok(i < 400, `${id} did not come online`);
    await wait(100);
  }
}

type PlayWay = (id: string, count: number) => ReturnType<typeof runProgram>;

const playWays: Readonly<Record<string, PlayWay>> = {
  tcp: (id, count) => ffmpegPlays(urlOf(id), 'tcp', count),
  udp: (id, count) => ffmpegPlays(urlOf(id), 'udp', count),
  tls: (id, count) => ffmpegPlays(tlsUrlOf(id, 'vlc:secret@'), 'tcp', count),
  http: (id, count) => ffmpegPlays(urlOf(id), 'http', count),
};

test('whatever way a stream is published, FFmpeg plays it whatever way', { timeout: 100_000 }, async () => {
  const copy = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', camera.urls['main']!, '-c', 'copy', '-f', 'rtsp'];
  await using _tcp = publisher('ffmpeg', [...copy, '-rtsp_transport', 'tcp', urlOf('by-ffmpeg-tcp')]);
  await using _udp = publisher('ffmpeg', [...copy, '-rtsp_transport', 'udp', urlOf('by-ffmpeg-udp')]);
  await using _tls = publisher('ffmpeg', [...copy, tlsUrlOf('by-ffmpeg-tls', 'vlc:secret@')]);
  const source = ['-q', 'rtspsrc', `location=${camera.urls['sub']}`, 'protocols=tcp', '!', 'rtph264depay', '!'];
  const sink = (url: string, protocols: string) => [
    ...[...source, 'h264parse', '!', 'rtspclientsink', `location=${url}`, `protocols=${protocols}`],
    ...['user-id=vlc', 'user-pw=secret', 'tls-validation-flags=0'],
  ];
  await using _gst = publisher('gst-launch-1.0', sink(urlOf('by-gst-tcp', ''), 'tcp'));
  await using _gstUdp = publisher('gst-launch-1.0', sink(urlOf('by-gst-udp', ''), 'udp'));
  await using _gstTls = publisher('gst-launch-1.0', sink(tlsUrlOf('by-gst-tls', ''), 'tcp'));
  const ids = ['ffmpeg-tcp', 'ffmpeg-udp', 'ffmpeg-tls', 'gst-tcp', 'gst-udp', 'gst-tls'].map((way) => `by-${way}`);
  // Our own: other servers publish through HTTP like that.
  await define({
    ...{ id: 'pushed', sources: [parseSourceUrl(camera.urls['sub']!)] },
    push: [
      parseSourceUrl(`rtsp+http://vlc:secret@127.0.0.1:${rtspPort}/live/by-push-http`),
      parseSourceUrl(`rtsps://vlc:secret@127.0.0.1:${tlsPort}/live/by-push-tls#fingerprint=${fingerprint}`),
    ],
  });
  ids.push('by-push-http', 'by-push-tls');
  await Promise.all(ids.map(online));
  assert.deepEqual(
    hub.get('by-ffmpeg-tcp')!.tracks.map(({ codec }) => codec),
    ['h264', 'aac'],
  );
  const cells = ids.flatMap((id) => Object.entries(playWays).map(([way, play]) => ({ id, way, play })));
  const worker = async () => {
    for (let cell = cells.pop(); cell !== undefined; cell = cells.pop()) {
      const { stdout, stderr } = await cell.play(cell.id, 20);
      assertConsecutive(numbersOf(stdout), 20, `${cell.id}, ${cell.way}: ${stderr}`);
    }
  };
  await Promise.all([worker(), worker(), playsOverHls('by-ffmpeg-tcp')]);
  await hub.remove('pushed');
});

async function playsOverHls(id: string): Promise<void> {
  const hls = `http://127.0.0.1:${httpPort}/hls/${id}/index.m3u8`;
  const asked = ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', hls];
  const listed = await runProgram('ffprobe', asked);
  assert.deepEqual([...new Set(listed.stdout.toString().trim().split(/\s+/))].sort(), ['aac', 'h264']);
}

test('a publisher with a wrong password makes nothing', { timeout: 90_000 }, async () => {
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
    'rtsp',
  ];
  const { status, stderr } = await runProgram('ffmpeg', [...copy, urlOf('secretly', 'vlc:wrong@')]);
  assert.notEqual(status, 0);
  assert.match(stderr, /401 Unauthorized/);
  assert.equal(hub.get('secretly'), undefined);
});

/** Absolute time of each packet of the picture, ms since 1970 UTC, by its payload: as the newest sender report has it. */
async function absoluteTimes(port: number, url: string, stop: AbortSignal): Promise<() => Map<string, number>> {
  const client = await TestClient.connect(port);
  stop.addEventListener('abort', () => client.socket.destroy());
  const headers = { Authorization: password };
  await client.expect(200, 'DESCRIBE', { url, headers });
  const transport = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
  const setup = await client.expect(200, 'SETUP', { url: `${url}/trackID=0`, headers: { ...headers, ...transport } });
  const session = setup.headers.find(([name]) => name === 'Session')![1].split(';')[0]!;
  await client.expect(200, 'PLAY', { url, headers: { ...headers, Session: session } });
  return () => {
    const reports = client.frames.filter(({ channel }) => channel === 1).flatMap(({ bytes }) => parseRtcp(bytes));
    const newest = reports.findLast((packet) => packet.type === 'sr');
    const times = new Map<string, number>();
    if (newest === undefined) return times;
    const reportMs = ntpToMs(newest.ntpSeconds, newest.ntpFraction)!;
    for (const { channel, bytes } of client.frames) {
      if (channel !== 0) continue;
      const { payloadStart, payloadEnd, timestamp } = parseRtpPacket(bytes, 0, bytes.length);
      const payload = bytes.toString('latin1', payloadStart, payloadEnd);
      times.set(payload, reportMs + ((timestamp - newest.rtpTimestamp) | 0) / 90);
    }
    return times;
  };
}

test('sender reports tell the absolute time that the camera tells', { timeout: 90_000 }, async () => {
  const stop = new AbortController();
  try {
    const ofCamera = await absoluteTimes(camera.port, camera.urls['main']!, stop.signal);
    const ofServer = await absoluteTimes(rtspPort, urlOf('main', ''), stop.signal);
    let apart: number[] = [];
    for (let i = 0; apart.length < 50 && i < 100; i++) {
      await wait(200);
      const expected = ofCamera();
      apart = [...ofServer()].flatMap(([payload, ms]) => (expected.has(payload) ? [ms - expected.get(payload)!] : []));
    }
    assert.ok(apart.length >= 50, `${apart.length} packets`);
    const worst = Math.max(...apart.map(Math.abs));
    assert.ok(worst < 20, `up to ${worst} ms apart`);
  } finally {
    stop.abort();
  }
});

test('a reader that reads nothing and a port full of garbage harm no player', { timeout: 90_000 }, async () => {
  const send = (lines: string) => lines.replaceAll('\n', '\r\n');
  const slow = net.connect(rtspPort, '127.0.0.1');
  slow.on('error', () => {});
  const auth = `Authorization: ${password}\n`;
  const setup = `SETUP ${urlOf('main', '')}/trackID=0 RTSP/1.0\nCSeq: 1\n${auth}`;
  slow.write(
    send(`${setup}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\n\nPLAY ${urlOf('main', '')} RTSP/1.0\nCSeq: 2\n\n`),
  );
  slow.pause();
  const vandals = Array.from({ length: 20 }, () => {
    const socket = net.connect(rtspPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(Buffer.alloc(1_500_000, 0x24));
    return socket;
  });
  const { stdout, stderr } = await ffmpegPlays(urlOf('main'), 'tcp', 100);
  for (const socket of [slow, ...vandals]) socket.destroy();
  assertConsecutive(numbersOf(stdout), 100, stderr);
});
