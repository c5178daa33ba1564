import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type Logger, silentLogger } from '@watchpost/base/logger.ts';
import { type AmfValue, readAmf0 } from '@watchpost/media/container/flv/amf0.ts';
import { chunkMessage } from '@watchpost/media/rtmp/chunk-writer.ts';
import { writeCommand } from '@watchpost/media/rtmp/command.ts';
import { RtmpServer } from '@watchpost/media/rtmp/server.ts';
import type { RtmpAnswer } from '@watchpost/media/rtmp/server-types.ts';
import { writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import { parseSdp } from '@watchpost/media/sdp/parse.ts';
import { tracksFromSdp } from '@watchpost/media/sdp/tracks.ts';
import type { PublishConfig } from '../config/agent-config.ts';
import { readAgentConfig } from '../config/read-config.ts';
import type { Connection, ConnectionHandler, DialOptions, Platform } from '../platform/platform.ts';
import type { PulledStream } from '../pull/camera-pull.ts';
import { RtmpSession } from './rtmp-session.ts';

function streamOf(...media: string[]): PulledStream {
  const sdp = parseSdp(new TextEncoder().encode(['v=0', 's=x', ...media].join('\r\n')));
  const tracks = tracksFromSdp(sdp);
  const all = tracks.map((_, i) => i);
  return { sdp, tracks, mediaIndices: all, indices: all };
}
const sound = ['m=audio 0 RTP/AVP 8', 'a=control:1'];
const jpeg = ['m=video 0 RTP/AVP 26', 'a=control:2'];
const latm = ['m=audio 0 RTP/AVP 97', 'a=rtpmap:97 MP4A-LATM/16000', 'a=control:3'];
/** libx264, High 4:2:2, two pictures reordered at the most. */
const sets = ['677a0020b6cd9405005bb011000003000100000300640f183196', '68ebe3cb22c0'].map(fromHex);
const picture = [
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  `a=fmtp:96 packetization-mode=1; sprop-parameter-sets=${sets.map((set) => Buffer.from(set).toString('base64'))}`,
  'a=control:4',
];

const local = readAgentConfig(
  {
    agent: { tunnel_server_url: 'wss://tunnel.example/tunnel' },
    cameras: [{ name: 'c', host: '10.0.0.20' }],
    tunnel: { targets: ['edge.example:1935'] },
    publish: [{ camera: 'c', url: 'rtmp://s.example/live/cam' }],
  },
  { file: 'agent.json', stateDir: '/s' },
);

/** A packet of G.711 with 20 ms. */
function soundPacket(count: number): Uint8Array {
  const bytes = new Uint8Array(12 + 160).fill(count);
  writeRtpHeader(bytes, 0, { payloadType: 8, marker: false, sequence: count, timestamp: count * 160, ssrc: 1 });
  return bytes;
}

/** A picture of one slice. */
function picturePacket(count: number, timestamp: number, isKey: boolean): Uint8Array {
  const bytes = new Uint8Array(12 + 40).fill(count);
  writeRtpHeader(bytes, 0, { payloadType: 96, marker: true, sequence: count, timestamp, ssrc: 2 });
  bytes.set([isKey ? 0x65 : 0x41, 0x88], 12);
  return bytes;
}

/** A server of ours behind a connection whose uplink takes as much as it is told to. */
class Bench {
  readonly clock = new ManualClock();
  readonly told: string[] = [];
  readonly logged: string[] = [];
  readonly media: { type: number; timestampMs: number; body: Uint8Array }[] = [];
  readonly dialed: DialOptions[] = [];
  waitingBytes = 0;
  isDestroyed = false;
  isDeaf = false;
  refusal: WatchpostError | undefined;
  /** How the first connection is refused: a redirect. */
  rejection: AmfValue | undefined;
  #client!: ConnectionHandler;
  readonly session: RtmpSession;
  readonly ended: Promise<unknown>;

  constructor(stream: PulledStream, publish: Partial<PublishConfig> = {}) {
    const platform = {
      clock: this.clock,
      dial: (options: DialOptions, handler: ConnectionHandler) => this.#dial(options, handler),
    } as Partial<Platform> as Platform;
    const note: Logger['info'] = (message, fields) => this.logged.push(`${message} ${JSON.stringify(fields)}`);
    this.session = new RtmpSession({
      ...{ platform, stream, logger: { ...silentLogger, info: note, warn: note } },
      ...{ trust: { authorities: ['pem'] }, local },
      publish: { camera: 'c', quality: 'main', url: 'rtmp://s.example/live/cam?token=t', ...publish },
    });
    this.ended = this.session.run(new AbortController().signal).catch((error) => error);
  }

  /** Lets what was promised happen. */
  async turn(): Promise<this> {
    for (let i = 0; i < 10; i++) await Promise.resolve();
    return this;
  }

  async failure(): Promise<{ code: string; message: string }> {
    const error = await this.ended;
    assert.ok(error instanceof WatchpostError);
    return { code: error.code, message: error.message };
  }

  push(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const bytes = soundPacket(i);
      this.session.onPacket(0, false, bytes, 0, bytes.length);
      this.clock.advance(20);
    }
  }

  hangUp(): void {
    this.#client.onClose();
  }

  async #dial(options: DialOptions, handler: ConnectionHandler): Promise<Connection> {
    this.dialed.push(options);
    this.#client = handler;
    const bench = this;
    const server = this.#serve(handler);
    const reject = () => {
      const body = writeCommand('_error', 1, [null, this.rejection!]);
      this.rejection = undefined;
      const handshake = new Uint8Array(1 + 2 * 1536);
      handshake[0] = 3;
      this.isDeaf = true;
      queueMicrotask(() => {
        handler.onData(handshake);
        this.isDeaf = false;
        handler.onData(chunkMessage({ chunkStreamId: 3, type: 20, timestampMs: 0, streamId: 0, chunkSize: 128 }, body));
      });
    };
    return {
      write: (bytes) => {
        if (this.rejection !== undefined) reject();
        else if (!this.isDeaf) server.receive(bytes, 0, bytes.length);
        return true;
      },
      end: () => this.told.push('end'),
      destroy: () => {
        this.isDestroyed = true;
      },
      pause: () => {},
      resume: () => {},
      get waitingBytes() {
        return bench.waitingBytes;
      },
    };
  }

  #serve(handler: ConnectionHandler): RtmpServer {
    return new RtmpServer(
      { chunkSize: 4096 },
      {
        send: (bytes) => queueMicrotask(() => handler.onData(bytes)),
        onPublish: ({ app, name, query }, answer: RtmpAnswer) => {
          this.told.push(`publish ${app}/${name}?${query}`);
          answer(this.refusal);
        },
        onPlay: () => {},
        onPlaying: () => {},
        onPause: () => {},
        onMedia: (type, timestampMs, body) => this.media.push({ type, timestampMs, body: body.slice() }),
        onStop: () => this.told.push('stop'),
        onRefused: () => this.told.push('refused'),
      },
    );
  }
}

