import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { parseSdp } from '../sdp/parse.ts';
import { parseChallenges, writeAuthorization } from './digest.ts';
import { headerOf, headersOf, parseRtspMessage, type RtspResponse, rtspLimits, writeRtspRequest } from './message.ts';
import { RtspServer, type RtspServerOptions, type ServedDescription, type ServedRefusal } from './server.ts';
import { serverTable } from './server-states.ts';
import { parseServerTarget } from './server-target.ts';

const url = 'rtsp://192.0.2.1/main';
const tracks = [0, 1].map((n) => `m=video 0 RTP/AVP ${96 + n}\r\na=control:trackID=${n}\r\n`).join('');
const sdp = parseSdp(new TextEncoder().encode(`v=0\r\ns=-\r\nt=0 0\r\na=control:*\r\n${tracks}`));
const description: ServedDescription = { sdp, trackCount: 2 };
const tcp = (a: number) => ({ Transport: `RTP/AVP/TCP;unicast;interleaved=${a}-${a + 1}` });

class Bench {
  readonly log: string[] = [];
  readonly answers: ((result: ServedDescription | ServedRefusal) => void)[] = [];
  readonly responses: RtspResponse[] = [];
  readonly server: RtspServer;
  #cseq = 0;

  constructor(options: Partial<RtspServerOptions> = {}, later = false) {
    this.server = new RtspServer(
      { serverName: 'test', ...options },
      {
        send: (bytes) => {
          const parsed = parseRtspMessage(bytes, 0, bytes.length);
          if (typeof parsed === 'object' && parsed.response) this.responses.push(parsed.response);
        },
        onDescribe: (target, answer) => {
          this.log.push(`describe ${target.path}`);
          if (later) this.answers.push(answer);
          else answer(target.path === '/main' ? description : { status: 404, reason: 'Not Found' });
        },
        positions: () => [{ trackIndex: 0, sequence: 7, rtpTime: 9 }],
        onPlay: (tracks) => this.log.push(`play ${tracks.map((t) => `${t.trackIndex}@${t.rtpChannel}`).join()}`),
        onPause: () => this.log.push('pause'),
        onTrackEnd: (track) => this.log.push(`track ${track} ends`),
        onInterleaved: (track, isRtcp, _chunk, start, end) => this.log.push(`in ${track} ${isRtcp} ${end - start}`),
        onEnd: (error) => this.log.push(`end ${error?.code ?? ''}`),
      },
    );
  }

