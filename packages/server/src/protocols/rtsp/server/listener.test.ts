import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { chooseChallenge, parseChallenges, writeAuthorization } from '@watchpost/media/rtsp/digest.ts';
import { headerOf } from '@watchpost/media/rtsp/message.ts';
import {
  cameraPacket,
  isBye,
  nalUnit,
  picture,
  playOverUdp,
  ServerBench,
  sdp,
  sound,
  TestCamera,
  udpSocket,
  until,
} from './test-bench.ts';

const tcp = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
const record = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record' };

const denied = (code: string, kind: 'unauthenticated' | 'forbidden' | 'resource_exhausted') =>
  new WatchpostError('no', { kind, code, context: { retryAfterSeconds: 7 } });

test('a player describes, sets up, plays, pauses and leaves', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate', [picture, sound]);
  const client = await bench.connect();
  const described = await client.expect(200, 'DESCRIBE');
  const text = new TextDecoder().decode(described.body);
  assert.equal(headerOf(described, 'Content-Base'), `${client.url}/`);
  assert.match(text, /c=IN IP4 0\.0\.0\.0/, 'Darwin wants it, and VLC must not take it for multicast');
  assert.match(text, /m=video 0 RTP\/AVP 96[\s\S]*sprop-parameter-sets=Z2QAKKzZ[\s\S]*a=control:trackID=0/);
  assert.match(text, /m=audio 0 RTP\/AVP 8[\s\S]*a=control:trackID=1/);
  // As FFmpeg writes it after a query, as GStreamer does before it; the channels are those of the track's place.
  const first = await client.expect(200, 'SETUP', { url: `${client.url}?token=x/trackID=0`, headers: tcp });
  const second = await client.expect(200, 'SETUP', { url: `${client.url}/trackID=1?token=x`, headers: tcp });
  assert.match(headerOf(first, 'Transport')!, /interleaved=0-1/);
  assert.match(headerOf(second, 'Transport')!, /interleaved=2-3/);
  assert.match(headerOf(first, 'Session')!, /^[0-9a-f]{16};timeout=55$/);
  const play = await client.expect(200, 'PLAY');
  assert.match(
    headerOf(play, 'RTP-Info')!,
    /^url=[^,]*trackID=0;seq=\d+;rtptime=\d+$/,
    'only of tracks that have sent',
  );
  assert.equal(headerOf(play, 'Range'), 'npt=0.000-');
  await until(() => client.frames.filter(({ channel }) => channel === 0).length === 3);
  camera.play(2);
  await until(() => client.frames.filter(({ channel }) => channel === 0).length === 5);
  for (const method of ['GET_PARAMETER', 'SET_PARAMETER', 'PLAY', 'PAUSE', 'PLAY', 'TEARDOWN'])
    await client.expect(200, method);
  await until(() => client.closed);
  assert.equal(bench.counts.players, 0);
});

test('who may not, and what is not there', async () => {
  await using bench = await ServerBench.open();
  await bench.online('gate');
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const client = await bench.connect();
    return client.ask('DESCRIBE', { url: client.url.replace('/live/gate', path), headers });
  };
  assert.equal((await ask('/live/none')).status, 404);
  assert.equal((await ask('/a/b/c')).status, 404);
  assert.equal((await ask('/gate')).status, 200, 'without /live');
  bench.refuse = () => denied('LOGIN_NEEDED', 'unauthenticated');
  const refused = await ask('/live/none?token=abc', { Authorization: 'Basic eDp5', 'User-Agent': 'vlc' });
  assert.equal(refused.status, 401, 'whoever may not look is not told what there is');
  assert.equal(headerOf(refused, 'WWW-Authenticate'), 'Basic realm="Watchpost"');
  const { action, streamId, headers, query, takesPasswords } = bench.asked.at(-1)!;
  assert.deepEqual(
    { action, streamId, headers, token: query.get('token'), takesPasswords },
    {
      ...{ action: 'live', streamId: 'none', token: 'abc', takesPasswords: true },
      headers: { authorization: 'Basic eDp5', 'user-agent': 'vlc' },
    },
  );
  bench.refuse = () => denied('ROLE_NEEDED', 'forbidden');
  assert.equal((await ask('/live/gate')).status, 403);
  bench.refuse = () => denied('LOGIN_THROTTLED', 'resource_exhausted');
  const throttled = await ask('/live/gate');
  assert.deepEqual([throttled.status, headerOf(throttled, 'Retry-After')], [503, '7']);
});

