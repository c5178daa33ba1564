import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSdp } from '../sdp/parse.ts';
import { headerOf, parseRtspMessage, type RtspRequest, writeRtspResponse } from './message.ts';
import { announcedSdp, RtspPublishClient } from './publish-client.ts';

const text = (value: string) => new TextEncoder().encode(value);
const cameraSdp = parseSdp(
  text(
    'v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=cam\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\na=control:rtsp://192.0.2.9/x\r\nm=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==,aM4PyA==\r\na=control:trackID=7\r\nm=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:meta\r\nm=audio 0 RTP/AVP 8\r\na=recvonly\r\na=control:trackID=8\r\n',
  ),
);
const sdp = announcedSdp(cameraSdp, [0, 2], 'gate');

class Bench {
  readonly log: string[] = [];
  readonly requests: RtspRequest[] = [];
  readonly client = new RtspPublishClient(
    { url: 'rtsp://192.0.2.1/live/gate', userAgent: 'test', sdp, credentials: { username: 'u', password: 'p' } },
    {
      send: (bytes) => {
        const parsed = parseRtspMessage(bytes, 0, bytes.length);
        if (typeof parsed === 'object' && parsed.request) this.requests.push(parsed.request);
      },
      onRecording: () => this.log.push('recording'),
      onEnd: (error) => this.log.push(`end ${error?.code ?? ''}`),
    },
  );

  answer(status: number, headers: [string, string][] = []): void {
    const cseq = headerOf(this.requests.at(-1)!, 'CSeq')!;
    const bytes = writeRtspResponse({ status, reason: 'x', headers: [['CSeq', cseq], ...headers] });
    this.client.receive(bytes, 0, bytes.length);
  }

  get last(): string {
    return `${this.requests.at(-1)!.method} ${this.requests.at(-1)!.url}`;
  }
}

test('it announces, sets each medium up, records, and says good-bye', () => {
  const bench = new Bench();
  bench.client.start();
  assert.equal(bench.last, 'OPTIONS rtsp://192.0.2.1/live/gate');
  bench.answer(200);
  const announced = parseSdp(bench.requests.at(-1)!.body);
  assert.deepEqual(
    announced.media.map(({ kind, control, payloadTypes, direction }) => [kind, control, payloadTypes[0], direction]),
    [
      ['video', 'trackID=0', 96, undefined],
      ['audio', 'trackID=1', 8, undefined],
    ],
  );
  assert.match(announced.media[0]!.fmtps.get(96)!['sprop-parameter-sets']!, /^Z0LAHt/);
  bench.answer(200);
  assert.equal(bench.last, 'SETUP rtsp://192.0.2.1/live/gate/trackID=0');
  bench.answer(200, [
    ['Session', '12;timeout=60'],
    ['Transport', 'RTP/AVP/TCP;unicast;interleaved=0-1'],
  ]);
  assert.equal(bench.last, 'SETUP rtsp://192.0.2.1/live/gate/trackID=1');
  assert.equal(headerOf(bench.requests.at(-1)!, 'Session'), '12');
  assert.match(headerOf(bench.requests.at(-1)!, 'Transport')!, /interleaved=2-3;mode=record/);
  bench.answer(200);
  assert.equal(bench.requests.at(-1)!.method, 'RECORD');
  assert.deepEqual(bench.log, []);
  bench.answer(200);
  assert.deepEqual(bench.log, ['recording']);
  bench.client.teardown();
  assert.equal(bench.requests.at(-1)!.method, 'TEARDOWN');
  assert.deepEqual(bench.log, ['recording', 'end ']);
});

test('it answers a 401 once, and tells what the server refuses', () => {
  const bench = new Bench();
  bench.client.start();
  bench.answer(200);
  bench.answer(401, [['WWW-Authenticate', 'Digest realm="r", nonce="n"']]);
  assert.equal(bench.requests.at(-1)!.method, 'ANNOUNCE');
  assert.match(headerOf(bench.requests.at(-1)!, 'Authorization')!, /^Digest username="u"/);
  assert.ok(bench.requests.at(-1)!.body.length > 0, 'the description is sent again');
  bench.answer(401, [['WWW-Authenticate', 'Digest realm="r", nonce="n2"']]);
  assert.deepEqual(bench.log, ['end RTSP_CREDENTIALS_REFUSED']);
  const busy = new Bench();
  busy.client.start();
  busy.answer(200);
  busy.answer(403);
  assert.deepEqual(busy.log, ['end RTSP_PUBLISH_REFUSED']);
});

test('silence and a closed connection end it; keep-alives go on while it records', () => {
  const silent = new Bench();
  silent.client.start();
  for (const nowMs of [0, 5000, 10_000]) silent.client.tick(nowMs);
  assert.deepEqual(silent.log, ['end RTSP_NO_ANSWER']);
  const bench = new Bench();
  bench.client.start();
  for (let i = 0; i < 5; i++) bench.answer(200);
  assert.deepEqual(bench.log, ['recording']);
  const before = bench.requests.length;
  for (const nowMs of [0, 20_000, 25_000]) bench.client.tick(nowMs);
  assert.deepEqual(
    bench.requests.slice(before).map(({ method }) => method),
    ['OPTIONS'],
  );
  bench.client.closed();
  assert.deepEqual(bench.log, ['recording', 'end RTSP_CONNECTION_CLOSED']);
});