  bytes(method: string, to = url, headers: Record<string, string> = {}): Uint8Array {
    return writeRtspRequest({ method, url: to, headers: [['CSeq', String(++this.#cseq)], ...Object.entries(headers)] });
  }

  ask(method: string, to = url, headers: Record<string, string> = {}): RtspResponse {
    const bytes = this.bytes(method, to, headers);
    this.server.receive(bytes, 0, bytes.length);
    return this.responses.at(-1)!;
  }
}

test('RS-01 RS-02 RS-03 RS-04 RS-05 RS-06 RS-07 RS-08: a session from OPTIONS to TEARDOWN', () => {
  const bench = new Bench();
  assert.match(headerOf(bench.ask('OPTIONS'), 'Public')!, /GET_PARAMETER/);
  assert.equal(headerOf(bench.ask('DESCRIBE'), 'Content-Base'), `${url}/`);
  const setup = bench.ask('SETUP', `${url}/trackID=0`, tcp(0));
  assert.equal(headerOf(setup, 'Transport'), 'RTP/AVP/TCP;unicast;interleaved=0-1');
  assert.match(headerOf(setup, 'Session')!, /^[0-9a-f]{16};timeout=55$/, 'no dashes; 5 s less than the real timeout');
  assert.equal(
    headerOf(bench.ask('SETUP', `${url}/trackID=1`, tcp(0)), 'Transport'),
    'RTP/AVP/TCP;unicast;interleaved=2-3',
  );
  assert.equal(headerOf(bench.ask('PLAY'), 'RTP-Info'), `url=${url}/trackID=0;seq=7;rtptime=9`);
  for (const method of ['PLAY', 'GET_PARAMETER', 'SET_PARAMETER', 'PAUSE', 'TEARDOWN'])
    assert.equal(bench.ask(method).status, 200, method);
  assert.deepEqual(bench.log, ['describe /main', 'play 0@0,1@2', 'pause', 'end ']);
  assert.ok(bench.responses.every((r, i) => headerOf(r, 'CSeq') === String(i + 1)));
});

test('RS-06 RS-08: TEARDOWN of one track leaves the others, the last one ends the session; one track is not paused alone', () => {
  const bench = new Bench();
  for (const track of [0, 1]) bench.ask('SETUP', `${url}/trackID=${track}`, tcp(2 * track));
  assert.equal(bench.ask('PLAY', `${url}/trackID=1`).status, 200);
  assert.equal(bench.ask('PAUSE', `${url}/trackID=1`).status, 460);
  assert.equal(bench.ask('TEARDOWN', `${url}/trackID=7`).status, 404);
  assert.equal(bench.ask('TEARDOWN', `${url}/trackID=0`).status, 200);
  assert.equal(bench.server.state, 'playing');
  assert.equal(bench.ask('PAUSE', `${url}/trackID=1`).status, 200, 'the only one is all');
  assert.equal(bench.ask('SETUP', `${url}/trackID=0`, tcp(0)).status, 200, 'it may come back');
  assert.equal(bench.ask('TEARDOWN', `${url}/trackID=1`).status, 200);
  assert.equal(bench.server.state, 'ready');
  assert.equal(bench.ask('TEARDOWN', `${url}/trackID=0`).status, 200);
  assert.equal(bench.server.state, 'ended');
  const log = ['describe /main', 'play 0@0,1@2', 'track 0 ends', 'pause', 'track 1 ends', 'end '];
  assert.deepEqual(bench.log, log);
});

test('RS-03 RS-09 RS-10 RS-11: refusals', () => {
  const bench = new Bench();
  assert.equal(bench.ask('PLAY').status, 454, 'no session');
  assert.equal(bench.ask('PAUSE').status, 454, 'no session');
  assert.equal(bench.ask('ANNOUNCE').status, 405);
  assert.equal(bench.ask('FLY').status, 501);
  assert.equal(bench.ask('DESCRIBE', 'rtsp://192.0.2.1/x').status, 404);
  assert.equal(bench.ask('SETUP', `${url}/trackID=0`, { Transport: 'RTP/AVP;unicast;client_port=1-2' }).status, 461);
  assert.equal(bench.ask('SETUP', `${url}/trackID=9`, tcp(0)).status, 404);
  assert.equal(bench.ask('SETUP', url, tcp(0)).status, 460);
  assert.equal(bench.ask('SETUP', `${url}/trackID=0`, tcp(0)).status, 200);
  assert.equal(bench.ask('PLAY', url, { Session: 'other' }).status, 454);
});

test('what a client sent comes back on one line', () => {
  const bench = new Bench({}, true);
  const request = 'DESCRIBE rtsp://192.0.2.1/main RTSP/1.0\r\nCSeq: 1\rX: y\r\n\r\n';
  const bytes = new TextEncoder().encode(request);
  bench.server.receive(bytes, 0, bytes.length);
  bench.answers[0]!({ status: 404, reason: 'no stream "a\r\nX: y"' });
  const [{ headers, reason }] = bench.responses as [RtspResponse];
  assert.deepEqual([headers[0], reason], [['CSeq', '1 X: y'], 'no stream "a X: y"']);
});

test('requests wait while a description is being looked for, then are answered in order', () => {
  const bench = new Bench({}, true);
  const all = concatBytes([
    bench.bytes('DESCRIBE'),
    bench.bytes('SETUP', `${url}/trackID=0`, tcp(0)),
    bench.bytes('PLAY'),
  ]);
  bench.server.receive(all, 0, all.length);
  assert.equal(bench.responses.length, 0);
  bench.answers[0]!(description);
  assert.deepEqual(
    bench.responses.map((r) => [headerOf(r, 'CSeq'), r.status]),
    [
      ['1', 200],
      ['2', 200],
      ['3', 200],
    ],
  );
});

test('login: a challenge, then Digest or Basic; three wrong ones close', () => {
  const admin = { username: 'admin', password: 'x' };
  const auth = {
    realm: 'cam',
    methods: ['SHA-256', 'MD5', 'basic'] as const,
    credentialsOf: (u: string) => (u === 'admin' ? admin : undefined),
  };
  const bench = new Bench({ auth });
  const challenges = parseChallenges(headersOf(bench.ask('DESCRIBE'), 'WWW-Authenticate'));
  assert.equal(challenges.length, 3);
  for (const challenge of challenges) {
    const good = writeAuthorization(challenge, { method: 'DESCRIBE', url, credentials: admin });
    assert.equal(bench.ask('DESCRIBE', url, { Authorization: good }).status, 200, challenge.scheme);
  }
  assert.equal(bench.server.username, 'admin');
  const wrong = writeAuthorization(challenges[1]!, {
    method: 'DESCRIBE',
    url,
    credentials: { username: 'admin', password: 'y' },
  });
  for (let i = 0; i < 3; i++) assert.equal(bench.ask('DESCRIBE', url, { Authorization: wrong }).status, 401);
  assert.equal(bench.log.at(-1), 'end ');
});

test('a silent session ends where that is asked for, any byte keeps it', () => {
  const bench = new Bench({ sessionTimeoutMs: 4000, enforceTimeout: true });
  bench.ask('SETUP', `${url}/trackID=0`, tcp(0));
  bench.server.tick(0);
  bench.server.tick(3999);
  bench.ask('GET_PARAMETER');
  bench.server.tick(4000);
  bench.server.tick(7999);
  assert.equal(bench.server.state, 'ready');
  bench.server.tick(8000);
  assert.equal(bench.log.at(-1), 'end RTSP_SESSION_TIMEOUT');
});

test('RS-19: what cannot be read is answered 400 with the reason; a session under way goes on', () => {
  const latin = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
  const cases: [string, RegExp, string][] = [
    [`options ${url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`, /no RTSP/, 'end RTSP_GARBAGE'],
    [`OPTIONS ${url} RTSP/1.0\r\nCSeq: 1\r\nfoobar\r\n\r\n`, /no name/, 'end RTSP_MESSAGE_MALFORMED'],
    [
      `OPTIONS ${url} RTSP/1.0\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      /a header may be 16384/,
      'end RTSP_MESSAGE_TOO_LARGE',
    ],
    [`ANNOUNCE rtsp://h/a b RTSP/1.0\r\n\r\n`, /first line/, 'end RTSP_MESSAGE_MALFORMED'],
    [`OPTIONS ${'a'.repeat(100_000)}`, /too large/, 'end RTSP_MESSAGE_TOO_LARGE'],
  ];
  for (const [text, reason, log] of cases) {
    const bench = new Bench();
    const bytes = latin(text);
    bench.server.receive(bytes, 0, bytes.length);
    assert.deepEqual([bench.responses.map(({ status }) => status), bench.log], [[400], [log]], text.slice(0, 40));
    assert.match(bench.responses[0]!.reason, reason);
    assert.match(bench.responses[0]!.reason, /^[\x20-\x7e]+$/);
  }
  const bench = new Bench();
  bench.ask('SETUP', `${url}/trackID=0`, tcp(0));
  const bytes = latin(`PLAY ${url} RTSP/1.0\r\nfoobar\r\n\r\n`);
  bench.server.receive(bytes, 0, bytes.length);
  assert.equal(bench.responses.at(-1)!.status, 400);
  assert.equal(bench.ask('PLAY').status, 200);
});

test('RS-20: another version of RTSP is answered 505, and the client may come back with ours', () => {
  const bench = new Bench();
  for (const version of ['2.0', '1.1', '1.0']) {
    const bytes = new TextEncoder().encode(`OPTIONS ${url} RTSP/${version}\r\nCSeq: 1\r\n\r\n`);
    bench.server.receive(bytes, 0, bytes.length);
  }
  assert.deepEqual(
    bench.responses.map(({ status, reason }) => [status, reason]),
    [[505, 'RTSP Version Not Supported'], ...Array(2).fill([200, 'OK'])],
  );
});

test('an address as long as it may be fits into the answers that repeat it', () => {
  const bench = new Bench();
  const long = `rtsp://h/main?token=${'t'.repeat(rtspLimits.firstLineBytes - 100)}`;
  assert.equal(headerOf(bench.ask('DESCRIBE', long), 'Content-Base'), `${long}/`);
  bench.ask('SETUP', `${long}/trackID=0`, tcp(0));
  bench.ask('SETUP', `${long}/trackID=1`, tcp(2));
  assert.match(headerOf(bench.ask('PLAY', long), 'RTP-Info') ?? '', /seq=7/);
});

test('RS-02: where the URL has a query, each track has a whole URL with it, which names the track', () => {
  const controls = (asked: string) => {
    const text = new TextDecoder().decode(new Bench().ask('DESCRIBE', asked).body);
    return [...text.matchAll(/a=control:(.*)\r/g)].map(([, control]) => control);
  };
  assert.deepEqual(controls('rtsp://h/main'), ['*', 'trackID=0', 'trackID=1']);
  const whole = ['*', 'rtsp://h/main/trackID=0?token=a.b', 'rtsp://h/main/trackID=1?token=a.b'];
  assert.deepEqual(controls('rtsp://h/main?token=a.b'), whole);
  assert.deepEqual(controls('rtsp://h/main/?token=a.b'), whole);
  const { path, query, trackIndex } = parseServerTarget(whole[2]!)!;
  assert.deepEqual([path, query, trackIndex], ['/main', 'token=a.b', 1]);
});

test('URLs as clients build them name path, query and track', () => {
  const cases: [string, [string, string, number | undefined] | undefined][] = [
    ['rtsp://h/a/b?x=1/trackID=2', ['/a/b', 'x=1', 2]],
    ['rtsp://h/a/b/trackID=2?x=1', ['/a/b', 'x=1', 2]],
    ['rtsp://h/a/b/?x=1', ['/a/b', 'x=1', undefined]],
    ['/a%20b/', ['/a b', '', undefined]],
    ['rtsp://h', ['/', '', undefined]],
    ['rtsp://h/../etc', undefined],
    ['rtsp://h/%zz', undefined],
    ['*', undefined],
  ];
  for (const [text, expected] of cases) {
    const target = parseServerTarget(text);
    assert.deepEqual(target && [target.path, target.query, target.trackIndex], expected, text);
  }
});

test('every rule of the table is written down', async () => {
  const spec = await readFile(new URL('SPEC.md', import.meta.url), 'utf8');
  for (const row of Object.values(serverTable))
    for (const rule of Object.values(row)) assert.ok(spec.includes(`**${rule.id}**`), rule.id);
});