test('login is asked for once for each stream and action of a connection; three wrong ones close it', async () => {
  await using bench = await ServerBench.open();
  await bench.online('gate');
  bench.refuse = ({ headers }) =>
    headers['authorization'] === 'Basic right' ? undefined : denied('LOGIN_WRONG', 'unauthenticated');
  const client = await bench.connect();
  await client.expect(401, 'DESCRIBE');
  await client.expect(200, 'DESCRIBE', { headers: { Authorization: 'Basic right' } });
  await client.expect(200, 'SETUP', { url: `${client.url}/trackID=0`, headers: tcp });
  await client.expect(200, 'PLAY');
  assert.equal(bench.asked.length, 2);
  const guesser = await bench.connect();
  for (let i = 0; i < 3; i++) await guesser.expect(401, 'DESCRIBE', { headers: { Authorization: `Basic ${i}` } });
  await until(() => guesser.closed);
});

test('Digest is asked for where it is set, before Basic; a stale nonce asks for a new answer, not another password', async () => {
  await using bench = await ServerBench.open({ settings: { digest: true } });
  await bench.online('gate');
  bench.refuse = ({ proof }) =>
    proof?.username === 'id' && proof.matches('secret') ? undefined : denied('LOGIN_WRONG', 'unauthenticated');
  const client = await bench.connect();
  const challengesOf = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    const { headers: answered } = await client.expect(401, 'DESCRIBE', { headers });
    return answered.filter(([name]) => name === 'WWW-Authenticate').map(([, value]) => value);
  };
  const asked = await challengesOf();
  assert.deepEqual(
    asked.map((value) => value.replace(/nonce="\w+"/, 'nonce')),
    [
      'Digest realm="Watchpost", nonce, qop="auth", algorithm=SHA-256',
      'Digest realm="Watchpost", nonce, qop="auth"',
      'Basic realm="Watchpost"',
    ],
  );
  const answer = (values: string[], password: string) =>
    writeAuthorization(chooseChallenge(parseChallenges(values))!, {
      ...{ method: 'DESCRIBE', url: client.url, credentials: { username: 'id', password } },
    });
  assert.doesNotMatch((await challengesOf(answer(asked, 'wrong'))).join(), /stale/);
  bench.clock.advance(60_000);
  const again = await challengesOf(answer(asked, 'secret'));
  assert.match(again[0]!, /stale=true/);
  await client.expect(200, 'DESCRIBE', { headers: { Authorization: answer(again, 'secret') } });
});

test('a stream that is offline is waited for, 10 s; a stopped one is not', async () => {
  await using bench = await ServerBench.open();
  await bench.define('gate');
  await bench.define('off', { stopped: true });
  const client = await bench.connect();
  await client.expect(503, 'DESCRIBE', { url: client.url.replace('gate', 'off') });
  const late = client.ask('DESCRIBE');
  await until(() => bench.asked.length === 2);
  bench.clock.advance(9900);
  await bench.online('gate');
  assert.equal((await late).status, 200);
  await bench.define('never');
  const never = client.ask('DESCRIBE', { url: client.url.replace('gate', 'never') });
  await until(() => bench.asked.length === 3);
  await new Promise((resolve) => setImmediate(resolve));
  bench.clock.advance(10_000);
  assert.equal((await never).status, 503);
});

test('too many players get 453', async () => {
  await using bench = await ServerBench.open({ limits: { maxConnections: 3, maxPlays: 1 } });
  await bench.online('gate');
  await (await bench.connect()).play();
  const second = await bench.connect();
  await second.expect(453, 'SETUP', { url: `${second.url}/trackID=0`, headers: tcp });
});

test('where no place is left who has set up nothing makes room, the oldest first, and nobody who plays', async () => {
  await using bench = await ServerBench.open({ limits: { maxConnections: 2, maxPlays: 9 } });
  await bench.online('gate');
  const silent = await bench.connect();
  const asking = await bench.connect();
  await asking.expect(200, 'OPTIONS');
  const players = [await bench.connect()];
  await players[0]!.play();
  assert.deepEqual([silent.closed, asking.closed], [true, false]);
  players.push(await bench.connect());
  await players[1]!.play();
  assert.equal(asking.closed, true);
  const beyond = await bench.connect();
  await until(() => beyond.closed);
  assert.deepEqual(
    players.map(({ closed }) => closed),
    [false, false],
  );
});

