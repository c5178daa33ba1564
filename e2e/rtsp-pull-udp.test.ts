import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { checkRecordings, clockSpreadMs, complaintsOf, filesOf, framesOf, jumpsOf } from './recorded-frames.ts';
import { type RelayFaults, UdpRelay } from './udp-relay.ts';

const script = fileURLToPath(new URL('gstreamer-transports.py', import.meta.url));
const launch =
  'videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1 ' +
  '! x264enc key-int-max=25 tune=zerolatency speed-preset=ultrafast bitrate=300 ! rtph264pay name=pay0 pt=96 config-interval=-1 ' +
  'audiotestsrc is-live=true ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay1 pt=8';

/** What the ways from the simulator are like; each is a stream of its own. */
const ways: Readonly<Record<string, RelayFaults>> = {
  clean: {},
  disorder: { delayEvery: 7, doubleEvery: 11 },
  loss: { loseEvery: 50, delayEvery: 7, doubleEvery: 11 },
};

/** A group of the site's own scope (RFC 2365 §6.2). */
const group = { address: '239.255.77.1', port: 17_000 };
const groupSdp =
  'v=0\r\ns=group\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:t\r\n';

const suite = 'AES_CM_128_HMAC_SHA1_32';
const suiteKey = 'AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e';
const gcmKey = Buffer.alloc(44, 0x5a);
const sdesSdp = (offer: string) =>
  groupSdp.replace('RTP/AVP', 'RTP/SAVP').replace('a=control', `a=crypto:1 ${offer}|2^48\r\na=control`);
const withoutSound = ['multicast', 'srtp-sdes', 'srtp-gcm'];

const encrypted = ['srtp-tcp', 'srtp-udp'];
const gstreamer = ['udp-only', 'multicast-refused', 'tunnel', 'tls', 'tunnel-tls', ...encrypted];

let server: TestServer;
let simulator: RtspCamera;
let folder: string;
const relays: Record<string, UdpRelay> = {};
const cameras: ChildProcess[] = [];
const listeners: net.Server[] = [];

