import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, type StreamView, startTestServer, type TestServer, wait } from './harness.ts';

const login = { username: 'admin', password: 'p@ss:#1' };
let camera: RtspCamera;
let locked: RtspCamera;
let strange: net.Server;
let silent: net.Server;
let chatty: net.Server;
let server: TestServer;
let startedMs = 0;
const connections = { strange: 0, silent: 0 };

before(async () => {
  camera = await startRtspCamera({ port: 0 });
  locked = await startRtspCamera({ port: 0, auth: login });
  strange = await listen((socket) => {
    connections.strange++;
    answerWithUnknownCodec(socket);
  });
  silent = await listen(() => {
    connections.silent++;
  });
  chatty = await listen((socket) => socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
  const lockedUrl = locked.urls['main']!;
  startedMs = performance.now();
  server = await startTestServer({
    recording: 'enabled = false\nreconnect_delay = 1',
    cameras: [
      { id: 'wrong-password', url: lockedUrl, more: 'username = "admin"\npassword = "wrong"' },
      { id: 'no-password', url: locked.urls['h265']! },
      { id: 'refused', url: `rtsp://127.0.0.1:${await freePort()}/main` },
      { id: 'unknown-host', url: 'rtsp://camera.invalid/main' },
      // No route of TCP leads there, so nothing is sent.
      { id: 'unreachable', url: 'rtsp://255.255.255.255/main' },
      { id: 'wrong-path', url: `${camera.urls['main']}-nowhere` },
      { id: 'unknown-codec', url: `rtsp://127.0.0.1:${portOf(strange)}/main` },
      { id: 'silent', url: `rtsp://127.0.0.1:${portOf(silent)}/main` },
      { id: 'web-server', url: `rtsp://127.0.0.1:${portOf(chatty)}/main` },
    ],
  });
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await camera?.close();
  await locked?.close();
  for (const one of [strange, silent, chatty]) one?.close();
});

const sockets = new Set<net.Socket>();

function listen(onSocket: (socket: net.Socket) => void): Promise<net.Server> {
  return new Promise((resolve) => {
    const listener = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', () => {});
      socket.on('end', () => socket.end());
      onSocket(socket);
    });
    listener.listen(0, '127.0.0.1', () => resolve(listener));
  });
}

function portOf(listener: net.Server): number {
  return (listener.address() as net.AddressInfo).port;
}

/** A camera that is set to a codec which nobody knows. */
function answerWithUnknownCodec(socket: net.Socket): void {
  const sdp = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=x',
    't=0 0',
    'm=video 0 RTP/AVP 96',
    'a=rtpmap:96 SVAC3/90000',
    '',
  ].join('\r\n');
  socket.on('data', (data) => {
    const request = data.toString();
    const cseq = /CSeq: *(\d+)/i.exec(request)?.[1];
    const body = request.startsWith('DESCRIBE') ? sdp : '';
    const type = body === '' ? '' : 'Content-Type: application/sdp\r\n';
    socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`);
  });
}

/** Stream, its code, and the least time until the next attempt. */
const refusals: readonly {
  id: string;
  code: string;
  kind: string;
  says: RegExp;
  minRetryMs: number;
  withinMs?: number;
}[] = [
  {
    id: 'wrong-password',
    code: 'RTSP_CREDENTIALS_REFUSED',
    kind: 'unauthenticated',
    says: /refused the user name or password/,
    minRetryMs: 45_000,
  },
  {
    id: 'no-password',
    code: 'RTSP_CREDENTIALS_MISSING',
    kind: 'unauthenticated',
    says: /wants a user name and password/,
    minRetryMs: 45_000,
  },
  { id: 'refused', code: 'DIAL_REFUSED', kind: 'unavailable', says: /refused port \d+/, minRetryMs: 0 },
  { id: 'unknown-host', code: 'DIAL_UNKNOWN_HOST', kind: 'unavailable', says: /camera\.invalid/, minRetryMs: 0 },
  { id: 'unreachable', code: 'DIAL_UNREACHABLE', kind: 'unavailable', says: /255\.255\.255\.255/, minRetryMs: 0 },
  { id: 'wrong-path', code: 'RTSP_NOT_FOUND', kind: 'not_found', says: /check the path/, minRetryMs: 10_000 },
  { id: 'unknown-codec', code: 'CODEC_UNSUPPORTED', kind: 'unsupported', says: /svac3/i, minRetryMs: 45_000 },
  { id: 'silent', code: 'RTSP_NO_ANSWER', kind: 'timeout', says: /does not answer/, minRetryMs: 0, withinMs: 16_000 },
  {
    id: 'web-server',
    code: 'RTSP_NO_ANSWER',
    kind: 'timeout',
    says: /check that the port is RTSP/,
    minRetryMs: 0,
    withinMs: 16_000,
  },
];

describe('what keeps a camera away is told apart, with the next step and a retry', { concurrency: true }, () => {
  for (const { id, code, kind, says, minRetryMs, withinMs = 5000 } of refusals) {
    test(id, { timeout: 30_000 }, () =>
      server.guard(async () => {
        const refused = (stream: StreamView) => stream.state === 'offline';
        const stream = await server.waitFor(id, refused, withinMs);
        assert.equal(stream.reason?.code, code);
        assert.equal(stream.reason?.kind, kind);
        assert.match(stream.reason.message, says);
        const retryMs = Date.parse(stream.retry_at!) - Date.now();
        assert.ok(retryMs > minRetryMs - 1000 && retryMs < 80_000, `the next attempt is due in ${retryMs} ms`);
      }),
    );
  }

  test(
    'a wrong password is tried once a minute, an unknown codec too: no account is locked, nothing is hammered',
    {
      timeout: 50_000,
    },
    () =>
      server.guard(async () => {
        await wait(Math.max(0, startedMs + 30_000 - performance.now()));
        // One connection each of the two streams of that camera.
        assert.equal(locked.connectionCount, 2);
        assert.equal(connections.strange, 1);
        assert.ok(connections.silent <= 4, `${connections.silent} connections`);
        assert.ok(camera.connectionCount <= 3, `${camera.connectionCount} connections`);
      }),
  );

  test('the password is in no answer and no log', { timeout: 40_000 }, () =>
    server.guard(async () => {
      const stream = await server.waitFor('wrong-password', 'offline', 5000);
      assert.doesNotMatch(JSON.stringify(stream), /wrong"|:wrong@/);
      assert.doesNotMatch(server.log, /:wrong@/);
    }),
  );
});
