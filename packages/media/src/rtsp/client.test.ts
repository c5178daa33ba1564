import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes } from '@watchpost/base/bytes.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { type PlayingInfo, RtspClient, type RtspClientOptions } from './client.ts';
import { clientTable } from './client-states.ts';
import { headerOf, parseRtspMessage, type RtspRequest, writeRtspResponse } from './message.ts';

const url = 'rtsp://192.0.2.1/live';
const sdp =
  'v=0\r\ns=a\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\nm=audio 0 RTP/AVP 8\r\na=control:trackID=2\r\n';
type Reply = { status?: number; headers?: [string, string][]; body?: string; noCseq?: boolean } | undefined;

/** A client, and a camera that answers by a script. */
class Bench {
  readonly requests: RtspRequest[] = [];
  readonly packets: string[] = [];
  readonly connects: string[] = [];
  codecs: string[] = [];
  info: PlayingInfo | undefined;
  ended: { error: WatchpostError | undefined } | undefined;
  readonly client: RtspClient;
  readonly #answer: (request: RtspRequest, bench: Bench) => Reply;
  #queue: RtspRequest[] = [];

  constructor(answer: (request: RtspRequest, bench: Bench) => Reply, options: Partial<RtspClientOptions> = {}) {
    this.#answer = answer;
    this.client = new RtspClient(
      { url, userAgent: 'Watchpost', ...options },
      {
        send: (bytes) => {
          const parsed = parseRtspMessage(bytes, 0, bytes.length);
          if (typeof parsed === 'object' && parsed.request) this.#queue.push(parsed.request);
        },
        onTracks: (tracks) => {
          this.codecs = tracks.map((t) => t.track.codec);
        },
        onPlaying: (info) => {
          this.info = info;
        },
        onInterleaved: (track, isRtcp, _chunk, start, end) =>
          this.packets.push(`${track}${isRtcp ? 'c' : 'p'}${end - start}`),
        onEnd: (error) => {
          this.ended = { error };
        },
        connect: (to) => this.connects.push(to),
      },
    );
  }

  start(): this {
    this.client.start();
    return this.run();
  }

  /** Lets the camera answer until nothing is left to say. */
  run(): this {
    for (let request = this.#queue.shift(); request; request = this.#queue.shift()) {
      this.requests.push(request);
      const reply = this.#answer(request, this);
      if (!reply) continue;
      const { status = 200, headers = [], body, noCseq } = reply;
      const cseq: [string, string][] = noCseq ? [] : [['CSeq', headerOf(request, 'CSeq')!]];
      this.feed(
        writeRtspResponse({
          status,
          reason: 'X',
          headers: [...cseq, ...headers],
          ...(body ? { body: new TextEncoder().encode(body) } : {}),
        }),
      );
    }
    return this;
  }

  feed(bytes: Uint8Array): void {
    this.client.receive(bytes, 0, bytes.length);
  }

  get methods(): string {
    return this.requests.map((r) => r.method).join(' ');
  }

  urlOf(method: string): string | undefined {
    return this.requests.findLast((r) => r.method === method)?.url;
  }
}

/** What a decent camera answers, changed for one method. */
function camera(changes: Record<string, Reply | ((request: RtspRequest, bench: Bench) => Reply)> = {}) {
  return (request: RtspRequest, bench: Bench): Reply => {
    if (request.method in changes) {
      const change = changes[request.method];
      return typeof change === 'function' ? change(request, bench) : change;
    }
    if (request.method === 'OPTIONS') return { headers: [['Public', 'OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER']] };
    if (request.method === 'DESCRIBE') return { headers: [['Content-Type', 'application/sdp']], body: sdp };
    if (request.method === 'SETUP')
      return {
        headers: [
          ['Transport', headerOf(request, 'Transport')!],
          ['Session', '42;timeout=60'],
        ],
      };
    return {};
  };
}

const rtp = (channel: number) => Uint8Array.of(0x24, channel, 0, 12, 0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1);
const credentials = { username: 'admin', password: 'x' };