async function startCamera(offers: string, pem = '-', ...more: string[]): Promise<number> {
  const camera = spawn('/usr/bin/python3', [script, offers, pem, launch, ...more], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  cameras.push(camera);
  const [line] = (await once(camera.stdout!, 'data')) as [Buffer];
  return Number(line.toString());
}

/** A camera that sends to a group whether anybody listens or not: FFmpeg sends, and a few lines of RTSP tell where to. */
async function startGroupCamera(): Promise<number> {
  const camera = spawn(
    'ffmpeg',
    [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', '60', '-c:v', 'libx264'],
      ...['-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25', '-bsf:v', 'dump_extra', '-f', 'rtp'],
      `rtp://${group.address}:${group.port}?ttl=1&localaddr=127.0.0.1&pkt_size=1400`,
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  cameras.push(camera);
  return answerRtsp(groupSdp, (request) =>
    /^Transport: RTP\/AVP;multicast\r$/m.test(request)
      ? `RTP/AVP;multicast;destination=${group.address};port=${group.port}-${group.port + 1};ttl=1`
      : undefined,
  );
}

/** A camera with keys in `a=crypto`: FFmpeg encrypts and sends, to the ports of each SETUP. */
function startSdesCamera(): Promise<number> {
  return startEncryptedCamera(`${suite} inline:${suiteKey}`, (rtp, rtcp) => [
    ...['ffmpeg', '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', '60'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25', '-bsf:v', 'dump_extra'],
    ...['-f', 'rtp', '-srtp_out_suite', suite, '-srtp_out_params', suiteKey],
    `srtp://127.0.0.1:${rtp}?rtcpport=${rtcp}&pkt_size=1400`,
  ]);
}

/** The same with AES-GCM: libsrtp encrypts. */
function startGcmCamera(): Promise<number> {
  const ciphers = ['rtp', 'rtcp'].flatMap((kind) => [`${kind}-cipher=aes-256-gcm`, `${kind}-auth=null`]);
  return startEncryptedCamera(`AEAD_AES_256_GCM inline:${gcmKey.toString('base64')}`, (rtp) => [
    ...['gst-launch-1.0', '-q', 'videotestsrc', 'is-live=true', 'pattern=ball', 'num-buffers=1500', '!'],
    ...['video/x-raw,width=320,height=180,framerate=25/1', '!', 'x264enc', 'key-int-max=25', 'tune=zerolatency'],
    ...['speed-preset=ultrafast', 'bitrate=300', '!', 'rtph264pay', 'pt=96', 'config-interval=-1', '!', 'srtpenc'],
    ...[`key=${gcmKey.toString('hex')}`, ...ciphers, '!', 'udpsink', 'host=127.0.0.1', `port=${rtp}`],
  ]);
}

function startEncryptedCamera(offer: string, senderTo: (rtp: string, rtcp: string) => string[]): Promise<number> {
  return answerRtsp(sdesSdp(offer), (request) => {
    const [, rtp, rtcp] = /^Transport: RTP\/SAVP;unicast;client_port=(\d+)-(\d+)\r$/m.exec(request) ?? [];
    if (rtp === undefined) return undefined;
    const [program = '', ...args] = senderTo(rtp, rtcp!);
    cameras.push(spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] }));
    return `RTP/SAVP;unicast;client_port=${rtp}-${rtcp}`;
  });
}

/** A few lines of RTSP: `transportOf` answers a SETUP with a transport, or refuses it. */
async function answerRtsp(sdp: string, transportOf: (request: string) => string | undefined): Promise<number> {
  const listener = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const request = chunk.toString();
      const cseq = /^CSeq: (\d+)/im.exec(request)?.[1] ?? '0';
      const answer = (headers: string, body = '') =>
        socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`);
      if (request.startsWith('DESCRIBE')) answer('Content-Type: application/sdp\r\n', sdp);
      else if (!request.startsWith('SETUP')) answer('Session: 1;timeout=60\r\n');
      else {
        const transport = transportOf(request);
        if (transport === undefined) socket.write(`RTSP/1.0 461 Unsupported Transport\r\nCSeq: ${cseq}\r\n\r\n`);
        else answer(`Session: 1;timeout=60\r\nTransport: ${transport}\r\n`);
      }
    });
  });
  listeners.push(listener);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return (listener.address() as net.AddressInfo).port;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watchpost-tls-'));
  const [key, certificate, both] = ['key.pem', 'cert.pem', 'both.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const made = await runProgram('sh', [
    '-c',
    `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=camera -keyout ${key} -out ${certificate} && cat ${key} ${certificate} > ${both}`,
  ]);
  assert.equal(made.status, 0, made.stderr);
  const { fingerprint256 } = new X509Certificate(readFileSync(certificate));
  simulator = await startRtspCamera({ port: 0 });
  for (const [id, faults] of Object.entries(ways)) relays[id] = await UdpRelay.open(simulator.port, faults);
  const [all, udp, tls, tlsTunnel, srtp, group, sdes, gcm] = await Promise.all([
    startCamera('both'),
    startCamera('udp'),
    startCamera('tcp', both),
    startCamera('tcp', both),
    startCamera('both', both, 'srtp'),
    startGroupCamera(),
    startSdesCamera(),
    startGcmCamera(),
  ]);
  server = await startTestServer({
    cameras: [
      ...Object.keys(ways).map((id) => ({
        id,
        url: `rtsp://127.0.0.1:${relays[id]!.port}/main#transport=udp`,
      })),
      { id: 'udp-only', url: `rtsp://127.0.0.1:${udp}/test` },
      { id: 'multicast', url: `rtsp://127.0.0.1:${group}/test#transport=multicast` },
      { id: 'multicast-refused', url: `rtsp://127.0.0.1:${udp}/test#transport=multicast,udp` },
      { id: 'tunnel', url: `rtsp+http://127.0.0.1:${all}/test` },
      { id: 'tls', url: `rtsps://127.0.0.1:${tls}/test#fingerprint=${fingerprint256}` },
      { id: 'tunnel-tls', url: `rtsps+http://127.0.0.1:${tlsTunnel}/test#fingerprint=${fingerprint256}` },
      { id: 'srtp-tcp', url: `rtsps://127.0.0.1:${srtp}/test#fingerprint=${fingerprint256}` },
      { id: 'srtp-udp', url: `rtsps://127.0.0.1:${srtp}/test#transport=udp&fingerprint=${fingerprint256}` },
      { id: 'srtp-sdes', url: `rtsp://127.0.0.1:${sdes}/test#transport=udp` },
      { id: 'srtp-gcm', url: `rtsp://127.0.0.1:${gcm}/test#transport=udp` },
      { id: 'tls-wrong', url: `rtsps://127.0.0.1:${tls}/test#fingerprint=${'ab'.repeat(32)}` },
    ],
  });
  const ids = [...Object.keys(ways), ...gstreamer, ...withoutSound];
  await server.guard(async () => {
    for (const id of ids) await server.waitFor(id, 'online', 15_000);
  });
  await wait(6000);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const relay of Object.values(relays)) await relay[Symbol.asyncDispose]();
  await simulator?.close();
  for (const camera of cameras) camera.kill();
  for (const listener of listeners) listener.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function isGrowing(id: string): Promise<boolean> {
  const { segments } = await server.api<{ segments: { growing: boolean }[] }>(`/recordings/${id}`);
  return segments.some(({ growing }) => growing);
}