test('over UDP packets come to the ports of the client; the session outlives its connection while reports come', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate');
  const { socket: rtp, client, headers } = await playOverUdp(bench);
  await until(() => rtp.got.some((packet) => packet.length === 512));
  client.socket.destroy();
  await until(() => bench.listener.connections === 0);
  rtp.got.length = 0;
  camera.play(1);
  await until(() => rtp.got.length > 0);
  bench.clock.advance(50_000);
  const other = await bench.connect();
  await other.expect(200, 'GET_PARAMETER', { headers });
  other.socket.destroy();
  bench.clock.advance(50_000);
  assert.equal(bench.counts.players, 1);
  bench.clock.advance(11_000);
  assert.equal(bench.counts.players, 0);
  const third = await bench.connect();
  await third.expect(454, 'GET_PARAMETER', { headers });
  rtp.close();
});

test('over UDP a BYE tells that a source changed its codecs; PAUSE and TEARDOWN are fine, PLAY is told why not', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate', [picture, sound]);
  const { socket, client, headers } = await playOverUdp(bench);
  const byes = () => socket.got.filter(isBye);
  await until(() => socket.got.length > 0);
  assert.equal(byes().length, 0);
  camera.publisher.close();
  new TestCamera(bench.hub.get('gate')!, bench.clock, [picture, { ...sound, codec: 'pcmu' }]).play(1);
  await until(() => byes().length === 1);
  assert.deepEqual([client.closed, bench.counts.players], [false, 0]);
  await client.expect(200, 'PAUSE', { headers });
  const { status, reason } = await client.ask('PLAY', { headers });
  assert.deepEqual([status, /describe the stream again/.test(reason)], [503, true]);
  await client.expect(200, 'TEARDOWN', { headers });
  socket.close();
});

test('a session over UDP whose stream is over ends after a minute of silence, if nobody ends it', async () => {
  await using bench = await ServerBench.open();
  await bench.online('gate');
  const { socket, client, headers } = await playOverUdp(bench);
  client.socket.destroy();
  await until(() => bench.listener.connections === 0);
  await bench.hub.remove('gate');
  const ask = async (status: number) => (await bench.connect()).expect(status, 'GET_PARAMETER', { headers });
  await ask(200);
  bench.clock.advance(61_000);
  await ask(454);
  socket.close();
});

test('other UDP ports are for sessions set up afterwards; those of the others stay theirs', async () => {
  await using bench = await ServerBench.open({ range: [21_000, 21_001] });
  const camera = await bench.online('gate');
  const setUp = async () => {
    const rtp = await udpSocket();
    const { port } = rtp.address();
    const client = await bench.connect();
    await client.expect(200, 'DESCRIBE');
    const headers = { Transport: `RTP/AVP;unicast;client_port=${port}-${port}` };
    const answer = await client.expect(200, 'SETUP', { url: `${client.url}/trackID=0`, headers });
    await client.expect(200, 'PLAY');
    return { rtp, ports: /server_port=[\d-]+/.exec(headerOf(answer, 'Transport')!)?.[0] };
  };
  const before = await setUp();
  bench.settings = { ...bench.settings, portRange: { first: 22_000, last: 22_001 } };
  const after = await setUp();
  assert.deepEqual([before.ports, after.ports], ['server_port=21000-21001', 'server_port=22000-22001']);
  for (const { rtp } of [before, after]) rtp.got.length = 0;
  camera.play(1);
  await until(() => [before, after].every(({ rtp }) => rtp.got.length > 0));
  for (const { rtp } of [before, after]) rtp.close();
});

test('a TEARDOWN of one track over UDP frees its ports; the other track goes on', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate', [picture, sound]);
  const [first, second] = [await udpSocket(), await udpSocket()];
  const client = await bench.connect();
  await client.expect(200, 'DESCRIBE');
  for (const [track, socket] of [first, second].entries()) {
    const { port } = socket.address();
    const headers = { Transport: `RTP/AVP;unicast;client_port=${port}-${port}` };
    await client.expect(200, 'SETUP', { url: `${client.url}/trackID=${track}`, headers });
  }
  await client.expect(200, 'PLAY');
  await client.expect(200, 'TEARDOWN', { url: `${client.url}/trackID=1` });
  await until(() => first.got.length > 0);
  first.got.length = 0;
  camera.play(1);
  await until(() => first.got.length > 0);
  await client.expect(200, 'TEARDOWN', { url: `${client.url}/trackID=0` });
  await until(() => client.closed);
  assert.equal(bench.counts.players, 0);
  first.close();
  second.close();
});

test('a TEARDOWN from another connection ends a session over UDP', async () => {
  await using bench = await ServerBench.open();
  await bench.online('gate');
  const { socket, headers } = await playOverUdp(bench);
  const other = await bench.connect();
  await other.expect(200, 'TEARDOWN', { headers });
  assert.equal(bench.counts.players, 0);
  socket.close();
});

