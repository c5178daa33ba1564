import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { headerOf, parseRtspMessage, type RtspResponse, writeRtspRequest } from './message.ts';
import { RtspServer, type RtspServerHandler, type RtspServerOptions } from './server.ts';
import type { RtspServerSession } from './server-session.ts';
import { matchControl } from './server-target.ts';

const url = 'rtsp://192.0.2.1/live/gate';
const description = { sdp: { attributes: [], media: [] }, trackCount: 2 };
const sdp = (...controls: string[]) =>
  `v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns= \r\nt=0 0\r\n${controls
    .map((control) => `m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:${control}\r\n`)
    .join('')}`;
const tcp = 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record';
const udp = 'RTP/AVP;unicast;client_port=5000-5001';

class Bench {
  readonly log: string[] = [];
  readonly responses: RtspResponse[] = [];
  readonly server: RtspServer;
  #cseq = 0;

  constructor(handler: Partial<RtspServerHandler> = {}, options: Partial<RtspServerOptions> = {}) {
    this.server = new RtspServer(
      { serverName: 'test', ...options },
      {
        send: (bytes) => {
          const parsed = parseRtspMessage(bytes, 0, bytes.length);
          if (typeof parsed === 'object' && parsed.response) this.responses.push(parsed.response);
        },
        onDescribe: (_target, answer) => answer(description),
        onAnnounce: (target, { media }, answer) => {
          this.log.push(`announce ${target.path} ${media.length}`);
          answer(target.path === '/live/gate' ? undefined : { status: 403, reason: 'Forbidden' });
        },
        onSetup: ({ trackIndex, record, spec }, answer) => {
          this.log.push(`setup ${trackIndex} ${record} ${spec.lower}`);
          answer(spec.lower === 'udp' ? { serverPort: [10_000 + 2 * trackIndex, 10_001 + 2 * trackIndex] } : {});
        },
        positions: () => [],
        onPlay: (tracks) => this.log.push(`play ${tracks.length}`),
        onRecord: (tracks) => this.log.push(`record ${tracks.map((t) => `${t.trackIndex}@${t.rtpChannel}`).join()}`),
        onPause: () => this.log.push('pause'),
        onInterleaved: (track, isRtcp, _chunk, start, end) => this.log.push(`in ${track} ${isRtcp} ${end - start}`),
        onEnd: (error) => this.log.push(`end ${error?.code ?? ''}`),
        ...handler,
      },
    );
  }