test('RC-01 RC-02 RC-04 RC-05 RC-06: OPTIONS, DESCRIBE, a SETUP for each track, PLAY', () => {
  const bench = new Bench(camera()).start();
  assert.equal(bench.methods, 'OPTIONS DESCRIBE SETUP SETUP PLAY');
  assert.deepEqual(bench.codecs, ['h264', 'pcma']);
  assert.deepEqual(bench.info, {
    baseUrl: url,
    sessionId: '42',
    keepAliveMs: 55_000,
    trackIndices: [0, 1],
    rtpInfo: [],
  });
  assert.equal(bench.urlOf('SETUP'), `${url}/trackID=2`);
  assert.ok(
    bench.requests.every((r) => headerOf(r, 'User-Agent') === 'Watchpost'),
    'User-Agent always: 401 without it (go2rtc#235)',
  );
  assert.ok(
    bench.requests.every((r) => !/mode=/.test(headerOf(r, 'Transport') ?? '')),
    'mode=play breaks servers',
  );
  bench.feed(concatBytes([rtp(0), rtp(2)]));
  assert.deepEqual(bench.packets, ['0p12', '1p12']);
});

test('RC-03: a camera without OPTIONS plays', () => {
  for (const status of [404, 405, 501]) assert.ok(new Bench(camera({ OPTIONS: { status } })).start().info, `${status}`);
});

test('describeOnly ends after the description', () => {
  const bench = new Bench(camera(), { describeOnly: true }).start();
  assert.equal(bench.methods, 'OPTIONS DESCRIBE');
  assert.deepEqual(bench.ended, { error: undefined });
});

test('wantTrack chooses what is set up', () => {
  const bench = new Bench(camera(), { wantTrack: (t) => t.track.kind === 'audio' }).start();
  assert.equal(bench.methods, 'OPTIONS DESCRIBE SETUP PLAY');
  assert.deepEqual(bench.info?.trackIndices, [1]);
  bench.feed(rtp(0));
  assert.deepEqual(bench.packets, ['1p12']);
});

test('quirks of SETUP replies', async (t) => {
  const cases: [string, (n: number) => string | undefined, [number, number]][] = [
    [
      'interleaved=10-11 when 0-1 was asked for',
      (n) => `RTP/AVP/TCP;unicast;interleaved=${10 + 2 * n}-${11 + 2 * n}`,
      [10, 12],
    ],
    ['no /TCP in the profile (Escam Q6)', (n) => `RTP/AVP;unicast;interleaved=${2 * n}-${2 * n + 1}`, [0, 2]],
    ['no interleaved at all', () => 'RTP/AVP/TCP;unicast', [0, 2]],
    ['no Transport header', () => undefined, [0, 2]],
    ['one channel number only', (n) => `RTP/AVP/TCP;unicast;interleaved=${4 + 2 * n}`, [4, 6]],
  ];
  for (const [name, transport, channels] of cases) {
    await t.test(name, () => {
      let n = 0;
      const bench = new Bench(
        camera({
          SETUP: () => {
            const value = transport(n++);
            return {
              headers: [
                ...(value ? ([['Transport', value]] as [string, string][]) : []),
                ['Session', 'ab-cd;timeout=20'],
              ],
            };
          },
        }),
      ).start();
      bench.feed(concatBytes(channels.map(rtp)));
      assert.deepEqual(bench.packets, ['0p12', '1p12']);
      assert.equal(bench.info?.keepAliveMs, 15_000, 'timeout=20 needs a keep-alive before 20 s (FLIR, Siqura)');
      assert.equal(headerOf(bench.requests.at(-1)!, 'Session'), 'ab-cd', 'the id without its parameters');
    });
  }
});

test('a SETUP reply whose channels are taken, or UDP, ends with its own error', () => {
  const cases: [string, string][] = [
    ['RTP/AVP/TCP;unicast;interleaved=0-1', 'RTSP_CHANNELS_INVALID'],
    ['RTP/AVP/TCP;unicast;interleaved=0-5', 'RTSP_CHANNELS_INVALID'],
    ['RTP/AVP;unicast;client_port=1-2;server_port=3-4', 'RTSP_TRANSPORT_UNSUPPORTED'],
  ];
  for (const [transport, code] of cases) {
    const bench = new Bench(camera({ SETUP: { headers: [['Transport', transport]] } })).start();
    assert.equal(bench.ended?.error?.code, code, transport);
  }
});