describe('a camera pulled over UDP through a relay', { concurrency: 3 }, () => {
  for (const id of ['clean', 'disorder'])
    test(`loses no picture where packets come late and twice: ${id}`, { timeout: 40_000 }, () =>
      server.guard(async () => {
        const { counts } = relays[id]!;
        const stats = await server.stats(id);
        const recorded = await checkRecordings(server, id);
        assert.deepEqual(jumpsOf(recorded.frames), []);
        assert.ok(recorded.frames.flat().length >= 100, `${recorded.frames.flat().length} pictures`);
        assert.equal(stats['lost'], 0);
        assert.ok(clockSpreadMs(recorded) < 100, `${clockSpreadMs(recorded)} ms between files`);
        if (id === 'disorder') assert.ok(counts.delayed > 20 && counts.doubled > 20, JSON.stringify(counts));
      }),
    );

  test('counts what is lost, and records only pictures that are whole', { timeout: 40_000 }, () =>
    server.guard(async () => {
      const { counts } = relays['loss']!;
      const before = counts.lost;
      const stats = await server.stats('loss');
      assert.ok(
        stats['lost']! > 3 && stats['lost']! <= counts.lost && stats['lost']! >= before - 3,
        `${stats['lost']} of ${counts.lost} lost`,
      );
      await server.api('/streams/loss/stop', { method: 'POST' });
      for (let tries = 0; tries < 50 && (await isGrowing('loss')); tries++) await wait(200);
      const frames: (number | undefined)[][] = [];
      for (const file of filesOf(server, 'loss')) {
        assert.equal(await complaintsOf(file), '', file);
        frames.push(await framesOf(file));
      }
      // What is missing is missing up to the next key picture.
      assert.ok(jumpsOf(frames).length > 0);
      assert.ok(jumpsOf(frames).every(({ missing }) => missing > 0));
      assert.ok(frames.flat().length > 20, `${frames.flat().length} pictures`);
    }),
  );
});

describe('other cameras', { concurrency: 3 }, () => {
  for (const id of [...gstreamer, ...withoutSound])
    test(`are pulled without loss, and their recordings decode: ${id}`, { timeout: 40_000 }, () =>
      server.guard(async () => {
        const stats = await server.stats(id);
        assert.equal(stats['lost'], 0);
        assert.equal(stats['reconnects'], 0);
        for (const name of Object.keys(stats)) assert.ok(!name.startsWith('srtp_'), name);
        const tracks = (await server.stream(id)).tracks.map(({ codec }) => codec);
        assert.deepEqual(tracks, withoutSound.includes(id) ? ['h264'] : ['h264', 'pcma']);
        const recorded = await checkRecordings(server, id);
        // Asked by two at once, GStreamer's server may refuse both at first.
        const gaps = recorded.gaps.filter(({ startMs }) => startMs > recorded.startMs);
        assert.deepEqual(gaps, []);
        const seconds = (recorded.endMs - recorded.startMs) / 1000;
        const pictures = recorded.frames.flat().length;
        assert.ok(seconds > 3 && Math.abs(pictures - seconds * 25) <= 3, `${pictures} pictures in ${seconds} s`);
      }),
    );

  test('are not pulled where their certificate is not the pinned one', () =>
    server.guard(async () => {
      const { state, reason } = await server.stream('tls-wrong');
      assert.notEqual(state, 'online');
      assert.equal(reason?.code, 'CERTIFICATE_CHANGED');
    }));
});