test('an interleaved session ends with its connection, and lasts as long without keep-alives', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate');
  const client = await bench.connect();
  await client.play();
  for (let minute = 0; minute < 5; minute++) camera.play(25 * 60);
  assert.equal(bench.counts.players, 1);
  client.socket.destroy();
  await until(() => bench.counts.players === 0);
  assert.equal(bench.hub.get('gate')!.isRead, false);
});

test('connections without a request end after 10 s, idle ones after 60 s; drops of bytes are no request', async () => {
  await using bench = await ServerBench.open();
  await bench.online('gate');
  const silent = await bench.connect();
  const dripping = await bench.connect();
  const idle = await bench.connect();
  await idle.expect(200, 'DESCRIBE');
  await until(() => bench.listener.connections === 3);
  for (const letter of 'DESCRIBE r') {
    dripping.socket.write(letter);
    await new Promise((resolve) => setTimeout(resolve, 2));
    bench.clock.advance(1000);
  }
  bench.clock.advance(1000);
  await until(() => silent.closed && dripping.closed);
  assert.equal(idle.closed, false);
  bench.clock.advance(50_000);
  await until(() => idle.closed);
});

test('garbage, HTTP, and heads and bodies without end close their connection and harm nobody', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate');
  const player = await bench.connect();
  await player.play();
  const attacks: (string | Buffer)[] = [
    Buffer.alloc(2 << 20, 0xa5),
    'POST / HTTP/1.1\r\nHost: x\r\n\r\nTEARDOWN rtsp://x/live/gate RTSP/1.0\r\nCSeq: 1\r\n\r\n',
    `DESCRIBE rtsp://x/${'a'.repeat(5000)} RTSP/1.0\r\nCSeq: 1\r\n\r\n${'OPTIONS * RTSP/1.0\r\n\r\n'}`,
    `OPTIONS * RTSP/1.0\r\n${'x: y\r\n'.repeat(400_000)}`,
    'ANNOUNCE rtsp://x/live/a RTSP/1.0\r\nContent-Length: 99999999\r\n\r\nOPTIONS * RTSP/1.0\r\n\r\n',
    'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'.repeat(200_000),
  ];
  for (const bytes of attacks) {
    const attacker = await bench.connect();
    attacker.socket.pause();
    attacker.socket.write(bytes);
    attacker.socket.end();
    // Whoever does not read never sees the end; whoever hangs up is gone.
    await new Promise((resolve) => setTimeout(resolve, 50));
    attacker.socket.destroy();
  }
  await until(() => bench.listener.connections === 1);
  const before = player.frames.length;
  camera.play(1);
  await until(() => player.frames.length > before);
});

test('a publisher makes a stream, sends it and leaves; the stream stays a while, then goes', async () => {
  await using bench = await ServerBench.open();
  const client = await bench.connect();
  await client.expect(200, 'ANNOUNCE', { body: sdp });
  assert.deepEqual(bench.asked.at(-1)!.action, 'publish');
  await client.expect(200, 'SETUP', { url: `${client.url}/streamid=0`, headers: record });
  await client.expect(200, 'RECORD');
  const stream = bench.hub.get('gate')!;
  for (let i = 0; i < 3; i++) {
    const { chunk } = cameraPacket(nalUnit(i === 0, 500), { sequence: i, timestamp: i * 3600 });
    chunk[1] = 0x80 | 96;
    const frame = Buffer.alloc(4 + chunk.length);
    frame.set([0x24, 0, chunk.length >> 8, chunk.length & 255]);
    frame.set(chunk, 4);
    client.socket.write(frame);
  }
  // Its description had no parameter sets, so there is no picture yet; but it was heard.
  await until(() => stream.meter.packets === 3);
  client.socket.destroy();
  await until(() => stream.state === 'offline');
  bench.clock.advance(14_000);
  assert.equal(bench.hub.get('gate'), stream);
  bench.clock.advance(1100);
  await until(() => bench.hub.get('gate') === undefined);
});

test('a publisher over UDP gets an empty packet at RECORD, which opens the way through NAT (gortsplib server_session_media.go:97)', async () => {
  await using bench = await ServerBench.open();
  const rtp = await udpSocket();
  const port = rtp.address().port;
  const client = await bench.connect();
  await client.expect(200, 'ANNOUNCE', { body: sdp });
  const headers = { Transport: `RTP/AVP;unicast;client_port=${port}-${port};mode=record` };
  await client.expect(200, 'SETUP', { url: `${client.url}/streamid=0`, headers });
  assert.equal(rtp.got.length, 0);
  await client.expect(200, 'RECORD');
  await until(() => rtp.got.some((packet) => packet.length === 12 && packet[0] === 0x80));
  rtp.close();
});