test('quirks of DESCRIBE replies: where the tracks are', async (t) => {
  const cases: [string, [string, string][], string][] = [
    ['Content-Base with a slash', [['Content-Base', `${url}/`]], `${url}/trackID=2`],
    ['relative Content-Base', [['Content-Base', '/other/']], 'rtsp://192.0.2.1/other/trackID=2'],
    // go2rtc#830, #1852
    ['IPv6 without brackets', [['Content-Base', 'rtsp://::ffff:192.0.2.1/live/']], 'rtsp://192.0.2.1/live/trackID=2'],
    ['scheme twice', [['Content-Base', 'rtsp://rtsp://192.0.2.9/x']], 'rtsp://192.0.2.9/x/trackID=2'],
    ['no scheme', [['Content-Base', '192.0.2.7:1935/']], 'rtsp://192.0.2.7:1935/trackID=2'],
    ['Content-Location', [['Content-Location', 'rtsp://192.0.2.1/loc']], 'rtsp://192.0.2.1/loc/trackID=2'],
    ['credentials in it', [['Content-Base', 'rtsp://admin:x@192.0.2.1/live/']], 'rtsp://192.0.2.1/live/trackID=2'],
    ['garbage', [['Content-Base', 'http://x y']], `${url}/trackID=2`],
    ['charset in Content-Type', [['Content-Type', 'application/sdp; charset=utf-8']], `${url}/trackID=2`],
  ];
  for (const [name, headers, expected] of cases) {
    await t.test(name, () => {
      const bench = new Bench(camera({ DESCRIBE: { headers, body: sdp } })).start();
      assert.equal(bench.urlOf('SETUP'), expected);
    });
  }
  await t.test('session control, absolute', () => {
    const body = sdp.replace('s=a\r\n', 's=a\r\na=control:rtsp://192.0.2.1/agg\r\n');
    const bench = new Bench(
      camera({ DESCRIBE: { headers: [['Content-Base', 'rtsp://192.0.2.1/cb/']], body } }),
    ).start();
    assert.equal(bench.urlOf('PLAY'), 'rtsp://192.0.2.1/agg');
  });
  await t.test('controls with a slash before, absolute, or a star', () => {
    const controls: [string, string][] = [
      ['/trackID=1', `${url}/trackID=1`],
      // go2rtc#1236
      ['//trackID=1', `${url}/trackID=1`],
      ['rtsp://192.0.2.1/t', 'rtsp://192.0.2.1/t'],
      ['*', url],
    ];
    for (const [control, expected] of controls) {
      const body = `m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:${control}\r\n`;
      assert.equal(new Bench(camera({ DESCRIBE: { body } })).start().urlOf('SETUP'), expected);
    }
  });
});

test('RC-10: 401 is answered once with Digest, then it is the credentials', () => {
  const challenge: [string, string][] = [['WWW-Authenticate', 'Digest realm="a", nonce="b"']];
  const guarded = (request: RtspRequest, bench: Bench) =>
    headerOf(request, 'Authorization') ? camera()(request, bench) : { status: 401, headers: challenge };
  const good = new Bench(guarded, { credentials }).start();
  assert.equal(good.methods, 'OPTIONS OPTIONS DESCRIBE SETUP SETUP PLAY');
  assert.match(
    headerOf(good.requests.at(-1)!, 'Authorization')!,
    /^Digest username="admin".*uri="rtsp:\/\/192\.0\.2\.1\/live"/,
  );
  const codes: [RtspClientOptions['credentials'], [string, string][], string][] = [
    [undefined, challenge, 'RTSP_CREDENTIALS_MISSING'],
    [credentials, challenge, 'RTSP_CREDENTIALS_REFUSED'],
    [credentials, [['WWW-Authenticate', 'Negotiate']], 'RTSP_LOGIN_UNSUPPORTED'],
    [credentials, [['WWW-Authenticate', 'Digest realm="a", nonce="b", stale=true']], 'RTSP_CREDENTIALS_REFUSED'],
  ];
  for (const [given, headers, code] of codes) {
    const bench = new Bench(() => ({ status: 401, headers }), given ? { credentials: given } : {}).start();
    assert.equal(bench.ended?.error?.code, code);
    assert.equal(bench.ended?.error?.kind, 'unauthenticated');
  }
});