  bytes(method: string, to: string, more: { headers?: Record<string, string>; body?: string } = {}): Uint8Array {
    const headers = [['CSeq', String(++this.#cseq)], ...Object.entries(more.headers ?? {})] as [string, string][];
    return writeRtspRequest({ method, url: to, headers, body: new TextEncoder().encode(more.body ?? '') });
  }

  ask(method: string, to = url, headers: Record<string, string> = {}, body = ''): RtspResponse {
    const bytes = this.bytes(method, to, { headers, body });
    this.server.receive(bytes, 0, bytes.length);
    return this.responses.at(-1)!;
  }
}

test('RS-10 RS-13 RS-14 RS-15 RS-16: a client announces, records, pauses and leaves', () => {
  const bench = new Bench();
  assert.match(headerOf(bench.ask('OPTIONS'), 'Public')!, /ANNOUNCE, RECORD/);
  const announced = bench.ask('ANNOUNCE', url, {}, sdp('streamid=0', 'streamid=1'));
  assert.deepEqual([announced.status, headerOf(announced, 'Session')], [200, undefined]);
  assert.equal(bench.ask('RECORD').status, 455, 'nothing is set up');
  const setup = bench.ask('SETUP', `${url}/streamid=1`, { Transport: tcp });
  assert.equal(headerOf(setup, 'Transport'), 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record');
  assert.match(headerOf(setup, 'Session')!, /;timeout=55$/);
  assert.equal(bench.ask('SETUP', `${url}/other`, { Transport: tcp }).status, 404);
  for (const method of ['RECORD', 'RECORD', 'GET_PARAMETER', 'PAUSE', 'RECORD', 'TEARDOWN'])
    assert.equal(bench.ask(method).status, 200, method);
  assert.deepEqual(bench.log, [
    'announce /live/gate 2',
    'setup 1 true tcp',
    ...['record 1@0', 'pause', 'record 1@0', 'end '],
  ]);
});

test('RS-09 RS-10: what may not be announced, and what does not fit the state', () => {
  const bench = new Bench();
  assert.equal(bench.ask('ANNOUNCE', 'rtsp://192.0.2.1/live/other', {}, sdp('a')).status, 403);
  const { status, reason } = bench.ask('ANNOUNCE', url, {}, 'no description');
  assert.deepEqual([status, reason], [400, 'Bad Request (the body is no SDP)']);
  assert.equal(bench.ask('RECORD').status, 454, 'no session');
  assert.equal(bench.ask('ANNOUNCE', url, {}, sdp('a')).status, 200);
  assert.equal(bench.ask('ANNOUNCE', url, {}, sdp('a')).status, 455);
  assert.equal(bench.ask('PLAY').status, 455);
  const play = 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=play';
  assert.equal(bench.ask('SETUP', `${url}/a`, { Transport: play }).status, 461);
});

test('RS-14: packets that follow RECORD in the same read arrive', () => {
  const bench = new Bench();
  bench.ask('ANNOUNCE', url, {}, sdp('a'));
  bench.ask('SETUP', `${url}/a`, { Transport: tcp });
  const frame = new Uint8Array(20);
  frame.set([0x24, 0, 0, 16, 0x80]);
  const all = concatBytes([bench.bytes('RECORD', url), frame]);
  bench.server.receive(all, 0, all.length);
  assert.deepEqual(bench.log.slice(-2), ['record 0@0', 'in 0 false 16']);
});

test('RS-03: the first transport that we have is taken; one session has one kind', () => {
  const bench = new Bench();
  const multicast = 'RTP/AVP;multicast;port=5000-5001';
  const setup = bench.ask('SETUP', `${url}/trackID=1`, { Transport: `RTP/SAVP;unicast,${multicast},${udp},${tcp}` });
  assert.equal(
    headerOf(setup, 'Transport'),
    'RTP/AVP;unicast;client_port=5000-5001;server_port=10002-10003',
    'never another destination than the one who asks',
  );
  const other = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
  assert.equal(bench.ask('SETUP', `${url}/trackID=0`, other).status, 461);
  assert.equal(bench.ask('SETUP', `${url}/trackID=0`, { Transport: multicast }).status, 461);
});

test('RS-03: with fixed channels a track has those of its place', () => {
  const bench = new Bench({}, { fixedChannels: true });
  const asked = { Transport: 'RTP/AVP/TCP;unicast;interleaved=10-11' };
  const setup = bench.ask('SETUP', `${url}/trackID=1`, asked);
  assert.equal(headerOf(setup, 'Transport'), 'RTP/AVP/TCP;unicast;interleaved=2-3');
});

test('a session over UDP is gone on with from another connection, an interleaved one is not', () => {
  const sessions = new Map<string, RtspServerSession>();
  const findSession = (id: string) => sessions.get(id);
  const first = new Bench({ findSession });
  first.ask('SETUP', `${url}/trackID=0`, { Transport: udp });
  sessions.set(first.server.session.id, first.server.session);
  const Session = first.server.session.id;
  const second = new Bench({ findSession });
  assert.equal(second.ask('PLAY', url, { Session }).status, 200);
  assert.equal(first.server.state, 'playing');
  assert.equal(second.ask('PLAY', url, { Session: 'unknown' }).status, 454);
  const third = new Bench({ findSession });
  third.ask('SETUP', `${url}/trackID=0`, { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' });
  sessions.set(third.server.session.id, third.server.session);
  assert.equal(new Bench({ findSession }).ask('PLAY', url, { Session: third.server.session.id }).status, 454);
});

test('the handler may refuse anybody anything but OPTIONS; three wrong logins close', () => {
  const headers = [['WWW-Authenticate', 'Basic realm="x"']] as const;
  const bench = new Bench({
    authorize: (request, _target, answer) =>
      headerOf(request, 'Authorization') === 'Basic right'
        ? answer()
        : answer({ status: 401, reason: 'Unauthorized', headers }),
  });
  assert.equal(bench.ask('OPTIONS').status, 200);
  const refused = bench.ask('DESCRIBE');
  assert.deepEqual([refused.status, headerOf(refused, 'WWW-Authenticate')], [401, 'Basic realm="x"']);
  assert.equal(bench.ask('DESCRIBE', url, { Authorization: 'Basic right' }).status, 200);
  for (let i = 0; i < 3; i++) assert.equal(bench.ask('DESCRIBE', url, { Authorization: 'Basic wrong' }).status, 401);
  assert.deepEqual(bench.log, ['end ']);
});

test('a request after anything else, as a web page can post it here, is not looked at', () => {
  const bench = new Bench();
  const post = new TextEncoder().encode('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n');
  const all = concatBytes([post, bench.bytes('ANNOUNCE', url, { body: sdp('a') })]);
  bench.server.receive(all, 0, all.length);
  const statuses = bench.responses.map(({ status }) => status);
  assert.deepEqual([bench.log, statuses], [['end RTSP_MESSAGE_MALFORMED'], [400]]);
});

test('controls are found after the path, after the query, as a whole URL', () => {
  const cases: [string, string[], number | undefined][] = [
    ['rtsp://h/x/streamid=1', ['streamid=0', 'streamid=1'], 1],
    ['rtsp://h/x?token=a/streamid=1', ['streamid=0', 'streamid=1'], 1],
    ['rtsp://h/x/stream=0?token=a', ['stream=0', 'stream=1'], 0],
    ['rtsp://h/x/streamid=11', ['1', 'streamid=11'], 1],
    ['rtsp://h/y', ['rtsp://h/x', 'rtsp://h/y'], 1],
    ['rtsp://h/x', ['a'], 0],
    ['rtsp://h/x', ['', ''], undefined],
  ];
  for (const [text, controls, expected] of cases) assert.equal(matchControl(text, controls), expected, text);
});