test('sound of a camera becomes messages, with metadata before them and times of its own', async () => {
  const bench = await new Bench(streamOf(...sound)).turn();
  assert.deepEqual(
    bench.dialed.map(({ host, port, tls }) => [host, port, tls]),
    [['s.example', 1935, undefined]],
  );
  assert.deepEqual(bench.told, ['publish live/cam?token=t']);
  bench.push(0, 6);
  const [metadata, ...frames] = bench.media;
  const [command, name] = readAmf0(metadata!.body, 0);
  assert.deepEqual([metadata!.type, command, name], [18, '@setDataFrame', 'onMetaData']);
  assert.ok(frames.length >= 4, `${frames.length} frames`);
  for (const [i, { type, timestampMs, body }] of frames.entries()) {
    assert.deepEqual([type, timestampMs, body.length, body[0]! >> 4], [8, i * 20, 161, 7]);
    assert.ok(body.subarray(1).every((byte) => byte === i));
  }
  bench.session.stop();
  assert.equal(await bench.ended, undefined);
  assert.deepEqual(bench.told.slice(1), ['stop', 'end']);
  bench.clock.advance(1000);
  assert.equal(bench.isDestroyed, true);
});

test('pictures that are shown in another order than decoded have both times', async () => {
  const bench = await new Bench(streamOf(...picture)).turn();
  // I P B B P B B, each shown 40 ms after the one before.
  const shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
  for (const [i, place] of shown.entries()) {
    const bytes = picturePacket(i, 90_000 + place * 3600, i === 0);
    bench.session.onPacket(0, false, bytes, 0, bytes.length);
    bench.clock.advance(40);
  }
  const frames = bench.media.filter(({ type, body }) => type === 9 && body[1] === 1);
  const decodedMs = frames.map(({ timestampMs }) => timestampMs);
  const shownMs = frames.map(({ timestampMs, body }) => timestampMs + ((body[2]! << 16) | (body[3]! << 8) | body[4]!));
  assert.ok(frames.length >= 9, `${frames.length} frames`);
  assert.deepEqual(
    shownMs.map((ms) => (ms - shownMs[0]!) / 40),
    shown.slice(0, frames.length),
  );
  for (const [i, ms] of decodedMs.entries()) assert.ok(ms <= shownMs[i]! && (i === 0 || ms >= decodedMs[i - 1]!));
});

test('rtmps is TLS on its own port, and trusts whom the tunnel does', async () => {
  const bench = await new Bench(streamOf(...sound), { url: 'rtmps://s.example/live/cam' }).turn();
  assert.deepEqual([bench.dialed[0]!.port, bench.dialed[0]!.tls], [443, { authorities: ['pem'] }]);
});