test('RC-10: a stale nonce in mid-session is renewed', () => {
  let stale = false;
  const bench = new Bench(
    camera({
      GET_PARAMETER: () => {
        stale = !stale;
        return stale
          ? { status: 401, headers: [['WWW-Authenticate', 'Digest realm="a", nonce="n2", stale=true']] }
          : {};
      },
    }),
    { credentials },
  ).start();
  bench.client.tick(0);
  bench.client.tick(55_000);
  bench.run();
  assert.match(headerOf(bench.requests.at(-1)!, 'Authorization')!, /nonce="n2"/);
  assert.equal(bench.ended, undefined);
});

test('RC-11: redirects keep the credentials, at most five, never from rtsps to rtsp', () => {
  const moved = (location: string) => camera({ DESCRIBE: { status: 302, headers: [['Location', location]] } });
  const bench = new Bench(moved('rtsp://u:p@192.0.2.2:8554/b'), { credentials }).start();
  assert.deepEqual(bench.connects, ['rtsp://192.0.2.2:8554/b']);
  for (let i = 0; i < 5; i++) bench.start();
  assert.equal(bench.connects.length, 5);
  assert.equal(bench.ended?.error?.code, 'RTSP_REDIRECT_LOOP');
  assert.equal(
    new Bench(moved('rtsp://192.0.2.2/b'), { url: 'rtsps://192.0.2.1/a' }).start().ended?.error?.code,
    'RTSP_REDIRECT_INSECURE',
  );
  assert.equal(new Bench(moved('http://192.0.2.2/b')).start().ended?.error?.code, 'RTSP_REDIRECT_INVALID');
  assert.deepEqual(new Bench(moved('/b')).start().connects, ['rtsp://192.0.2.1/b']);
});

test('RC-12 RC-15: keep-alive by what Public has, to the base URL, not waiting for answers', () => {
  for (const [answer, method] of [
    [camera(), 'GET_PARAMETER'],
    [camera({ OPTIONS: {} }), 'OPTIONS'],
  ] as const) {
    const bench = new Bench((request, b) =>
      b.info && request.method === method ? undefined : answer(request, b),
    ).start();
    for (let nowMs = 0; nowMs <= 600_000; nowMs += 1000) bench.client.tick(nowMs);
    bench.run();
    const sent = bench.requests.slice(5);
    assert.equal(sent.length, 10, method);
    assert.ok(sent.every((r) => r.method === method && r.url === url && headerOf(r, 'Session') === '42'));
    assert.equal(bench.client.state, 'playing');
  }
});

test('keep-alives go to Content-Base, for cameras that answer no other address (gortsplib client.go:1387)', () => {
  const headers: [string, string][] = [['Content-Base', 'rtsp://192.0.2.1/other/']];
  const bench = new Bench(camera({ DESCRIBE: { headers, body: sdp } })).start();
  bench.client.tick(0);
  bench.client.tick(55_000);
  bench.run();
  assert.equal(bench.urlOf('GET_PARAMETER'), 'rtsp://192.0.2.1/other/');
});

test('RC-14: a keep-alive that is refused changes the method; 454 ends the session', () => {
  const keepAlive = (status: number) => {
    const bench = new Bench(camera({ GET_PARAMETER: { status } })).start();
    bench.client.tick(0);
    bench.client.tick(60_000);
    bench.run().client.tick(120_000);
    return bench.run();
  };
  assert.equal(keepAlive(501).requests.at(-1)?.method, 'OPTIONS');
  assert.equal(keepAlive(454).ended?.error?.code, 'RTSP_SESSION_NOT_FOUND');
});

test('RC-22: every refusal has its own code', () => {
  const codes = new Set<string>();
  const all = [400, 403, 404, 405, 406, 408, 451, 453, 454, 455, 457, 459, 460, 461, 462, 500, 501, 503, 505, 551, 499];
  for (const status of all) {
    const error = new Bench(camera({ SETUP: { status } })).start().ended?.error;
    assert.ok(error && /—|manual/.test(error.message), `${status} says what to do`);
    codes.add(error.code);
  }
  assert.equal(codes.size, all.length);
});

test('RC-22: what the camera names as unsupported is told', () => {
  const changes = { PLAY: { status: 551, headers: [['Unsupported', 'onvif-replay'] as [string, string]] } };
  const error = new Bench(camera(changes)).start().ended?.error;
  assert.match(error?.message ?? '', /PLAY with 551 .*\(onvif-replay\): .* take replay and back channel out/);
});