test('what may not be published', async () => {
  await using bench = await ServerBench.open();
  await bench.define('camera', { sources: [parseSourceUrl('rtsp://192.0.2.1/x')], stopped: true });
  await bench.define('other', { protocol: 'rtmp' });
  await bench.define('off', { stopped: true });
  const announce = async (path: string, body = sdp) => {
    const client = await bench.connect();
    return (await client.ask('ANNOUNCE', { url: client.url.replace('/live/gate', path), body })).status;
  };
  assert.equal(await announce('/live/camera'), 403);
  assert.equal(await announce('/live/other'), 403);
  assert.equal(await announce('/live/off'), 503);
  assert.equal(await announce('/live/UPPER'), 400);
  assert.equal(await announce('/live/gate.sub'), 400);
  assert.equal(await announce('/a/b'), 404);
  assert.equal(await announce('/live/x', sdp.replace('H264', 'MP4V-ES')), 415);
  bench.refuse = ({ action }) => (action === 'publish' ? denied('ROLE_NEEDED', 'forbidden') : undefined);
  assert.equal(await announce('/live/gate'), 403);
  assert.deepEqual(
    bench.hub.list().map(({ id }) => id),
    ['camera', 'off', 'other'],
  );
});

test('a publisher needs no keep-alive, but is ended by 10 s without packets; the newest one wins', async () => {
  await using bench = await ServerBench.open();
  await bench.define('gate');
  const publish = async () => {
    const client = await bench.connect();
    await client.expect(200, 'ANNOUNCE', { body: sdp });
    await client.expect(200, 'SETUP', { url: `${client.url}/streamid=0`, headers: record });
    await client.expect(200, 'RECORD');
    return client;
  };
  const first = await publish();
  const second = await publish();
  await until(() => first.closed);
  const packet = Buffer.from([0x24, 0, 0, 16, 0x80, 96, ...new Array<number>(14).fill(0)]);
  for (let i = 0; i < 20; i++) {
    packet[7] = i;
    const before = bench.hub.get('gate')!.meter.packets;
    second.socket.write(packet);
    await until(() => bench.hub.get('gate')!.meter.packets > before);
    bench.clock.advance(9000);
  }
  assert.equal(second.closed, false, 'three minutes without a request');
  bench.clock.advance(1100);
  await until(() => second.closed);
  assert.equal(bench.hub.get('gate')!.reason?.code, 'SOURCE_SILENT');
});

test('a publisher of a stream that is stopped or removed is sent away', async () => {
  for (const how of ['stop', 'remove']) {
    await using bench = await ServerBench.open();
    await bench.define('gate');
    const client = await bench.connect();
    await client.expect(200, 'ANNOUNCE', { body: sdp });
    await client.expect(200, 'SETUP', { url: `${client.url}/streamid=0`, headers: record });
    await client.expect(200, 'RECORD');
    if (how === 'stop') await bench.define('gate', { stopped: true });
    else await bench.hub.remove('gate');
    await until(() => client.closed);
    assert.equal(bench.listener.publishers, 0);
  }
});

test('rtspclientsink gets the answer to its SETUP a second later', async () => {
  await using bench = await ServerBench.open();
  const client = await bench.connect();
  await client.expect(200, 'ANNOUNCE', { body: sdp });
  let answered = false;
  const headers = { ...record, 'User-Agent': 'GStreamer/1.26.2' };
  const setup = client.ask('SETUP', { url: `${client.url}/streamid=0`, headers }).then((response) => {
    answered = true;
    return response;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(answered, false);
  bench.clock.advance(1000);
  assert.equal((await setup).status, 200);
});

test('"0.0.0.0" is IPv4 only; a port that is taken is told with who has it', async () => {
  await using bench = await ServerBench.open({ host: '0.0.0.0' });
  await assert.rejects(
    () => new Promise((resolve, reject) => net.connect(bench.port, '::1', () => resolve(0)).on('error', reject)),
    /ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH/,
  );
  await using other = await ServerBench.open();
  await assert.rejects(
    other.listener.listen({ host: '0.0.0.0', port: bench.port }),
    (error: WatchpostError) => error.code === 'RTSP_PORT_TAKEN' || error.code === 'RTSP_BIND_FAILED',
  );
});