test('a camera of which RTMP carries nothing is told with its codecs, and nobody is called', async () => {
  const cases: [media: string[], message: RegExp][] = [
    [jpeg, /FLV carries no MJPEG: set the camera to H\.264/],
    [[...jpeg, ...latm], /MJPEG.*; aac as this camera sends it is not published over RTMP: publish it over RTSP/],
    [['m=video 0 RTP/AVP 98', 'a=rtpmap:98 THEORA/90000'], /sends nothing that is known here: set it to H\.264/],
  ];
  for (const [media, expected] of cases) {
    const bench = new Bench(streamOf(...media));
    const { code, message } = await bench.failure();
    assert.deepEqual([code, bench.dialed.length], ['RTMP_NOTHING_TO_CARRY', 0]);
    assert.match(message, expected);
  }
});

test('a server that refuses, says nothing or hangs up is told with the cure, and never with the stream key', async () => {
  const refused = new Bench(streamOf(...sound), { url: 'rtmp://s.example/live/k3y-of-cam?pw=hush' });
  refused.refusal = new WatchpostError('live/k3y-of-cam?pw=hush is published, k3y-of-cam', {
    ...{ kind: 'conflict', code: 'NO' },
  });
  const { code, message } = await refused.failure();
  assert.equal(code, 'RTMP_PUBLISH_REFUSED');
  assert.match(message, /\("live\/\*\*\* is published, \*\*\*"\) — check the stream key/);

  const silent = new Bench(streamOf(...sound));
  silent.isDeaf = true;
  await silent.turn();
  silent.clock.advance(10_001);
  const noAnswer = await silent.failure();
  assert.equal(noAnswer.code, 'RTMP_NO_ANSWER');
  assert.match(noAnswer.message, /check port and stream name/);

  const early = new Bench(streamOf(...sound));
  early.isDeaf = true;
  await early.turn();
  early.hangUp();
  assert.match((await early.failure()).message, /before it took the stream — check application and stream name/);

  const late = await new Bench(streamOf(...sound)).turn();
  late.hangUp();
  assert.deepEqual(await late.failure(), { code: 'RTMP_CLOSED', message: 's.example closed the RTMP connection' });
  assert.match(late.logged.join('\n'), /Publishing .*rtmp:\/\/s\.example\/live\/\*\*\*/);
});

test('a slow uplink costs whole frames until it has caught up, one that takes nothing ends the session', async () => {
  const bench = await new Bench(streamOf(...sound)).turn();
  bench.push(0, 10);
  const before = bench.media.length;
  bench.waitingBytes = 5_000_000;
  bench.push(10, 20);
  assert.equal(bench.media.length, before);
  assert.ok(bench.session.dropped >= 8, `${bench.session.dropped} dropped`);
  bench.waitingBytes = 3_000_000;
  bench.push(20, 25);
  assert.equal(bench.media.length, before, 'it waits until half of that is gone');
  bench.waitingBytes = 1000;
  bench.push(25, 35);
  assert.ok(bench.media.length > before + 5);
  for (let i = 0; i < 17; i++) bench.clock.advance(1000);
  const { code, message } = await bench.failure();
  assert.equal(code, 'RTMP_STALLED');
  assert.match(message, /check the uplink/);
});

test('a picture that RTMP does not carry leaves the sound alone, and is named in the log', async () => {
  const bench = await new Bench(streamOf(...jpeg, ...sound)).turn();
  for (let i = 0; i < 5; i++) bench.session.onPacket(1, false, soundPacket(i), 0, 172);
  assert.ok(bench.media.some(({ type }) => type === 8));
  assert.match(bench.logged.join('\n'), /A track is not published .*MJPEG/);
});

const redirects: [to: string, called: string | undefined][] = [
  ['rtmp://s.example/other', 's.example:1935'],
  ['rtmp://tunnel.example:7000/live', 'tunnel.example:7000'],
  ['rtmp://EDGE.example/live', 'edge.example:1935'],
  ['rtmp://edge.example:22/live', undefined],
  ['rtmp://s.example:22/live', undefined],
  ['rtmps://s.example/live', undefined],
  ['rtmp://10.0.0.1/live', undefined],
  ['rtmp://127.0.0.1:6379/live/x', undefined],
  ['rtmp://s.example@10.0.0.1/live', undefined],
  ['rtmp://[::1]:22/live', undefined],
];
for (const [to, called] of redirects)
  for (const more of [{ ex: { code: 302, redirect: to } }, { 'ex.redirect': to }])
    test(`a redirect to ${to} (${Object.keys(more)}) ${called ? 'is followed' : 'goes nowhere'}`, async () => {
      const bench = new Bench(streamOf(...sound));
      bench.rejection = { level: 'error', code: 'NetConnection.Connect.Rejected', ...more } as AmfValue;
      await (await bench.turn()).turn();
      const dialed = bench.dialed.map(({ host, port }) => `${host}:${port}`);
      assert.deepEqual(dialed, ['s.example:1935', ...(called ? [called] : [])]);
      if (called) {
        assert.match(bench.told.at(-1)!, /^publish /);
        bench.session.stop();
        return;
      }
      const failure = await bench.failure();
      assert.equal(failure.code, 'AGENT_PUBLISH_NOT_ALLOWED');
      assert.match(
        failure.message,
        /redirects the stream: .* publish there in agent\.json, or add it to tunnel\.targets/,
      );
    });