test('RC-07 RC-20: no answer is a timeout; a PLAY without answer plays if packets come', () => {
  const silent = new Bench(camera({ DESCRIBE: undefined })).start();
  silent.client.tick(0);
  silent.client.tick(9_999);
  assert.equal(silent.client.state, 'describe');
  silent.client.tick(10_000);
  assert.equal(silent.ended?.error?.code, 'RTSP_NO_ANSWER');
  const late = new Bench(camera({ PLAY: undefined })).start();
  late.client.tick(0);
  late.feed(rtp(0));
  late.client.tick(10_000);
  assert.ok(late.info);
});

test('RC-16 RC-18 RC-19 RC-21: TEARDOWN is sent and not waited for long; a lost connection is an error', () => {
  const bench = new Bench(camera()).start();
  bench.client.teardown();
  bench.run();
  assert.equal(bench.requests.at(-1)?.method, 'TEARDOWN');
  assert.deepEqual(bench.ended, { error: undefined });
  const mute = new Bench(camera({ TEARDOWN: undefined })).start();
  mute.client.tick(0);
  mute.client.teardown();
  mute.run().client.tick(2000);
  assert.deepEqual(mute.ended, { error: undefined });
  const lost = new Bench(camera()).start();
  lost.client.closed();
  assert.equal(lost.ended?.error?.code, 'RTSP_CONNECTION_CLOSED');
});

test('an answer without CSeq belongs to the request that is waited for', () => {
  assert.ok(
    new Bench(camera({ SETUP: { noCseq: true, headers: [] }, DESCRIBE: { noCseq: true, body: sdp } })).start().info,
  );
});

test('encrypted or unknown media end with a reason', () => {
  const secure = sdp.replaceAll('RTP/AVP', 'RTP/SAVP');
  assert.equal(new Bench(camera({ DESCRIBE: { body: secure } })).start().ended?.error?.code, 'RTSP_ENCRYPTED_MEDIA');
  assert.equal(
    new Bench(camera({ DESCRIBE: { body: 'v=0\r\ns=x\r\n' } })).start().ended?.error?.code,
    'RTSP_NO_TRACKS',
  );
  assert.equal(new Bench(camera({ DESCRIBE: { body: '<html>' } })).start().ended?.error?.code, 'SDP_MALFORMED');
  const html: Reply = { headers: [['Content-Type', 'text/html']], body: '<html>' };
  assert.equal(new Bench(camera({ DESCRIBE: html })).start().ended?.error?.code, 'RTSP_DESCRIPTION_TYPE');
});

test('every rule of the table is written down', async () => {
  const { readFile } = await import('node:fs/promises');
  const spec = await readFile(new URL('SPEC.md', import.meta.url), 'utf8');
  for (const row of Object.values(clientTable))
    for (const rule of Object.values(row)) assert.ok(spec.includes(`**${rule.id}**`), rule.id);
});

/** A client over UDP or multicast; the ports that it is given come when `give` is called. */
function datagramBench(transport: 'udp' | 'multicast', reply: (asked: string, n: number) => string | undefined) {
  const asked: string[] = [];
  const agreed: string[] = [];
  const waiting: (() => void)[] = [];
  let ended: { error: WatchpostError | undefined } | undefined;
  let playing = false;
  const queue: RtspRequest[] = [];
  const client = new RtspClient(
    { url, userAgent: 'Watchpost', transport },
    {
      send: (bytes) => {
        const parsed = parseRtspMessage(bytes, 0, bytes.length);
        if (typeof parsed === 'object' && parsed.request) queue.push(parsed.request);
      },
      onTracks: () => {},
      openPorts: (index, answer) => waiting.push(() => answer([5000 + 2 * index, 5001 + 2 * index])),
      onTransport: (index, spec) =>
        agreed.push(`${index} ${spec?.serverPort ?? '-'} ${spec?.source ?? '-'} ${spec?.destination ?? '-'}`),
      onPlaying: () => {
        playing = true;
      },
      onInterleaved: () => {},
      onEnd: (error) => {
        ended = { error };
      },
      connect: () => {},
    },
  );
  const run = () => {
    for (let request = queue.shift(); request; request = queue.shift()) {
      const headers: [string, string][] = [['CSeq', headerOf(request, 'CSeq')!]];
      if (request.method === 'SETUP') {
        asked.push(headerOf(request, 'Transport')!);
        const transportOf = reply(asked.at(-1)!, asked.length - 1);
        if (transportOf !== undefined) headers.push(['Transport', transportOf]);
        headers.push(['Session', '1']);
      }
      const body = request.method === 'DESCRIBE' ? { body: new TextEncoder().encode(sdp) } : {};
      const bytes = writeRtspResponse({ status: 200, reason: 'OK', headers, ...body });
      client.receive(bytes, 0, bytes.length);
    }
  };
  client.start();
  run();
  return {
    ...{ client, asked, agreed },
    ended: () => ended,
    playing: () => playing,
    give: () => {
      waiting.shift()?.();
      run();
    },
  };
}

test('RC-05 over UDP: a SETUP waits for two ports of ours, and asks for them', () => {
  const bench = datagramBench(
    'udp',
    (asked, n) => `${asked};source=192.0.2.7;server_port=${9000 + 2 * n}-${9001 + 2 * n}`,
  );
  assert.deepEqual(bench.asked, []);
  bench.give();
  assert.equal(bench.playing(), false);
  bench.give();
  assert.deepEqual(bench.asked, ['RTP/AVP;unicast;client_port=5000-5001', 'RTP/AVP;unicast;client_port=5002-5003']);
  assert.deepEqual(bench.agreed, ['0 9000,9001 192.0.2.7 -', '1 9002,9003 192.0.2.7 -']);
  assert.equal(bench.playing(), true);
});

test('quirks of SETUP replies over UDP: no server_port, no header (mtx#19, gortsplib#142)', () => {
  for (const transport of ['RTP/AVP;unicast;client_port=5000-5001', undefined]) {
    const bench = datagramBench('udp', () => transport);
    bench.give();
    bench.give();
    assert.equal(bench.playing(), true, `${transport}`);
    assert.match(bench.agreed.join(), /^0 - - -,1 - - -$/);
  }
});

test('RC-05: a reply with another transport than was asked for is refused, so that another way can be tried', () => {
  const cases: ['udp' | 'multicast', string][] = [
    ['udp', 'RTP/AVP/TCP;unicast;interleaved=0-1'],
    ['udp', 'RTP/AVP;multicast;destination=239.0.0.1;port=5000-5001'],
    ['multicast', 'RTP/AVP;unicast;client_port=5000-5001;server_port=1-2'],
  ];
  for (const [transport, answer] of cases) {
    const bench = datagramBench(transport, () => answer);
    bench.give();
    assert.equal(bench.ended()?.error?.code, 'RTSP_TRANSPORT_UNSUPPORTED', answer);
  }
});

test('RC-05 over multicast: the camera names the group', () => {
  const bench = datagramBench('multicast', () => 'RTP/AVP;multicast;destination=239.0.0.1;port=5000-5001;ttl=16');
  assert.deepEqual(bench.asked, ['RTP/AVP;multicast', 'RTP/AVP;multicast']);
  assert.deepEqual(bench.agreed, ['0 - - 239.0.0.1', '1 - - 239.0.0.1']);
  assert.equal(bench.playing(), true);
});

test('ports that come after the session has ended are not asked for', () => {
  const bench = datagramBench('udp', (asked) => asked);
  bench.client.closed();
  bench.give();
  assert.deepEqual(bench.asked, []);
});

test('RC-07 over UDP: a PLAY without answer plays if datagrams come', () => {
  const bench = new Bench(camera({ PLAY: undefined })).start();
  bench.client.tick(0);
  bench.client.countDatagram();
  bench.client.tick(10_000);
  assert.ok(bench.info);
});

test('a feature that is required stands in the requests that ask for it, and in no other', () => {
  const require = { feature: 'onvif-replay', methods: ['SETUP', 'PLAY'] };
  const bench = new Bench(camera(), { require, playHeaders: [['Rate-Control', 'no']] }).start();
  const having = bench.requests.filter((r) => headerOf(r, 'Require') === 'onvif-replay').map(({ method }) => method);
  assert.deepEqual(having, ['SETUP', 'SETUP', 'PLAY']);
  assert.equal(headerOf(bench.requests.at(-1)!, 'Rate-Control'), 'no');
});
